"""The systolic array of the lecture, frame by frame; how busy arrays stay, and their roofline, over the batch size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ....record import facts as record_facts
from ....record.model import Record, Run
from ... import charts, format
from ...dataset import Point, Runs
from ...sections import Block, Cell, Figure, Frame, Key, Panel, Section, Steps, Table

BENCH = "systolic.matmul"
WEIGHTS = "weight-stationary"
# Words a cycle that the first TPU's memory gives: 34 GB/s of 8-bit weights at 700 MHz (Jouppi et al., ISCA 2017).
MEMORY = 34e9 / 700e6
FEWEST = 8  # rows of an array in the charts; smaller ones are examples
SUBSCRIPT = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def view(runs: Sequence[Run]) -> Section | None:
    """The example's frames, two charts and every product; None where no systolic array was simulated."""
    runs = Runs.of(runs)
    points = [point for point in runs.by_bench.get(BENCH, ()) if _whole(point.record)]
    if not points:
        return None
    blocks: list[Block] = []
    blocks += [steps for point in points if (steps := _steps(point.record)) is not None][:1]
    layers = {(point.run, _layer(point.record)): point for point in points if _charted(point)}
    if layers:
        (run, layer), _ = next(iter(layers.items()))  # cycles are the array's, not the machine's: one run shows them
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
        "What it costs is time to fill and to drain: a batch has to be long against the array's sides before most PEs "
        "are busy.",
    ]
    return Section("systolic", "Systolic array", "The lecture's systolic array", intro, blocks)


def _whole(record: Record) -> bool:
    """Whether the record holds what a simulation tells; a file may hold anything."""
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


# --- the example, frame by frame --------------------------------------------------------------------------------------


def _steps(record: Record) -> Steps | None:
    """The frames of a small product; None where the record has none that can be drawn."""
    try:
        return _frames(record.facts)
    except (KeyError, TypeError, IndexError, ValueError, AttributeError):
        return None


def _frames(facts: dict[str, Any]) -> Steps | None:
    shots, w, x, y = facts["frames"], facts["w"], facts["x"], facts["y"]
    r, c, n = len(x), len(w), len(x[0])
    if not 1 <= len(shots) <= 64 or max(r, c, n) > 8:
        return None
    # When each x enters its row: read off the frames, not computed.
    enters = [
        [next(t for t, shot in enumerate(shots) if shot["column"][i][0] == j + 1) for j in range(n)] for i in range(r)
    ]
    depth = max(max(row) for row in enters)
    frames = []
    for time, shot in enumerate(shots):
        left = {(int(row), int(column)) for row, column in shot["left"]}
        fresh = left - {(int(row), int(column)) for row, column in (shots[time - 1]["left"] if time else [])}
        rows = []
        for i in range(r):
            waiting = {enters[i][j] - time: j for j in range(n) if enters[i][j] > time}
            queue = [_waiting(i, waiting[place]) if place in waiting else Cell() for place in range(depth, 0, -1)]
            rows.append([*queue, *(_element(shot, w, x, i, j) for j in range(c))])
        gone = [[(j + 1, column + 1) for column in range(n) if (j + 1, column + 1) in left] for j in range(c)]
        rows.append([*[Cell() for _ in range(depth)], *(_gone(own, fresh, y) for own in gone)])
        frames.append(Frame(f"Time {time}", _told(time, shot, fresh, len(left) == c * n), rows))
    text = (
        f"Y = W X, {c} × {r} by {r} × {n}. The weights stay; x waits on the left, each row one cycle behind the row "
        f"above, and moves "
        "right; sums move down and leave below. In each element stand its weight, the x it holds, and the sum it "
        "hands down. Step with the buttons or the arrow keys."
    )
    return Steps("Matrix multiplication with a systolic array", frames, text)


def _index(letter: str, row: int, column: int) -> str:
    return f"{letter}{row}{column}".translate(SUBSCRIPT)


def _waiting(i: int, j: int) -> Cell:
    return Cell([_index("x", i + 1, j + 1)], "wait")


def _element(shot: dict[str, Any], w: Any, x: Any, i: int, j: int) -> Cell:
    """One PE: row i of the array works on x's row i, its column j makes y's row j."""
    weight = f"{_index('w', j + 1, i + 1)} = {_signed(w[j][i])}"
    column = int(shot["column"][i][j])
    if not column:
        return Cell([weight], "idle")
    return Cell(
        [weight, f"{_index('x', i + 1, column)} = {_signed(x[i][column - 1])}", f"Σ {_signed(shot['sum'][i][j])}"],
        "busy",
    )


def _gone(own: Sequence[tuple[int, int]], fresh: set[tuple[int, int]], y: Any) -> Cell:
    lines = [f"{_index('y', row, column)} = {_signed(y[row - 1][column - 1])}" for row, column in own]
    return Cell(lines, "fresh" if any(pair in fresh for pair in own) else "done")


def _signed(value: float) -> str:
    return f"{value:g}".replace("-", "−")


def _told(time: int, shot: dict[str, Any], fresh: set[tuple[int, int]], done: bool) -> str:
    busy = sum(bool(column) for row in shot["column"] for column in row)
    elements = sum(len(row) for row in shot["column"])
    if time == 0:
        return "The weights are in place, all x wait outside."
    said = [f"{busy} of {elements} elements multiply and add." if busy else "No element works any more."]
    if fresh:
        names = " and ".join(_index("y", *pair) for pair in sorted(fresh))
        leaves = f"{names} leave{'s' if len(fresh) == 1 else ''} the array"
        said.append(
            leaves + (", the last." if done else (": the slides show it at time 4." if (1, 1) in fresh else "."))
        )
    return " ".join(said)


# --- over the batch size ----------------------------------------------------------------------------------------------


def _curves(points: Sequence[Point], layer: tuple[int, int]) -> Figure:
    """Utilisation of each array."""
    m, k = layer
    marks, rows, legend = [], [], []
    for number, point in enumerate(points):
        facts, name = point.record.facts, str(point.record.params["array"]).replace("x", " × ")
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
                    more=f"{cycles:,.0f} cycles",
                )
            )
            rows.append((name, f"{batch:g}", f"{cycles:.0f}", format.percent(share)))
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
    text = (
        f"Weight-stationary, the next weights loaded meanwhile, a layer of {m} × {k}; cycles by the closed form, "
        "which the simulator confirms below."
    )
    table = Table("Utilisation by array and batch", ("array", "batch", "cycles", "PEs at work"), rows)
    return Figure("How busy each array stays, over the batch size", [panel], table, text, legend)


def _roofs(point: Point, layer: tuple[int, int]) -> Figure:
    """One array below the roofs of its multipliers and of the memory that its weights come from."""
    (m, k), facts = layer, point.record.facts
    size, peak = str(point.record.params["array"]).replace("x", " × "), facts["rows"] * facts["columns"]
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
                    unit="multiply-adds a cycle", dash=dash, more=f"{format.percent(rate / peak)} of the peak",
                )
            )  # fmt: skip
        rows.append((f"{batch:g}", *(format.number(rate) for rate in rates), format.number(min(peak, batch * MEMORY))))
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
    text = (
        f"The batch size is also the number of multiply-adds for each weight fetched. The roofs: {peak} multiply-adds "
        f"a cycle, and {MEMORY:.1f} weights a "
        f"cycle, as the first TPU's memory gave (34 GB/s at 700 MHz, Jouppi et al. 2017). {busy}"
    )
    panel = Panel("", spec, f"Multiply-adds a cycle of the {size} array over the batch size.")
    legend = [
        Key("weights at hand", "c1", "line"),
        Key("weights from memory", "c2", "dash"),
        Key("roofs", "c8", "dots"),
    ]
    table = Table(
        f"Roofline of the {size} array", ("batch", "multiply-adds a cycle", "with weights from memory", "roof"), rows
    )
    return Figure(f"Roofline of the {size} array", [panel], table, text, legend)


def _table(runs: Runs, points: Sequence[Point]) -> Table:
    """Every simulated product: counted cycles beside the closed form's, and how fast the simulator was."""
    rows = []
    for point in sorted(points, key=lambda point: (point.run, point.record.facts["rows"])):
        facts = point.record.facts
        blas = runs.against_baseline(point)
        row = (
            str(point.record.params.get("array", "")).replace("x", " × "),
            str(point.record.params.get("shape", "")).replace("x", " × "),
            point.record.variant,
            str(facts["cycles"]),
            str(facts["closed_form"]),
            str(facts["single_buffer"]),
            format.percent(facts["utilisation"]),
            format.number(facts["words_per_cycle"]),
            format.number(facts["pe_cycles"] / point.seconds.value / 1e6),
            format.number(blas.value if blas else None),
            point.record.status,
        )
        rows.append((runs.labels[point.run], *row) if runs.several else row)
    head = (
        "array",
        "m × k × n",
        "what stays",
        "cycles counted",
        "closed form",
        "without double buffering",
        "PEs at work",
        "words a cycle",
        "simulated, M PE-cycles/s",
        "× the CPU's BLAS",
        "status",
    )
    return Table("Simulated products", ("run", *head) if runs.several else head, rows)
