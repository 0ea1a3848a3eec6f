"""Whether everything that readers see of a run agrees: marks where they belong, and one figure for one quantity.

`check` looks for three faults. A share above 1.05 of what can be had without its mark. A figure of a suspect record,
such as one of twins that disagree, without its mark. A quantity that is printed in two places with two figures: of a
case its median, of a limit its best sample, of a headline quantity its value. It counts what it has looked at, so that
a test can tell that it looks.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from hwbench import catalog
from hwbench.analysis.findings import findings
from hwbench.analysis.headline import Headline
from hwbench.analysis.limits import TOLERANCE
from hwbench.analysis.reading import Reading, in_unit
from hwbench.record import text
from hwbench.record.estimate import Estimate, estimate
from hwbench.record.facts import variant_on
from hwbench.record.model import Record, Run, metrics
from hwbench.report import format
from hwbench.report.dataset import Runs
from inspection.printed import MARK, ROW, SENTENCE, TILE, Line, of_json, of_page, of_sections, of_terminal, said

NUMBER = r"(?:\d[\d\u202f]*(?:\.\d+)?(?: × 10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)?)"
SHARE = re.compile(rf"(?<![\d.\u202f–±-])({NUMBER}) ?%")
MARKED = re.compile(r"suspect|disturbed|above|doubt|~")
RAISED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
INTERVAL = "95% interval"
RATIOS = ("× baseline's time", "speed-up", "ours / native")  # columns of no case's own figure
MACHINES = "Headline figures of each machine"

# Percentages that are no shares of what can be had, by where they stand and what stands around them.
OTHER_SHARES = (
    (r"^quality", r""),  # shares of a CPU's time, and differences between samples
    (r"", r"%( \([^)]*\))? (longer|of a CPU|of the time of one path|of the \w+ rate of|of that rate|of its first)"),
    (r"", r"% (apart|further from|lower|off\b)"),
    (r"", r"(steal|drifted|differ|agrees within|apart|other processes|throttled|too noisy|do not repeat)[^|]*$"),
)

# --- what headline quantities are called ------------------------------------------------------------------------------

LEVELS = {"L1": "l1", "L2": "l2", "L3": "l3", "memory": "dram"}
DTYPES = {"float64": "f8", "float32": "f4"}
MOVED = {"read": "reading memory", "copy": "copying in memory", "triad": "triad in memory"}
CARDS = {
    "Memory bandwidth": "dram.read", "L1 latency": "l1.latency", "L2 latency": "l2.latency",
    "Memory latency": "dram.latency", "FP64 peak": "peak.f8", "FP32 peak": "peak.f4",
}  # fmt: skip
UNITS = {"s": 1.0, "ms": 1e-3, "µs": 1e-6, "ns": 1e-9, "ps": 1e-12, "GB/s": 1e9, "TB/s": 1e12, "GFLOP/s": 1e9,
         "TFLOP/s": 1e12, "GOP/s": 1e9, "GHz": 1e9, "×": 1.0}  # fmt: skip
VALUE = rf"({NUMBER}) ?({'|'.join(sorted(map(re.escape, UNITS), key=len, reverse=True))})(?! 10)"
INTERVAL_OF = r"(?: \([^)]*\))?"  # what may stand between a value and what it is of
# A sentence that starts like the first pattern prints, in the words of the second, the quantity of this name.
SENTENCES = tuple(
    (re.compile(start), re.compile(words), name)
    for start, words, name in (
        ("Load latency \\(random order, huge pages", rf"{VALUE}{INTERVAL_OF} in (L1|L2|L3|memory)", "{level}.latency"),
        *(
            (
                f"{kernel} bandwidth:",
                rf"{VALUE}{INTERVAL_OF} in (L1|memory) on (\d+) threads?",
                f"{{level}}.{name}.{{who}}",
            )
            for kernel, name in (("Load", "read"), ("Store", "write"), ("Copy", "copy"), ("Triad", "triad"))
        ),
        *(
            (start, rf"{VALUE}{INTERVAL_OF} on (\d+) threads?", f"{name}.{dtype}.{{who}}")
            for word, dtype in DTYPES.items()
            for start, name in ((f"Peak in {word}:", "peak"), (f"NumPy's matrix product in {word}:", "matmul"))
        ),
        ("Moving a cache line from one CPU to another takes", rf"takes {VALUE}", "core_to_core"),
        ("A mispredicted branch costs", rf"costs {VALUE}", "mispredict"),
        ("An empty call from Python", rf"{VALUE}{INTERVAL_OF} for a NumPy ufunc", "call.numpy"),
        ("An empty call from Python", rf"{VALUE}{INTERVAL_OF} for a Numba function", "call.numba"),
        ("An empty call from Python", rf"{VALUE}{INTERVAL_OF} for a Python function", "call.python"),
        ("Memory-bound loop \\(triad\\) on", rf": {VALUE} faster than on 1", "prange.triad"),
        ("Compute-bound loop on", rf": {VALUE} faster than on 1", "prange.compute"),
        ("NumPy at n = .* in a Python loop", rf"in a Python loop, {VALUE} faster", "loop_over_numpy"),
        ("Summing down columns in memory \\(float64", rf"is {VALUE} slower than along rows", "column_over_row"),
    )
)  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """What is wrong, and in which line."""

    rule: str
    place: str
    what: str

    def __str__(self) -> str:
        return f"{self.rule} at {self.place}: {self.what}"


@dataclass
class Checked:
    """The faults of a run, and how many shares, doubtful figures and printed quantities were looked at."""

    faults: list[Fault] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)

    def add(self, other: Checked) -> None:
        """Count the other's, too."""
        self.faults += other.faults
        self.seen += other.seen


def check(*runs: Run, whole: bool = False) -> Checked:
    """Check the page of the runs and, of a lone run, `hwbench show` and its JSON.

    `whole`: the page's HTML and the terminal's tables; else the content that these are made of, which is faster.
    """
    shown = Runs(runs, catalogue=catalog.benches())
    lines = of_page(runs) if whole else of_sections(shown, drawn=False)
    if shown.several:
        return check_several(shown, lines)
    [reading] = shown.readings
    told = findings(reading, catalog.benches().values())
    return check_lines(reading, [*lines, *of_terminal(reading, told, drawn=whole)], of_json(reading, told))


def check_several(runs: Runs, lines: Sequence[Line]) -> Checked:
    """Check the page of several runs: what it says of each, and the table that compares them."""
    checked = Checked()
    for label, reading in zip(runs.labels, runs.readings, strict=True):
        checked.add(check_lines(reading, list(_of_run(lines, label))))
    return checked


def _of_run(lines: Iterable[Line], label: str) -> Iterator[Line]:
    """The lines that are of one run, as they would be if it were the only one; tiles from the table of machines."""
    for line in lines:
        if line.place.endswith(MACHINES) and line.cell(label) not in ("", text.NOTHING):
            name, _, unit = line.cell("figure").rpartition(", ")
            name, _, who = name.partition(" on ")
            figure, *about = re.split(r", | \(", line.cell(label), maxsplit=1)
            about = ["1 thread"] if who == "one thread" else about
            yield Line(TILE, line.place, (("label", name), ("value", f"{figure} {unit}"), ("about", "".join(about))))
        elif line.kind == SENTENCE and line.text.startswith(f"{label}: "):
            yield said(line.place, line.text.removeprefix(f"{label}: "))
        elif line.cell("run") == label:
            yield Line(line.kind, line.place, tuple(cell for cell in line.cells if cell[0] != "run"))
        elif line.cell("device").startswith(f"{label}: "):
            yield line


def check_lines(reading: Reading, lines: Sequence[Line], data: Any = None) -> Checked:
    """Check these lines of a run, and what `hwbench show --json` says of it."""
    checked = Checked()
    for rule in (shares, doubts, figures):
        checked.add(rule(reading, lines))
    if data is not None:
        checked.add(in_json(data))
    return checked


# --- shares -----------------------------------------------------------------------------------------------------------


def shares(_: Reading, lines: Sequence[Line]) -> Checked:
    """No share above 1.05 without its mark: in the same cell, in a chart at the same mark."""
    checked = Checked()
    for line in lines:
        drawn = line.kind == MARK and ("%~" in line.text or line.cell("suspect"))
        for _, cell in line.cells:
            for percent, before, after in _shares(cell):
                if _other(line.place, before, after):
                    continue
                checked.seen["shares"] += 1
                if percent > 100 * TOLERANCE + 0.5:
                    checked.seen["shares above"] += 1
                    if not (MARKED.search(after) or drawn):
                        checked.faults.append(Fault("share without its mark", line.place, line.text))
    return checked


def _shares(cell: str) -> Iterator[tuple[float, str, str]]:
    """Each percentage of a text: its number, what stands before it and what after it, up to the next one."""
    found = [*SHARE.finditer(cell), None]
    for one, after in pairwise(found):
        if one is not None and not cell.startswith(INTERVAL, one.start()):
            yield number(one[1]), cell[: one.end()], cell[one.end() : after.start() if after else None]


def _other(place: str, before: str, after: str) -> bool:
    """Whether a percentage is no share of what can be had."""
    return any(
        re.search(where, place) and re.search(words, before if words.endswith("$") else f"%{after}")
        for where, words in OTHER_SHARES
    )


# --- doubt ------------------------------------------------------------------------------------------------------------


def doubts(reading: Reading, lines: Sequence[Line]) -> Checked:
    """No figure of a suspect record, of twins that disagree among them, without its mark.

    A line is of such a record where it names the case with its figure, or prints a median with its interval that only
    suspect records have.
    """
    checked = Checked()
    texts: dict[str, set[str]] = {}  # what all records have in common that print this median and interval
    pairs: dict[tuple[str, str, str], set[str]] = {}  # a median, its interval and their unit
    cases: dict[tuple[str, ...], set[str]] = {}
    for record in reading.records:
        codes = set(record.codes) | {"suspect"} if record.status == "suspect" else set()
        for name in _named(reading, record) if record.timed else ():
            cases[name] = cases.get(name, codes) & codes
        for value in _values(record) if record.timed else ():
            for unit in UNITS if _like("s", value[1]) else [value[1]]:
                if _like(unit, value[1]):
                    pair = (*text.columns(value[0].scaled(UNITS[value[1]] / UNITS[unit])), unit)
                    pairs[pair] = pairs.get(pair, codes) & codes
            if text.columns(value[0])[1] != text.NOTHING:
                for told in (text.amount(*value), text.seconds(value[0].scaled(UNITS.get(value[1], 0.0)))):
                    texts[told] = texts.get(told, codes) & codes
    apart = {told: codes for told, codes in texts.items() if codes and "(" in told}
    for line in lines:
        if line.kind == SENTENCE:
            found = [codes for told, codes in apart.items() if told in line.text]
        elif line.kind == MARK:  # a chart may draw something else of a case, such as its accuracy
            drawn = re.match(rf"{VALUE}|{SHARE.pattern}", line.cell("shown"))
            found = [cases.get(name, set()) for name in _names(line) if drawn]
        else:
            found = [cases.get(name, set()) for name in _names(line)]
            for (head, value), (beside, cell) in pairwise(line.cells):
                measured = beside == INTERVAL and head not in RATIOS and cell != text.NOTHING
                unit = re.split(", | per ", head)[-1]
                units = [unit] if unit in UNITS else UNITS
                alike = [pairs[value, cell, one] for one in units if measured and (value, cell, one) in pairs]
                found.append((set.intersection(*alike) if alike else set()) | apart.get(cell, set()))
            for record, cell in _pivoted(line, reading):
                checked.seen["pivots"] += 1
                if record.status == "suspect" and not MARKED.search(cell):
                    checked.faults.append(Fault("doubt without its mark", line.place, f"{cell} of {line.text}"))
        codes = set().union(*found)
        if codes:
            checked.seen["suspect"] += 1
            checked.seen["twins"] += "twins" in codes
            if not (MARKED.search(line.text) or line.cell("suspect")):
                checked.faults.append(Fault("doubt without its mark", line.place, line.text))
    return checked


def _pivoted(line: Line, reading: Reading) -> Iterator[tuple[Record, str]]:
    """The records of a row that has a cell for each variant, and the cells: `n`, then a column a variant."""
    if not line.cells or line.cells[0][0] != "n" or len(line.cells) < 3:
        return
    for head, cell in line.cells[1:]:
        alike = [
            record for record in reading.records
            if record.timed and _n(record) == line.cells[0][1]
            and head in (record.variant, variant_on(reading.run, record))
            and any(re.match(NUMBER, cell) and agrees(cell, value.value) for value, _ in _values(record))
        ]  # fmt: skip
        if len(alike) == 1:
            yield alike[0], cell


def _n(record: Record) -> str:
    n = record.params.get("n")
    return text.count(n) if isinstance(n, int) else ""


def _values(record: Record) -> Iterator[tuple[Estimate, str]]:
    """The medians that may be printed of a record, each in its unit."""
    for metric in metrics(record):
        yield in_unit(record, metric), metric.unit
    for count in ("items", "hops", "calls"):
        if record.counts.get(count):
            yield estimate(record.samples).scaled(1e9 / record.counts[count]), "ns"


def _named(reading: Reading, record: Record) -> Iterator[tuple[str, ...]]:
    """What lines call the case of a record."""
    yield ("case", format.case(record))
    yield ("case", record.case.label)
    values = " ".join(f"{axis}={value}" for axis, value in record.params.items())
    on = variant_on(reading.run, record)
    for variant in {record.variant, on}:
        yield ("record", record.bench, variant, values)
    yield ("shown", record.bench, on, values)


def _names(line: Line) -> Iterator[tuple[str, ...]]:
    """The cases that a line may name, as `_named` calls them."""
    if line.kind == MARK and line.cell("case"):
        yield ("case", line.cell("case"))
    elif line.place == "records: Every record":
        yield ("record", line.cell("bench"), line.cell("variant"), line.cell("parameters"))
    elif line.kind == ROW and line.place.startswith("show: "):
        yield ("shown", line.place.removeprefix("show: "), line.cell("variant"), line.cell("case"))
    elif line.kind == ROW and line.cell("bench") and line.cell("case"):
        yield ("case", f"{line.cell('bench')} {line.cell('case')}")
    elif line.kind == ROW and line.cell("case"):
        yield ("case", line.cell("case"))


# --- figures ----------------------------------------------------------------------------------------------------------


def figures(reading: Reading, lines: Sequence[Line]) -> Checked:
    """Every figure that a line prints of a case, of a limit or of a headline quantity is the figure of the run."""
    checked = Checked()
    records: dict[tuple[str, ...], list[Record]] = defaultdict(list)
    for record in reading.records:
        for name in _named(reading, record):
            records[name] += [record] if record.timed else []
    limits: dict[str, list[float]] = defaultdict(list)
    for limit in reading.limits:
        limits[limit.name].append(limit.value)
    limit_names = re.compile("|".join(map(re.escape, sorted(limits, key=len, reverse=True))) or "(?!)")
    for line in lines:
        for kind, what, printed, allowed in (
            *_of_cases(line, records), *_of_limits(line, limits, limit_names), *_of_headline(line, reading),
        ):  # fmt: skip
            checked.seen[kind] += 1
            if not any(agrees(printed[0], value / printed[1]) for value in allowed):
                wanted = ", ".join(f"{value / printed[1]:.6g}" for value in allowed) or "nothing"
                checked.faults.append(
                    Fault("another figure", line.place, f"{what}: {printed[0]} instead of {wanted}: {line.text}")
                )
    return checked


Claim = tuple[str, str, tuple[str, float], Sequence[float]]  # kind, of what, number and unit as printed, SI values


def _of_cases(line: Line, records: Mapping[tuple[str, ...], list[Record]]) -> Iterator[Claim]:
    """The medians of cases: in chart's tooltips, in the table of all records, on the terminal."""
    for name in _names(line):
        found = records.get(name, [])
        if not found:
            continue
        shown = {MARK: ["shown"], ROW: ["one execution", "median", f"median ({INTERVAL})"]}[line.kind]
        for head in shown:
            if (value := re.match(VALUE, line.cell(head))) is None:
                continue
            unit, allowed = value[2], []
            for record in found:
                allowed += [one.value * UNITS[its] for one, its in _values(record) if _like(its, unit)]
                allowed += [estimate(record.samples).value] if _like("s", unit) else []
            if allowed:
                yield "cases", " ".join(name[1:]), (value[1], UNITS[unit]), allowed


def _like(one: str, other: str) -> bool:
    """Whether two units are of one dimension."""
    kinds = [next(k for k, end in (("B", "B/s"), ("F", "FLOP/s"), ("Hz", "Hz"), ("x", "×"), ("s", "s"))
                  if unit.endswith(end)) for unit in (one, other)]  # fmt: skip
    return kinds[0] == kinds[1]


def _of_limits(line: Line, limits: Mapping[str, list[float]], names: re.Pattern[str]) -> Iterator[Claim]:
    """The best samples of limits: where a limit's name is followed by its figure, and in the table of bandwidths."""
    for head in ("best, GB/s", "limit (best sample), GB/s"):
        name = f"{line.cell('level')} {line.cell('work')}, {counted(line.cell('threads'))}"
        if line.cell(head) not in ("", text.NOTHING):
            yield "limits", name, (line.cell(head), 1e9), limits.get(name, [])
    if line.kind == MARK and line.cell("case") in limits and (value := re.match(VALUE, line.cell("shown"))):
        yield "limits", line.cell("case"), (value[1], UNITS[value[2]]), limits[line.cell("case")]
    for _, cell in line.cells:
        for name in names.finditer(cell):
            if value := re.match(rf"(?:[:,]| \() ?{VALUE}", cell[name.end() :]):
                yield "limits", name[0], (value[1], UNITS[value[2]]), limits[name[0]]


def counted(threads: str) -> str:
    """`2 threads`."""
    return f"{threads} thread{'s' * (threads != '1')}"


def _of_headline(line: Line, reading: Reading) -> Iterator[Claim]:
    """Headline quantities: tiles, the tables of machines, and sentences that name one."""
    if line.kind == TILE and line.cell("label") in CARDS:
        threads = re.search(r"(\d+) threads?", line.cell("about"))
        found = _of_threads(reading, CARDS[line.cell("label")], threads[1] if threads else "")
        if value := re.match(VALUE, line.cell("value")):
            yield "tiles", line.cell("label"), (value[1], UNITS[value[2]]), [one.value for one in found]
    elif line.kind == ROW and line.cell("level"):
        yield from _of_levels(line, reading)
    elif line.place == "lecture: CPU against GPU" and line.cell("figures") == "measured here":
        yield from _of_machine(line, reading)
    elif line.kind == SENTENCE:
        for start, words, name in SENTENCES:
            if not start.match(line.text):
                continue
            for value in words.finditer(line.text):
                more = value.groups()[2:]
                level = next((LEVELS[one] for one in more if one in LEVELS), "")
                threads = next((one for one in more if one.isdigit()), "")
                found = _of_threads(reading, name.format(level=level, who="?").removesuffix(".?"), threads)
                if found:  # what is no headline quantity may be said of another case
                    yield "sentences", found[0].name, (value[1], UNITS[value[2]]), [one.value for one in found]


def _of_machine(line: Line, reading: Reading) -> Iterator[Claim]:
    """A machine's row in the lecture's table: its peak and its memory's bandwidth, on the threads that it states."""
    on_cpu, stated = line.cell("cores") != text.NOTHING, line.cell("what was measured")
    for head, scale, names in (
        ("TFLOP/s float32", 1e12, {"peak.f4": "multiply-adds"}),
        ("GB/s", 1e9, {f"{'dram' if on_cpu else 'hbm'}.{kernel}": words for kernel, words in MOVED.items()}),
    ):
        if line.cell(head) in ("", text.NOTHING):
            continue
        found: list[Headline] = []
        for name, words in names.items():
            threads = re.search(rf"{words}(?:, (\d+) threads?)?", stated)
            found += _of_threads(reading, name, (threads[1] or "") if threads else "") if threads or not stated else []
        found = [one for one in found if one.device.startswith("cpu" if on_cpu else "gpu:")]
        yield "machines", head, (line.cell(head), scale), [one.value for one in found]


def _of_levels(line: Line, reading: Reading) -> Iterator[Claim]:
    """The tables of levels: their latency, and the bandwidths that come from each."""
    level = LEVELS.get(line.cell("level"), line.cell("level").lower())
    if "Levels, reported and measured" in line.place:
        found, value = reading.get(f"{level}.latency"), re.match(VALUE, line.cell("latency"))
        if found is not None and value is not None:
            yield "levels", found.name, (value[1], UNITS[value[2]]), [found.value]
    elif line.place.endswith(": Bandwidth by level"):
        work = {"load": "read"}.get(line.cell("work"), line.cell("work"))
        values = [one.value for one in _of_threads(reading, f"{level}.{work}", line.cell("threads"))]
        yield "levels", f"{level}.{work}", (line.cell("GB/s"), 1e9), values


def _of_threads(reading: Reading, name: str, threads: str) -> list[Headline]:
    """The headline quantities of a name, of `dram.read` on these threads."""
    exact = [one for one in reading.headline if one.name == name]
    return exact or [
        one for one in reading.headline
        if one.name in (f"{name}.one", f"{name}.all") and threads in ("", str(one.threads))
    ]  # fmt: skip


# --- show --json ------------------------------------------------------------------------------------------------------


def in_json(data: Any) -> Checked:
    """Shares have their doubts, twins theirs, and a headline quantity is the figure of its record."""
    checked = Checked()
    labels: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for record in data["records"]:
        values = ", ".join(str(value) for value in record["params"].values())
        labels[f"{record['bench']}/{record['variant']} [{values}]", record["device"]].append(record)
        codes = {reason["code"] for reason in record.get("reasons", [])}
        limit = record.get("rates", {}).get("limit")
        if limit is not None:
            checked.seen["shares in JSON"] += 1
            if limit["share"] > TOLERANCE and not limit["doubt"]:
                checked.faults.append(Fault("share without its mark", "JSON", str(limit)))
        if "twins" in codes and record["status"] != "suspect":
            checked.faults.append(Fault("doubt without its mark", "JSON", str(record["params"])))
    for one in data["headline"]:
        given = labels[one["record"], one["device"]]
        if one["unit"] != "1" and one["name"] != "mispredict":
            checked.seen["headline in JSON"] += 1
            if not any(_same(one["value"], record) for record in given):
                checked.faults.append(Fault("another figure", "JSON", str(one)))
        if given and not set.intersection(*map(_codes, given)) <= set(one["doubt"] or ()):
            checked.faults.append(Fault("doubt without its mark", "JSON", str(one)))
    return checked


def _same(value: float, record: Any) -> bool:
    """Whether a record has this median: a rate, or seconds per hop or call."""
    seconds = record["rates"]["median_s"]
    counts = [amount for amount in record["counts"].values() if amount]
    return any(abs(value / figure - 1) < 1e-9 for amount in counts for figure in (amount / seconds, seconds / amount))


def _codes(record: Any) -> set[str]:
    """Why a record is suspect."""
    return {reason["code"] for reason in record.get("reasons", [])} if record["status"] == "suspect" else set()


# --- numbers ----------------------------------------------------------------------------------------------------------


def number(printed: str) -> float:
    """A number as `text` prints it: groups of digits, powers of ten."""
    digits, _, power = printed.replace("\u202f", "").partition(" × 10")
    return float(digits) * 10.0 ** float(power.translate(RAISED) or 0)


def agrees(printed: str, value: float) -> bool:
    """Whether a printed number is this value, rounded to the digits that are printed."""
    match = re.match(NUMBER, printed)
    if match is None:
        return False
    digits, _, power = match[0].replace("\u202f", "").partition(" × 10")
    scale = 10.0 ** float(power.translate(RAISED) or 0)
    decimals = len(digits.partition(".")[2])
    step = 10.0**-decimals
    if not decimals:  # zeros at the end may stand for digits that were rounded away
        step *= 10.0 ** max(0, len(digits) - max(2, len(digits.rstrip("0"))))
    return abs(value - float(digits) * scale) <= 0.5001 * step * scale


def summary(faults: Iterable[Fault]) -> list[str]:
    """The faults by rule and place, the commonest first, each with its number and an example."""
    groups: dict[tuple[str, str], list[Fault]] = defaultdict(list)
    for fault in faults:
        groups[fault.rule, fault.place].append(fault)
    ordered = sorted(groups.values(), key=len, reverse=True)
    return [f"{len(group)} × {group[0].rule} at {group[0].place}: {group[0].what[:300]}" for group in ordered]
