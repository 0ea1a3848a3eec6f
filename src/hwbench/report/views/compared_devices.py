"""The devices of the table of CPU against GPU: the lecture's, those of datasheets, and each run's as measured."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ...analysis import datasheets
from ...analysis.limits import Limit
from ...analysis.measures import measuring
from ...record import text
from ...record.estimate import estimate
from ...record.microarchitectures import title
from ...record.model import Run
from ..dataset import Runs
from .gpu import common

MEASURED, DATASHEET, LECTURE = "measured here", "datasheet", "lecture"
# Work by which devices are compared: a fully connected network in float32, one example at a time, and a step of SGD.
WEIGHTS = 25e6
BATCH = 256
PCIE = 16e9  # B/s: PCIe 3.0 ×16 on the lecture's slide


@dataclass(frozen=True)
class HostLink:
    """The way from host to GPU: what it is called, and its B/s."""

    name: str
    rate: float


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
    run, limits = runs[index], runs.limits[index]
    label = runs.labels[index]
    peak = best_limit(limits, ("fma",), "", "f4")
    memory = best_limit(limits, ("load", "copy", "triad"), "DRAM", "")
    origin = [f"{limit.name}{', disturbed' if limit.suspect else ''}" for limit in (peak, memory) if limit is not None]
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
        "; ".join(origin),
    )
    for number, (device, kind) in enumerate([(cpu.model, "cpu"), *((one.name, "gpu") for one in run.machine.gpus)], -1):
        if kind == "gpu":
            yield from _measured_gpu(runs, index, number)
        sheet = known.find(device, kind)
        if sheet is not None:
            yield stated(sheet, f"{label}: {sheet.name}")


def _measured_gpu(runs: Runs, index: int, number: int) -> Iterator[Row]:
    """A GPU's row, where it was measured: float32 on the ordinary cores, as the datasheet's figure is."""
    run, limits, device = runs[index], runs.limits[index], f"gpu:{number}"
    peak = common.best(limits, device, "gpu fma", dtype="f4")
    memory = common.best(limits, device, "gpu copy", "gpu triad", level="HBM")
    if peak is None and memory is None:
        return
    card = run.machine.gpus[number]
    origin = [f"{limit.name}{', disturbed' if limit.suspect else ''}" for limit in (peak, memory) if limit is not None]
    yield Row(
        f"{runs.labels[index]}: {card.name}",
        MEASURED,
        None,
        peak.value if peak else None,
        card.memory,
        memory.value if memory else None,
        _divergence(run, device),
        "; ".join(origin),
        "gpu",
        _link(limits, device),
    )


def _link(limits: Sequence[Limit], device: str) -> HostLink | None:
    """The measured link to a GPU: the way there, since weights are sent and answers are short."""
    there, back = (common.best(limits, device, direction) for direction in ("h2d", "d2h"))
    best = there or back
    return None if best is None else HostLink("the measured link to it", best.value)


def _divergence(run: Run, device: str) -> str:
    """Slowdown of a warp whose threads take 32 paths, where it was measured."""
    times = {
        record.variant: estimate(record.samples).value
        for record in measuring(run, "divergence")
        if (record.device, record.params.get("paths")) == (device, 32) and record.timed
    }
    if times.get("uniform", 0) > 0 and "divergent" in times:
        return f"{text.amount(times['divergent'] / times['uniform'])}× for 32 ways in a warp"
    return text.NOTHING


def best_limit(limits: Sequence[Limit], kinds: Sequence[str], level: str, dtype: str) -> Limit | None:
    """The best limit of these kinds at a level, on the most threads; an undisturbed one where there is one."""
    fitting = [x for x in limits if x.kind in kinds and x.level == level and dtype in ("", x.dtype)]
    # Threads count before quality: an undisturbed limit of one thread describes a machine worse.
    most = max((x.threads for x in fitting), default=0)
    fitting = [x for x in fitting if x.threads == most]
    return max([x for x in fitting if not x.suspect] or fitting, key=lambda limit: limit.value, default=None)


def _control(run: Run) -> str:
    """Slowdown by unpredictable branches, where it was measured, at the share of taken branches that costs most.

    Over the longest sequence: predictors remember short ones.
    """
    times: dict[str, dict[tuple[int, float], float]] = {"sorted": {}, "shuffled": {}}
    for record in measuring(run, "branches"):
        if record.variant in times and record.timed:
            n, share = record.params.get("n"), record.params.get("share")
            if isinstance(n, int) and isinstance(share, int | float):
                times[record.variant][n, share] = statistics.median(record.samples)
    both = times["sorted"].keys() & times["shuffled"].keys()
    if not both:
        return text.NOTHING
    longest = max(n for n, _ in both)
    factor = max(times["shuffled"][at] / times["sorted"][at] for at in both if at[0] == longest)
    return f"{text.amount(factor)}× for unpredictable"


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
