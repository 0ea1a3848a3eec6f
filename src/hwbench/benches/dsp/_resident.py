"""TODO benches.dsp._resident."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...bench import Work


def _resident(device: Any, operation: Callable[..., Any], *given: Any, **facts: Any) -> Work:
    """An operation of CuPy on arrays that stay on the device: calls follow each other, one wait ends a sample."""
    found: list[Any] = [None]

    def call() -> None:
        found[0] = operation(*given)

    made: Work = device.host_timed(
        call, output=lambda: device.get(found[0]), sync="end", facts={"transfers": False, **facts}
    )
    return made
