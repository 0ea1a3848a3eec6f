"""History: each case over the commits, machine by machine, the commits that changed it, and whether it was the code."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from ...record import installing, text
from ...record.model import METRICS, BenchInfo, Metric
from ...record.phrases import counted
from ...tracking import change_points
from ...tracking.changes import Change
from ...tracking.changes import changes as found_changes
from ...tracking.controls import CONTROLS, MATTERS, Controls, Indices, controls_of, shift
from ...tracking.history import History, Series, Values
from ...tracking.sides import Entry, Measurement
from .. import charts, vega
from ..dataset import Runs
from ..sections import Block, Key, Notes, Section, Spec, Table, Tracks
from ..theme import SLOTS, var

MOST_CHANGES = 200  # rows of the list of changes; the largest come first
MOST_TOLD = 8  # commits that are told in sentences
DIGITS = 3  # decimal digits after the first of a value as the page keeps it: more than a screen has pixels
NEAR = 3  # commits
RECENT = 5  # commits whose median stands for a machine as it is now
# The order in which changes matter to a reader of commits.
WHOSE = {
    "code": "the code", "": "the code, as far as is known", "unclear": "unclear", "machine": "the machine",
    "neither": "not the code: the same commit was measured again",
}  # fmt: skip
# Colours repeat: the second round is dashed, later ones are dotted.
DASHES, MARKS = ((1, 0), (6, 3), (2, 2)), ("line", "dash", "dots")
UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))

Place: TypeAlias = tuple[str, str, tuple[tuple[str, str], ...]]  # what the series of one case share
Convert: TypeAlias = Callable[[Any], Any]  # of a value, or of an array of them, to the unit that is shown


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
    indices = Indices(history, benches)
    labels = history.labels()
    changes = found_changes(history, benches, indices)
    name = f": {history.name}, by {history.source}" if several else ""
    told = [*_by_commit(history, changes, labels), *_drifts(history, changes, labels), *_again(changes)]
    if told:
        yield Notes(f"What changed{name}", told, "The largest change first; all changes are listed below the chart.")
    if history.notes:
        yield Notes(f"Notes on these results{name}", history.notes)
    yield _tracks(history, changes, indices, labels, name)
    if (table := _machines(history, benches, labels)) is not None:
        yield table


# --- in words ---------------------------------------------------------------------------------------------------------


def _by_commit(history: History, changes: Sequence[Change], labels: Sequence[str]) -> list[str]:
    """A sentence a commit: its name, how many cases, by how much, on which machine, and which case most."""
    grouped: dict[tuple[int, int, bool], list[Change]] = {}
    for one in changes:
        if one.whose not in ("machine", "neither") and one.ratio is not None:
            grouped.setdefault((one.step.last, one.step.first, one.factor > 1), []).append(one)
    ranked = sorted(grouped.items(), key=lambda item: -max(abs(math.log(one.factor)) for one in item[1]))
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


def _drifts(history: History, changes: Sequence[Change], labels: Sequence[str]) -> list[str]:
    """A sentence for each drift of a machine's own limits, with the number of changes that it explains."""
    grouped: list[list[Change]] = []
    for one in sorted(changes, key=lambda one: (one.series.setting, one.step.first)):
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


def _again(changes: Sequence[Change]) -> Iterator[str]:
    """A sentence on cases that changed between two measurements of one commit."""
    here = [one for one in changes if one.whose == "neither"]
    if here:
        cases = len({one.series.label for one in here})
        yield (
            f"{counted(cases, 'case')} changed between two measurements of one commit, at most {_factors(here[:1])}: "
            f"the "
            "cause is the machine or noise, not the code."
        )


def _named(history: History, last: int, first: int) -> str:
    """The commit that brought a change, or the range it lies in where commits between were not measured."""
    ends = {history.commits[last].name, history.commits[first].name}
    between = {history.commits[k].name for k in range(last + 1, first)} - ends
    if not between:
        return history.commits[first].title
    skipped = counted(len(between), "commit before it that is", "commits before it that are")
    return f"{history.commits[first].title}, or one of {skipped} suspect or not measured"


def _times(factor: float) -> str:
    return text.ratio(factor)


def _factors(here: Sequence[Change]) -> str:
    sizes = sorted(max(one.factor, 1 / one.factor) for one in here)
    span = "–".join(dict.fromkeys(text.amount(size) for size in (sizes[0], sizes[-1])))
    return f"{span}× {'slower' if here[0].factor > 1 else 'faster'}"


# --- the chart --------------------------------------------------------------------------------------------------------


def _tracks(history: History, changes: Sequence[Change], indices: Indices, labels: Sequence[str], name: str) -> Tracks:
    packer = _Packer(history, changes, indices, labels)
    shown = changes[:MOST_CHANGES]
    rows = [(packer.number[one.series.case], packer.row(one)) for one in shown]
    more = f"; the {MOST_CHANGES} most important are listed" if len(changes) > MOST_CHANGES else ""
    lines = [Key(label, SLOTS[i % len(SLOTS)], MARKS[_round(i)]) for i, label in enumerate(labels)]
    return Tracks(
        f"One case over {len(history.commits)} commits{name}",
        "Choose a bench and a case."
        + " The switch without the machine's drift divides each value by the change of the controls at its commit."
        * bool(indices.series),
        packer.data(),
        _spec(len(history.commits), labels),
        lines,
        ("case", "change", "commit", "machine", "before", "after", "whose"),
        rows,
        f"{counted(len(changes), 'change')}{more}",
    )


class _Packer:
    """A history as the page's script reads it: values as integer multiples of a quantum that keeps four digits."""

    def __init__(self, history: History, changes: Sequence[Change], indices: Indices, labels: Sequence[str]) -> None:
        self.history, self.indices, self.labels = history, indices, labels
        self.cases: dict[Place, list[Series]] = {}
        for one in history.series:
            self.cases.setdefault(one.case, []).append(one)
        self.number = {case: i for i, case in enumerate(self.cases)}
        self.metrics = {case: _metric(series) for case, series in self.cases.items()}
        self.changes: dict[int, list[Change]] = {}
        for change in changes:
            self.changes.setdefault(id(change.series), []).append(change)
        self.first = self.number[changes[0].series.case] if changes else 0
        self.places: dict[tuple[int, str, str], int] = {}
        self.kept: list[list[int | None]] = []

    def row(self, one: Change) -> tuple[str, ...]:
        """A change as the list has it."""
        before, after = (self._shown(one.series, value) for value in (one.step.old, one.step.new))
        whose = WHOSE[one.whose]
        if one.whose in ("machine", "unclear") or abs(math.log(one.machine)) >= MATTERS:
            whose += f" (its limits: {text.ratio(one.machine)})"
        where = _named(self.history, one.step.last, one.step.first)
        much = one.state if one.ratio is None else _times(one.factor)
        return one.label, much, where, self.labels[one.series.setting], before, after, whose

    def _shown(self, series: Series, value: float) -> str:
        unit, convert, _ = self._scale(series)
        return text.amount(convert(value), unit)

    def _scale(self, series: Series) -> tuple[str, Convert, bool]:
        """Unit, conversion and whether more is better, as all series of a case are shown."""
        metric = self.metrics[series.case]
        if metric is not None:
            return metric.unit, lambda value: metric.value(value, dict(series.counts)), metric.higher
        if series.unit != "s":
            return series.unit, lambda value: value, series.higher
        middle = float(np.nanmedian(np.concatenate([one.values for one in self.cases[series.case]])))
        size, unit = next(((size, unit) for size, unit in UNITS if abs(middle) >= size), UNITS[-1])
        return unit, lambda value: value / size, False

    def data(self) -> bytes:
        """The JSON; cases are grouped by bench."""
        cases = []
        benches: dict[str, list[int]] = {}
        for number, series in enumerate(self.cases.values()):
            one = series[0]
            benches.setdefault(one.bench, []).append(number)
            unit, _, higher = self._scale(one)
            label = " ".join([one.variant, *(f"{axis}={value}" for axis, value in one.params.items())]).strip()
            cases.append(
                {
                    "name": one.label, "label": label or one.bench, "unit": unit, "higher": higher,
                    "series": [self._series(each) for each in series],
                }
            )  # fmt: skip
        ordered = sorted(benches.items())
        for place, (_, numbers) in enumerate(ordered):
            for number in numbers:
                cases[number]["bench"] = place
        out = {
            "commits": [(commit.short, commit.date, commit.subject) for commit in self.history.commits],
            "lines": self.labels, "benches": ordered, "cases": cases, "indices": self.kept, "first": self.first,
        }  # fmt: skip
        return json.dumps(out, separators=(",", ":"), allow_nan=False).encode()

    def _series(self, series: Series) -> charts.Datum:
        _, convert, higher = self._scale(series)
        with np.errstate(all="ignore"):
            values, ends = convert(series.values), (convert(series.low), convert(series.high))
        low, high = (ends[1], ends[0]) if higher and not series.higher else ends
        finite = values[np.isfinite(values)]
        middle = float(np.median(np.abs(finite))) if len(finite) else 1.0
        quantum = 10.0 ** (math.floor(math.log10(middle)) - DIGITS) if middle > 0 else 1.0
        return {
            "s": series.setting, "q": quantum, "v": _whole(values / quantum),
            "l": _whole((values - low) / quantum), "t": _whole((high - values) / quantum), "i": self._index(series),
            "c": [(one.step.first, _told(one)) for one in self.changes.get(id(series), ())],
            "d": list(series.suspect.items()),
        }  # fmt: skip

    def _index(self, series: Series) -> int:
        """The number of the index that a series is divided by, in ten-thousandths; -1 without controls."""
        index = self.indices.of(series)
        if index is None:
            return -1
        at = self.indices.key(series)
        if at not in self.places:
            self.places[at] = len(self.kept)
            self.kept.append(_whole(index.values * 1e4))
        return self.places[at]


def _told(one: Change) -> str:
    return f"{one.state if one.ratio is None else _times(one.factor)}: {WHOSE[one.whose]}"


def _metric(series: Sequence[Series]) -> Metric | None:
    """The metric of a case, where the work of a call is known for each of its series."""
    if any(one.unit != "s" for one in series):
        return None
    return next((metric for metric in METRICS if all(one.counts.get(metric.count) for one in series)), None)


def _whole(values: Values) -> list[int | None]:
    """Rounded to integers; null for missing values and for those that no chart can show."""
    there = np.isfinite(values) & (np.abs(values) < 1e12)
    whole = np.where(there, np.round(np.where(there, values, 0.0)), 0.0).astype(np.int64).tolist()
    return [number if known else None for number, known in zip(whole, there.tolist(), strict=True)]


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
        recent = one.sound[~np.isnan(one.sound)][-RECENT:]
        if len(recent) and float(np.median(recent)) > 0:
            entries[one.setting][one.case] = Entry(
                one.bench, one.variant, "", one.params, one.version, one.counts,
                (Measurement(float(np.median(recent)), 0.0),), higher=one.higher,
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
