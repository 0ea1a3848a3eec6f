"""The summary: machine, whether to trust the run, memory by level, compute and Python, five findings, the roofline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...analysis.headline import Headline
from ...analysis.notable import Notable
from ...analysis.summary import MOST, TENSORS, Accelerator, Quality, Row, Summary, summary
from ...record import text
from ...record.phrases import counted
from ..dataset import Point, Runs
from ..sections import Block, Figure, Hero, Key, Notes, Panel, Section, Table, Tile
from .roofline import drawn as below_roofs

HEADS = {"one": "1 thread", "all": "all threads"}
BUSY = {"fma": "multiply-adds", "copy": "copies"}
CALLS = {"python": "Python", "numpy": "NumPy", "numba": "Numba"}
WAYS = {"h2d": "to the GPU", "d2h": "from the GPU", "both": "both ways"}
DRAWN = {"numpy": "NumPy", "numba": "Numba", "prange": "prange"}  # of the benches of plain loops
LOOPS = ("ladder", "reduction", "temporaries", "fork and join", "scaling")  # what benches measure
MATMUL = "matrix product"
FEW = 3  # findings of each of several runs


def view(runs: Runs) -> Section | None:
    """The first screen."""
    if not runs.runs:
        return None
    made = [summary(reading) for reading in runs.readings]
    most = FEW if runs.several else MOST
    blocks: list[Block] = []
    for index, one in enumerate(made):
        blocks.append(_hero(one, runs.labels[index] if runs.several else "", short=runs.several))
    for index, one in enumerate(made):
        if one.findings:
            blocks.append(
                Notes(f"What matters here{runs.suffix(index)}", [_said(found) for found in one.findings[:most]])
            )
    return Section("top", "Summary", "At a glance", [], blocks, topic="summary")


# --- one run ----------------------------------------------------------------------------------------------------------


def _hero(made: Summary, label: str, *, short: bool) -> Hero:
    host = made.host
    cpus = counted(host.cores, "core") + (f", {host.logical} logical CPUs" if host.logical != host.cores else "")
    if host.cpus < host.logical:
        cpus += f", {host.cpus} of them allowed"
    if host.quota is not None and host.quota < host.cpus:
        cpus += f", quota of {text.amount(host.quota)}"
    machine = ", ".join([host.cpu, cpus, host.virtual, *host.gpus])
    tiles = [] if short else [*_tiles(made), *(tile for gpu in made.gpus for tile in _gpu_tiles(gpu))]
    every = [*made.notes, *(note for gpu in made.gpus for note in gpu.notes)]
    notes = [] if short else [f"{note.number}) {note.said}" for note in every]
    if not short and made.doubts:
        notes.append(f"{text.DOUBTFUL} doubtful: {', '.join(made.doubts)}. Quality tells which cases.")
    tables = [_memory("Memory of the CPU", made.memory, made.columns)] if made.memory and not short else []
    for gpu in () if short else made.gpus:
        names = [
            name for name in ("latency", "read", "write", "copy", "triad") if any(r.cells[name] for r in gpu.memory)
        ]
        if names:
            tables.append(_memory(f"Memory of {gpu.name}", gpu.memory, names))
    return Hero(machine, label, made.quality.word, made.quality.verdict, _quality(made.quality), tables, tiles, notes)


def _quality(found: Quality) -> str:
    """`615 cases in 1:24 min, 3 suspect`, and of a noisy run the worst reason."""
    counts = ((found.wrong, "wrong"), (found.failed, "failed"), (found.suspect, "suspect"), (found.skipped, "skipped"))
    took = "interrupted" if found.seconds is None else f"in {text.duration(found.seconds)}"
    parts = [f"{counted(found.cases, 'case')} {took}", *(f"{count} {word}" for count, word in counts if count)]
    if found.worst is not None:
        worst = found.worst
        parts.append(f"{worst.name}: {text.share(worst.seen)} (allowed: {text.share(worst.allowed)})")
    return ", ".join(parts)


def _memory(caption: str, rows: Sequence[Row], columns: Sequence[str]) -> Table:
    heads = []
    for name in columns:
        kernel, _, who = name.partition(".")
        heads.append(f"{kernel}, {'ns' if kernel == 'latency' else 'GB/s'}" + (f", {HEADS[who]}" if who else ""))
    cells = [
        (row.level + "".join(f" {number})" for number in row.notes),
         *(_value(row.cells.get(name), 1e9 if name == "latency" else 1e-9) for name in columns))
        for row in rows
    ]  # fmt: skip
    return Table(caption, ("level", *heads), cells)


def _value(found: Headline | None, scale: float) -> str:
    return text.NOTHING if found is None else text.amount(found.value * scale) + text.DOUBTFUL * bool(found.doubt)


def _tiles(made: Summary) -> Iterator[Tile]:
    for peak in made.peaks:
        most = peak.all or peak.one
        if most is None:
            continue
        note = f"multiply-adds, {counted(most.threads or 1, 'thread')}"
        if peak.one is not None and peak.one is not most:
            note += f"; {_value(peak.one, 1e-9)} on 1"
        yield Tile(f"{peak.name} peak", _value(most, 1e-9), "GFLOP/s", note)
    if (found := made.matmul) is not None:
        share = f"{found.share.text} of the peak" if found.share else counted(found.value.threads or 1, "thread")
        yield Tile(
            "NumPy matmul", _value(found.value, 1e-9), "GFLOP/s", share + (f": {found.why}" if found.why else "")
        )
    if made.loop_over_numpy is not None:
        yield Tile("Python loop", _value(made.loop_over_numpy, 1), "×", "NumPy's time for c = a + b")
    if made.calls:
        first, *rest = made.calls.items()
        note = ", ".join(
            f"{CALLS[name]} {text.seconds(one.value)}{text.DOUBTFUL * bool(one.doubt)}" for name, one in rest
        )
        value, unit = text.seconds(first[1].value).rsplit(" ", 1)
        yield Tile(f"{CALLS[first[0]]} call", value + text.DOUBTFUL * bool(first[1].doubt), unit, note)
    if made.column_over_row is not None:
        yield Tile("Column by column", _value(made.column_over_row, 1), "×", "the time of row by row, in C order")
    if made.prange:
        compute, triad = made.prange.get("compute"), made.prange.get("triad")
        first_, *others = [one for one in (compute, triad) if one is not None]
        name = "computing" if first_ is compute else "memory-bound"
        note = f"{name}, {counted(first_.threads or 1, 'thread')} over 1"
        note += "".join(f"; memory-bound {_value(one, 1)}×" for one in others)
        yield Tile("prange", _value(first_, 1), "×", note)


def _gpu_tiles(gpu: Accelerator) -> Iterator[Tile]:
    scale, unit = gpu.flops
    by_opencl = gpu.device.startswith("opencl")
    kind, named = ("OpenCL", f", {gpu.name}") if by_opencl else ("GPU", "")
    for peak in gpu.peaks:
        if peak.all is not None:
            yield Tile(f"{kind} {peak.name} peak", _value(peak.all, 1 / scale), unit, f"multiply-adds{named}")
    for name, one in gpu.tensors.items():
        yield Tile(f"Tensor cores, {TENSORS[name]}", _value(one, 1e-12), "TFLOP/s", "product of matrices")
    if gpu.busy:
        first, *others = gpu.busy
        note = f"{BUSY[first.work]} at 90% of their best rate, {first.chains} in flight each"
        note += "".join(f"; {BUSY[one.work]} {text.count(one.threads)}{text.DOUBTFUL * one.doubtful}" for one in others)
        yield Tile("Busy GPU", text.count(first.threads) + text.DOUBTFUL * first.doubtful, "threads", note)
    if gpu.launch is not None:
        value, unit = text.seconds(gpu.launch.value).rsplit(" ", 1)
        yield Tile(
            "Kernel launch",
            value + text.DOUBTFUL * bool(gpu.launch.doubt),
            unit,
            "queued" + (named or ", as the GPU sees it"),
        )
    for way, name in WAYS.items():
        pinned, pageable = (gpu.link.get(f"{way}.{memory}") for memory in ("pinned", "pageable"))
        if (best := pinned or pageable) is None:
            continue
        note = "pinned memory" if pinned else "pageable memory"
        note += f"; {_value(pageable, 1e-9)} pageable" if pinned and pageable else ""
        title = f"OpenCL copy, {name.replace('GPU', 'device')}" if by_opencl else f"Link, {name}"
        yield Tile(title, _value(best, 1e-9), "GB/s", note + named)


def _said(found: Notable) -> str:
    return f"{found.said} {found.remedy}".strip()


# --- the roofline -----------------------------------------------------------------------------------------------------


def _drawn(point: Point) -> str:
    """What a case is called in the chart of the summary; "" for those that it leaves out."""
    kind = point.bench.measures if point.bench is not None else None
    if kind == MATMUL:
        return "matmul" if point.variant == "numpy" else ""
    return DRAWN.get(point.variant, "") if kind in LOOPS else ""


def below_the_roofs(runs: Runs) -> Section | None:
    """NumPy, Numba, prange and matmul below the roofs of each run, on as many threads as have roofs."""
    colours = {"NumPy": "c1", "Numba": "c3", "prange": "c7", "matmul": "c2"}
    panels: list[Panel] = []
    seen: dict[str, None] = {}
    tables: list[Table] = []
    for index, run in enumerate(runs):
        if (found := below_roofs(runs, index, _drawn, colours)) is None:
            continue
        spec, names, note, table = found
        seen |= dict.fromkeys(names)
        tables.append(table)
        title = runs.labels[index] if runs.several else ""
        panels.append(
            Panel(title, spec, f"Roofline of {run.machine.name}: {', '.join(names)} below measured roofs", note)
        )
    if not panels:
        return None
    table = Table(tables[0].caption, tables[0].head, [row for one in tables for row in one.rows])
    legend = [Key(name, colours[name]) for name in colours if name in seen]
    about = (
        "How much of this machine does Python get? Each mark is the fastest case of its kind at one level; a mark on a "
        "slope is bound by that memory, one on a ceiling by the arithmetic units."
    )
    figure = Figure("NumPy, Numba, prange and matmul below the roofs", panels, table, about, legend, wide=True)
    return Section("roofs", "Roofs", "Below the roofs", [], [figure], topic="summary")
