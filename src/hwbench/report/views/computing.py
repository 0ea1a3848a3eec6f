"""Computing: the clock under each load, the matrix product on its way to the peak, and what a branch costs."""

from __future__ import annotations

from collections.abc import Sequence

from ...limits import Limit
from ...model import CLOCK, FLOP_RATE, ITEM_TIME, Run
from ...stats import Estimate
from .. import charts, words
from ..sections import Block, Figure, Key, Panel, Section, Table
from ..source import Point, Runs

CLOCKS, MATMUL, BRANCH = "clock.frequency", "peak.matmul", "branch.prediction"
WIDTHS = ("scalar", "128", "256", "512")


def view(runs: Sequence[Run]) -> Section | None:
    """The three figures, as far as they were measured; None without any."""
    runs = Runs.of(runs)
    blocks: list[Block] = [figure for figure in (_clock(runs), _matmul(runs), _branch(runs)) if figure is not None]
    if not blocks:
        return None
    intro = [
        "What a core computes is operations a cycle times cycles a second, as long as it knows what to do next. Here "
        "is the clock while the vector units work, what a good library makes of units and clock, and what a branch "
        "costs that the core guesses wrong.",
    ]
    return Section("computing", "Computing", "Clock, matrix product, branches", intro, blocks)


# --- the clock --------------------------------------------------------------------------------------------------------


def _clock(runs: Runs) -> Figure | None:
    """Bars of GHz by vector width, for one thread and for all."""
    points = [point for point in runs.by_bench.get(CLOCKS, ()) if point.metric == CLOCK]
    if not points:
        return None
    widths = [width for width in WIDTHS if any(point.record.variant == width for point in points)]
    widths += sorted({point.record.variant for point in points} - set(WIDTHS))
    top = max(_best(point) for point in points)
    panels = []
    for index in dict.fromkeys(point.run for point in points):
        here = [point for point in points if point.run == index]
        marks = [
            charts.mark_of(
                runs, point, value=charts.unbounded(_best(point)), group=_load(point),
                label=words.number(_best(point), "GHz"), more=f"median {words.number(point.value.value, 'GHz')}",
            )
            for point in here
        ]  # fmt: skip
        spec = charts.bars(
            marks, groups=list(dict.fromkeys(_load(point) for point in here)), series=widths, unit="GHz", top=top,
            best=True, more="of all samples",
            alt_text="The clock by the width of the multiply-adds that run meanwhile.",
        )  # fmt: skip
        panels.append(Panel(runs.labels[index] if runs.several else "", spec, "Clock by vector width"))
    rows = []
    for point in points:
        peak = _peak(runs, point)
        each = peak.value / (_best(point) * 1e9) if peak else None
        row = (
            _load(point),
            point.record.variant,
            words.number(_best(point)),
            words.number(point.value.value),
            words.bounds(point.value),
            words.number(each / point.threads) if each else words.NOTHING,
            point.record.status,
        )
        rows.append(runs.row(point.run, row))
    head = (
        "load",
        "width",
        "GHz, best sample",
        "GHz, median",
        "95% interval",
        "peak.fma: operations a cycle and core",
        "status",
    )
    text = (
        "Cycles are counted by additions that wait for one another, one a cycle; beside them run multiply-adds of the "
        "given width, 5/7 a cycle, or 12/7 where two units are to be busy (a width that has one unit only then shows "
        "7/12 of the clock). The figure is the best sample: where the chain is held up it is too low, never too "
        "high. The table divides the floating-point peak of the same width (float64) by this clock: two units of 8 "
        "lanes would be 32 operations a cycle."
    )
    legend = [Key(width, runs.colours[width]) for width in widths]
    return Figure(
        "Clock under load",
        panels,
        Table("Every load", runs.head(head), rows),
        text,
        legend,
        wide=not runs.several,
    )


def _best(point: Point) -> float:
    """GHz of the best sample: a clock is a limit, which disturbance only lowers."""
    return CLOCK.value(min(point.record.samples), point.record.counts)


def _load(point: Point) -> str:
    """How many threads multiply, and on how many of their units where that is not one."""
    units = point.record.params.get("units", 1)
    return _threads(point) + (f", {words.value_of('units', units)} units" if units != 1 else "")


def _who(runs: Runs, point: Point) -> str:
    return f"{runs.labels[point.run]}: {_threads(point)}" if runs.several else _threads(point)


def _threads(point: Point) -> str:
    return words.value_of("threads", point.record.params.get("threads", 1))


def _peak(runs: Runs, point: Point) -> Limit | None:
    """The float64 peak of the same width and threads, from its best sample."""
    best: Limit | None = None
    for other in runs.by_bench.get("peak.fma", ()):
        record = other.record
        same = other.run == point.run and record.variant == point.record.variant and other.threads == point.threads
        if same and record.params.get("dtype") == "f8" and other.metric == FLOP_RATE:
            value = record.counts["flops"] / min(record.samples)
            if best is None or value > best.value:
                best = Limit("fma", "", other.threads, "f8", value, FLOP_RATE, record.variant)
    return best


# --- the matrix product -----------------------------------------------------------------------------------------------


def _matmul(runs: Runs) -> Figure | None:
    """GFLOP/s over n, a line for each precision and number of threads, with the peak of each panel as a dotted line."""
    points = [point for point in runs.by_bench.get(MATMUL, ()) if point.record.counts.get("flops") and _n(point) > 0]
    dtypes = list(dict.fromkeys(str(point.record.params.get("dtype", "")) for point in points))
    panels = []
    legend: dict[str, Key] = {}
    for dtype in dtypes:
        here = sorted(
            (point for point in points if str(point.record.params.get("dtype", "")) == dtype),
            key=lambda point: (point.run, point.threads, _n(point)),
        )
        if len({_n(point) for point in here}) < 2:
            continue
        marks = []
        for point in here:
            name = _who(runs, point)
            colour = f"c{(point.run if runs.several else min(point.threads, 2) - 1) % 8 + 1}"
            dash = "dash" if runs.several and point.record.params.get("threads") == "all" else ""
            legend[name] = Key(name, colour, "dash" if dash else "line")
            marks.append(
                charts.mark_of(
                    runs,
                    point,
                    series=name,
                    colour=colour,
                    value=_rate(point),
                    unit="GFLOP/s",
                    x=float(_n(point)),
                    more=words.percent(point.share),
                    dash=dash,
                )
            )
        low, high = min(mark.x for mark in marks), max(mark.x for mark in marks)
        peak = max((point.limit.shown for point in here if point.limit is not None), default=None)
        spec = charts.lines(
            marks, x_title="n", y_title="GFLOP/s", x_kind="doubling", log_y=False,
            ideal=[(low, peak), (high, peak)] if peak else [], more="of the peak",
            alt_text=f"Floating-point rate of NumPy's matrix product over n, {words.value_of('dtype', dtype)}.",
        )  # fmt: skip
        title = words.value_of("dtype", dtype)
        panels.append(Panel(title, spec, f"Rate of the matrix product over n, {title}"))
        if peak:
            legend["peak"] = Key("floating-point peak as measured, most threads", "ink-2", "dots")
    if not panels:
        return None
    rows = [
        runs.row(
            point.run,
            (
                words.value_of("dtype", point.record.params.get("dtype", "")),
                words.value_of("threads", point.record.params.get("threads", "")),
                str(_n(point)),
                words.number(_rate(point).value),
                words.bounds(_rate(point)),
                words.percent(point.share),
                str(point.record.facts.get("blas", words.NOTHING))[:60],
                point.record.status,
            ),
        )
        for point in sorted(points, key=lambda p: (p.run, str(p.record.params.get("dtype")), p.threads, _n(p)))
    ]
    head = ("dtype", "threads", "n", "GFLOP/s", "95% interval", "of the peak", "library", "status")
    text = (
        "C = A·B of n × n matrices, as NumPy's BLAS does it. 2n³ operations on 3n² numbers: the larger, the more is "
        "computed for each byte that is moved, until only the floating-point units limit it. Small products pay for "
        "the call and for waking threads."
    )
    return Figure("Matrix product", panels, Table("Every n", runs.head(head), rows), text, list(legend.values()))


def _rate(point: Point) -> Estimate:
    """GFLOP/s; the bytes that the record counts as well would be told first."""
    return point.seconds.inverse(point.record.counts["flops"]).scaled(FLOP_RATE.scale)


def _n(point: Point) -> int:
    """The value of n; 0 where a file has something else there."""
    n = point.record.params.get("n")
    return n if isinstance(n, int) and 0 < n < 2**31 else 0


# --- branches ---------------------------------------------------------------------------------------------------------


def _branch(runs: Runs) -> Figure | None:
    """Nanoseconds an element over the share of elements for which the branch is taken, at the largest n."""
    points = [
        point
        for point in runs.by_bench.get(BRANCH, ())
        if point.metric == ITEM_TIME and _share(point) is not None and _n(point)
    ]
    if len({_share(point) for point in points}) < 2:
        return None
    order = ("sorted", "shuffled", "branch-free")
    points.sort(
        key=lambda point: (
            point.run,
            order.index(point.record.variant) if point.record.variant in order else len(order),
            _n(point),
            _share(point) or 0.0,
        )
    )
    largest = max(_n(point) for point in points)
    legend: dict[str, Key] = {}
    marks = []
    for point in points:
        if _n(point) != largest:
            continue
        name = f"{runs.labels[point.run]}: {point.record.variant}" if runs.several else point.record.variant
        variants = list(dict.fromkeys(other.record.variant for other in points))
        slot = (point.run * len(variants) + variants.index(point.record.variant)) % 8 + 1
        colour = f"c{slot}" if runs.several else runs.colours[point.record.variant]
        legend[name] = Key(name, colour, "line")
        marks.append(charts.mark_of(runs, point, series=name, colour=colour, x=_share(point) or 0.0))
    spec = charts.lines(
        marks, x_title="share of elements for which it is taken", y_title="ns per element", x_kind="share", log_y=False,
        x_domain=(0.0, 1.0),
        alt_text="Time an element over the share of taken branches, for sorted, shuffled and branch-free loops.",
    )  # fmt: skip
    rows = [
        runs.row(
            point.run,
            (
                point.record.variant,
                words.elements(_n(point)),
                words.percent(_share(point)),
                words.number(point.value.value),
                words.bounds(point.value),
                point.record.status,
            ),
        )
        for point in points
    ]
    head = ("variant", "n", "taken", "ns per element", "95% interval", "status")
    text = (
        "The same additions of the same elements. In sorted order the branch is foreseen; in random order it is wrong "
        "for the less likely way, most often at one half: the height of the tent over one half is the price of a "
        "misprediction. Without a branch there is nothing to guess."
    )
    return Figure(
        "Branches",
        [Panel("", spec, "Time an element over the share of taken branches")],
        Table("Every share", runs.head(head), rows),
        text,
        list(legend.values()),
        wide=True,
    )


def _share(point: Point) -> float | None:
    """The share as stated; None where a file has something else there."""
    share = point.record.params.get("share")
    return float(share) if isinstance(share, int | float) and 0 <= share <= 1 else None
