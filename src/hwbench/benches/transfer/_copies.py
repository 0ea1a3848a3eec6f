"""What benches of the link share: the data that is sent, a kernel that copies, copies enqueued one after the other."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...protocols import Array, Call, DeviceArray, Gpu, Stream
from .._gpu import BLOCK

TILE = 2**20  # bytes of random data, repeated: no link compresses, and a gigabyte of random numbers takes seconds
WORD = 16  # bytes that a thread of `move16` takes at a time
WAVES = 8  # blocks of `move16` for each multiprocessor: 4 MiB in flight on a large card


def pattern(rng: np.random.Generator, size: int) -> Array:
    """`size` random bytes, the first MiB over and over."""
    return np.resize(rng.integers(0, 256, min(size, TILE), dtype=np.uint8), size)


Place = np.uint64 | DeviceArray  # what lies elsewhere is given by its address


def by_kernel(device: Gpu, ends: tuple[Place, Place], nbytes: int, stream: Stream | None = None) -> Callable[[], None]:
    """What enqueues a kernel's copy from the first of two places to the second each time it is called."""
    words = nbytes // WORD
    blocks = max(1, min(-(-words // BLOCK), WAVES * device.properties.sm))
    return device.launcher("transfer.copy", "move16", blocks, BLOCK, (*ends, np.int64(words)), stream=stream)


def one_after_the_other(launches: list[Call]) -> Call:
    """A call that enqueues all of them."""
    if len(launches) == 1:
        return launches[0]

    def call() -> None:
        for launch in launches:
            launch()

    return call
