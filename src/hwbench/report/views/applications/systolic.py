"""The lecture's systolic array: an example frame by frame, how busy arrays stay, their roofline over the batch size."""

from __future__ import annotations

from collections.abc import Sequence

from ....record import facts as record_facts
from ....record import text
from ....record.model import Record
from ... import charts
from ...columns import STATUS, Column, table
from ...dataset import Point, Runs
from ...sections import Block, Figure, Key, Panel, Section, Table
from .systolic_frames import steps

MEASURES = "systolic array"
WEIGHTS = "weight-stationary"
# Words a cycle from the first TPU's memory: 34 GB/s of 8-bit weights at 700 MHz (Jouppi et al., ISCA 2017).
MEMORY = 34e9 / 700e6
FEWEST = 8  # rows of an array in the charts; smaller ones are examples


def view(runs: Runs) -> Section | None:
    """The example's frames, two charts and every product; None where no systolic array was simulated."""
    points = [point for point in runs.measuring(MEASURES) if _whole(point.record)]
    if not points:
        return None
    blocks: list[Block] = []
    blocks += [frames for point in points if (frames := steps(point.record)) is not None][:1]
    layers = {(point.run, _layer(point.record)): point for point in points if _charted(point)}
    if layers:
        (run, layer), _ = next(
            iter(layers.items())
        )  # cycles are the array's and not the machine's, so that one run shows them
        chosen = _by_array(
            [point for point in points if point.run == run and _charted(point) and _layer(point.record) == layer]
        )
        blocks += [_curves(chosen, layer), _roofs(chosen[-1], layer)]
    blocks.append(_table(runs, points))
    intro = [
        "A systolic array is a grid of processing elements (PEs), each of which multiplies, adds and hands on to its "
        "neighbours in "
        "every cycle: no cache, no instruction, one wire to the next. It is the core of the TPU in the lecture. Here "
        "it is "
        "simulated register by register, so that its cycles are counted and not estimated.",
        "Its cost is the time to fill and to drain it: most PEs are busy only if the batch is long compared with the "
        "array's sides.",
    ]
    return Section("systolic", "Systolic array", "The lecture's systolic array", intro, blocks, topic="lecture")


def _whole(record: Record) -> bool:
    """Whether the record has all facts of a simulation; a file may hold anything."""
    facts = record.facts
    counts = all(
        isinstance(facts.get(name), int) and facts[name] > 0
        for name in ("rows", "columns", "cycles", "closed_form", "single_buffer", "pe_cycles")
    )
    shares = all(isinstance(facts.get(name), int | float) for name in ("utilisation", "words_per_cycle"))
    batches, cycles = record_facts.numbers(facts.get("batches")), record_facts.numbers(facts.get("cycles_by_batch"))
    return (
        counts and shares and len(batches) == len(cycles) > 0 and min(batches + cycles) > 0 and _layer(record) != (0, 0)
    )


def _layer(record: Record) -> tuple[int, int]:
    """Rows and columns of the weights, m and k; zeros where the shape is no shape."""
    parts = str(record.params.get("shape", "")).split("x")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() and len(part) < 8 for part in parts):
        return 0, 0
    return int(parts[0]), int(parts[1])


def _charted(point: Point) -> bool:
    return point.record.variant == WEIGHTS and point.record.facts["rows"] >= FEWEST


def _by_array(points: Sequence[Point]) -> list[Point]:
    """One point an array, the smallest first."""
    found = {str(point.record.params.get("array")): point for point in points}
    return sorted(found.values(), key=lambda point: point.record.facts["rows"] * point.record.facts["columns"])


# --- over the batch size ----------------------------------------------------------------------------------------------


def _curves(points: Sequence[Point], layer: tuple[int, int]) -> Figure:
    """Utilisation of each array."""
    m, k = layer
    marks, rows, legend = [], [], []
    for number, point in enumerate(points):
        facts, name = point.record.facts, _times(str(point.record.params["array"]))
        colour = f"c{number % 8 + 1}"
        legend.append(Key(name, colour, "line"))
        for batch, cycles in zip(
            record_facts.numbers(facts["batches"]), record_facts.numbers(facts["cycles_by_batch"]), strict=True
        ):
            share = m * k * batch / (facts["rows"] * facts["columns"] * cycles)
            marks.append(
                charts.Mark(
                    series=name,
                    colour=colour,
                    case=f"{name} array, batch {batch:g}",
                    x=batch,
                    value=100 * share,
                    unit="%",
                    more=f"{text.count(cycles)} cycles",
                )
            )
            rows.append((name, f"{batch:g}", text.count(cycles), text.share(share)))
    busy = charts.lines(
        marks,
        x_title="batch size",
        y_title="PEs at work, % (more is better)",
        x_kind="count",
        log_y=False,
        y_domain=(0, 100),
        alt_text=f"Utilisation of systolic arrays for a layer of {m} by {k} over the batch size",
        more="takes",
    )
    panel = Panel("", busy, f"Utilisation of each array over the batch size, layer of {m} by {k}.")
    told = (
        f"Weight-stationary, the next weights loaded meanwhile, a layer of {m} × {k}; cycles by the closed form, "
        "which the simulator confirms below."
    )
    shown = Table("Utilisation by array and batch", ("array", "batch", "cycles", "PEs at work"), rows)
    return Figure("How busy each array stays, over the batch size", [panel], shown, told, legend)


def _roofs(point: Point, layer: tuple[int, int]) -> Figure:
    """One array below the roofs of its multipliers and of the memory that its weights come from."""
    (m, k), facts = layer, point.record.facts
    size, peak = _times(str(point.record.params["array"])), facts["rows"] * facts["columns"]
    batches = record_facts.numbers(facts["batches"])
    marks, rows = [], []
    for batch, cycles in zip(batches, record_facts.numbers(facts["cycles_by_batch"]), strict=True):
        rates = []
        for series, colour, taken, dash in (
            ("weights at hand", "c1", cycles, ""),
            ("weights from memory", "c2", max(cycles, m * k / MEMORY), "dash"),
        ):
            rate = m * k * batch / taken
            rates.append(rate)
            marks.append(
                charts.Mark(
                    series=series, colour=colour, case=f"{size} array, batch {batch:g}, {series}", x=batch, value=rate,
                    unit="multiply-adds a cycle", dash=dash, more=f"{text.share(rate / peak)} of the peak",
                )
            )  # fmt: skip
        rows.append((f"{batch:g}", *(text.amount(rate) for rate in rates), text.amount(min(peak, batch * MEMORY))))
    first, last, ridge = batches[0], batches[-1], peak / MEMORY
    corners = sorted({first, last, *([ridge] if first < ridge < last else [])})
    spec = charts.lines(
        marks,
        x_title="batch size",
        y_title="multiply-adds a cycle (more is better)",
        x_kind="count",
        ideal=[(at, min(peak, at * MEMORY)) for at in corners],
        alt_text=f"Roofline of the {size} array over the batch size",
        more="reaches",
    )
    half = next(
        (
            batch
            for batch, cycles in zip(batches, record_facts.numbers(facts["cycles_by_batch"]), strict=True)
            if m * k * batch >= peak * cycles / 2
        ),
        None,
    )
    busy = (
        f"It is half busy from a batch of {half:g} on." if half else f"Up to a batch of {last:g} it is never half busy."
    )
    told = (
        f"The batch size is also the number of multiply-adds for each weight fetched. The roofs: {peak} multiply-adds "
        f"a cycle, and {text.amount(MEMORY)} weights a "
        f"cycle, as the first TPU's memory gave (34 GB/s at 700 MHz, Jouppi et al. 2017). {busy}"
    )
    panel = Panel("", spec, f"Multiply-adds a cycle of the {size} array over the batch size.")
    legend = [
        Key("weights at hand", "c1", "line"),
        Key("weights from memory", "c2", "dash"),
        Key("roofs", "c8", "dots"),
    ]
    shown = Table(
        f"Roofline of the {size} array", ("batch", "multiply-adds a cycle", "with weights from memory", "roof"), rows
    )
    return Figure(f"Roofline of the {size} array", [panel], shown, told, legend)


def _table(runs: Runs, points: Sequence[Point]) -> Table:
    """Every simulated product: counted cycles beside the closed form's, and how fast the simulator was."""

    def fact(name: str, head: str) -> Column[Point]:
        return Column(head, lambda point: str(point.record.facts[name]))

    def blas(point: Point) -> str:
        ratio = runs.against_baseline(point)
        return text.amount(ratio.value if ratio else None)

    columns: tuple[Column[Point], ...] = (
        Column("array", lambda point: _times(point.text("array"))),
        Column("m × k × n", lambda point: _times(point.text("shape"))),
        Column("what stays", lambda point: point.variant),
        fact("cycles", "cycles counted"),
        fact("closed_form", "closed form"),
        fact("single_buffer", "without double buffering"),
        Column("PEs at work", lambda point: text.share(point.record.facts["utilisation"])),
        Column("words a cycle", lambda point: text.amount(point.record.facts["words_per_cycle"])),
        Column(
            "simulated, M PE-cycles/s",
            lambda point: text.amount(point.record.facts["pe_cycles"] / point.seconds.value / 1e6),
        ),
        Column("× the CPU's BLAS", blas),
        STATUS,
    )
    ordered = sorted(points, key=lambda point: (point.run, point.record.facts["rows"]))
    return table(runs, "Simulated products", columns, ordered, lambda point: point.run)


def _times(sides: str) -> str:
    """`3 × 3` for `3x3`."""
    return sides.replace("x", " × ")
