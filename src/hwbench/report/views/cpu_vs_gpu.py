"""The lecture's table of CPU against GPU, with this machine in it: measured, by its datasheet, and what suits it."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence

from ...analysis import datasheets
from ...record import text
from ...record.phrases import counted
from .. import format
from ..columns import Column
from ..dataset import Runs
from ..sections import Block, Figure, Key, Notes, Panel, Section, Table
from .applications import charts
from .applications.charts import Datum
from .compared_devices import DATASHEET, LECTURE, MACHINES, MEASURED, SLIDES, Row, measured_rows, stated
from .suitability import assumptions, by_run, suits

GIB = 2.0**30
NEAR = 1.5  # times as much arithmetic or bandwidth: a few pixels on the chart
COLOURS = {MEASURED: "c2", DATASHEET: "c1", LECTURE: "c8"}


def view(runs: Runs) -> Section | None:
    """The table and what it says; None where neither a measured limit nor a datasheet adds a row to the lecture's."""
    known = datasheets.load()
    own = [row for index in range(len(runs)) for row in measured_rows(runs, index, known)]
    if not any(row.flops or row.bandwidth for row in own):
        return None
    machines = [stated(known.named(name), name) for name in MACHINES]
    blocks: list[Block] = [_figure(own, machines, known)]
    blocks.append(_table(own, machines))
    sentences = [sentence for cards in by_run(own) for sentence in suits(*cards, machines, runs.several)]
    if sentences:
        blocks.append(Notes("What this balance suits", sentences, assumptions()))
    blocks.append(_sources(own, machines, known))
    intro = [
        "The lecture compares CPUs and GPUs by cores, arithmetic, memory and control flow. This table has the headline "
        "figures (medians) of this machine, its datasheet where one is known, and the lecture's machines. Datasheets "
        "state what cannot be exceeded; measured figures "
        "are what was reached.",
        "The balance, arithmetic divided by bandwidth, says how many operations a program has to do with each byte "
        "from memory before arithmetic, and not memory, is the limit.",
    ]
    return Section("lecture", "CPU or GPU", "CPU against GPU: the lecture's table", intro, blocks, topic="lecture")


def _table(own: Sequence[Row], machines: Sequence[Row]) -> Table:
    rows = [_cells(row) for row in own]
    for name in dict.fromkeys(row.name for row in own if row.origin == DATASHEET):
        rows += _share(own, name)
    rows += [_cells(row) for row in SLIDES[:4]]
    for slide, sheet in zip(SLIDES[4:], machines, strict=True):
        rows += [_cells(slide), _cells(sheet)]
    return Table("CPU against GPU", tuple(column.head for column in COLUMNS), rows)


def _cells(row: Row) -> tuple[str, ...]:
    return tuple(column.cell(row) for column in COLUMNS)


def _memory(row: Row) -> str:
    if not row.memory:
        return text.NOTHING
    return text.size(row.memory) if row.origin == MEASURED else _sold(row.memory)


DEVICE: Column[Row] = Column("device", lambda row: row.name)
FIGURES: Column[Row] = Column("figures", lambda row: row.origin)
FLOPS: Column[Row] = Column("TFLOP/s float32", lambda row: text.amount(row.flops and row.flops * 1e-12))
BANDWIDTH: Column[Row] = Column("GB/s", lambda row: text.amount(row.bandwidth and row.bandwidth * 1e-9))
BALANCE: Column[Row] = Column("flop per byte", lambda row: text.amount(row.balance))
COLUMNS: tuple[Column[Row], ...] = (
    DEVICE,
    FIGURES,
    Column("cores", lambda row: text.NOTHING if row.cores is None else f"{row.cores:g}"),
    FLOPS,
    Column("memory", _memory),
    BANDWIDTH,
    BALANCE,
    Column("control flow", lambda row: row.control),
    Column("what was measured", lambda row: row.note or text.NOTHING),
)
CHARTED = (DEVICE, FIGURES, BANDWIDTH, FLOPS, BALANCE)


def _sold(count: float) -> str:
    """Memory as it is sold: `12 GB`, `488 GiB`, `1 TB`."""
    if count % GIB == 0:
        return text.size(count)
    return f"{count / 1e12:g} TB" if count >= 1e12 else f"{count / 1e9:g} GB"


def _share(own: Sequence[Row], name: str) -> list[tuple[str, ...]]:
    """What a measured CPU or GPU reaches of its own datasheet, in the row below it."""
    for measured, sheet in itertools.pairwise(own):
        if sheet.name == name and measured.origin == MEASURED and sheet.kind == measured.kind:
            shares = [
                format.share(a / b) if a and b else text.NOTHING
                for a, b in ((measured.flops, sheet.flops), (measured.bandwidth, sheet.bandwidth))
            ]
            return [
                (
                    name,
                    "measured / datasheet",
                    text.NOTHING,
                    shares[0],
                    text.NOTHING,
                    shares[1],
                    text.NOTHING,
                    text.NOTHING,
                    text.NOTHING,
                )
            ]
    return []


def _figure(own: Sequence[Row], machines: Sequence[Row], known: datasheets.Datasheets) -> Figure:
    """Arithmetic over bandwidth: devices on one diagonal have the same balance."""
    others = [stated(device, device.name) for device in known.device if device.match and device.name not in MACHINES]
    shown = [row for row in (*own, *SLIDES, *machines, *others) if row.flops and row.bandwidth]
    named = _names(own) | {id(row): _short(row) for row in (*machines, *SLIDES[:4])}
    points: list[Datum] = []
    for row in shown:
        flops, bandwidth = (row.flops or 0) * 1e-12, (row.bandwidth or 0) * 1e-9
        points.append(
            {
                "x": float(f"{bandwidth:.4g}"),
                "y": float(f"{flops:.4g}"),
                "kind": row.origin,
                "case": f"{row.name} ({row.origin})",
                "label": named.get(id(row), ""),
                "right": bandwidth < 300,
                "fade": 1.0 if id(row) in named else 0.5,
                "more": ", ".join(
                    filter(
                        None,
                        [
                            text.amount(flops, "TFLOP/s"),
                            text.amount(bandwidth, "GB/s"),
                            text.amount(row.balance, "flop per byte"),
                            row.note,
                        ],
                    )
                ),
            }
        )
    xs, ys = [p["x"] for p in points], [p["y"] for p in points]
    about = "float32 arithmetic over memory bandwidth: this machine, the lecture's, and devices with a known datasheet"
    spec = charts.named_points(
        points,
        COLOURS,
        x_title="GB/s from memory",
        y_title="TFLOP/s in float32",
        alt_text=about,
        log_x=True,
        height=380,
        x_domain=(min(xs) / 2, max(xs) * 2),
        y_domain=(min(ys) / 2, max(ys) * 2),
        slopes=[(balance * 1e-3, f"{balance:g} flop per byte") for balance in (1, 10, 100)],
    )
    rows = [tuple(column.cell(row) for column in CHARTED) for row in shown]
    return Figure(
        "Where devices stand",
        [Panel("", spec, about)],
        Table("Every device in the chart", tuple(column.head for column in CHARTED), rows),
        "Higher is more arithmetic, further right more bandwidth; the balance is the same along a diagonal. Pale "
        "dots are other GPUs with a known datasheet: point at them.",
        [Key(name, colour) for name, colour in COLOURS.items() if any(row.origin == name for row in shown)],
        wide=True,
    )


def _names(own: Sequence[Row]) -> dict[int, str]:
    """The names of measured devices by row: one for several runs whose points lie on one another."""
    names: dict[int, str] = {}
    firsts: list[Row] = []
    more: Counter[int] = Counter()
    for row in own:
        first = next((one for one in firsts if _together(one, row)), None)
        if first is None:
            firsts.append(row)
            names[id(row)] = _short(row)
        else:
            more[id(first)] += row.origin == MEASURED  # a datasheet's dot is the same in every run
            names[id(row)] = ""
    return names | {row: f"{names[row]} and {counted(runs, 'run')} more" for row, runs in more.items() if runs}


def _together(one: Row, other: Row) -> bool:
    """Whether two rows are one device, measured twice, whose points can hardly be told apart."""
    first, second = ((row.origin, row.kind, row.name.rpartition(": ")[2]) for row in (one, other))
    pairs = ((one.flops, other.flops), (one.bandwidth, other.bandwidth))
    return first == second and all(a and b and max(a, b) <= NEAR * min(a, b) for a, b in pairs)


def _short(row: Row) -> str:
    if row.origin == MEASURED and row.kind == "gpu":
        return f"this machine's {row.name.rpartition(': ')[2]}"
    if row.origin == MEASURED:
        return "this machine" if ": " not in row.name else row.name.partition(": ")[0]
    if row.origin == LECTURE:
        return row.name
    return row.name.rpartition(": ")[2].replace(" (P3.16xlarge)", "").replace("2 x ", "2 × ")


def _sources(own: Sequence[Row], machines: Sequence[Row], known: datasheets.Datasheets) -> Table:
    """Where each datasheet figure in the table comes from."""
    names = dict.fromkeys(
        [*(row.name.rpartition(": ")[2] for row in own if row.origin == DATASHEET), *(row.name for row in machines)]
    )
    rows = []
    for name in names:
        by_source: dict[str, list[str]] = {}
        for what, figure in known.named(name).figures.items():
            note = f" ({figure.note})" if figure.note else ""
            by_source.setdefault(figure.source, []).append(f"{what} {_amount(what, figure.value)}{note}")
        for key, figures in by_source.items():
            source = known.sources[key]
            # Without its scheme: nothing on the page leads out of it.
            rows.append((name, f"{source.title}. {source.url.partition('//')[2]}".strip(), "; ".join(figures)))
    return Table("Sources of the datasheet figures", ("device", "source", "figures"), rows)


def _amount(what: str, value: float) -> str:
    if what in ("fp32", "fp64", "half"):
        return f"{text.amount(value * 1e-12)} TFLOP/s"
    if what == "bandwidth":
        return f"{text.amount(value * 1e-9)} GB/s"
    return f"{value:g}" if what == "cores" else _sold(value) if what == "memory" else text.size(value)
