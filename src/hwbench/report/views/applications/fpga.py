"""The systolic array as hardware: what each compiled array takes of its FPGA, its clock, and how long that took."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from ....record import facts, text
from ....record.estimate import Estimate
from ....record.model import Record
from ...columns import STATUS, Column, table
from ...dataset import Point, Runs
from ...sections import Section
from .stability_facts import amount, count

MEASURES = "hardware array"
CELLS = {"luts": "look-up tables", "flip_flops": "flip-flops", "multipliers": "multipliers"}


def view(runs: Runs) -> Section | None:
    """A row for each array and part; None where none was compiled."""
    points = [point for point in runs.measuring(MEASURES) if rate(point.record) is not None]
    if not points:
        return None
    columns: tuple[Column[Point], ...] = (
        Column("array", lambda point: point.text("array").replace("x", " × ")),
        Column("part", lambda point: _part(point.record)),
        *(_cells(cell) for cell in CELLS),
        Column("clock of three seeds, MHz", lambda point: text.amount(_clock(point.record))),
        Column("int8, GOP/s", lambda point: text.amount(rate(point.record))),
        Column("largest that fits", lambda point: _largest(point.record)),
        Column("synthesis", lambda point: text.seconds(amount(point.record, "synthesis_s"))),
        Column("place and route, a seed", lambda point: text.seconds(_placing(point.record))),
        Column("cycles counted", lambda point: text.count(count(point.record, "cycles"))),
        Column("closed form", lambda point: text.count(count(point.record, "closed_form"))),
        STATUS,
    )
    ordered = sorted(points, key=lambda point: (point.run, _elements(point.record), _part(point.record)))
    intro = [
        "The same array as hardware for a field-programmable gate array: synthesised, placed and routed by pip "
        "packages alone, for a small and a large Lattice ECP5. No FPGA is measured. The clock is the highest that "
        "static timing analysis finds, and differs by seed, since a placement is found by chance.",
        f"The lecture says that a compilation may take several hours. Here, on small parts, it took {_took(points)}.",
    ]
    shown = table(runs, "Systolic arrays compiled for an FPGA", columns, ordered, lambda point: point.run)
    return Section("fpga", "FPGA", "The systolic array on an FPGA", intro, [shown], topic="lecture")


def _took(points: Sequence[Point]) -> str:
    """`7.00 s a seed`, or from the shortest to the longest: synthesis, and placing and routing once."""
    spent = [
        (amount(point.record, "synthesis_s") or 0.0) + placing for point in points
        if (placing := _placing(point.record)) is not None
    ]  # fmt: skip
    if not spent:
        return "a time that these runs do not state"
    return " to ".join(dict.fromkeys(text.seconds(one) for one in (min(spent), max(spent)))) + " a seed"


def fastest(points: Sequence[Point]) -> str:
    """`21.9 GOP/s int8, 12 × 12 PEs at 76 MHz on an LFE5U-85F`; "" where nothing was compiled."""
    found = [(value.value, point.record) for point in points if (value := rate(point.record)) is not None]
    if not found:
        return ""
    _, record = max(found, key=lambda one: one[0])
    sides = f"{count(record, 'rows')} × {count(record, 'columns')} PEs"
    clock = text.amount(_clock(record).value, "MHz")
    return f"{text.amount(rate(record), 'GOP/s')} in int8, {sides} at {clock} on an {_part(record)}"


def rate(record: Record) -> Estimate | None:
    """Multiplications and additions a second over the seeds, in 10⁹; None where the record has no clock."""
    clocks, elements = facts.numbers(record.facts.get("clocks")), _elements(record)
    if not clocks or min(clocks) <= 0 or not elements:
        return None
    return _clock(record).scaled(2e-3 * elements)


def _clock(record: Record) -> Estimate:
    """The middle, lowest and highest clock of the seeds in MHz."""
    clocks = [clock / 1e6 for clock in facts.numbers(record.facts.get("clocks"))]
    return Estimate(median(clocks), min(clocks), max(clocks))


def _elements(record: Record) -> int:
    return (count(record, "rows") or 0) * (count(record, "columns") or 0)


def _part(record: Record) -> str:
    found = record.facts.get("part")
    return found if isinstance(found, str) else text.NOTHING


def _cells(cell: str) -> Column[Point]:
    """`266 of 83 640`."""

    def told(point: Point) -> str:
        used, there = count(point.record, cell), count(point.record, f"{cell}_of")
        return text.NOTHING if used is None or there is None else f"{text.count(used)} of {text.count(there)}"

    return Column(CELLS[cell], told)


def _largest(record: Record) -> str:
    side, scarce = count(record, "largest"), CELLS.get(str(record.facts.get("limited_by")))
    return text.NOTHING if side is None or scarce is None else f"{side} × {side} ({scarce})"


def _placing(record: Record) -> float | None:
    found = facts.numbers(record.facts.get("place_and_route_s"))
    return median(found) if found else None
