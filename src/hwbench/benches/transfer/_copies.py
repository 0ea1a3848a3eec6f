"""What benches of the link share: the data that is sent, and copies enqueued one after the other."""

from __future__ import annotations

from ...protocols import Call

TILE = 2**20  # bytes of random data, repeated: no link compresses, and a gigabyte of random numbers takes seconds


def one_after_the_other(launches: list[Call]) -> Call:
    """A call that enqueues all of them."""
    if len(launches) == 1:
        return launches[0]

    def call() -> None:
        for launch in launches:
            launch()

    return call
