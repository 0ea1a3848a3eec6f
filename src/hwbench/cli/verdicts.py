"""Verdicts as a table on a terminal, as Markdown for a pull request, and as plain data."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from ..analysis.bars import shown as in_unit
from ..analysis.headline import RATIO, Headline
from ..record import text
from ..record.estimate import Estimate
from ..record.model import JsonObject
from ..record.phrases import compared, counted
from ..tracking.directions import kind_of, printed, words
from ..tracking.rules import FAIL_ON
from ..tracking.side_by_side import Quantity
from ..tracking.sides import Side, differing
from ..tracking.totals import geometric_mean, surroundings
from ..tracking.verdicts import COMPARED, VERDICTS, Comparison, ComparisonReport
from .console import console as make_console
from .console import echo, echo_err, print_json

if TYPE_CHECKING:
    from rich.console import Console

COLOURS = {
    "slower": "red", "failed": "red", "faster": "green", "ambiguous": "yellow", "no change": "", "same": "", "new": "",
    "gone": "", "not measured": "dim",
}  # fmt: skip
SIGNS = {"slower": "🔴", "failed": "💥", "faster": "🟢", "ambiguous": "🟡", "new": "🆕", "gone": "⚪"}
# Cases that are listed without --all, and across machines, where the headline figures say most.
MOST = {"slower": 20, "failed": 20, "faster": 10, "new": 10, "gone": 10}
ACROSS = {"slower": 6, "failed": 6, "faster": 6}
TOLD = ("slower", "failed", "faster", "new", "gone")  # verdicts that are no rest
LONGEST = 50  # rows of a Markdown table: people read comments on pull requests
BARS = "▁▂▃▄▅▆▇█"
WIDEST = 20  # values of a trend
MOST_SKIPPED = 10  # files that are named
FLAT = 0.05  # relative; a trend that varies by less has no shape
NAMES = {"time": "times", "memory": "memory", "count": "counts"}
METHOD = "Benjamini–Hochberg, 5%"


@dataclass(frozen=True)
class Compared:
    """What there is to print of a comparison: verdicts, both sides, the threshold, and their headline quantities.

    `fail_on` are the verdicts that end by exit code 1.
    """

    report: ComparisonReport
    base: Side
    new: Side
    threshold: float
    headline: Sequence[Quantity] = ()
    fail_on: Sequence[str] = FAIL_ON


def deliver(told: Compared, remedy: str, *, json: bool, as_markdown: bool, every: bool = False) -> None:
    """Print verdicts in the format asked for; exit 1 where one is to fail, 2 where no case could be compared."""
    report, base, new, threshold = told.report, told.base, told.new, told.threshold
    if json:
        print_json(as_json(told))
    elif as_markdown:
        echo(markdown(report, base, new, threshold))
    else:
        print_verdicts(told, remedy, make_console(), every=every)
    warn_of(base.skipped)
    if any(one.verdict in told.fail_on for one in report.cases):
        raise typer.Exit(1)
    if not any(one.verdict in COMPARED for one in report.cases):
        echo_err("nothing was compared: no case was measured on both sides")
        raise typer.Exit(2)


def print_verdicts(told: Compared, remedy: str, console: Console, *, every: bool = False) -> None:
    """Print the totals, what was compared, headline figures across machines, and what changed, or `every` case."""
    report = told.report

    def say(line: str) -> None:
        console.print(text.printable(line), markup=False, highlight=False, soft_wrap=True)

    say(_sum(report.cases))
    for line in (*_mean(report.cases), *_heading(report, told.base, told.new)):
        say(line)
    for line in side_by_side(told.headline, every=every):
        say(line)
    across = bool(differing(told.base, told.new))
    rows = list(_ordered(report.cases)) if every else changed(report.cases, ACROSS if across else MOST)
    if every:
        _print_table(report, rows, console)
    elif rows:
        say("")
        _print_rows(rows, console, across=across)
    hidden = [one for one in report.cases if one not in rows]
    quantities = 0 if every else len(told.headline) - len(shown_first(told.headline))
    more = [f"{quantities} headline figures"] * bool(quantities) + [f"{_sum(hidden)} cases"] * bool(hidden)
    say("")
    say(_method(report, told.threshold))
    if any(one.verdict == "ambiguous" for one in report.cases):
        say(f"for clear verdicts: {remedy}")
    if more:
        say(f"not shown: {', '.join(more)} (--all)")
    if every:
        say(_sum(report.cases))


def changed(cases: Sequence[Comparison], shown: Mapping[str, int]) -> list[Comparison]:
    """The cases that changed most, slower ones first; where none was compared, some of those that were not."""
    found = []
    for verdict, most in shown.items():
        found += [one for one in _ordered(cases) if one.verdict == verdict][:most]
    return found if any(one.verdict in COMPARED for one in cases) else [*found, *_rest(cases, found)][:10]


def _rest(cases: Sequence[Comparison], found: Sequence[Comparison]) -> list[Comparison]:
    return [one for one in cases if one not in found]


def _print_rows(rows: Sequence[Comparison], console: Console, *, across: bool) -> None:
    """A line a case: the verdict, how much, both values, the case, its history, and the remark."""
    from rich.text import Text

    def ratio(one: Comparison) -> str:
        if across and one.normalised is not None:
            return f"{text.ratio(one.normalised)} (raw: {text.ratio(one.ratio)})"
        return _ratio(one)

    told, word = [ratio(one) for one in rows], max((len(_word(one)) for one in rows), default=0)
    width, wide = max(map(len, told), default=0), max((len(_values(one)) for one in rows), default=0)
    for one, much in zip(rows, told, strict=True):
        unfit = one.verdict not in COMPARED
        remark = f" ({one.reason})" if one.reason and (unfit or not across) else ""
        before = f" {before}" if (before := _before(one)) else ""
        line = Text(f"{_word(one):{word}}  ", style=_colour(one))
        values = f"{_values(one):{wide}}  " if wide and not across else ""
        shown = f"{much:{width}}{'  ' * bool(width)}{values}{_label(one)}{before}{remark}"
        line.append(text.printable(shown), style="default")
        console.print(line, soft_wrap=True)


def shown_first(found: Sequence[Quantity]) -> list[Quantity]:
    """The twelve, and as many of each GPU."""
    devices = dict.fromkeys(one.base.device for one in found)
    of = {device: [one for one in found if one.base.device == device] for device in devices}
    mains = {device: [one for one in mine if one.main and device == "cpu"] or mine for device, mine in of.items()}
    return [one for mine in mains.values() for one in mine[:12]]


def side_by_side(found: Sequence[Quantity], *, every: bool) -> list[str]:
    """Headline figures of both machines, how much they differ, and the share of its own limit that each reaches."""
    rows: list[tuple[str, ...]] = [("", "base", "new", "  new against base", "of limits")]
    for one in found if every else shown_first(found):
        name = one.base.name if one.base.device == "cpu" else f"{one.base.device} {one.base.name}"
        shares = " ".join(f"{share.text if share else '':>4}" for share in one.shares) if any(one.shares) else ""
        unclear = one.times is None or text.difference(one.times) == "unclear"
        times = f"  {text.ratio(one.times, interval=not unclear)}" if one.times else ""
        rows.append((name, *(_value(side) for side in (one.base, one.new)), times, shares))
    if len(rows) == 1:
        return []
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    left = [True, False, False, True, True]
    padded = (
        [f"{cell:{'<' if flush else '>'}{width}}" for cell, width, flush in zip(row, widths, left, strict=True)]
        for row in rows
    )
    return ["", *(" ".join(row).rstrip() for row in padded)]


def _value(one: Headline) -> str:
    """`45.1 GB/s`, with a `~` where it is suspect."""
    shown = text.times(one.value) if one.unit == RATIO else in_unit(one.value, one.unit)
    return shown + text.DOUBTFUL * bool(one.doubt)


def _print_table(report: ComparisonReport, rows: Sequence[Comparison], console: Console) -> None:
    """A row a case with all that is known of it."""
    from rich.table import Table
    from rich.text import Text

    across = _across(report)
    heads = ["verdict", "case", "base", "new", "new against base (95% interval)"]
    table = Table(*heads, *(["machines' limits", "normalised"] if across else []), "remark")
    for one in rows:
        more = [text.ratio(ratio) if ratio else "" for ratio in (one.machine, one.normalised)] if across else []
        cells = (_case(one), *_each(one), _ratio(one), *more, _told(one))
        table.add_row(Text(_word(one), style=_colour(one)), *(Text(text.printable(cell)) for cell in cells))
    console.print("")
    console.print(table)


def markdown(report: ComparisonReport, base: Side, new: Side, threshold: float) -> str:
    """A comment for a pull request: totals, changed cases as a table, and the method below it."""
    ordered = _ordered(report.cases)
    lines = [f"### hwbench: {_sum(report.cases)}", "", *(f"{escaped(line)}  " for line in _mean(report.cases))]
    lines += [f"**{escaped(line)}**  " for line in report.remarks] + [""] * bool(lines[2:] or report.remarks)
    lines += _rows([one for one in ordered if one.verdict in TOLD])
    rest: dict[str, list[Comparison]] = {}
    for one in ordered:
        if one.verdict not in TOLD:
            rest.setdefault(one.verdict, []).append(one)
    for verdict, mine in rest.items():
        lines += [f"<details><summary>{len(mine)} {verdict}</summary>", "", *_rows(mine), "</details>", ""]
    below = (*_heading(report, base, new, remarks=False), _method(report, threshold))
    lines += [escaped(line) + "  " for line in below]
    return "\n".join(lines)


def _rows(cases: Sequence[Comparison]) -> list[str]:
    """A Markdown table of cases, LONGEST at most; [] without any."""
    if not cases:
        return []
    lines = ["| | case | base | new | new against base (95% interval) | remark |"]
    lines += ["| --- | --- | ---: | ---: | --- | --- |"]
    for one in cases[:LONGEST]:
        sign = f"{_sign(one)} {_word(one)}".strip()
        cells = (escaped(_case(one)), *map(escaped, _each(one)), escaped(_ratio(one)), escaped(_told(one)))
        lines.append(f"| {sign} | {' | '.join(cells)} |")
    lines += [f"| | and {len(cases) - LONGEST} more | | | | |"] if len(cases) > LONGEST else []
    return [*lines, ""]


def _each(one: Comparison) -> tuple[str, str]:
    """Both values with their unit."""
    before, after = (text.NOTHING if value is None else printed(value, one.unit) for value in (one.base, one.new))
    return before, after


def _values(one: Comparison) -> str:
    """`1.31 ms → 1.56 ms`; "" without any."""
    return "" if one.base is None and one.new is None else " → ".join(_each(one))


def _word(one: Comparison) -> str:
    """The verdict as a reader says it: of memory `more`, not `slower`."""
    return one.change or one.verdict


def _colour(one: Comparison) -> str:
    """Green only where the better direction is known."""
    return COLOURS[one.verdict] if one.sure or one.verdict != "faster" else ""


def _sign(one: Comparison) -> str:
    return SIGNS.get(one.verdict, "") if one.sure or one.verdict != "faster" else "🔵"


def _told(one: Comparison) -> str:
    """The trend, for how long the old level stood, and the remark."""
    unsure = "" if one.sure or one.verdict not in ("slower", "faster") else "the better direction is assumed"
    sees = f"a change of {text.share(one.sees)} would be found" if one.verdict == "ambiguous" and one.sees else ""
    return "; ".join(filter(None, (_before(one), one.reason, sees, unsure)))


def _before(one: Comparison) -> str:
    """`▁▁▂▁█ was 1.31 ms for 40 commits`; "" where too little is known."""
    if one.base is None or len(one.history) < 3 or one.verdict not in ("slower", "faster", "failed"):
        return ""
    known = [*one.history, *([one.new] if one.new is not None else [])]
    stood = f" was {printed(one.base, one.unit)} for {counted(one.held, 'commit')}" if one.held > 1 else ""
    return f"{trend(known)}{stood}"


def trend(values: Sequence[float]) -> str:
    """The last values as bars."""
    shown = values[-WIDEST:]
    low, high = min(shown), max(shown)
    if high - low <= FLAT * max(abs(low), abs(high)):
        return BARS[3] * len(shown)
    return "".join(BARS[round((value - low) / (high - low) * (len(BARS) - 1))] for value in shown)


def _mean(cases: Sequence[Comparison]) -> list[str]:
    """The geometric mean of all times."""
    found = geometric_mean(cases)
    return [f"geometric mean of {counted(found[1], 'time')}: {compared(found[0])}"] if found else []


def warn_of(skipped: Sequence[str]) -> None:
    """A line for each file that could not be read: the first ten, then a count."""
    for line in skipped[:MOST_SKIPPED]:
        echo_err(f"left out: {line}")
    if len(skipped) > MOST_SKIPPED:
        echo_err(f"left out: {counted(len(skipped) - MOST_SKIPPED, 'more file')}")


def as_json(told: Compared) -> JsonObject:
    """The verdicts and the headline quantities of both sides as plain data; missing numbers are null."""
    report, base, new = told.report, told.base, told.new
    return {
        "base": base.name,
        "new": new.name,
        "threshold": told.threshold,
        "correction": METHOD,
        "machines_differ": differing(base, new),
        "software_differs": software(base, new),
        "surroundings_differ": list(surroundings(base, new)),
        "geometric_mean": mean[0]._asdict() if (mean := geometric_mean(report.cases)) else None,
        "run_to_run": {"deviation": report.noise.common, "source": report.noise.source},
        "run_to_run_by_kind": {
            kind: {"deviation": one.common, "source": one.source} for kind, one in report.noises.items()
        },
        "remarks": list(report.remarks),
        "skipped": list(base.skipped),
        "verdicts": _counts(report.cases),
        "headline": [_pair(one) for one in told.headline],
        "cases": report.cases,
    }


def _pair(one: Quantity) -> JsonObject:
    """A headline quantity of both sides, the ratio of times, new over base, and the share of each side's limit."""
    sides = {
        name: {"value": side.value, "low": side.low, "high": side.high, "threads": side.threads, "doubt": side.doubt,
               "of_limit": share.value if share is not None else None}
        for name, side, share in zip(("base", "new"), (one.base, one.new), one.shares, strict=True)
    }  # fmt: skip
    times = one.times._asdict() if one.times is not None else None
    return {"name": one.base.name, "device": one.base.device, "unit": one.base.unit, **sides, "times": times}


def software(base: Side, new: Side) -> list[str]:
    """`numba: 0.68.1 in base, 0.69.0 in new` for each version that differs."""
    keys = [key for key in base.environment if key in new.environment]
    return [
        f"{key}: {base.environment[key]} in base, {new.environment[key]} in new"
        for key in keys
        if base.environment[key] != new.environment[key]
    ]


def _heading(report: ComparisonReport, base: Side, new: Side, *, remarks: bool = True) -> list[str]:
    lines = [f"base: {base.name}", f"new: {new.name}"]
    lines += [f"the machines differ: {line}" for line in differing(base, new)]
    if base.machine != new.machine and not differing(base, new):
        names = f"{base.machine} and {new.machine}"
        lines.append(f"{names} differ in nothing that is known; they are compared as one machine")
    lines += [f"the software differs: {line}" for line in software(base, new)]
    if around := list(surroundings(base, new)):
        lines.append(f"the settings differ: {'; '.join(around)}")
    lines += report.remarks if remarks else ()
    if _across(report) and differing(base, new):
        lines.append("verdicts are on the normalised ratio: the ratio divided by that of the machines' own limits")
    return lines


def _method(report: ComparisonReport, threshold: float) -> str:
    noises = report.noises or {"time": report.noise}
    each = ", ".join(
        f"{f'of {NAMES[kind]} ' if len(noises) > 1 else ''}by {text.share(one.common)} ({one.source})"
        for kind, one in noises.items()
    )
    return (
        f"threshold {text.share(threshold)}, corrected for the number of cases ({METHOD}); medians differ from run to "
        f"run {each}"
    )


def _across(report: ComparisonReport) -> bool:
    return any(one.machine is not None for one in report.cases)


def _ordered(cases: Sequence[Comparison]) -> list[Comparison]:
    """By verdict; the greatest change first."""
    return sorted(cases, key=lambda one: (VERDICTS.index(one.verdict), -abs(math.log(one.ratio or 1.0))))


def _case(one: Comparison) -> str:
    values = " ".join(f"{axis}={value}" for axis, value in one.params.items())
    return (f"{one.bench}/{one.variant} {values}" if one.variant else f"{one.bench} {values}").rstrip()


def _label(one: Comparison) -> str:
    """`stream.load/simd [L1, f8]`: the case as `hwbench show` takes it."""
    values = ", ".join(map(str, one.params.values()))
    return "/".join(filter(None, (one.bench, one.variant))) + (f" [{values}]" if values else "")


def _ratio(one: Comparison) -> str:
    """`1.19× slower (1.15–1.23)`; `no clear difference (0.77–1.50)` where the interval holds 1 and is wide."""
    if one.difference is not None:
        word = "more" if one.difference > 0 else "less"
        return f"{printed(abs(one.difference), one.unit)} {word}" if one.difference else "no difference"
    if one.ratio is None or one.low is None:
        return ""
    bounded = one.high is not None and one.low > 0
    said = compared(Estimate(one.ratio, one.low, one.high or math.inf)) if bounded else text.ratio(one.ratio)
    if one.verdict == "no change":
        said = said.replace("no clear difference", "no change")
    if kind_of(one.unit) != "time":
        worse, better = words(one.unit, one.higher)
        said = said.replace("slower", worse).replace("faster", better)
    return said if bounded else f"{said} (no interval)"


def _counts(cases: Sequence[Comparison]) -> dict[str, int]:
    return {verdict: sum(one.verdict == verdict for one in cases) for verdict in VERDICTS}


def _sum(cases: Sequence[Comparison]) -> str:
    """`2 slower, 98 same`; of several kinds of metric `3 worse (2 slower, 1 more), 98 same`."""
    told = []
    for verdict, count in _counts(cases).items():
        words = Counter(_word(one) for one in cases if one.verdict == verdict)
        if not {*words} <= {verdict}:
            each = ", ".join(f"{number} {word}" for word, number in words.most_common())
            told.append(f"{count} {'worse' if verdict == 'slower' else 'better'} ({each})")
        elif count:
            told.append(f"{count} {verdict}")
    return ", ".join(told) or "no cases"


def escaped(cell: str) -> str:
    """Text with Markdown's markup escaped: names from files may hold markup, pipes and line ends."""
    shown = text.printable(" ".join(cell.split()))
    return "".join(f"&#{ord(c)};" if c in "<>|@&" else f"\\{c}" if c in "\\`*_[]#" else c for c in shown)
