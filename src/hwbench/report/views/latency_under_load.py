"""Latency under load: several loads in flight, loads beside streaming cores, a line that moves between two cores."""

from __future__ import annotations

from ...analysis.ratios import ratio
from ...record import text
from ...record.estimate import Estimate
from ...record.model import HOP_TIME
from ...record.phrases import listed
from .. import charts, format
from ..columns import STATUS, Column, Measured, axis, of_points, table
from ..dataset import Point, Runs
from ..sections import Block, Figure, Key, Notes, Panel, Section

PARALLEL, LOADED, BETWEEN = "loads in flight", "loaded latency", "core to core"
LINE = 64  # bytes that a hop brings
LEVELS = {"L1": "c3", "L2": "c6", "L3": "c1", "DRAM": "c2"}
IDLE = "idle"
SHARED = {
    "core": "a core",
    "cache": "the last-level cache",
    "package": "a package",
    "memory": "memory alone",
}


def view(runs: Runs) -> Section | None:
    """The three figures, as far as they were measured; None without any."""
    blocks: list[Block] = [block for block in (_parallel(runs), _loaded(runs), *_between(runs)) if block is not None]
    if not blocks:
        return None
    intro = [
        "A dependent load costs the latency above; but a core keeps many loads in flight, traffic of other cores "
        "makes each slower, and a line that another core has written comes from that core's cache.",
    ]
    return Section("waiting", "Shared latency", "Latency under load", intro, blocks, topic="memory")


# --- loads in flight --------------------------------------------------------------------------------------------------


def _parallel(runs: Runs) -> Figure | None:
    """Loads in flight over the number of independent chases, a line for each level."""
    points = [
        point
        for point in runs.measuring(PARALLEL)
        if point.metric == HOP_TIME and _whole(point.record.params.get("chains"))
    ]
    ones = {_apart(point): point for point in points if point.record.params["chains"] == 1}
    points = [point for point in points if _apart(point) in ones]
    if not any(point.record.params["chains"] != 1 for point in points):
        return None
    points.sort(key=lambda point: (point.run, str(_apart(point)), point.record.params["chains"]))

    def in_flight(point: Point) -> Estimate:
        """By Little's law: a hop's time in one chase alone over the time between two hops of all chases together."""
        one = ones[_apart(point)].record
        return ratio(one, point.record).scaled(point.record.counts["hops"] / one.counts["hops"])

    columns = of_points(
        runs,
        (
            Column("level", lambda point: _level(point.text("size"))), axis("chains", "chases"),
            Measured("ns per load", lambda point: point.value),
            Column("loads in flight", lambda point: text.amount(in_flight(point).value)),
            Column("GB/s of lines", lambda point: text.amount(LINE / point.value.value)), STATUS,
        ),
        draws=Measured("loads in flight", in_flight, "loads"),
    )  # fmt: skip
    legend: dict[str, Key] = {}
    panels = []
    # One run: one chart with a line for each level. Several: a chart for each level with a line for each run.
    sizes = list(dict.fromkeys(point.text("size") for point in points))
    for shown in [(size,) for size in sizes] if runs.several else [tuple(sizes)]:
        marks = []
        for point in points:
            size = point.text("size")
            if size not in shown:
                continue
            name = runs.labels[point.run] if runs.several else _level(size)
            colour = f"c{point.run % 8 + 1}" if runs.several else LEVELS.get(size, "c7")
            legend[name] = Key(name, colour, "line")
            at = float(point.text("chains"))
            each = text.amount(point.value.value, "ns")
            marks.append(columns.mark(point, series=name, colour=colour, x=at, more=each))
        most = max(mark.x for mark in marks)
        title = _level(shown[0]) if runs.several else ""
        spec = charts.lines(
            marks, x_title="independent chases", y_title=columns.title, x_kind="doubling", log_y=False,
            ideal=[(2.0**k, 2.0**k) for k in range(12) if 2.0**k <= most], more="a load comes every",
            alt_text=f"Loads in flight over the number of independent pointer chases, and the ideal. {title}",
        )  # fmt: skip
        panels.append(Panel(title, spec, "Loads in flight over independent chases"))
    told = (
        "Independent pointer chases in one loop: the core sends the next load of each while the "
        "others wait. Dotted: as many in flight as there are chases. Where a line leaves it, the core's buffers or the "
        "queues behind the level are full. Loads in flight are the latency over the time between two loads (Little's "
        "law), both by medians."
    )
    legend["ideal"] = Key("as many as chases", "ink-2", "dots")
    return Figure(
        "Loads in flight",
        panels,
        columns.table("Every number of chases", points),
        told,
        list(legend.values()),
        wide=not runs.several,
        narrow=runs.several,
    )


# --- beside streams ---------------------------------------------------------------------------------------------------


def _loaded(runs: Runs) -> Figure | None:
    """Latency over the traffic that the other cores made meanwhile."""
    points = [point for point in runs.measuring(LOADED) if _streamed(point) is not None]
    if not any(_streamed(point) for point in points):
        return None
    points.sort(key=lambda point: (point.run, point.variant, _streamed(point) or 0.0))
    doubtful = dict.fromkeys(
        _series(runs, idle, f"others {idle.variant}")
        for idle in points
        if idle.record.params.get("gap") == IDLE
        for point in points
        if (point.run, point.variant) == (idle.run, idle.variant)
        and point.value.high < idle.value.low
        and 1.1 * point.value.value < idle.value.value
    )
    columns = of_points(
        runs,
        (
            Column("others", lambda point: point.variant), Column("they wait", _gap, "the others wait"),
            Column("traffic, GB/s", lambda point: text.amount((_streamed(point) or 0.0) / 1e9)),
            Measured("ns per load", lambda point: point.value),
            Column("streaming cores", lambda point: str(point.record.facts.get("streaming", text.NOTHING))), STATUS,
        ),
        more="they wait",
    )  # fmt: skip
    legend: dict[str, Key] = {}
    marks = []
    for point in points:
        name = _series(runs, point, f"others {point.variant}")
        colour = f"c{point.run % 8 + 1}" if runs.several else runs.colours[point.variant]
        dash = "dash" if runs.several and point.variant == "write" else ""
        legend[name] = Key(name, colour, "dash" if dash else "line")
        marks.append(columns.mark(point, series=name, colour=colour, x=(_streamed(point) or 0.0) / 1e9, dash=dash))
    spec = charts.lines(
        marks, x_title="traffic of the other cores, GB/s", y_title=columns.title, x_kind="rate", log_y=False,
        x_domain=(0.0, max(mark.x for mark in marks) * 1.03), more=columns.more,
        alt_text="Latency of a load from memory over the bandwidth that the other cores take meanwhile.",
    )  # fmt: skip
    told = (
        "One core follows pointers through memory while all others stream at a rising rate. The figure is the "
        "latency of the first core's loads: flat while memory has bandwidth left, rising where its queues fill. Idle "
        "is measured beside the parked load threads, so it is not the same case as the headline's latency. A write "
        "counts twice: a stored line is read first and written back later."
    )
    if doubtful:
        told += f" The idle figure of '{listed(doubtful)}' is doubtful: it is above one measured under load."
    return Figure(
        "Loaded latency",
        [Panel("", spec, "Latency over bandwidth")],
        columns.table("Every rate", points),
        told,
        list(legend.values()),
        wide=True,
    )


def _streamed(point: Point) -> float | None:
    """Bytes a second that the other cores moved; None where the file does not say."""
    found = point.record.facts.get("streamed")
    return float(found) if isinstance(found, int | float) and 0 <= found < 1e15 else None


def _gap(point: Point) -> str:
    gap = point.record.params.get("gap", "")
    return format.value_of("gap", gap) if gap == IDLE else f"{gap} cycles a line"


# --- between cores ----------------------------------------------------------------------------------------------------


Pair = tuple[int, int, str, float]  # two CPUs, what they share, and seconds until one sees what the other wrote
PAIRS: tuple[Column[tuple[Point, Pair]], ...] = (
    Column("variant", lambda row: row[0].variant),
    Column("CPUs", lambda row: f"{row[1][0]} and {row[1][1]}"),
    Column("they share", lambda row: SHARED.get(row[1][2], text.NOTHING)),
    Column("ns per handover", lambda row: text.amount(row[1][3] * 1e9)),
    Column("status", lambda row: row[0].status),
)


def _between(runs: Runs) -> list[Figure | Notes]:
    """A map of pairs for each run, of the variant that stores; the other variant is in the table beside it.

    A lone pair is a sentence.
    """
    figures: list[Figure | Notes] = []
    for index in range(len(runs)):
        points = [point for point in runs.measuring(BETWEEN) if point.run == index and _pairs(point)]
        if not points:
            continue
        shown = next((point for point in points if point.variant == "store"), points[0])
        pairs = _pairs(shown)
        title = "Core to core" + (f", {runs.labels[index]}" if runs.several else "")
        if len(pairs) == 1:
            figures.append(Notes(title, [_lone(point) for point in points]))
            continue
        cpus = sorted({cpu for a, b, *_ in pairs for cpu in (a, b)})
        cells = [
            (f"CPU {a}", f"CPU {b}", seconds * 1e9, SHARED.get(what, text.NOTHING))
            for first, second, what, seconds in pairs
            for a, b in ((first, second), (second, first))
        ]
        spec = charts.heat(
            cells, order=[f"CPU {cpu}" for cpu in cpus], unit="ns", x_title="CPUs",
            alt_text="A map of the time in which a cache line changes hands between each two CPUs.",
        )  # fmt: skip
        rows = [(point, pair) for point in points for pair in _pairs(point)]
        told = (
            f"Nanoseconds until one CPU sees what the other wrote, variant {shown.record.variant}: two threads pass "
            f"a cache line back and forth, the best round. Stronger colour is slower. Each pair is measured alone; "
            f"CPUs that "
            "share a cache stand out as blocks."
        )
        every = table(runs, "Every pair", PAIRS, rows, lambda row: row[0].run)
        figures.append(
            Figure(title, [Panel("", spec, "Handover time between pairs of CPUs")], every, told, narrow=True)
        )
    return figures


def _lone(point: Point) -> str:
    """The one pair of two CPUs in words."""
    first, second, what, seconds = _pairs(point)[0]
    how = {"store": "a store", "exchange": "an atomic exchange"}.get(point.variant, point.variant)
    said = f"{text.amount(seconds * 1e9, 'ns')} until CPU {second} sees what CPU {first} wrote by {how}, best round"
    said += f"; the two share {SHARED[what]}" if what in SHARED else ""
    return f"{said}. Median of all rounds: {text.seconds(point.seconds.scaled(1 / _hops(point)))} a handover" + (
        ", suspect." if point.suspect else "."
    )


def _hops(point: Point) -> float:
    return point.record.counts.get("hops", 1.0)


def _pairs(point: Point) -> list[Pair]:
    """The pairs in a record's facts, without what is no pair: a file may hold anything."""
    found = point.record.facts.get("between")
    pairs = []
    for row in found if isinstance(found, list) else ():
        if isinstance(row, list) and len(row) == 4:
            a, b, what, seconds = row
            if all(_whole(cpu, 0) for cpu in (a, b)) and isinstance(seconds, float) and 1e-12 < seconds < 1:
                pairs.append((a, b, str(what), seconds))
    return pairs


# --- what they share --------------------------------------------------------------------------------------------------


def _whole(value: object, least: int = 1) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value < 2**20


def _apart(point: Point) -> tuple[object, ...]:
    """What cases have in common that differ only in their number of chases."""
    rest = sorted((axis, str(value)) for axis, value in point.record.params.items() if axis != "chains")
    return (point.run, point.variant, *rest)


def _level(size: str) -> str:
    return "memory" if size == "DRAM" else size


def _series(runs: Runs, point: Point, name: str) -> str:
    return f"{runs.labels[point.run]}: {name}" if runs.several else name
