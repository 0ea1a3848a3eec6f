"""Our launches beside those of the same source built by nvcc: on the same arrays and grids, in turns.

Ours are compiled by NVRTC, launched from Python and timed as benches are, behind the gate. Nvcc's are launched by a C
loop between two events. A ratio above 1 says that ours take less time.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from hwbench.record.estimate import Estimate, paired_ratio

ROUNDS = 9
SAMPLE_S = 0.02
MOST = 20_000  # launches of a sample: of the shortest, 20 ms are more


@dataclass(frozen=True)
class Launch:
    """A launch that a builder asked the device for."""

    topic: str
    kernel: str
    grid: tuple[int, ...]
    block: tuple[int, ...]
    arguments: tuple[Any, ...]
    shared: int
    cooperative: bool


@contextlib.contextmanager
def recorded(device: Any) -> Iterator[list[Launch]]:
    """What builders ask for meanwhile, in order."""
    asked: list[Launch] = []
    plain = device.launcher

    def launcher(
        topic: str, kernel: str, grid: Any, block: Any, args: Sequence[Any] = (), *, shared: int = 0,
        cooperative: bool = False, **more: Any,
    ) -> Callable[[], None]:  # fmt: skip
        made: Callable[[], None] = plain(
            topic, kernel, grid, block, args, shared=shared, cooperative=cooperative, **more
        )
        asked.append(Launch(topic, kernel, _tuple(grid), _tuple(block), tuple(args), shared, cooperative))
        return made

    device.launcher = launcher
    try:
        yield asked
    finally:
        del device.launcher  # the method of the class is seen again


def beside(device: Any, launch: Launch, native: Any, rounds: int = ROUNDS) -> Estimate:
    """Seconds of nvcc's over seconds of ours, in the middle over pairs of samples, with its interval."""
    call = device.launcher(
        launch.topic, launch.kernel, launch.grid, launch.block, launch.arguments, shared=launch.shared,
        cooperative=launch.cooperative,
    )  # fmt: skip

    def theirs(loops: int) -> float:
        return float(
            native.launched(
                launch.kernel, launch.grid, launch.block, launch.arguments, loops, shared=launch.shared,
                cooperative=launch.cooperative,
            )
        )  # fmt: skip

    return _paired(device.timed(call), theirs, rounds)


def copies(device: Any, native: Any, direction: str, nbytes: int, rounds: int = ROUNDS) -> Estimate:
    """The same of copies between the device and pinned memory: `h2d` or `d2h`."""
    host, there = device.host("pinned", nbytes), device.empty(nbytes)
    to, of = (there, host) if direction == "h2d" else (host, there)
    addresses = [one.ptr if one is host else one.data.ptr for one in (to, of)]
    try:
        return _paired(
            device.timed(device.copier(to, of, nbytes)), lambda loops: native.copied(*addresses, nbytes, loops), rounds
        )
    finally:
        host.close()


def _paired(work: Any, theirs: Callable[[int], float], rounds: int) -> Estimate:
    work.timer(1)
    loops = min(MOST, max(1, round(SAMPLE_S / max(work.timer(1), 1e-9))))
    ours, nvccs = [], []
    for turn in range(rounds):
        for first in (turn % 2, 1 - turn % 2):
            if first:
                nvccs.append(theirs(loops))
            else:
                ours.append(work.timer(loops) / loops)
    return paired_ratio(nvccs, ours)


def _tuple(value: Any) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else (int(value),)
