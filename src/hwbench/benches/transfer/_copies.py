"""TODO benches.transfer._copies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

TILE = 2**20  # bytes of random data, repeated: no link compresses, and a gigabyte of random numbers takes seconds


def _one_after_the_other(launches: list[Callable[[], Any]]) -> Callable[[], Any]:
    if len(launches) == 1:
        return launches[0]

    def call() -> None:
        for launch in launches:
            launch()

    return call
