"""The devices of the table of CPU against GPU: the lecture's, those of datasheets, and each run's as measured."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from ...analysis import datasheets
from ...analysis.headline import Headline
from ...analysis.measures import measuring
from ...analysis.ratios import ratio
from ...analysis.reading import Reading
from ...record import text
from ...record.estimate import Estimate, estimate
from ...record.facts import gpu_of, this_cpu
from ...record.microarchitectures import title
from ...record.model import Record, Run
from ...record.phrases import counted
from ...record.reasons import words_of
from ..dataset import Runs
from .machine import doubts

MEASURED, DATASHEET, LECTURE = "measured here", "datasheet", "lecture"
# Work by which devices are compared: a fully connected network in float32, one example at a time, and a step of SGD.
WEIGHTS = 25e6
BATCH = 256
Interval = tuple[float, float]
QUANTITIES = {
    "peak": "multiply-adds", "read": "reading memory", "copy": "copying in memory", "triad": "triad in memory",
}  # fmt: skip
PCIE = 16e9  # B/s: PCIe 3.0 ×16 on the lecture's slide


@dataclass(frozen=True)
class HostLink:
    """The way from host to GPU: what it is called, its B/s, and where it was measured their interval and doubts."""

    name: str
    rate: float
    interval: Interval | None = None
    doubt: tuple[str, ...] = ()

    def seconds(self, count: float) -> Estimate:
        """The time for so many bytes."""
        low, high = self.interval or (self.rate, self.rate)
        return Estimate(self.rate, low, high).inverse(count)


LECTURES_LINK = HostLink("the lecture's PCIe 3.0 ×16", PCIE)


@dataclass(frozen=True)
class Row:
    """A device in the table. FLOP/s in float32, bytes, B/s; None where there is no figure."""

    name: str
    origin: str
    cores: float | None = None
    flops: float | None = None
    memory: float | None = None
    bandwidth: float | None = None
    control: str = text.NOTHING
    note: str = ""
    kind: str = "cpu"
    link: HostLink | None = None  # a GPU's, where it was measured
    flops_interval: Interval | None = None
    bandwidth_interval: Interval | None = None
    doubt: tuple[str, ...] = ()  # why a measured figure is suspect, in words

    def estimate(self, quantity: Callable[[Row], float | None]) -> Estimate:
        """A quantity with the interval that those of arithmetic and bandwidth leave it, (0, ∞) without any."""
        ends = itertools.product(self.flops_interval or (self.flops,), self.bandwidth_interval or (self.bandwidth,))
        found = [quantity(replace(self, flops=flops, bandwidth=bandwidth)) for flops, bandwidth in ends]
        known = [one for one in found if one is not None and 0 < one < math.inf]
        low, high = (min(known), max(known)) if len(known) == len(found) else (0.0, math.inf)
        return Estimate(quantity(self) or 0.0, low, high)

    @property
    def balance(self) -> float | None:
        """Operations in the time of a byte from memory (machine balance)."""
        return self.flops / self.bandwidth if self.flops and self.bandwidth else None

    def inference(self) -> float | None:
        """Seconds for one example: each weight is read once (4 bytes) for 2 operations."""
        return self._seconds(2 * WEIGHTS, 4 * WEIGHTS)

    def training(self) -> float | None:
        """Seconds for a step of SGD on a batch.

        For each weight and example 2 operations forward and 4 backward; the weights are read forward and backward, the
        gradient is written and read, and the weights are written: 20 bytes a weight.
        """
        return self._seconds(6 * WEIGHTS * BATCH, 20 * WEIGHTS)

    def _seconds(self, flops: float, moved: float) -> float | None:
        """The roofline: whichever of arithmetic and memory takes longer."""
        return max(flops / self.flops, moved / self.bandwidth) if self.flops and self.bandwidth else None


# The slides' table, "typical / high end", and their machines.
SLIDES = (
    Row("CPU, typical", LECTURE, 6, 0.2e12, 32e9, 30e9, "strong"),
    Row("CPU, high end", LECTURE, 64, 1e12, 1e12, 100e9, "strong"),
    Row("GPU, typical", LECTURE, 2000, 10e12, 16e9, 400e9, "weak"),
    Row("GPU, high end", LECTURE, 4000, 100e12, 32e9, 1e12, "weak"),
    Row("Core i7-6700K", LECTURE, 4, 0.15e12, 32e9, 30e9, "strong"),
    Row("2 x Xeon E5-2686 v4 (P3.16xlarge)", LECTURE, 32, None, None, None, "strong"),
    Row("TITAN X (Pascal)", LECTURE, 2584, 12e12, 16e9, 480e9, "weak"),
)
MACHINES = ("Core i7-6700K", "2 x Xeon E5-2686 v4 (P3.16xlarge)", "TITAN X (Pascal)")


def measured_rows(runs: Runs, index: int, known: datasheets.Datasheets) -> Iterator[Row]:
    """The rows of one run's machine: CPU and GPUs as measured, each before its datasheet."""
    run, reading = runs[index], runs.readings[index]
    label = runs.labels[index]
    peak = reading.get(f"peak.f4.{reading.who}")
    memory = reading.memory()
    cpu = run.machine.cpu
    cores = min(cpu.physical, len(cpu.allowed) or cpu.physical)
    yield Row(
        f"{label}: {title(cpu)}",
        MEASURED,
        cores,
        peak.value if peak else None,
        run.machine.memory.total,
        memory.value if memory else None,
        _control(run),
        _said(peak, memory),
        flops_interval=_interval(peak),
        bandwidth_interval=_interval(memory),
        doubt=_doubt(peak, memory),
    )
    for number, (device, kind) in enumerate([(cpu.model, "cpu"), *((one.name, "gpu") for one in run.machine.gpus)], -1):
        if kind == "gpu":
            yield from _measured_gpu(runs, index, f"gpu:{number}")
        sheet = known.find(device, kind)
        if sheet is not None:
            yield stated(sheet, f"{label}: {sheet.name}")
    for name in (f"opencl:{number}" for number in range(len(run.machine.opencl))):
        if not this_cpu(run, name):  # which has its row already
            yield from _measured_gpu(runs, index, name)


def _measured_gpu(runs: Runs, index: int, device: str) -> Iterator[Row]:
    """A GPU's row, where it was measured: float32 on the ordinary cores, as the datasheet's figure is."""
    run, reading = runs[index], runs.readings[index]
    peak = reading.get("peak.f4", device)
    memory = reading.memory(device)
    if peak is None and memory is None:
        return
    card = gpu_of(run, device)
    if card is None:
        return
    twice = device.startswith("opencl") and any(one.name == card.name for one in run.machine.gpus)
    yield Row(
        f"{runs.labels[index]}: {card.name}{' by OpenCL' * twice}",
        MEASURED,
        None,
        peak.value if peak else None,
        card.memory,
        memory.value if memory else None,
        _divergence(run, device),
        _said(peak, memory),
        "gpu",
        _link(reading, device),
        _interval(peak),
        _interval(memory),
        _doubt(peak, memory),
    )


def _interval(found: Headline | None) -> Interval | None:
    return None if found is None else (found.low, found.high)


def _doubt(*found: Headline | None) -> tuple[str, ...]:
    codes = dict.fromkeys(code for one in found if one is not None for code in one.doubt or ())
    return tuple(map(words_of, codes))


def _said(*found: Headline | None) -> str:
    """`multiply-adds, 2 threads; reading memory, 2 threads`: of what the figures are, with their doubts."""
    return "; ".join(
        next(words for name, words in QUANTITIES.items() if name in one.name.split("."))
        + (f", {counted(one.threads, 'thread')}" if one.threads else "")
        + doubts(one)
        for one in found
        if one is not None
    )


def _link(reading: Reading, device: str) -> HostLink | None:
    """The measured link to a GPU: the way there, since weights are sent and answers are short."""
    found = reading.link("h2d", device) or reading.link("d2h", device)
    if found is None:
        return None
    name = f"the measured link to it, {found.name.split('.')[1]} memory"
    return HostLink(name, found.value, _interval(found), _doubt(found))


def _divergence(run: Run, device: str) -> str:
    """Slowdown of a warp, or by OpenCL of neighbours, whose threads take 32 paths, where it was measured."""
    times = {
        record.variant.removeprefix("opencl-"): estimate(record.samples).value
        for record in measuring(run, "divergence")
        if (record.device, record.params.get("paths")) == (device, 32) and record.timed
    }
    if times.get("uniform", 0) > 0 and "divergent" in times:
        among = "among neighbours" if device.startswith("opencl") else "in a warp"
        return f"{text.amount(times['divergent'] / times['uniform'])}× for 32 ways {among}"
    return text.NOTHING


def _control(run: Run) -> str:
    """Slowdown by unpredictable branches, where it was measured, at the share of taken branches that costs most.

    Over the longest sequence: predictors remember short ones.
    """
    found: dict[str, dict[tuple[int, float], Record]] = {"sorted": {}, "shuffled": {}}
    for record in measuring(run, "branches"):
        if record.variant in found and record.timed:
            n, share = record.params.get("n"), record.params.get("share")
            if isinstance(n, int) and isinstance(share, int | float):
                found[record.variant][n, share] = record
    both = found["sorted"].keys() & found["shuffled"].keys()
    if not both:
        return text.NOTHING
    longest = max(n for n, _ in both)
    factor = max(ratio(found["shuffled"][at], found["sorted"][at]).value for at in both if at[0] == longest)
    return f"{text.amount(factor)}× slower if unpredictable"


def stated(device: datasheets.Processor, name: str) -> Row:
    """A device by its datasheet, called `name`."""

    def value(figure: datasheets.Rating | None) -> float | None:
        return None if figure is None else figure.value

    return Row(
        name,
        DATASHEET,
        value(device.cores),
        value(device.fp32),
        value(device.memory),
        value(device.bandwidth),
        "strong" if device.kind == "cpu" else "weak",
        kind=device.kind,
    )
