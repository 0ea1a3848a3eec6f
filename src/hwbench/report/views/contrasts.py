"""Contrasts: every bench's variants side by side at the same axis values, with what each costs against the baseline."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ...record import text
from ...record.estimate import Estimate
from ...record.model import LEVELS, Record, Scalar
from .. import charts, format
from ..columns import INTERVAL, OF_LIMIT, STATUS, VARIANT, Column, Columns, Measured, beside, of_points, worded
from ..dataset import Point, Runs, swept
from ..sections import Figure, Key, Panel, Section
from ..topics import BY_BENCH
from . import answers
from .blocking import MEASURES as BLOCKING
from .clock import MEASURES as CLOCK
from .gpu.latency import MEASURES as GPU_LATENCY
from .instructions import MEASURES as INSTRUCTIONS
from .integers import MEASURES as INTEGERS
from .ladder import MEASURES as LADDER
from .latency_under_load import BETWEEN, LOADED
from .mix import MEASURES as MIX
from .nodes import MEASURES as NODES
from .operations import MEASURES as OPERATIONS
from .overhead import MEASURES as OVERHEAD
from .reduction import MEASURES as REDUCTION
from .stride import MEASURES as STRIDE
from .translation import MEASURES as TRANSLATION

# These have a picture of their own.
ELSEWHERE = (
    LADDER, STRIDE, BLOCKING, REDUCTION, OVERHEAD, OPERATIONS, CLOCK, LOADED, BETWEEN, GPU_LATENCY, INTEGERS,
    INSTRUCTIONS, MIX, NODES, TRANSLATION,
)  # fmt: skip

GROUPS = 6  # values of the main axis that one chart shows; a sweep is thinned to as many
PANELS = 8
NO_TIME = ("wrong", "error", "skipped")


def view(runs: Runs) -> Section | None:
    """One figure for each bench of two variants or more, except those that another view draws.

    A bench that declares answers is drawn by these.
    """
    figures = [
        figure
        for name, points in runs.by_bench.items()
        if _measured(points[0]) not in ELSEWHERE and (figure := _figure(runs, name, points)) is not None
    ]
    if not figures:
        return None
    intro = [
        "The same work done in different ways, measured in turns, round by round, so that what disturbed one "
        "disturbed all. Beside a bar stands its value; the words at the right compare times with the baseline. 'same': "
        f"they differ by less than {text.share(text.SAME)}, or the 95% interval of their ratio contains 1 and lies "
        f"within {text.share(text.EVEN)} of it; 'no clear difference': it contains 1 and is wider.",
        "The thin line at a bar's end is the 95% interval of the median. Pale marks are suspect: something disturbed "
        "them, see Quality.",
    ]
    return Section("contrasts", "Contrasts", "Contrasts", intro, figures, topic=BY_BENCH)


def _measured(point: Point) -> str:
    return point.bench.measures if point.bench is not None else ""


def _figure(runs: Runs, name: str, points: Sequence[Point]) -> Figure | None:
    bench = points[0].bench
    if bench is not None and bench.answers and (found := answers.figure(runs, name, points, bench)) is not None:
        return found
    points = [point for point in points if not swept(point.record)] or list(points)
    plain = {point.variant: point.record.variant for point in points}
    variants = list(plain)
    leading = points[0].metric
    points = [point for point in points if point.metric == leading]
    if len(variants) < 2:
        return None
    if bench is not None:
        variants.sort(
            key=lambda variant: (
                variant != bench.baseline,
                bench.variants.index(plain[variant]) if plain[variant] in bench.variants else 99,
            )
        )
    axes = _varying(points)
    main = axes[0] if axes else ""
    unit, factor = text.fitting(points[0].unit, [point.value.value for point in points])
    columns = _columns(runs, axes, unit, factor, bench.axes if bench is not None else {})
    groups = _thinned(_sorted({point.record.params.get(main, "") for point in points}))
    missing = [
        (index, record, variant)
        for index, run in enumerate(runs)
        for record in run.records
        if record.bench == name and record.status in NO_TIME and not swept(record)
        for variant in [runs.variant(index, record)]
        if variant in variants
    ]
    split: dict[tuple[int, tuple[Scalar, ...]], list[Point]] = {}
    for point in points:
        if point.record.params.get(main, "") in groups:
            split.setdefault((point.run, _rest(point.record, axes)), []).append(point)
    shown = {where: here for where, here in split.items() if len({p.variant for p in here}) > 1}
    if not shown:
        return None
    where_shown = sorted(shown, key=lambda where: (*map(_rank, where[1]), where[0]))[:PANELS]
    low, high = charts.value_range(factor * p.value.value for where in where_shown for p in shown[where])
    logarithmic = high / low > charts.WIDE
    top = factor * max(
        p.value.high if p.value.high < 4 * p.value.value else p.value.value
        for where in where_shown
        for p in shown[where]
    )
    direction = "more is better" if leading and leading.higher else "less is better"
    what = leading.name if leading else "time a call"
    panels = []
    for where in where_shown:
        run, rest = where
        here = shown[where]
        marks = [_mark(columns, point, main, unit, factor) for point in here]
        present = {(mark.group, mark.series) for mark in marks}
        marks += [
            charts.Mark(
                series=variant,
                colour=runs.colours[variant],
                case=format.case(record),
                value=None,
                group=format.value_of(main, record.params.get(main, "")),
                label=record.status,
                more=record.why,
            )
            for index, record, variant in missing
            if index == run
            and _rest(record, axes) == rest
            and record.params.get(main, "") in groups
            and (format.value_of(main, record.params.get(main, "")), variant) not in present
        ]
        words = bench.axes if bench is not None else {}
        threads = max(point.threads for point in here)
        labels = [
            format.labelled(axis, value, threads, words.get(axis, ""))
            for axis, value in zip(axes[1:], rest, strict=True)
        ]
        title = ", ".join([*labels, *([runs.labels[run]] if runs.several else [])])
        spec = charts.bars(
            marks,
            groups=[
                format.value_of(main, group)
                for group in groups
                if any(p.record.params.get(main, "") == group for p in here)
            ],
            series=[variant for variant in variants if any(mark.series == variant for mark in marks)],
            unit=unit if what == "time a call" else f"{what}, {unit}",
            top=top,
            bottom=low if logarithmic else None,
            axis=main,
            alt_text=f"{name}: {what} of each variant by {main or 'case'}. {title}",
            more=columns.more,
            against="time",
        )
        panels.append(Panel(title, spec, f"{name}: {what} by variant. {title}"))
    legend = [
        Key(variant + (" (baseline)" if bench and variant == bench.baseline else ""), runs.colours[variant])
        for variant in variants
    ]
    if any(point.suspect for where in where_shown for point in shown[where]):
        legend.append(Key("suspect", "c8", "pale"))
    ordered = sorted(points, key=lambda p: (p.run, [_rank(p.record.params.get(axis, "")) for axis in axes]))
    told = f"{bench.question} " if bench else ""
    told += f"The figure is {what}, in {unit}: {direction}."
    table = columns.table(f"{name}: every case", ordered)
    return Figure(name, panels, table, told, legend, wide=len(panels) == 1)


def _columns(runs: Runs, axes: Sequence[str], unit: str, factor: float, words: Mapping[str, str]) -> Columns[Point]:
    def ratio(shown: Callable[[Estimate], str]) -> Callable[[Point], str]:
        """The time over the baseline's as text; a dash for the baseline itself."""
        return lambda point: shown(found) if (found := runs.against_baseline(point)) else text.NOTHING

    return of_points(
        runs,
        (
            *(worded(axis, words.get(axis, "")) for axis in axes), VARIANT,
            Measured(f"median, {unit}", lambda point: point.value.scaled(factor), unit),
            Column("× baseline's time", ratio(lambda found: text.columns(found)[0]), "against the baseline"),
            Column(INTERVAL, ratio(lambda found: text.columns(found)[1])), OF_LIMIT, STATUS,
        ),
        more="× baseline's time",
    )  # fmt: skip


def _mark(columns: Columns[Point], point: Point, main: str, unit: str, factor: float) -> charts.Mark:
    return columns.mark(
        point,
        group=format.value_of(main, point.record.params.get(main, "")),
        label=text.amount(factor * point.value.value, unit),
        more=_told_against(columns.runs, point),
        against=beside(columns.runs, point),
    )


def _told_against(runs: Runs, point: Point) -> str:
    against = runs.against_baseline(point)
    if against is not None:
        return text.ratio(against)
    return "is the baseline" if point.bench and point.record.variant == point.bench.baseline else "no baseline"


def _varying(points: Sequence[Point]) -> list[str]:
    """The axes with more than one value, the one with most of them first: it becomes the rows of a chart."""
    values: dict[str, set[Scalar]] = {}
    for point in points:
        for axis, value in point.record.params.items():
            values.setdefault(axis, set()).add(value)
    return sorted((axis for axis in values if len(values[axis]) > 1), key=lambda axis: (-len(values[axis]), axis))


def _rest(record: Record, axes: Sequence[str]) -> tuple[Scalar, ...]:
    return tuple(record.params.get(axis, "") for axis in axes[1:])


def _rank(value: Scalar) -> tuple[int, float, str]:
    """Numbers by size, levels from the core outwards, `all` after every number, other words by the alphabet."""
    if isinstance(value, int | float):
        return (0, float(value), "")
    if value in LEVELS:
        return (1, LEVELS.index(value), "")
    return (2, 0.0, str(value))


def _sorted(values: set[Scalar]) -> list[Scalar]:
    return sorted(values, key=_rank)


def _thinned(values: list[Scalar]) -> list[Scalar]:
    if len(values) <= GROUPS:
        return values
    return [values[round(i * (len(values) - 1) / (GROUPS - 1))] for i in range(GROUPS)]
