"""What is usual: for some quantities the range in which a quiet machine should lie, and what helps outside of it.

The ranges are a judgement, wide on purpose: within them nothing is said. `docs/summary.md` has them as a table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from ..record import text
from ..record.facts import gpu_of
from ..record.phrases import counted
from . import causes
from .datasheets import load
from .headline import Headline
from .reading import Reading, Share

LANE = {1: 0.25e9, 2: 0.5e9, 3: 0.985e9, 4: 1.969e9, 5: 3.938e9, 6: 7.563e9}  # B/s of a PCIe lane, by generation


class Seen(NamedTuple):
    """A quantity as this run has it: its value, text, bench, and whether a figure behind it is doubtful."""

    value: float
    shown: str
    bench: str
    doubtful: bool


@dataclass(frozen=True)
class Usual:
    """A quantity, its usual bounds (None: no value is unusual on that side), and what helps outside of them.

    `words` is the subject of a sentence with `{}` for the value. `remedy` is text, or a function of the reading.
    """

    words: str
    seen: Callable[[Reading], Seen | None]
    low: float | None
    high: float | None
    show: Callable[[float], str]
    remedy: str | Callable[[Reading], str]

    def distance(self, value: float) -> float:
        """How far a value is from its usual range, as a factor; 1 within it."""
        if self.high is not None and value > self.high:
            return value / self.high
        if self.low is not None and 0 < value < self.low:
            return self.low / value
        return 1.0

    def said(self, seen: Seen) -> str:
        """The first half of a sentence: the quantity and its value."""
        return self.words.format(seen.shown)

    @property
    def range(self) -> str:
        """`60.0 ns to 180 ns`, `from 70% on`, `up to 20×`."""
        if self.low is None or self.high is None:
            bound = self.high if self.low is None else self.low
            return f"{'up to' if self.low is None else 'from'} {self.show(bound or 0.0)}{' on' * (self.high is None)}"
        return f"{self.show(self.low)} to {self.show(self.high)}"


def _of(one: Headline | None, value: float | None = None, shown: str = "", *others: Headline | None) -> Seen | None:
    """A headline quantity as seen, or a value made of it and of others; None where one of them is missing."""
    if one is None or None in others:
        return None
    doubtful = any(head is not None and head.doubt for head in (one, *others))
    amount = one.value if value is None else value
    return Seen(amount, shown, one.bench, doubtful)


def _plain(name: str, show: Callable[[float], str]) -> Callable[[Reading], Seen | None]:
    def seen(reading: Reading) -> Seen | None:
        one = reading.get(name)
        return None if one is None else _of(one, one.value, show(one.value))

    return seen


def matmul(reading: Reading) -> tuple[Headline, Share | None] | None:
    """NumPy's product of matrices, in FP64 and on all threads where it was measured so, and its share of the peak."""
    for name in (f"matmul.f8.{reading.who}", "matmul.f8.one", f"matmul.f4.{reading.who}", "matmul.f4.one"):
        if (one := reading.get(name)) is not None:
            record = next(r for r in reading.records if r.case.label == one.record and r.device == one.device)
            return one, reading.share(record)
    return None


def _matmul(reading: Reading) -> Seen | None:
    one, share = matmul(reading) or (None, None)
    return None if share is None else _of(one, share.value, text.share(share.value))


def _matmul_remedy(reading: Reading) -> str:
    why = causes.blas(reading.run)
    return f"{why}: undo that." if why else "Try another BLAS, or a newer one."


def _scaling(reading: Reading) -> Seen | None:
    """The peak of all threads over that of one, for each core that they have."""
    one, every = reading.get("peak.f8.one"), reading.get("peak.f8.all")
    if one is None or every is None or (every.threads or 1) < 2:
        return None
    value = every.value / one.value / min(every.threads or 1, reading.run.machine.cpu.physical)
    return _of(every, value, text.share(value), one)


def _prange(reading: Reading) -> Seen | None:
    one = reading.get("prange.compute")
    if one is None or (one.threads or 1) < 2:
        return None
    value = one.value / min(one.threads or 1, reading.run.machine.cpu.physical)
    return _of(one, value, text.share(value))


def _gpus(reading: Reading) -> list[str]:
    return list(dict.fromkeys(one.device for one in reading.headline if one.device.startswith("gpu:")))


def _hbm(reading: Reading) -> Seen | None:
    """The best of a GPU's memory bandwidths, as a share of its datasheet's."""
    for device in _gpus(reading):
        gpu = gpu_of(reading.run, device)
        sheet = load().find(gpu.name, "gpu") if gpu else None
        found = [reading.get(f"hbm.{kernel}", device) for kernel in ("read", "copy", "triad")]
        best = max((one for one in found if one is not None), key=lambda one: one.value, default=None)
        if best is not None and sheet is not None and sheet.bandwidth is not None:
            value = best.value / sheet.bandwidth.value
            return _of(best, value, text.share(value))
    return None


def _pcie(reading: Reading) -> Seen | None:
    """The better direction of a GPU's link from pinned memory, as a share of what its lanes carry."""
    for device in _gpus(reading):
        gpu = gpu_of(reading.run, device)
        pcie = (gpu.pcie or {}) if gpu else {}
        lane, lanes = LANE.get(pcie.get("max_generation", 0)), pcie.get("max_width")
        found = [reading.get(f"{way}.pinned", device) for way in ("h2d", "d2h")]
        best = max((one for one in found if one is not None), key=lambda one: one.value, default=None)
        if best is not None and lane and isinstance(lanes, int) and lanes > 0:
            value = best.value / (lane * lanes)
            return _of(best, value, text.share(value))
    return None


def _pageable(reading: Reading) -> Seen | None:
    for device in _gpus(reading):
        pinned, plain = reading.get("h2d.pinned", device), reading.get("h2d.pageable", device)
        if pinned is not None and plain is not None:
            value = plain.value / pinned.value
            return _of(plain, value, text.share(value), pinned)
    return None


def _launch(reading: Reading) -> Seen | None:
    for device in _gpus(reading):
        if (one := reading.get("launch", device)) is not None:
            return _of(one, one.value, text.seconds(one.value))
    return None


def _memory_remedy(reading: Reading) -> str:
    if reading.run.machine.virtual:
        return "Ask the host for memory of this guest's own NUMA node and for huge pages behind it."
    if len(reading.run.machine.numa) > 1:
        nodes = counted(len(reading.run.machine.numa), "NUMA node")
        return f"Keep data on the node of its CPU ({nodes}): numactl --cpunodebind=0 --membind=0."
    return "Check the memory's profile (XMP, EXPO) and power saving in the firmware."


MEASURED: tuple[Usual, ...] = (
    Usual(
        "Memory answers after {}", _plain("dram.latency", text.seconds), None, 180e-9, text.seconds, _memory_remedy
    ),
    Usual("L3 answers after {}", _plain("l3.latency", text.seconds), None, 60e-9, text.seconds, ""),
    Usual(
        "A cache line takes {} from one core to another", _plain("core_to_core", text.seconds), None, 150e-9,
        text.seconds, "Keep threads that share data within one socket or core complex (taskset, OMP_PLACES).",
    ),
    Usual("NumPy's matrix product reaches {} of the peak", _matmul, 0.75, None, text.share, _matmul_remedy),
    Usual(
        "On all threads a core reaches {} of the peak that it has alone", _scaling, 0.7, None, text.share,
        "Power, heat or a quota slow all cores down together: hwbench machine shows which.",
    ),
    Usual(
        "A compute-bound prange loop reaches {} of the ideal speed-up", _prange, 0.75, None, text.share,
        "Other work, a quota or the threading layer hold it back: try NUMBA_THREADING_LAYER=omp or tbb.",
    ),
    Usual(
        "A call of a Python function takes {}", _plain("call.python", text.seconds), None, 80e-9, text.seconds,
        "Use a newer Python; turn off tracers, profilers and coverage.",
    ),
    Usual(
        "A call of NumPy on one element takes {}", _plain("call.numpy", text.seconds), None, 500e-9, text.seconds,
        "Use a newer NumPy; handle more elements in a call.",
    ),
    Usual(
        "Summing down columns takes {} as long as along rows", _plain("column_over_row", text.times), None, 20.0,
        "{:g}×".format, "Loop along rows, or copy the matrix with numpy.asfortranarray.",
    ),
    Usual(
        "The GPU's memory reaches {} of its datasheet's bandwidth", _hbm, 0.85, None, text.share,
        "See what else uses the GPU, and its memory clock: nvidia-smi -q -d CLOCK.",
    ),
    Usual(
        "The link to the GPU reaches {} of what its lanes carry", _pcie, 0.75, None, text.share,
        "See the link's generation and width under load: nvidia-smi -q, GPU Link Info.",
    ),
    Usual(
        "Copies to the GPU from pageable memory reach {} of those from pinned memory", _pageable, 0.4, None, text.share,
        "Copy from pinned memory (cupyx.empty_pinned).",
    ),
    Usual(
        "Launching a kernel takes {}", _launch, None, 10e-6, text.seconds,
        "Put more work into a kernel, or record launches as a CUDA graph.",
    ),
)  # fmt: skip
