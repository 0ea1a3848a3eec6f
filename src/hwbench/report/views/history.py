"""History: each case over the commits, machine by machine, the commits that changed it, and whether it was the code."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

import numpy as np

from ...record import installing, text
from ...record.model import BenchInfo, Json
from ...record.phrases import counted
from ...tracking import change_points
from ...tracking.changes import OPEN, STATES, Change, State, changes
from ...tracking.controls import CONTROLS, MATTERS, Controls, Indices, controls_of, shift
from ...tracking.directions import printed, words
from ...tracking.given_up import began
from ...tracking.history import History
from ...tracking.sides import Entry, Measurement
from .. import charts, vega
from ..dataset import Runs
from ..sections import Block, Key, Notes, Section, Spec, Table, Tracks
from ..theme import SLOTS, var
from ..tracked import Cases, packed

STATIC = 50  # changes that stand in the page for readers without a script, which lists all
HEAD = ("case", "change", "now", "commit", "machine", "before → after", "whose")
MOST_TOLD = 8  # commits that are told in sentences
MOST_NAMED = 12  # benchmarks in a sentence
NEAR = 3  # commits
RECENT = 5  # commits whose median stands for a machine as it is now
WHOSE = {
    "code": "the code", "": "the code, as far as is known", "unclear": "unclear", "machine": "the machine",
    "neither": "not the code: the same commit was measured again",
}  # fmt: skip
NOW: dict[State, str] = {
    "slower": "still worse", "failed": "fails now", "recovered": "recovered", "faster": "better",
}  # fmt: skip
# Colours repeat: the second round is dashed, later ones are dotted.
DASHES, MARKS = ((1, 0), (6, 3), (2, 2)), ("line", "dash", "dots")
Place: TypeAlias = tuple[str, str, tuple[tuple[str, str], ...]]  # what the series of one case share


def view(runs: Runs) -> Section | None:
    """A chart to choose from for each history; None where there is none."""
    blocks: list[Block] = []
    for history in runs.histories:
        if history.series:
            blocks += _blocks(history, runs.benches, len(runs.histories) > 1)
    if not blocks:
        return None
    intro = [
        "Each case over the commits, one line per machine and environment. A vertical line marks a change that asv's "
        "step detection found, at the commit that caused it. Bands are the intervals of single measurements. Pale "
        "points are suspect: they prove no change and are not searched.",
        _about_controls(runs.histories, runs.benches),
    ]
    if not change_points.available():
        intro.append(f"No changes were searched for, since asv is not installed: {installing.command('asv')}.")
    return Section("history", "History", "From commit to commit", intro, blocks, topic="history")


def _about_controls(histories: Sequence[History], benches: Mapping[str, BenchInfo]) -> str:
    """How the page distinguishes a drift of the machine from a change of the code, or that it cannot."""
    controls = controls_of(benches)
    limits = f"benches of the machine's own limits ({', '.join(controls or CONTROLS)})"
    if not any(one.bench in controls for history in histories for one in history.series):
        return (
            f"The {limits} were not measured at these commits, so a change of the code cannot be distinguished from a "
            "change of the machine."
        )
    return (
        f"The {limits} are the controls: where at least two of them changed together, a case that changed as much is "
        "attributed to the machine and not to the code. One control alone proves nothing, since it may have changed "
        "itself."
    )


def _blocks(history: History, benches: Mapping[str, BenchInfo], several: bool) -> Iterator[Block]:
    labels = history.labels()
    indices = Indices(history, benches)
    found = changes(history, benches, indices)
    name = f": {history.name}, by {history.source}" if several else ""
    told = [*_by_commit(history, found, labels), *_drifts(history, found, labels), *_again(found)]
    if told:
        yield Notes(f"What changed{name}", told, "What is slower now first; all changes are listed below the chart.")
    if came := list(_came_and_went(history, found)):
        yield Notes(f"Failed, new and gone benchmarks{name}", came)
    if history.notes:
        yield Notes(f"Notes on these results{name}", history.notes)
    yield _tracks(history, found, indices, labels, name)
    if (table := _machines(history, benches, labels)) is not None:
        yield table


# --- in words ---------------------------------------------------------------------------------------------------------


def _by_commit(history: History, found: Sequence[Change], labels: Sequence[str]) -> list[str]:
    """A sentence a commit: its name, how many cases, by how much, on which machine, and which case most."""
    grouped: dict[tuple[int, int, bool], list[Change]] = {}
    for one in found:
        if one.whose not in ("machine", "neither") and one.ratio is not None:
            grouped.setdefault((one.step.last, one.step.first, one.factor > 1), []).append(one)
    ranked = sorted(
        grouped.items(),
        key=lambda item: min((STATES.index(one.state), one.last is not None, -one.size) for one in item[1]),
    )
    out = []
    for (last, first, _), here in ranked[:MOST_TOLD]:
        where = ", ".join(labels[setting] for setting in sorted({one.series.setting for one in here}))
        cases = dict.fromkeys(one.series.label for one in here)
        most = max(here, key=lambda one: abs(math.log(one.factor)))
        many = f"{len(cases)} cases" if len(cases) > 1 else next(iter(cases))
        best = f"; most of all {most.series.label}" if len(cases) > 1 else ""
        doubt = " (the only control changed as much, so it may be the machine)" if most.whose == "unclear" else ""
        out.append(f"{_named(history, last, first)}: {many} {_factors(here)} on {where}{best}{doubt}.")
    if len(ranked) > MOST_TOLD:
        more = len(ranked) - MOST_TOLD
        out.append(f"And {counted(more, 'more commit')}.")
    return out


def _drifts(history: History, found: Sequence[Change], labels: Sequence[str]) -> list[str]:
    """A sentence for each drift of a machine's own limits, with the number of changes that it explains."""
    grouped: list[list[Change]] = []
    for one in sorted(found, key=lambda one: (one.series.setting, one.step.first)):
        if one.whose != "machine":
            continue
        # Noise shifts a detected step by a commit or two: steps that near are one drift.
        last = grouped[-1][-1] if grouped else None
        if last and last.series.setting == one.series.setting and one.step.first - last.step.first <= NEAR:
            grouped[-1].append(one)
        else:
            grouped.append([one])
    out = []
    for here in sorted(grouped, key=len, reverse=True)[: MOST_TOLD // 2]:
        first = statistics.mode(one.step.first for one in here)
        out.append(
            f"From {history.commits[first].title} on, the limits of {labels[here[0].series.setting]} are "
            f"{_times(here[0].machine)}: this explains {counted(len(here), 'change')}."
        )
    return out


def _again(found: Sequence[Change]) -> Iterator[str]:
    """A sentence on cases that changed between two measurements of one commit."""
    here = [one for one in found if one.whose == "neither"]
    if here:
        cases = len({one.series.label for one in here})
        yield (
            f"{counted(cases, 'case')} changed between two measurements of one commit, at most {_factors(here[:1])}: "
            f"the "
            "cause is the machine or noise, not the code."
        )


def _came_and_went(history: History, found: Sequence[Change]) -> Iterator[str]:
    """A sentence for each commit since which benchmarks fail, that has new ones, or the last results of some."""
    failed: dict[int, list[str]] = {}
    for one in found:
        if one.state == "failed" and one.last is None:
            failed.setdefault(one.step.first, []).append(one.label)
    failing = dict(sorted(failed.items(), reverse=True))
    new, gone = began(history)
    for grouped, said in ((failing, "Failed since"), (new, "New since"), (gone, "No longer measured, last at")):
        for at, names in list(grouped.items())[:MOST_TOLD]:
            more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
            yield f"{said} {history.commits[at].title}: {', '.join(names[:MOST_NAMED])}{more}."
        if len(grouped) > MOST_TOLD:
            rest = sum(map(len, list(grouped.values())[MOST_TOLD:]))
            yield f"{said} earlier commits: {counted(rest, 'more benchmark')}."


def _named(history: History, last: int, first: int) -> str:
    """The commit that brought a change, or the range it lies in where commits between were not measured."""
    between = _between(history, last, first)
    if not between:
        return history.commits[first].title
    skipped = counted(between, "commit before it that is", "commits before it that are")
    return f"{history.commits[first].title}, or one of {skipped} suspect or not measured"


def _between(history: History, last: int, first: int) -> int:
    """How many other commits lie between two."""
    ends = {history.commits[last].name, history.commits[first].name}
    return len({history.commits[k].name for k in range(last + 1, first)} - ends)


def _times(factor: float) -> str:
    return text.ratio(factor)


def _factors(here: Sequence[Change]) -> str:
    sizes = sorted(max(one.factor, 1 / one.factor) for one in here)
    span = "–".join(dict.fromkeys(text.amount(size) for size in (sizes[0], sizes[-1])))
    return f"{span}× {_way(here)}"


def _way(here: Sequence[Change]) -> str:
    """`slower` or `faster`; of memory and counts `more` or `less`; of several kinds `worse` or `better`."""
    ways = {words(one.series.unit, one.series.higher)[one.factor < 1] for one in here}
    return ways.pop() if len(ways) == 1 else ("worse", "better")[here[0].factor < 1]


def _much(one: Change) -> str:
    """`1.31× slower`; where there is no ratio, that it fails or what became of it."""
    if one.ratio is None:
        return NOW[one.state]
    return f"{text.amount(max(one.factor, 1 / one.factor))}× {_way([one])}"


# --- the chart --------------------------------------------------------------------------------------------------------


def _tracks(history: History, found: Sequence[Change], indices: Indices, labels: Sequence[str], name: str) -> Tracks:
    cases = Cases(history)
    rows = [_row(history, cases, one) for one in found]
    static = [_cells(history, labels, one, row) for one, row in zip(found[:STATIC], rows, strict=False)]
    marked: dict[int, list[tuple[int, str]]] = {}
    for one in found:
        said = f"{_much(one)}: {WHOSE[one.whose]}" if one.state != "failed" else NOW["failed"]
        marked.setdefault(id(one.series), []).append((one.step.first, said))
    still = sum(one.state in OPEN for one in found)
    attributed = any(one.whose for one in found)
    lines = [Key(label, SLOTS[i % len(SLOTS)], MARKS[_round(i)]) for i, label in enumerate(labels)]
    return Tracks(
        f"One case over {len(history.commits)} commits{name}",
        "Choose a bench and a case, or search for one."
        + " The switch without the machine's drift divides each value by the change of the controls at its commit."
        * bool(indices.series),
        packed(history, cases, marked, indices, rows, list(NOW.values())),
        _spec(len(history.commits), labels),
        lines,
        HEAD if attributed else HEAD[:-1],
        static if attributed else [cells[:-1] for cells in static],
        f"{counted(len(found), 'change')}: first the {still} that are still worse or fail now, then what "
        "recovered, then what became better; within each the largest first, and cases no longer measured last",
        tuple(NOW.values()),
    )


def _row(history: History, cases: Cases, one: Change) -> list[Json]:
    """A change as the page's script reads it: numbers to filter and sort by, and texts."""
    unit, _ = cases.unit(one.series)
    before, after = (
        printed(cases.shown(one.series, level), unit) if math.isfinite(level) else NOW["failed"]
        for level in (one.step.old, one.step.new)
    )
    whose = WHOSE[one.whose]
    if one.whose in ("machine", "unclear") or abs(math.log(one.machine)) >= MATTERS:
        whose += f" (its limits: {text.ratio(one.machine)})"
    first, gap = one.step.first, _between(history, one.step.last, one.step.first)
    size = -1.0 if one.ratio is None else round(one.size, 4)
    last = "" if one.last is None else f", last measured at {history.commits[one.last].short}"
    return [
        cases.number[one.series.case], STATES.index(one.state), size, _much(one) + last, first, gap, one.series.setting,
        before, after, whose, one.label if one.cases > 1 else "",
    ]  # fmt: skip


def _cells(history: History, labels: Sequence[str], one: Change, row: Sequence[Json]) -> tuple[str, ...]:
    """The same as text, below `HEAD`."""
    where = _named(history, one.step.last, one.step.first)
    before, after, whose = row[7:10]
    levels = f"{before} → {after}"
    return one.label, row[3], NOW[one.state], where, labels[one.series.setting], levels, whose


def _round(line: int) -> int:
    """How often the colours were used up before a line, as far as dashes differ."""
    return min(line // len(SLOTS), len(DASHES) - 1)


def _spec(commits: int, labels: Sequence[str]) -> Spec:
    """The chart without marks: bands, lines, points, and a vertical line at each change with the commit's name."""
    many = commits > 80
    names = [f"s{i}" for i in range(len(labels))]
    colours = [var(SLOTS[i % len(SLOTS)]) for i in range(len(labels))]
    dashes = [list(DASHES[_round(i)]) for i in range(len(labels))]
    scale = vega.options(domain=[-0.7, max(commits - 0.3, 0.7)], nice=False)
    axis = vega.options(title="commit, oldest first", format="d", tickMinStep=1, grid=False, labelOverlap="greedy")
    x = vega.field("x:Q", scale=scale, axis=axis)
    height = vega.options(zero=False, nice=True)
    y = vega.field("value:Q", scale=height, axis=vega.options(title=None))
    colour = vega.field("series:N", legend=None, scale=vega.options(domain=names, range=colours))
    dash = vega.field("series:N", legend=None, scale=vega.options(domain=names, range=dashes))
    fields = {
        "where": "machine", "commit": "commit", "subject": "subject", "shown": "median", "interval": "interval",
        "change": "change", "suspect": "suspect",
    }  # fmt: skip
    tooltip = [vega.field(f"{field}:N", title=title) for field, title in fields.items()]
    low = vega.field("low:Q", scale=height)
    named = vega.options(align="left", baseline="top", dx=3, dy=2)
    line, dot = vega.options(strokeWidth=1.4 if many else 2), vega.options(size=14 if many else 45)
    fade = vega.field("fade:Q", scale=None)
    band = ("area", vega.options(opacity=0.18)) if many else ("rule", vega.options(strokeWidth=1.5))
    layers = [
        vega.layer("steps", "rule", vega.options(strokeDash=[4, 3], strokeWidth=1.3), x=x, color=colour),
        vega.layer("steps", "text", named, x=x, y=vega.field("y:Q", scale=None, axis=None), text=charts.LABEL),
        vega.layer("marks", *band, x=x, y=low, y2={"field": "high"}, color=colour),
        vega.layer("marks", "line", line, x=x, y=y, color=colour, strokeDash=dash, order=vega.field("order:Q")),
        vega.layer("marks", "point", dot, x=x, y=y, color=colour, tooltip=tooltip, opacity=fade),
    ]
    frame: charts.Frame = {"height": 320, "description": "One case over the commits", "title": "value"}
    return charts.finish(layers, frame, {})


# --- machines side by side --------------------------------------------------------------------------------------------


def _machines(history: History, benches: Mapping[str, BenchInfo], labels: Sequence[str]) -> Table | None:
    """Every bench on every other machine against the first: as measured, and against the machine's own limits."""
    if len(labels) < 2:
        return None
    entries: list[dict[Place, Entry]] = [{} for _ in labels]
    for one in history.series:
        at, values, _, _ = one.measured
        points = zip(at.tolist(), values.tolist(), strict=True)
        recent = [value for k, value in points if k not in one.suspect][-RECENT:]
        middle = statistics.median(recent) if recent else 0.0
        if middle > 0:
            entries[one.setting][one.case] = Entry(
                one.bench, one.variant, "", one.params, one.version, one.counts,
                (Measurement(middle, 0.0),), higher=one.higher,
            )  # fmt: skip
    rows = []
    for label, mine in zip(labels[1:], entries[1:], strict=True):
        pairs = [(entries[0][case], entry) for case, entry in mine.items() if case in entries[0]]
        controls = Controls(pairs, per_work=True, benches=benches)
        by_bench: dict[str, list[tuple[float, float | None]]] = {}
        for old, new in pairs:
            moved = shift(old, new, per_work=True)
            limit = controls.own_limit(old)
            by_bench.setdefault(old.bench, []).append((moved, None if limit is None else moved - limit.shift))
        for bench, found in sorted(by_bench.items()):
            raw = math.exp(float(np.median([moved for moved, _ in found])))
            rest = [left for _, left in found if left is not None]
            normalised = text.amount(math.exp(float(np.median(rest)))) if rest else "–"
            rows.append((bench, label, str(len(found)), text.amount(raw), normalised))
    if not rows:
        return None
    return Table(
        f"Time against {labels[0]}, in the middle over the cases of a bench and its last {RECENT} commits without "
        "a doubt: as measured, and when each machine is set against its own limits. A slower box has a raw figure "
        "above 1 and a normalised one near 1; what stays above 1 is slower for another reason.",
        ("bench", "machine", "cases", "raw", "normalised"),
        rows,
    )
