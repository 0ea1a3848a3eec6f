"""Verdicts on a terminal and as plain data, and the exit codes that go with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from ..analysis.bars import shown as in_unit
from ..analysis.headline import RATIO, Headline
from ..record import text
from ..record.model import JsonObject
from ..record.phrases import counted
from ..tracking.comparison import COMPARED, Comparison, ComparisonReport
from ..tracking.rules import FAIL_ON
from ..tracking.side_by_side import Quantity
from ..tracking.sides import Side, differing
from ..tracking.totals import geometric_mean, surroundings
from .comment import markdown
from .console import console as make_console
from .console import echo, echo_err, print_json
from .wording import (
    before_of,
    case_of,
    colour,
    counts,
    each,
    heading,
    label,
    mean,
    method,
    normalised,
    ordered,
    ratio_of,
    remark,
    software,
    totals,
    values_of,
    word_of,
)

if TYPE_CHECKING:
    from rich.console import Console

# Cases that are listed without --all, and across machines, where the headline figures say most.
MOST = {"slower": 20, "failed": 20, "faster": 10, "new": 10, "gone": 10}
ACROSS = {"slower": 6, "failed": 6, "faster": 6}
MOST_SKIPPED = 10  # files that are named
LONG = 20  # rows of a table that hides the totals above it


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
    if any(one.verdict in told.fail_on for one in (*report.cases, *([report.whole] if report.whole else []))):
        raise typer.Exit(1)
    if not any(one.verdict in COMPARED for one in report.cases):
        echo_err("nothing was compared: no case was measured on both sides")
        raise typer.Exit(2)


def print_verdicts(told: Compared, remedy: str, console: Console, *, every: bool = False) -> None:
    """Print the totals, what was compared, headline figures across machines, and what changed, or `every` case."""
    report = told.report

    def say(line: str) -> None:
        # A terminal's lines end between words; a pipe's are not broken.
        console.print(text.printable(line), markup=False, highlight=False, soft_wrap=not console.is_terminal)

    say(totals(report.cases))
    for line in (*mean(report), *heading(report, told.base, told.new)):
        say(line)
    for line in side_by_side(told.headline, every=every):
        say(line)
    across = bool(differing(told.base, told.new))
    rows = list(ordered(report.cases)) if every else changed(report.cases, ACROSS if across else MOST)
    if every:
        _print_table(report, rows, console)
    elif rows:
        say("")
        _print_rows(rows, console, across=across)
    hidden = [one for one in report.cases if one not in rows]
    quantities = 0 if every else len(told.headline) - len(shown_first(told.headline))
    more = [f"{quantities} headline figures"] * bool(quantities) + [f"{totals(hidden)} cases"] * bool(hidden)
    say("")
    say(method(report, told.threshold))
    if any(one.verdict == "ambiguous" for one in report.cases):
        say(f"for clear verdicts: {remedy}")
    if more:
        say(f"not shown: {', '.join(more)} (--all)")
    if every and len(rows) > LONG:
        say(totals(report.cases))


def changed(cases: Sequence[Comparison], shown: Mapping[str, int]) -> list[Comparison]:
    """The cases that changed most, slower ones first; where none was compared, some of those that were not."""
    found = []
    for verdict, most in shown.items():
        found += [one for one in ordered(cases) if one.verdict == verdict][:most]
    return found if any(one.verdict in COMPARED for one in cases) else [*found, *_rest(cases, found)][:10]


def _rest(cases: Sequence[Comparison], found: Sequence[Comparison]) -> list[Comparison]:
    return [one for one in cases if one not in found]


def _print_rows(rows: Sequence[Comparison], console: Console, *, across: bool) -> None:
    """A line a case: the verdict, how much, both values, the case, its history, and the remark."""
    from rich.text import Text

    def ratio(one: Comparison) -> str:
        if across and one.normalised is not None:
            return f"{text.ratio(one.normalised)} (raw: {text.ratio(one.ratio)})"
        return ratio_of(one)

    told, word = [ratio(one) for one in rows], max((len(word_of(one)) for one in rows), default=0)
    width, wide = max(map(len, told), default=0), max((len(values_of(one)) for one in rows), default=0)
    for one, much in zip(rows, told, strict=True):
        unfit = one.verdict not in COMPARED
        why = f" ({one.reason})" if one.reason and (unfit or not across) else ""
        before = f" {before}" if (before := before_of(one)) else ""
        line = Text(f"{word_of(one):{word}}  ", style=colour(one))
        values = f"{values_of(one):{wide}}  " if wide and not across else ""
        shown = f"{much:{width}}{'  ' * bool(width)}{values}{label(one)}{before}{why}"
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

    across = normalised(report)
    heads = ["verdict", "case", "base", "new", "new against base (95% interval)"]
    table = Table(*heads, *(["machines' limits", "normalised"] if across else []), "remark")
    for one in rows:
        more = [text.ratio(ratio) if ratio else "" for ratio in (one.machine, one.normalised)] if across else []
        cells = (case_of(one), *each(one), ratio_of(one), *more, remark(one))
        table.add_row(Text(word_of(one), style=colour(one)), *(Text(text.printable(cell)) for cell in cells))
    console.print("")
    console.print(table)


def warn_of(skipped: Sequence[str]) -> None:
    """A line for each file that could not be read: the first ten, then a count."""
    for line in skipped[:MOST_SKIPPED]:
        echo_err(f"left out: {line}")
    if len(skipped) > MOST_SKIPPED:
        echo_err(f"left out: {counted(len(skipped) - MOST_SKIPPED, 'more file')}")


def as_json(told: Compared) -> JsonObject:
    """The verdicts and the headline quantities of both sides as plain data; missing numbers are null."""
    report, base, new = told.report, told.base, told.new
    interleaved = {"whole": report.whole, "notes": list(report.notes), "measured": report.design}
    return {
        "base": base.name,
        "new": new.name,
        "threshold": told.threshold,
        "correction": report.correction,
        "machines_differ": differing(base, new),
        "software_differs": software(base, new),
        "surroundings_differ": list(surroundings(base, new)),
        "geometric_mean": _mean(report),
        "run_to_run": {"deviation": report.noise.common, "source": report.noise.source},
        "run_to_run_by_kind": {
            kind: {"deviation": one.common, "source": one.source} for kind, one in report.noises.items()
        },
        "remarks": list(report.remarks),
        "skipped": list(base.skipped),
        "verdicts": counts(report.cases),
        "headline": [_pair(one) for one in told.headline],
        "cases": report.cases,
        **(interleaved if report.design else {}),
    }


def _mean(report: ComparisonReport) -> JsonObject | None:
    """The geometric mean of all times: of an interleaved measurement by its quads, else by the scatter of cases."""
    if report.whole is not None:
        return {"value": report.whole.ratio, "low": report.whole.low, "high": report.whole.high}
    found = geometric_mean(report.cases)
    return found[0]._asdict() if found else None


def _pair(one: Quantity) -> JsonObject:
    """A headline quantity of both sides, the ratio of times, new over base, and the share of each side's limit."""
    sides = {
        name: {"value": side.value, "low": side.low, "high": side.high, "threads": side.threads, "doubt": side.doubt,
               "of_limit": share.value if share is not None else None}
        for name, side, share in zip(("base", "new"), (one.base, one.new), one.shares, strict=True)
    }  # fmt: skip
    times = one.times._asdict() if one.times is not None else None
    return {"name": one.base.name, "device": one.base.device, "unit": one.base.unit, **sides, "times": times}
