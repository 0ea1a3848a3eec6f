"""The roofs of a GPU: bandwidth of its L2 and of its memory by kernel, and peaks; measured once, kept for the setup.

They are a run of `device.stream` and `device.peak`. A function runs on the whole GPU, so there is one thread and no
roof of a part.
"""

from __future__ import annotations

import contextlib
import functools
import tempfile
from collections.abc import Callable
from pathlib import Path

from .. import catalog
from ..analysis.headline import STREAMS
from ..analysis.limits import GPU_CERTAIN, Limit
from ..bench import Bench
from ..catalog import LAZY
from ..errors import StoreError, UsageError
from ..measurement import session
from ..measurement.observer import TroubleOnly
from ..measurement.planning import Request
from ..record import store
from ..record.estimate import estimate
from ..record.model import GPU_LEVELS, Case, Run
from . import quantities, roofs
from .curve import Band
from .roofs import Roofs

KERNELS = {kind: f"gpu {kernel}" for kernel, kind in STREAMS.items()}
DTYPES = {"f4": "f4", "c8": "f4", "f2": "f2", "f8": "f8", "c16": "f8", "": "f8"}  # "": a function without floats
BANDWIDTH, PEAK = "gpu {kernel}", "gpu fma"  # what benches declare that they measure
PEAKS = ("f4", "f8", "f2")
FILE = "gpu-{index}.json"
SERVED = 2  # times L2: from there on a part of each pass that is worth mentioning comes from memory


class GpuRoofs(Roofs):
    """What a run says of the roofs of one GPU."""

    def __init__(self, run: Run, device: str, catalogue: object = LAZY) -> None:
        super().__init__(run, catalogue)
        self.device = device

    @property
    def title(self) -> str:
        """The GPU's name."""
        number = int(self.device.partition(":")[2] or 0)
        return next((gpu.name for gpu in self.run.machine.gpus[number : number + 1]), self.device)

    def on(self, threads: int) -> str:  # noqa: ARG002
        """The GPU, all of it."""
        return self.device

    @functools.cached_property
    def threads(self) -> int:
        """The whole GPU is one."""
        return 1

    @functools.cached_property
    def levels(self) -> list[str]:
        """L2 and HBM, as far as their bandwidth was measured."""
        known = {one.level for one in self.reading.limits if one.device == self.device and one.kind in KERNELS.values()}
        return [level for level in GPU_LEVELS if level in known]

    @functools.cached_property
    def l2(self) -> float:
        """Bytes of L2; 0 where no record tells."""
        found = [one.facts.get("l2_bytes") for one in self.reading.records if one.device == self.device]
        return max((float(one) for one in found if isinstance(one, int | float)), default=0.0)

    def level(self, footprint: float, threads: int = 1) -> str:  # noqa: ARG002
        """The level that holds so many bytes."""
        near = footprint <= SERVED * self.l2
        return self.levels[0] if near and self.levels else self.levels[-1] if self.levels else GPU_LEVELS[-1]

    def slope(self, kind: str, level: str, threads: int = 1) -> Limit | None:  # noqa: ARG002
        """The bandwidth of a level for a kernel; None where it was not measured."""
        return self.reading.best(KERNELS[kind], device=self.device, level=level)

    def peak(self, dtype: str, threads: int = 1) -> Limit | None:  # noqa: ARG002
        """The peak of multiply-adds in the type that the GPU computes this one in; None for whole numbers: no flops."""
        computed = DTYPES.get(dtype)
        return self.reading.best(PEAK, device=self.device, dtype=computed) if computed else None

    def roof(self, kind: str, footprint: float, threads: int = 1) -> Limit | None:  # noqa: ARG002
        """The bandwidth of the level that holds a working set of so many bytes."""
        return self.slope(kind, self.level(footprint))

    def band(self, kind: str, footprint: float, threads: int = 1, *, usual: bool = False) -> Band | None:  # noqa: ARG002
        """The same with what bounds it: between half of L2 and `GPU_CERTAIN` times as much both levels serve."""
        found = self.usual(kind, self.level(footprint)) if usual else None
        roof = self.roof(kind, footprint)
        if roof is None:
            return None
        value = roof.value if found is None else found
        each = [one.value for level in self.levels if (one := self.slope(kind, level)) is not None]
        between = self.l2 / 2 < footprint < GPU_CERTAIN * self.l2
        low, high = (min(*each, value), max(*each, value)) if between and not usual else (value, value)
        return Band(value, low, high, roof.level)

    def usual(self, kind: str, level: str, threads: int = 1) -> float | None:  # noqa: ARG002
        """Bytes a second of CuPy's own kernel at the median; None where it was not measured."""
        rates = [
            one.counts["bytes"] / estimate(one.samples).value
            for one in self.reading.records
            if one.timed and one.device == self.device and one.variant == "cupy"
            and (one.params.get("kernel"), one.params.get("size")) == (KERNELS[kind].removeprefix("gpu "), level)
        ]  # fmt: skip
        return max(rates, default=None)

    def cost(self, name: str) -> float:  # noqa: ARG002
        """What a rewrite costs beside bytes is not measured for GPUs."""
        return 0.0


def benches() -> list[str]:
    """Those that measure a GPU's bandwidths and its peak."""
    return [name for name, one in catalog.benches().items() if one.measures in (BANDWIDTH, PEAK)]


def wanted(bench: Bench, case: Case) -> bool:
    """Whether a case gives a roof: bandwidths of L2 and HBM, peaks."""
    if bench.measures == PEAK:
        return case.params.get("dtype") in PEAKS
    return case.params.get("size") in GPU_LEVELS


def get(
    device: str, tell: Callable[[str], object], stop: Callable[[], None] = lambda: None, *, refresh: bool = False
) -> GpuRoofs:
    """The roofs of a GPU; what was not measured for this setup is measured now."""
    path = file(device)
    if not refresh:
        with contextlib.suppress(StoreError, OSError):
            if path.exists() and (kept := GpuRoofs(store.read(path), device)).levels:
                return kept
    tell(f"measuring the roofs of {device} once")
    with tempfile.TemporaryDirectory(prefix="hwbench-") as out:
        request = Request(
            select=benches(), preset="labels", device=device, out=Path(out), only=wanted, policy=quantities.POLICY,
            folder=quantities.FOLDER,
        )  # fmt: skip
        run, _ = session.execute(request, TroubleOnly(tell), stop)
    made = GpuRoofs(run, device)
    if not made.levels:
        why = next((record.why for record in run.records if record.why), "nothing could be measured")
        raise UsageError(f"the roofs of {device} could not be measured: {why}")
    with contextlib.suppress(StoreError, OSError):  # a cache that cannot be written is no cache
        store.write(run, path)
    return made


def file(device: str) -> Path:
    """Where the roofs of a GPU of this setup are kept: beside those of the CPU."""
    here = roofs.file()
    return here.with_name(f"{here.stem}-{FILE.format(index=device.partition(':')[2])}")
