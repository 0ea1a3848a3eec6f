"""The devices that benches run on, and the protocol by which the engine uses them.

`cpu.py` drives the host's CPUs, `gpu.py` one NVIDIA GPU, `opencl.py` one OpenCL device, and `absent.py` stands in for a
missing one. Anything that fits `Device` is a device: the tests' scripted one has its own clock, so that they can check
every rule of the engine to the digit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeAlias

import numpy.typing as npt

from ..bench import Pages, Sweep, Threads, Work
from ..protocols import Array, Inputs, Shape, Values
from ..record.model import Scalar

MEMORY_SHARE = 0.6  # of a device's free memory may be taken; the rest is for the system and other processes

AxisValue: TypeAlias = Sweep | Threads | Pages
"""An axis value that depends on the machine."""


class Device(Protocol):
    """What the engine needs of a device."""

    name: str  # "cpu", "gpu:0", "opencl:0"
    kind: str  # "cpu", "gpu", "opencl"

    @property
    def sizes(self) -> Mapping[str, int]:
        """What each size label resolved so far stands for, in bytes, for one thread."""

    def spread(self, value: AxisValue) -> Sequence[Scalar]:
        """The values that an axis value stands for on this machine."""

    def resolve(self, params: Mapping[str, Scalar]) -> Values:
        """What builders are given for each axis.

        `size` becomes bytes a thread, `threads` a count, `dtype` a `numpy.dtype`; everything else stays. Raises `Skip`
        where this machine has no such level, page size or thread count.
        """

    def place(self, inputs: Inputs, where: str) -> Inputs:
        """The inputs as a builder gets them: copies on the `device`, or on the `host` as they are.

        Called right before each build: a GPU is made the current one here.
        """

    def host_empty(self, shape: Shape, dtype: npt.DTypeLike) -> Array:
        """An array on the host, unwritten, until `reclaim`: what `inputs` and builders make theirs in."""

    def reclaim(self) -> None:
        """Take back what `host_empty` gave: the contrast is over."""

    def free_memory(self) -> int:
        """Bytes that may still be taken, a cgroup's limit counted in."""

    def settle(self, seconds: float) -> None:
        """Keep the device busy until its clock is stable, `seconds` at most."""

    def time(self, work: Work, loops: int) -> float:
        """Seconds that `loops` calls of the work took."""

    def quiet(self) -> bool:
        """Wait until what earlier calls began has ended (spinning threads, queued kernels); False: it does not end."""

    def lost(self, error: Exception) -> str:
        """Why the device can measure nothing more in this process after this error; "" where it can."""

    def counters(self) -> dict[str, float]:
        """Running totals whose growth over a round tells what disturbed it.

        `wall_s`, against which the others are judged, and what is known of `steal_s`, `others_s`, `throttled_s` …
        """

    def core_share(self, work: Work) -> float | None:
        """The least share of its core's throughput that a CPU of this work has after a sample; None: not known."""

    def gauges(self) -> dict[str, float]:
        """Readings of the moment, such as `clock_hz`; asked for after the samples of a round."""
