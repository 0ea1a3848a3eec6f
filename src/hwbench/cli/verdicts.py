"""Verdicts as a table on a terminal, as Markdown for a pull request, and as plain data."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from ..analysis.bars import shown as in_unit
from ..analysis.headline import RATIO, Headline
from ..record import text
from ..record.estimate import Estimate
from ..record.model import JsonObject
from ..record.phrases import compared
from ..tracking.side_by_side import Quantity
from ..tracking.sides import Side, differing
from ..tracking.verdicts import VERDICTS, Comparison, ComparisonReport
from .console import console as make_console
from .console import echo, echo_err, print_json

if TYPE_CHECKING:
    from rich.console import Console

COLOURS = {"slower": "red", "faster": "green", "ambiguous": "yellow", "same": "", "not measured": "dim"}
SIGNS = {"slower": "🔴 slower", "faster": "🟢 faster", "ambiguous": "🟡 ambiguous"}
MOST = {"slower": 20, "faster": 10}  # cases that are listed without --all,
ACROSS = {"slower": 6, "faster": 6}  # and across machines, where the headline figures say most
LONGEST = 50  # rows of a Markdown table: people read comments on pull requests
METHOD = "Benjamini–Hochberg, 5%"


@dataclass(frozen=True)
class Compared:
    """What there is to print of a comparison: verdicts, both sides, the threshold, and their headline quantities."""

    report: ComparisonReport
    base: Side
    new: Side
    threshold: float
    headline: Sequence[Quantity] = ()


def deliver(told: Compared, remedy: str, *, json: bool, as_markdown: bool, every: bool = False) -> None:
    """Print verdicts in the format asked for; exit 1 where a case is slower, 2 where no case could be compared."""
    report, base, new, threshold = told.report, told.base, told.new, told.threshold
    if json:
        print_json(as_json(told))
    elif as_markdown:
        echo(markdown(report, base, new, threshold))
    else:
        print_verdicts(told, remedy, make_console(), every=every)
    if any(one.verdict == "slower" for one in report.cases):
        raise typer.Exit(1)
    if all(one.verdict == "not measured" for one in report.cases):
        echo_err("nothing was compared: no case was measured on both sides")
        raise typer.Exit(2)


def print_verdicts(told: Compared, remedy: str, console: Console, *, every: bool = False) -> None:
    """Print the totals, what was compared, headline figures across machines, and what changed, or `every` case."""
    report = told.report

    def say(line: str) -> None:
        console.print(text.printable(line), markup=False, highlight=False, soft_wrap=True)

    say(_sum(report.cases))
    for line in _heading(report, told.base, told.new):
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
    return list(cases[:10]) if all(one.verdict == "not measured" for one in cases) else found


def _print_rows(rows: Sequence[Comparison], console: Console, *, across: bool) -> None:
    """A line a case: the verdict, how much, the case, and the remark."""
    from rich.text import Text

    def ratio(one: Comparison) -> str:
        if across and one.normalised is not None:
            return f"{text.ratio(one.normalised)} (raw: {text.ratio(one.ratio)})"
        return _ratio(one)

    told = [ratio(one) for one in rows]
    width = max(map(len, told), default=0)
    for one, much in zip(rows, told, strict=True):
        remark = f" ({one.reason})" if one.reason and (one.verdict == "not measured" or not across) else ""
        line = Text(f"{one.verdict}  ", style=COLOURS[one.verdict])
        line.append(text.printable(f"{much:{width}}{'  ' * bool(width)}{_label(one)}{remark}"), style="default")
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
    heads = ["verdict", "case", "new against base (95% interval)"]
    table = Table(*heads, *(["machines' limits", "normalised"] if across else []), "remark")
    for one in rows:
        more = [text.ratio(ratio) if ratio else "" for ratio in (one.machine, one.normalised)] if across else []
        cells = (_case(one), _ratio(one), *more, one.reason)
        table.add_row(Text(one.verdict, style=COLOURS[one.verdict]), *(Text(text.printable(cell)) for cell in cells))
    console.print("")
    console.print(table)


def markdown(report: ComparisonReport, base: Side, new: Side, threshold: float) -> str:
    """A comment for a pull request: totals, changed cases as a table, and the method below it."""
    changed = [one for one in _ordered(report.cases) if one.verdict in ("slower", "faster")]
    lines = [f"### hwbench: {_sum(report.cases)}", ""]
    if changed:
        lines += ["| | case | new against base (95% interval) |", "| --- | --- | ---: |"]
        lines += [f"| {SIGNS[one.verdict]} | {_escaped(_case(one))} | {_ratio(one)} |" for one in changed[:LONGEST]]
        lines += [f"| | and {len(changed) - LONGEST} more | |"] if len(changed) > LONGEST else []
        lines.append("")
    rest = [one for one in _ordered(report.cases) if one.verdict == "ambiguous"]
    if rest:
        lines += [f"<details><summary>{len(rest)} ambiguous</summary>", ""]
        lines += ["| case | new against base (95% interval) | remark |", "| --- | ---: | --- |"]
        lines += [f"| {_escaped(_case(one))} | {_ratio(one)} | {_escaped(one.reason)} |" for one in rest[:LONGEST]]
        lines += [f"| and {len(rest) - LONGEST} more | | |"] if len(rest) > LONGEST else []
        lines += ["", "</details>", ""]
    lines += [_escaped(line) + "  " for line in (*_heading(report, base, new), _method(report, threshold))]
    return "\n".join(lines)


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
        "run_to_run": {"deviation": report.noise.common, "source": report.noise.source},
        "remarks": list(report.remarks),
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


def _heading(report: ComparisonReport, base: Side, new: Side) -> list[str]:
    lines = [f"base: {base.name}", f"new: {new.name}"]
    lines += [f"the machines differ: {line}" for line in differing(base, new)]
    if base.machine != new.machine and not differing(base, new):
        names = f"{base.machine} and {new.machine}"
        lines.append(f"{names} differ in nothing that is known; they are compared as one machine")
    lines += [f"the software differs: {line}" for line in software(base, new)]
    lines += report.remarks
    if _across(report) and differing(base, new):
        lines.append("verdicts are on the normalised ratio: the ratio divided by that of the machines' own limits")
    return lines


def _method(report: ComparisonReport, threshold: float) -> str:
    return (
        f"threshold {text.share(threshold)}, corrected for the number of cases ({METHOD}); medians differ from run to "
        f"run by {text.share(report.noise.common)} ({report.noise.source})"
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
    if one.ratio is None or one.low is None:
        return ""
    if one.high is None:
        return f"{text.ratio(one.ratio)} (no upper bound)"
    return compared(Estimate(one.ratio, one.low, one.high))


def _counts(cases: Sequence[Comparison]) -> dict[str, int]:
    return {verdict: sum(one.verdict == verdict for one in cases) for verdict in VERDICTS}


def _sum(cases: Sequence[Comparison]) -> str:
    return ", ".join(f"{count} {verdict}" for verdict, count in _counts(cases).items() if count) or "no cases"


def _escaped(cell: str) -> str:
    """Text with Markdown's markup escaped: names from files may hold markup, pipes and line ends."""
    shown = text.printable(" ".join(cell.split()))
    return "".join(f"&#{ord(c)};" if c in "<>|@&" else f"\\{c}" if c in "\\`*_[]#" else c for c in shown)
