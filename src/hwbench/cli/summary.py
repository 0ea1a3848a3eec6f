"""The summary of a run as at most 25 lines of at most 80 columns: table, peaks, Python, notes, findings, paths."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from ..analysis.brief import brief
from ..analysis.measures import measuring
from ..analysis.reading import Reading
from ..analysis.summary import ABSENT, Accelerator, Host, Note, Quality, Row, Summary, summary
from ..record import text
from ..record.model import BenchInfo
from ..record.phrases import counted
from ..record.reasons import words_of
from . import cases
from .aligned import NAME, drawn, wrapped

if TYPE_CHECKING:
    from rich.console import Console

    from ..analysis.headline import Headline

WIDTH, LINES = 80, 25
REASONS = 2  # why cases were skipped
FEW = 8  # benches: up to so many, those without a headline quantity have a line each
BUSY = {"fma": ("multiply-adds", "chain"), "copy": ("copies", "load")}  # and what a thread has in flight
WHO = {"one": "1T", "all": "all"}
TENSORS = {"bf16": "BF16", "f16": "FP16", "fp8": "FP8"}
WAYS = {"h2d": "to", "d2h": "from", "both": "both"}  # the GPU
STYLES = {
    r"^quiet\b": "bold green",
    r"^noisy\b": "bold yellow",
    r"\b\d+ (wrong|failed)\b": "bold red",
    r"(?<=[\d×])~": "yellow",
    r"^(L\d|DRAM|HBM|cache|memory|peak|launch|link|copies|Python|layout|threads|matmul)\b": "bold",
    r"^(GPU|OpenCL|noise|run|report)\b": "bold",
    r"^(Findings that matter here|[a-z0-9_]+\.[a-z0-9_.]+)": "bold",
    r"\(1T: .*\)$": "dim",
}


def show(reading: Reading, console: Console, paths: Mapping[str, str] | None = None, *, reasons: bool = True) -> None:
    """Print it, with colour where the console has it; without `reasons` for skipped cases where these follow."""
    from rich.text import Text

    for line in lines(reading, console.width if console.is_terminal else WIDTH, paths, reasons=reasons):
        shown = Text(text.printable(line))
        for pattern, style in STYLES.items():
            shown.highlight_regex(pattern, style)
        console.print(shown, soft_wrap=True)


def lines(
    reading: Reading, width: int = WIDTH, paths: Mapping[str, str] | None = None, *, reasons: bool = True
) -> list[str]:
    """The summary, wrapped to `width`, with as many findings as there is room for; of one bench its cases instead.

    Where `width` is narrower than a terminal's usual 80 columns, there may be as many more lines.
    """
    width = min(width, WIDTH)
    most = LINES * WIDTH // width
    made = summary(reading)
    tail = [f"{name:<{NAME}}{path}" for name, path in (paths or {}).items()]
    timed = list(dict.fromkeys(record.bench for record in reading.records if record.timed))
    said = list(_head(made, reading, width, alone=len(timed) == 1, reasons=reasons))
    if len(timed) == 1:
        said += cases.lines(reading, timed[0], width, most - len(said) - len(tail) - 4)
        marks = {record.codes[0]: record.codes for record in reading.records if record.timed and record.codes}
        said += _doubts([words_of(code) for code in marks], width)
        return [*said, *tail]
    said += _figures(made, width)
    said += _others(reading, made, timed, width)
    said += _doubts(made.doubts, width)
    return [*said, *_findings(made, width, most - len(said) - len(tail)), *tail]


# --- machine and quality ----------------------------------------------------------------------------------------------


def _head(made: Summary, reading: Reading, width: int, *, alone: bool, reasons: bool) -> Iterator[str]:
    yield from wrapped(_machine(made, alone=alone), width)
    found = made.quality
    nothing = not found.cases and not found.word
    if made.host.no_gpu and (reasons or not nothing):
        why = made.host.no_gpu
        said = why if nothing else f"{why.partition(';')[0]} (hwbench machine)"
        yield from wrapped(f"none was measured: {said}", width, made.host.missing)
    if nothing:
        yield "No case was measured" + (f", {text.count(found.skipped)} skipped" if found.skipped else "")
        yield from _skipped(reading, width) if reasons else ()
        return
    yield from wrapped(_quality(found), width)
    yield from _skipped(reading, width)
    if found.worst is not None:
        seen = "by up to " * bool(found.worst.cases) + text.share(found.worst.seen)
        said = f"{found.worst.name} ({seen}): {found.worst.remedy}"
        yield from wrapped(said, width, "noise")


def _skipped(reading: Reading, width: int) -> Iterator[str]:
    """Of a selection of few benches why cases were skipped, the commonest reasons first."""
    if len({record.bench for record in reading.records}) > FEW:
        return
    by: dict[str, list[str]] = {}
    for record in reading.records:
        if record.status == "skipped" and record.device not in ABSENT and record.why:
            by.setdefault(record.why, []).append(record.variant)
    for why, variants in sorted(by.items(), key=lambda one: -len(one[1]))[:REASONS]:
        yield from wrapped(f"{', '.join(dict.fromkeys(variants))}: {why}", width, "skipped")


def _machine(made: Summary, *, alone: bool) -> str:
    """The CPU, GPUs that were not measured, and OpenCL devices without figures below: all where a bench is `alone`."""
    host = made.host
    measured = {gpu.name for gpu in made.gpus}
    gpus = [f"{name} (not measured)" for name in host.gpus if name not in measured]
    shown = set() if alone else {gpu.device for gpu in made.gpus}
    others = [f"{device} is {name}" for device, name in host.opencl.items() if device not in shown]
    return ", ".join([host.cpu, _cpus(host), host.virtual, *gpus, *others])


def _cpus(host: Host) -> str:
    """`2 cores`, `8 cores (16 threads), 4 of them allowed`."""
    cpus = counted(host.cores, "core")
    if host.logical != host.cores:
        cpus += f" ({counted(host.logical, 'thread')})"
    if host.cpus < host.logical:
        cpus += f", {host.cpus} of {host.logical} CPUs allowed"
    return cpus + (f", quota of {host.quota:g}" if host.quota is not None and host.quota < host.cpus else "")


def _quality(found: Quality) -> str:
    """`quiet: 10 checks passed; 615 cases in 1:24 min (13 suspect, 12 skipped)`."""
    counts = [(found.wrong, "wrong"), (found.failed, "failed"), (found.suspect, "suspect"), (found.skipped, "skipped")]
    apart = ", ".join(f"{count} {word}" for count, word in counts if count)
    took = ", interrupted" if found.seconds is None else f" in {text.duration(found.seconds)}"
    cases = f"{counted(found.cases, 'case')}{took}" + (f" ({apart})" if apart else "")
    return "; ".join(filter(None, (found.verdict, cases)))


# --- figures ----------------------------------------------------------------------------------------------------------


def _figures(made: Summary, width: int) -> Iterator[str]:
    yield from _table(made.memory, made.columns, width)
    yield from _notes(made.notes, width)
    for name, said in _facts(made):
        yield from wrapped(said, width, name)
    for gpu in made.gpus:
        yield from _gpu(gpu, width)


def _notes(notes: Sequence[Note], width: int) -> Iterator[str]:
    for note in notes:
        yield from wrapped(note.said, width, f"{note.number})", 3)


def _others(reading: Reading, made: Summary, timed: Sequence[str], width: int) -> Iterator[str]:
    """Benches of a narrowed selection that gave nothing of the above, each with its main figures."""
    if len(timed) > FEW:
        return
    shown = {one.bench for one in made.headlines}
    if any(gpu.busy for gpu in made.gpus):
        shown |= {record.bench for record in measuring(reading.run, "occupancy")}
    for name in timed:
        if name not in shown:
            mine = [record for record in reading.records if record.bench == name]
            info = reading.benches.get(name, BenchInfo("", ""))
            yield from wrapped(f"{name}  {brief(mine, info)}", width)


def _doubts(words: Sequence[str], width: int) -> list[str]:
    if not words:
        return []
    said = f"doubtful: {words[0]}" + ", …" * (len(words) > 1)
    where = " (hwbench show)"
    return wrapped(said + where * (len(said + where) + 3 <= width), width, text.DOUBTFUL, 3)


def _facts(made: Summary) -> Iterator[tuple[str, str]]:
    if made.peaks:
        parts = []
        for peak in made.peaks:
            ends = [one for one in (peak.one, peak.all) if one is not None]
            if len(ends) == 2 and ends[0].threads == ends[1].threads:
                ends = ends[1:]
            parts.append(f"{peak.name} {' / '.join(_rate(one, 1e9) for one in ends)}")
        yield "peak", f"{'   '.join(parts)} GFLOP/s{_threads(made)}"
    names = {"python": "call", "numpy": "NumPy's", "numba": "Numba's"}
    calls = ", ".join(f"{names[name]} {_time(one)}" for name, one in made.calls.items())
    loop = f"loop {_times(made.loop_over_numpy)} NumPy's time" if made.loop_over_numpy else ""
    if calls or loop:
        yield "Python", "; ".join(filter(None, (loop, calls)))
    if made.column_over_row is not None:
        yield "layout", f"summing columns takes {_times(made.column_over_row)} the time of summing rows (C order)"
    if made.prange:
        names = {"compute": "compute-bound", "triad": "memory-bound"}
        said = ", ".join(f"{_times(one)} {names[name]}" for name, one in sorted(made.prange.items()))
        yield "threads", f"prange on {next(iter(made.prange.values())).threads} threads over 1: {said}"
    if made.matmul is not None:
        value, share = made.matmul.value, made.matmul.share
        precision = "FP64" if ".f8" in value.name else "FP32"
        rate = f"NumPy {_rate(value, 1e9)} GFLOP/s on {counted(value.threads or 1, 'thread')}"
        said = f"{rate}, {share.text} of the {precision} peak" if share else f"{rate} ({precision})"
        yield "matmul", said + (f": {made.matmul.why}" if made.matmul.why else "")


def _threads(made: Summary) -> str:
    """` (1 / 2 threads)`, for peaks that have both."""
    for peak in made.peaks:
        if peak.one is not None and peak.all is not None and peak.one.threads != peak.all.threads:
            return f"  ({peak.one.threads} / {counted(peak.all.threads or 0, 'thread')})"
    one = next((one for peak in made.peaks for one in (peak.all, peak.one) if one is not None), None)
    return f" on {counted(one.threads, 'thread')}" if one is not None and one.threads else ""


def _gpu(gpu: Accelerator, width: int) -> Iterator[str]:
    yield from wrapped(gpu.name if gpu.name == gpu.device else f"{gpu.name} ({gpu.device})", width)
    columns = [
        name for name in ("latency", "read", "write", "copy", "triad") if any(row.cells[name] for row in gpu.memory)
    ]
    yield from _table(gpu.memory, columns, width)
    yield from _notes(gpu.notes, width)
    scale, unit = gpu.flops
    peaks = [f"{peak.name} {_rate(peak.all, scale)}" for peak in gpu.peaks if peak.all]
    peaks += [f"{TENSORS[name]} {_rate(one, scale)}" for name, one in gpu.tensors.items()]
    if peaks:
        yield from wrapped(f"{'   '.join(peaks)} {unit}", width, "peak")
    if gpu.busy:
        each = []
        for one in gpu.busy:
            work, load = BUSY[one.work]
            threads = counted(one.threads, "thread") + text.DOUBTFUL * one.doubtful
            each.append(f"{work} from {threads} ({counted(one.chains, load)} each)")
        yield from wrapped(f"90% of the best rate: {', '.join(each)}", width, "occupancy")
    if gpu.launch is not None:
        yield from wrapped(f"{_time(gpu.launch)} a kernel", width, "launch")
    if gpu.link:
        where = "; within this machine's memory" * gpu.own
        yield from wrapped(_link(gpu.link, where), width, "copies" if gpu.own else "link")


def _link(found: Mapping[str, Headline], where: str = "") -> str:
    """`pinned 51.6 / 51.7 / 103, pageable 10.4 / 10.3 GB/s (to / from / both)`."""
    ways = [way for way in WAYS if any(name.startswith(way) for name in found)]
    said = []
    for memory in dict.fromkeys(name.partition(".")[2] for name in found):
        rates = [_rate(found.get(f"{way}.{memory}"), 1e9) or text.NOTHING for way in ways]
        while rates[-1] == text.NOTHING:
            rates.pop()
        said.append(f"{memory} {' / '.join(rates)}")
    return f"{', '.join(said)} GB/s ({' / '.join(WAYS[way] for way in ways)}{where})"


# --- the table --------------------------------------------------------------------------------------------------------


def _table(rows: Sequence[Row], columns: Sequence[str], width: int) -> Iterator[str]:
    """Levels in rows, numbers aligned at the point; where that is too wide, levels in columns."""
    if not rows or not columns:
        return
    names = [f"{row.level}{''.join(f' {number})' for number in row.notes)}" for row in rows]
    heads = [_heading(name) for name in columns]
    grid = [[_cell(row.cells.get(name), name) for name in columns] for row in rows]
    unit = "GB/s" if any(name != "latency" for name in columns) else ""
    wide = list(drawn(["", *names], [heads, *grid], 2, NAME - 2))
    rates = [any(row.cells.get(name) for name in columns if name != "latency") for row in rows]
    if any(rates):
        wide[1 + rates.index(True)] += f"  {unit}"
    if any(name.endswith(".one") for name in columns) and len(wide[0]) + 16 <= width:
        wide[0] += "  (1T: 1 thread)"
    if max(map(len, wide)) <= width:
        yield from wide
    else:
        yield from drawn([unit, *heads], [names, *map(list, zip(*grid, strict=True))], 1)


def _heading(name: str) -> str:
    """`read 1T` for `read.one`, `latency ns`."""
    kernel, _, who = name.partition(".")
    return "latency ns" if name == "latency" else " ".join(filter(None, (kernel, WHO.get(who, who))))


def _cell(one: Headline | None, column: str) -> str:
    if one is None:
        return ""
    return _rate(one, 1e-9 if column == "latency" else 1e9)


# --- numbers and lines ------------------------------------------------------------------------------------------------


def _mark(one: Headline) -> str:
    return text.DOUBTFUL * bool(one.doubt)


def _rate(one: Headline | None, scale: float) -> str:
    return "" if one is None else text.amount(one.value / scale) + _mark(one)


def _time(one: Headline) -> str:
    return text.seconds(one.value) + _mark(one)


def _times(one: Headline) -> str:
    return text.times(one.value) + _mark(one)


def _findings(made: Summary, width: int, most: int) -> Iterator[str]:
    """Those that a note has not told already and that fit into so many lines, the heading among them."""
    entries = [wrapped(f"{one.said} {one.remedy}".strip(), width, "-", 2) for one in made.findings if not one.noted]
    for shown in range(len(entries), 0, -1):
        told = _told(shown, len(entries), width) + [line for entry in entries[:shown] for line in entry]
        if len(told) <= most:
            yield from told
            return


def _told(shown: int, every: int, width: int) -> list[str]:
    left = f" ({shown} of {every}; the others: hwbench show --findings)" if shown < every else ""
    return wrapped(f"Findings that matter here{left}", width)
