"""The lecture's table of CPU against GPU, with this machine in it: measured, by its datasheet, and what suits it."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ...analysis import datasheets
from ...analysis.limits import Limit
from ...record.estimate import estimate
from ...record.model import Run
from ...record.units import digits, format_bytes
from .. import format
from ..dataset import Runs
from ..format import NOTHING
from ..sections import Block, Figure, Key, Notes, Panel, Section, Table
from .applications import charts
from .gpu import common

GIB = 2.0**30
MEASURED, DATASHEET, LECTURE = "measured here", "datasheet", "lecture"
COLOURS = {MEASURED: "c2", DATASHEET: "c1", LECTURE: "c8"}
# Work by which devices are compared: a fully connected network in float32, a question at a time, and a step of SGD.
WEIGHTS = 25e6
BATCH = 256
PCIE = 16e9  # B/s: PCIe 3.0 ×16 on the lecture's slide


@dataclass(frozen=True)
class Link:
    """The way from host to GPU: what it is called, and its B/s."""

    name: str
    rate: float


LECTURES_LINK = Link("the lecture's PCIe 3.0 ×16", PCIE)


@dataclass(frozen=True)
class Row:
    """A device in the table. FLOP/s in float32, bytes, B/s; None where there is no figure."""

    name: str
    origin: str
    cores: float | None = None
    flops: float | None = None
    memory: float | None = None
    bandwidth: float | None = None
    control: str = NOTHING
    note: str = ""
    kind: str = "cpu"
    link: Link | None = None  # a GPU's, where it was measured

    @property
    def balance(self) -> float | None:
        """Operations in the time that a byte takes from memory."""
        return self.flops / self.bandwidth if self.flops and self.bandwidth else None

    def inference(self) -> float | None:
        """Seconds for one question: each weight is read once (4 bytes) for 2 operations."""
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


def view(runs: Sequence[Run]) -> Section | None:
    """The table and what it says; None where neither a measured limit nor a datasheet adds a row to the lecture's."""
    runs = Runs.of(runs)
    known = datasheets.load()
    own = [row for index in range(len(runs)) for row in _own(runs, index, known)]
    if not any(row.flops or row.bandwidth for row in own):
        return None
    machines = [_stated(known.named(name), name) for name in MACHINES]
    blocks: list[Block] = [_figure(own, machines, known)]
    blocks.append(_table(own, machines))
    sentences = [sentence for cards in _by_run(own) for sentence in _suits(*cards, machines, runs.several)]
    if sentences:
        blocks.append(Notes("What this balance suits", sentences, _assumptions()))
    blocks.append(_sources(own, machines, known))
    intro = [
        "The lecture compares CPUs and GPUs by cores, arithmetic, memory and control flow. Here this machine's "
        "measured limits stand in that table, "
        "beside its datasheet where one is known, and beside the lecture's own machines. Datasheets state what "
        "cannot be exceeded; measured figures "
        "are what was reached.",
        "The quotient of arithmetic and bandwidth, the balance, says how often a number that was fetched from memory "
        "has to be used before arithmetic "
        "and not memory is the limit.",
    ]
    return Section("lecture", "CPU or GPU", "CPU against GPU: the lecture's table", intro, blocks)


# --- rows -------------------------------------------------------------------------------------------------------------


def _own(runs: Runs, index: int, known: datasheets.Datasheets) -> Iterator[Row]:
    """The rows of one run's machine."""
    run, limits = runs[index], runs.limits[index]
    label = runs.labels[index]
    peak = _best(limits, ("fma",), "", "f4")
    memory = _best(limits, ("load", "copy", "triad"), "DRAM", "")
    origin = [f"{limit.name}{', disturbed' if limit.suspect else ''}" for limit in (peak, memory) if limit is not None]
    cpu = run.machine.cpu
    cores = min(cpu.physical, len(cpu.allowed) or cpu.physical)
    yield Row(
        f"{label}: {cpu.model}",
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
        stated = known.find(device, kind)
        if stated is not None:
            yield _stated(stated, f"{label}: {stated.name}")


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


def _link(limits: Sequence[Limit], device: str) -> Link | None:
    """The measured link to a GPU: the way there, since weights are sent and answers are short."""
    there, back = (common.best(limits, device, direction) for direction in ("h2d", "d2h"))
    best = there or back
    return None if best is None else Link("the measured link to it", best.value)


def _divergence(run: Run, device: str) -> str:
    """What a warp pays whose threads go 32 ways, where that was measured."""
    times = {
        record.variant: estimate(record.samples).value
        for record in run.records
        if (record.bench, record.device, record.params.get("paths")) == ("device.divergence", device, 32)
        and record.timed
    }
    if times.get("uniform", 0) > 0 and "divergent" in times:
        return f"{digits(times['divergent'] / times['uniform'])}× for 32 ways in a warp"
    return NOTHING


def _best(limits: Sequence[Limit], kinds: Sequence[str], level: str, dtype: str) -> Limit | None:
    fitting = [x for x in limits if x.kind in kinds and x.level == level and dtype in ("", x.dtype)]
    # A machine is what all its threads do: of one thread an undisturbed figure would be less true.
    most = max((x.threads for x in fitting), default=0)
    fitting = [x for x in fitting if x.threads == most]
    return max([x for x in fitting if not x.suspect] or fitting, key=lambda limit: limit.value, default=None)


def _control(run: Run) -> str:
    """What a branch costs that cannot be predicted, where that was measured: at the share at which it costs most.

    Over the longest sequence: a short one a predictor remembers.
    """
    times: dict[str, dict[tuple[int, float], float]] = {"sorted": {}, "shuffled": {}}
    for record in run.records:
        if record.bench == "branch.prediction" and record.variant in times and record.timed:
            n, share = record.params.get("n"), record.params.get("share")
            if isinstance(n, int) and isinstance(share, int | float):
                times[record.variant][n, share] = statistics.median(record.samples)
    both = times["sorted"].keys() & times["shuffled"].keys()
    if not both:
        return NOTHING
    longest = max(n for n, _ in both)
    factor = max(times["shuffled"][at] / times["sorted"][at] for at in both if at[0] == longest)
    return f"{digits(factor)}× for unpredictable"


def _stated(device: datasheets.Processor, name: str) -> Row:
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


# --- blocks -----------------------------------------------------------------------------------------------------------


def _table(own: Sequence[Row], machines: Sequence[Row]) -> Table:
    rows = [_cells(row) for row in own]
    for name in dict.fromkeys(row.name for row in own if row.origin == DATASHEET):
        rows += _share(own, name)
    rows += [_cells(row) for row in SLIDES[:4]]
    for slide, stated in zip(SLIDES[4:], machines, strict=True):
        rows += [_cells(slide), _cells(stated)]
    head = ("device", "figures", "cores", "TFLOP/s float32", "memory", "GB/s", "flop per byte", "control flow")
    return Table("CPU against GPU", head, rows)


def _cells(row: Row) -> tuple[str, ...]:
    memory = NOTHING
    if row.memory:
        memory = format_bytes(row.memory) if row.origin == MEASURED else _sold(row.memory)
    return (
        row.name,
        row.origin,
        NOTHING if row.cores is None else f"{row.cores:g}",
        format.number(row.flops and row.flops * 1e-12),
        memory,
        format.number(row.bandwidth and row.bandwidth * 1e-9),
        format.number(row.balance),
        row.control,
    )


def _sold(count: float) -> str:
    """Memory as it is sold: `12 GB`, `488 GiB`, `1 TB`."""
    if count % GIB == 0:
        return format_bytes(count)
    return f"{count / 1e12:g} TB" if count >= 1e12 else f"{count / 1e9:g} GB"


def _share(own: Sequence[Row], name: str) -> list[tuple[str, ...]]:
    """What a measured CPU or GPU reaches of its own datasheet, in the row below it."""
    for measured, stated in itertools.pairwise(own):
        if stated.name == name and measured.origin == MEASURED and stated.kind == measured.kind:
            shares = [
                format.percent(a / b) if a and b else NOTHING
                for a, b in ((measured.flops, stated.flops), (measured.bandwidth, stated.bandwidth))
            ]
            return [(name, "measured / datasheet", NOTHING, shares[0], NOTHING, shares[1], NOTHING, NOTHING)]
    return []


def _figure(own: Sequence[Row], machines: Sequence[Row], known: datasheets.Datasheets) -> Figure:
    """Arithmetic over bandwidth: devices on one diagonal have the same balance."""
    others = [_stated(device, device.name) for device in known.device if device.match and device.name not in MACHINES]
    shown = [row for row in (*own, *SLIDES, *machines, *others) if row.flops and row.bandwidth]
    named = {id(row) for row in (*own, *machines)} | {id(row) for row in SLIDES[:4]}
    points: list[dict[str, Any]] = []
    for row in shown:
        flops, bandwidth = (row.flops or 0) * 1e-12, (row.bandwidth or 0) * 1e-9
        points.append(
            {
                "x": float(f"{bandwidth:.4g}"),
                "y": float(f"{flops:.4g}"),
                "kind": row.origin,
                "case": f"{row.name} ({row.origin})",
                "label": _short(row) if id(row) in named else "",
                "right": bandwidth < 300,
                "fade": 1.0 if id(row) in named else 0.5,
                "more": ", ".join(
                    filter(
                        None,
                        [
                            format.number(flops, "TFLOP/s"),
                            format.number(bandwidth, "GB/s"),
                            format.number(row.balance, "flop per byte"),
                            row.note,
                        ],
                    )
                ),
            }
        )
    xs, ys = [p["x"] for p in points], [p["y"] for p in points]
    about = "float32 arithmetic over memory bandwidth: this machine, the lecture's, and devices with a known datasheet"
    spec = charts.named_points(
        points,
        COLOURS,
        x_title="GB/s from memory",
        y_title="TFLOP/s in float32",
        alt_text=about,
        log_x=True,
        height=380,
        x_domain=(min(xs) / 2, max(xs) * 2),
        y_domain=(min(ys) / 2, max(ys) * 2),
        slopes=[(balance * 1e-3, f"{balance:g} flop per byte") for balance in (1, 10, 100)],
    )
    rows = [
        (
            row.name,
            row.origin,
            format.number((row.bandwidth or 0) * 1e-9),
            format.number((row.flops or 0) * 1e-12),
            format.number(row.balance),
        )
        for row in shown
    ]
    return Figure(
        "Where devices stand",
        [Panel("", spec, about)],
        Table("Every device in the chart", ("device", "figures", "GB/s", "TFLOP/s float32", "flop per byte"), rows),
        "Further up is more arithmetic, further right more bandwidth; on a diagonal the balance of the two is the "
        "same. Pale dots are other GPUs "
        "with a known datasheet: point at them.",
        [Key(name, colour) for name, colour in COLOURS.items()],
        wide=True,
    )


def _short(row: Row) -> str:
    if row.origin == MEASURED and row.kind == "gpu":
        return f"this machine's {row.name.rpartition(': ')[2]}"
    if row.origin == MEASURED:
        return "this machine" if ": " not in row.name else row.name.partition(": ")[0]
    if row.origin == LECTURE:
        return row.name
    return row.name.replace(" (P3.16xlarge)", "").replace("2 x ", "2 × ")


# --- sentences --------------------------------------------------------------------------------------------------------


def _assumptions() -> str:
    return (
        f"Computed from the figures above for a fully connected network of {WEIGHTS / 1e6:g} million float32 weights "
        f"({4 * WEIGHTS / 1e6:g} MB), "
        f"as the roofline allows at best; a training step is SGD on a batch of {BATCH}."
    )


def _by_run(own: Sequence[Row]) -> Iterator[tuple[Row, list[Row]]]:
    """Each run's measured CPU, with the GPUs that were measured beside it."""
    measured = [row for row in own if row.origin == MEASURED]
    starts = [number for number, row in enumerate(measured) if row.kind == "cpu"]
    for start, end in itertools.pairwise([*starts, len(measured)]):
        yield measured[start], measured[start + 1 : end]


def _suits(row: Row, cards: Sequence[Row], machines: Sequence[Row], several: bool) -> Iterator[str]:
    """What one machine's measured balance says about training and inference, beside its own GPUs and the lecture's."""
    name = row.name.partition(":")[0] if several else "This machine"
    if row.balance is None or row.inference() is None:
        return
    cpu, _, lectures = machines
    others = [replace(card, name=card.name.rpartition(": ")[2]) for card in cards if card.balance is not None]
    beside = ", ".join(f"{card.name} {format.number(card.balance)}" for card in others)
    whose = f"{name}'s CPU" if others else name
    yield (
        f"{whose} does {digits(row.balance)} float32 operations in the time that a byte takes from memory"
        f"{f', its own {beside} (measured)' if others else ''}; by its datasheet {cpu.name} does "
        f"{format.number(cpu.balance)}, {lectures.name} {format.number(lectures.balance)}."
    )
    yield (
        "Inference of one example uses each weight once, half an operation a byte: memory is the limit, and an "
        f"answer takes at least {_seconds(row.inference() or 0)} here. From {math.ceil(2 * row.balance)} examples at "
        "once on arithmetic would be the limit; "
        + ", ".join(f"{one.name} needs {math.ceil(2 * (one.balance or 0))}" for one in (*others, lectures))
        + "."
    )
    for other in others:
        yield from _beside(whose, row, other, "answers")
        yield from [_sent(row, other.link)] if other.link else []
    yield from _beside(whose, row, lectures, "would answer")
    yield _sent(row, LECTURES_LINK)


def _beside(name: str, row: Row, other: Row, answers: str) -> Iterator[str]:
    """A CPU beside a GPU: answers, training steps, and which of the two it suits better."""
    times = row.inference(), row.training(), other.inference(), other.training()
    here, training, there, other_training = (time or 0.0 for time in times)
    if not (there and other_training):
        return
    faster, trained = here / there, training / other_training
    yield (
        f"{other.name} {answers} in {_seconds(there)}, {digits(faster)} times as fast, by its bandwidth; a training "
        f"step takes {_seconds(training)} here and {_seconds(other_training)} there, {digits(trained)} times "
        "as fast, by its arithmetic."
    )
    yield _verdict(name, other.name, faster, trained)


def _sent(row: Row, link: Link) -> str:
    """Whether weights are better read by the CPU than sent to a GPU for each question."""
    copied, inference = 4 * WEIGHTS / link.rate, row.inference() or 0.0
    longer = copied > inference
    return (
        f"Copying the weights over {link.name} ({digits(link.rate * 1e-9)} GB/s) takes {_seconds(copied)}, "
        f"{'longer' if longer else 'less'} than the {_seconds(inference)} in which the CPU reads them: "
        + (
            "a GPU pays for inference only if they stay there."
            if longer
            else "even copied for each question they could be used sooner there."
        )
    )


def _verdict(name: str, other: str, faster: float, trained: float) -> str:
    """Which of the two suits a machine better, beside a card that is `faster` and `trained` times as fast at them."""
    if max(faster, trained) <= 1:
        return f"{name} is as fast as {other} or faster at both: it suits training and inference alike."
    best, at_best, at_other = ("inference", faster, trained) if trained > faster else ("training", trained, faster)
    if at_other > 1.1 * at_best:
        other_task = "training" if best == "inference" else "inference"
        return (
            f"So of the two this is a machine for {best}: beside {other} it gives up a factor of {digits(at_best)} "
            f"there, and of {digits(at_other)} in {other_task}."
        )
    return (
        f"So it is no better suited to one than to the other: beside {other} it gives up a factor of {digits(faster)} "
        "in either."
    )


def _seconds(value: float) -> str:
    for size, unit in ((1.0, "s"), (1e-3, "ms")):
        if value >= size:
            return f"{digits(value / size)} {unit}"
    return f"{digits(value * 1e6)} µs"


def _sources(own: Sequence[Row], machines: Sequence[Row], known: datasheets.Datasheets) -> Table:
    """Where each datasheet figure in the table comes from."""
    names = dict.fromkeys(
        [*(row.name.rpartition(": ")[2] for row in own if row.origin == DATASHEET), *(row.name for row in machines)]
    )
    rows = []
    for name in names:
        told: dict[str, list[str]] = {}
        for what, figure in known.named(name).figures.items():
            note = f" ({figure.note})" if figure.note else ""
            told.setdefault(figure.source, []).append(f"{what} {_amount(what, figure.value)}{note}")
        for key, figures in told.items():
            source = known.sources[key]
            # Without its scheme: nothing on the page leads out of it.
            rows.append((name, f"{source.title}. {source.url.partition('//')[2]}".strip(), "; ".join(figures)))
    return Table("Sources of the datasheet figures", ("device", "source", "figures"), rows)


def _amount(what: str, value: float) -> str:
    if what in ("fp32", "fp64", "half"):
        return f"{digits(value * 1e-12)} TFLOP/s"
    if what == "bandwidth":
        return f"{digits(value * 1e-9)} GB/s"
    return f"{value:g}" if what == "cores" else _sold(value) if what == "memory" else format_bytes(value)
