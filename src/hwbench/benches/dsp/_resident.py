"""A CuPy operation on arrays that stay in the GPU's memory, as the dsp benches time it."""

from __future__ import annotations

from collections.abc import Callable

from ...bench import Work
from ...protocols import DeviceArray, EitherArray, Gpu
from ...record.model import Scalar


def resident_work(device: Gpu, operation: Callable[..., DeviceArray], *given: DeviceArray, **facts: Scalar) -> Work:
    """The work of `operation(*given)`: calls are enqueued one after another, one synchronisation ends a sample."""
    found: list[EitherArray] = [None]

    def call() -> None:
        found[0] = operation(*given)

    made: Work = device.host_timed(
        call, output=lambda: device.get(found[0]), sync="end", facts={"transfers": False, **facts}
    )
    return made
