"""Latency that is shared: loads in flight at once, a load beside streaming cores, a line between two cores."""

from __future__ import annotations

from collections.abc import Sequence

from ...record.model import HOP_TIME, Run
from .. import charts, format
from ..dataset import Point, Runs
from ..sections import Block, Figure, Key, Panel, Section, Table

PARALLEL, LOADED, BETWEEN = "latency.parallel", "latency.loaded", "latency.core_to_core"
LINE = 64  # bytes that a hop brings
LEVELS = {"L1": "c3", "L2": "c6", "L3": "c1", "DRAM": "c2"}
IDLE = "idle"
SHARED = {
    "core": "a core",
    "cache": "the last-level cache",
    "package": "a package",
    "memory": "memory alone",
}


def view(runs: Sequence[Run]) -> Section | None:
    """The three figures, as far as they were measured; None without any."""
    runs = Runs.of(runs)
    blocks: list[Block] = [figure for figure in (_parallel(runs), _loaded(runs), *_between(runs)) if figure is not None]
    if not blocks:
        return None
    intro = [
        "A load that waits costs the latency above; but a core keeps many of them in flight, other cores' traffic "
        "makes each wait longer, and a line that another core has written comes from that core's cache.",
    ]
    return Section("waiting", "Shared latency", "Latency in company", intro, blocks)


# --- loads in flight --------------------------------------------------------------------------------------------------


def _parallel(runs: Runs) -> Figure | None:
    """Loads in flight over the number of independent chases, a line for each level."""
    points = [
        point
        for point in runs.by_bench.get(PARALLEL, ())
        if point.metric == HOP_TIME and _whole(point.record.params.get("chains"))
    ]
    ones = {_apart(point): point for point in points if point.record.params["chains"] == 1}
    flights = [(point, _in_flight(point, ones[_apart(point)])) for point in points if _apart(point) in ones]
    if not any(point.record.params["chains"] != 1 for point, _ in flights):
        return None
    flights.sort(key=lambda flight: (flight[0].run, str(_apart(flight[0])), flight[0].record.params["chains"]))
    legend: dict[str, Key] = {}
    panels = []
    # One chart with a line for each level; side by side a chart for each level, with a line for each run.
    sizes = list(dict.fromkeys(str(point.record.params.get("size", "")) for point, _ in flights))
    for shown in [(size,) for size in sizes] if runs.several else [tuple(sizes)]:
        marks = []
        for point, flight in flights:
            size = str(point.record.params.get("size", ""))
            if size not in shown:
                continue
            name = runs.labels[point.run] if runs.several else _level(size)
            colour = f"c{point.run % 8 + 1}" if runs.several else LEVELS.get(size, "c7")
            legend[name] = Key(name, colour, "line")
            marks.append(
                charts.mark_of(
                    runs, point, value=charts.unbounded(flight), unit="loads", series=name, colour=colour,
                    x=float(point.record.params["chains"]), more=format.number(_best(point), "ns"),
                )
            )  # fmt: skip
        most = max(mark.x for mark in marks)
        title = _level(shown[0]) if runs.several else ""
        spec = charts.lines(
            marks, x_title="independent chases", y_title="loads in flight", x_kind="doubling", log_y=False,
            ideal=[(2.0**k, 2.0**k) for k in range(12) if 2.0**k <= most], more="a load comes every", best=True,
            alt_text=f"Loads in flight over the number of independent pointer chases, and the ideal. {title}",
        )  # fmt: skip
        panels.append(Panel(title, spec, "Loads in flight over independent chases"))
    rows = [
        runs.row(
            point.run,
            (
                _level(str(point.record.params.get("size", ""))),
                str(point.record.params["chains"]),
                format.number(point.value.value),
                format.bounds(point.value),
                format.number(_best(point)),
                format.number(flight),
                format.number(LINE / _best(point)),
                point.record.status,
            ),
        )
        for point, flight in flights
    ]
    head = ("level", "chases", "ns per load", "95% interval", "at best", "loads in flight", "GB/s of lines", "status")
    text = (
        "Pointer chases that know nothing of one another, in one loop: the core sends the next load of each while the "
        "others wait. Dotted: as many in flight as there are chases. Where a line leaves it, the core's buffers or the "
        "queues behind the level are full. Loads in flight are the latency over the time between two loads (Little), "
        "both by best samples."
    )
    legend["ideal"] = Key("as many as chases", "ink-2", "dots")
    return Figure(
        "Loads in flight",
        panels,
        Table("Every number of chases", runs.head(head), rows),
        text,
        list(legend.values()),
        wide=not runs.several,
        narrow=runs.several,
    )


def _in_flight(point: Point, one: Point) -> float:
    """By Little's law: the time of a hop of one chase alone over that between two hops of all of them together."""
    return _best(one) / _best(point)


def _best(point: Point) -> float:
    """Nanoseconds a hop in the best sample: a limit, to which disturbance only adds."""
    return HOP_TIME.value(min(point.record.samples), point.record.counts)


# --- beside streams ---------------------------------------------------------------------------------------------------


def _loaded(runs: Runs) -> Figure | None:
    """Latency over the traffic that the other cores made meanwhile."""
    points = [point for point in runs.by_bench.get(LOADED, ()) if _streamed(point) is not None]
    if not any(_streamed(point) for point in points):
        return None
    points.sort(key=lambda point: (point.run, point.record.variant, _streamed(point) or 0.0))
    legend: dict[str, Key] = {}
    marks = []
    for point in points:
        name = _series(runs, point, f"others {point.record.variant}")
        colour = f"c{point.run % 8 + 1}" if runs.several else runs.colours[point.record.variant]
        dash = "dash" if runs.several and point.record.variant == "write" else ""
        legend[name] = Key(name, colour, "dash" if dash else "line")
        marks.append(
            charts.mark_of(
                runs, point, series=name, colour=colour, x=(_streamed(point) or 0.0) / 1e9, more=_gap(point), dash=dash
            )
        )
    spec = charts.lines(
        marks, x_title="traffic of the other cores, GB/s", y_title="ns per load", x_kind="rate", log_y=False,
        x_domain=(0.0, max(mark.x for mark in marks) * 1.03), more="the others wait",
        alt_text="Latency of a load from memory over the bandwidth that the other cores take meanwhile.",
    )  # fmt: skip
    rows = [
        runs.row(
            point.run,
            (
                point.record.variant,
                _gap(point),
                format.number((_streamed(point) or 0.0) / 1e9),
                format.number(point.value.value),
                format.bounds(point.value),
                str(point.record.facts.get("streaming", format.NOTHING)),
                point.record.status,
            ),
        )
        for point in points
    ]
    head = ("others", "they wait", "traffic, GB/s", "ns per load", "95% interval", "streaming cores", "status")
    text = (
        "One core follows pointers through memory, every other streams at a rising rate. The figure is the time of the "
        "first one's loads. Flat as long as memory has room; a line that turns up shows queues that fill. Writing "
        "counts twice: a stored line is read first and written back later."
    )
    return Figure(
        "Loaded latency",
        [Panel("", spec, "Latency over bandwidth")],
        Table("Every rate", runs.head(head), rows),
        text,
        list(legend.values()),
        wide=True,
    )


def _streamed(point: Point) -> float | None:
    """Bytes a second that the others moved; None where a file does not say."""
    found = point.record.facts.get("streamed")
    return float(found) if isinstance(found, int | float) and 0 <= found < 1e15 else None


def _gap(point: Point) -> str:
    gap = point.record.params.get("gap", "")
    return "all the time" if gap == IDLE else f"{gap} cycles a line"


# --- between cores ----------------------------------------------------------------------------------------------------


def _between(runs: Runs) -> list[Figure]:
    """A map of pairs for each run, for the plain handover; the other variant is a table beside it."""
    figures = []
    for index in range(len(runs)):
        points = [point for point in runs.by_bench.get(BETWEEN, ()) if point.run == index and _pairs(point)]
        if not points:
            continue
        shown = next((point for point in points if point.record.variant == "store"), points[0])
        pairs = _pairs(shown)
        cpus = sorted({cpu for a, b, *_ in pairs for cpu in (a, b)})
        cells = [
            (f"CPU {a}", f"CPU {b}", seconds * 1e9, SHARED.get(what, format.NOTHING))
            for first, second, what, seconds in pairs
            for a, b in ((first, second), (second, first))
        ]
        spec = charts.heat(
            cells, order=[f"CPU {cpu}" for cpu in cpus], unit="ns", x_title="CPUs",
            alt_text="A map of the time in which a cache line changes hands between each two CPUs.",
        )  # fmt: skip
        rows = [
            runs.row(index, (point.record.variant, f"{a} and {b}", SHARED.get(what, format.NOTHING),
                             format.number(seconds * 1e9), point.record.status))
            for point in points
            for a, b, what, seconds in _pairs(point)
        ]  # fmt: skip
        title = "Core to core" + (f", {runs.labels[index]}" if runs.several else "")
        text = (
            f"Nanoseconds until one CPU sees what the other wrote, variant {shown.record.variant}: a cache line that "
            "two threads hand to and fro, at best. Fuller colour is slower. Each pair is measured alone; CPUs that "
            "share a cache stand out as blocks."
        )
        head = runs.head(("variant", "CPUs", "they share", "ns per handover", "status"))
        table = Table("Every pair", head, rows)
        figures.append(
            Figure(title, [Panel("", spec, "Handover time between pairs of CPUs")], table, text, narrow=True)
        )
    return figures


def _pairs(point: Point) -> list[tuple[int, int, str, float]]:
    """The pairs of a record as its facts have them, without what is none: a file may hold anything."""
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
    """What cases share that differ in their number of chases alone."""
    rest = sorted((axis, str(value)) for axis, value in point.record.params.items() if axis != "chains")
    return (point.run, point.record.variant, *rest)


def _level(size: str) -> str:
    return "memory" if size == "DRAM" else size


def _series(runs: Runs, point: Point, name: str) -> str:
    return f"{runs.labels[point.run]}: {name}" if runs.several else name
