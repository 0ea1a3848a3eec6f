"""Verdicts as a table on a terminal, as Markdown for a pull request, and as plain data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from ..record import text
from ..record.estimate import Estimate
from ..record.model import JsonObject
from ..record.phrases import compared
from ..tracking.sides import Side, differing
from ..tracking.verdicts import VERDICTS, Comparison, ComparisonReport
from .console import console as make_console
from .console import echo, echo_err, print_json

if TYPE_CHECKING:
    from rich.console import Console

COLOURS = {"slower": "red", "faster": "green", "ambiguous": "yellow", "same": "", "not measured": "dim"}
SIGNS = {"slower": "🔴 slower", "faster": "🟢 faster", "ambiguous": "🟡 ambiguous"}
LONGEST = 50  # rows of a Markdown table: people read comments on pull requests
METHOD = "Benjamini–Hochberg, 5%"


def deliver(
    report: ComparisonReport, base: Side, new: Side, threshold: float, remedy: str, *, json: bool, as_markdown: bool
) -> None:
    """Print verdicts in the format asked for; exit 1 where a case is slower, 2 where no case could be compared."""
    if json:
        print_json(as_json(report, base, new, threshold))
    elif as_markdown:
        echo(markdown(report, base, new, threshold))
    else:
        print_verdicts(report, base, new, threshold, remedy, make_console())
    if any(one.verdict == "slower" for one in report.cases):
        raise typer.Exit(1)
    if all(one.verdict == "not measured" for one in report.cases):
        echo_err("nothing was compared: no case was measured on both sides")
        raise typer.Exit(2)


def print_verdicts(
    report: ComparisonReport, base: Side, new: Side, threshold: float, remedy: str, console: Console
) -> None:
    """Print what was compared, a row a case with the slow ones first, the totals, and what settles ambiguous ones."""
    from rich.table import Table
    from rich.text import Text

    for line in _heading(report, base, new, threshold):
        console.print(text.printable(line), markup=False, highlight=False, soft_wrap=True)
    across = _across(report)
    heads = ["verdict", "case", "new against base (95% interval)"]
    table = Table(*heads, *(["machines' limits", "normalised"] if across else []), "remark")
    for one in _ordered(report.cases):
        more = [text.ratio(ratio) if ratio else "" for ratio in (one.machine, one.normalised)] if across else []
        cells = (_case(one), _ratio(one), *more, one.reason)
        table.add_row(Text(one.verdict, style=COLOURS[one.verdict]), *(Text(text.printable(cell)) for cell in cells))
    console.print(table)
    console.print(_sum(report.cases), highlight=False)
    if any(one.verdict == "ambiguous" for one in report.cases):
        console.print(f"for clear verdicts: {remedy}", markup=False, highlight=False, soft_wrap=True)


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
    lines += [_escaped(line) + "  " for line in _heading(report, base, new, threshold)]
    return "\n".join(lines)


def as_json(report: ComparisonReport, base: Side, new: Side, threshold: float) -> JsonObject:
    """The verdicts as plain data; missing numbers are null."""
    return {
        "base": base.name,
        "new": new.name,
        "threshold": threshold,
        "correction": METHOD,
        "machines_differ": differing(base, new),
        "software_differs": software(base, new),
        "run_to_run": {"deviation": report.noise.common, "source": report.noise.source},
        "remarks": list(report.remarks),
        "verdicts": _counts(report.cases),
        "cases": report.cases,
    }


def software(base: Side, new: Side) -> list[str]:
    """`numba: 0.68.1 in base, 0.69.0 in new` for each version that differs."""
    keys = [key for key in base.environment if key in new.environment]
    return [
        f"{key}: {base.environment[key]} in base, {new.environment[key]} in new"
        for key in keys
        if base.environment[key] != new.environment[key]
    ]


def _heading(report: ComparisonReport, base: Side, new: Side, threshold: float) -> list[str]:
    lines = [f"base: {base.name}", f"new: {new.name}"]
    lines += [f"the machines differ: {line}" for line in differing(base, new)]
    if base.machine != new.machine and not differing(base, new):
        names = f"{base.machine} and {new.machine}"
        lines.append(f"{names} differ in nothing that is known; they are compared as one machine")
    lines += [f"the software differs: {line}" for line in software(base, new)]
    lines += report.remarks
    lines.append(
        f"threshold {text.share(threshold)}, corrected for the number of cases ({METHOD}); medians differ from run to "
        f"run by {text.share(report.noise.common)} ({report.noise.source})"
    )
    if _across(report) and differing(base, new):
        lines.append("verdicts are on the normalised ratio: the ratio divided by that of the machines' own limits")
    return lines


def _across(report: ComparisonReport) -> bool:
    return any(one.machine is not None for one in report.cases)


def _ordered(cases: Sequence[Comparison]) -> list[Comparison]:
    """By verdict; the greatest change first."""
    return sorted(cases, key=lambda one: (VERDICTS.index(one.verdict), -abs(math.log(one.ratio or 1.0))))


def _case(one: Comparison) -> str:
    values = " ".join(f"{axis}={value}" for axis, value in one.params.items())
    return f"{one.bench}/{one.variant} {values}" if one.variant else f"{one.bench} {values}".rstrip()


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
