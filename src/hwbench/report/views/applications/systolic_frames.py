"""A small product on the systolic array, frame by frame, as the lecture's slides show it."""

from __future__ import annotations

from collections.abc import Sequence

from ....record.model import Json, Record
from ...sections import Cell, Frame, Steps

SUBSCRIPT = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def steps(record: Record) -> Steps | None:
    """The frames of a small product; None where the record has none that can be drawn."""
    try:
        return _frames(record.facts)
    except (KeyError, TypeError, IndexError, ValueError, AttributeError):
        return None


def _frames(facts: Json) -> Steps | None:
    shots, w, x, y = facts["frames"], facts["w"], facts["x"], facts["y"]
    r, c, n = len(x), len(w), len(x[0])
    if not 1 <= len(shots) <= 64 or max(r, c, n) > 8:
        return None
    # When each x enters its row, as the frames show it.
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
        frames.append(Frame(f"Time {time}", _caption(time, shot, fresh, len(left) == c * n), rows))
    text = (
        f"Y = W X, {c} × {r} by {r} × {n}. The weights stay; x waits on the left, each row one cycle behind the row "
        f"above, and moves "
        "right; sums move down and leave below. In each element stand its weight, the x it holds, and the sum it "
        "hands down. Step with the buttons or the arrow keys."
    )
    return Steps("Matrix multiplication with a systolic array", frames, text)


def indexed(letter: str, row: int, column: int) -> str:
    """`y₁₁`."""
    return f"{letter}{row}{column}".translate(SUBSCRIPT)


def _waiting(i: int, j: int) -> Cell:
    return Cell([indexed("x", i + 1, j + 1)], "wait")


def _element(shot: Json, w: Json, x: Json, i: int, j: int) -> Cell:
    """One PE: row i of the array multiplies x's row i, its column j sums y's row j."""
    weight = f"{indexed('w', j + 1, i + 1)} = {_signed(w[j][i])}"
    column = int(shot["column"][i][j])
    if not column:
        return Cell([weight], "idle")
    return Cell(
        [weight, f"{indexed('x', i + 1, column)} = {_signed(x[i][column - 1])}", f"Σ {_signed(shot['sum'][i][j])}"],
        "busy",
    )


def _gone(own: Sequence[tuple[int, int]], fresh: set[tuple[int, int]], y: Json) -> Cell:
    lines = [f"{indexed('y', row, column)} = {_signed(y[row - 1][column - 1])}" for row, column in own]
    return Cell(lines, "fresh" if any(pair in fresh for pair in own) else "done")


def _signed(value: float) -> str:
    return f"{value:g}".replace("-", "−")


def _caption(time: int, shot: Json, fresh: set[tuple[int, int]], done: bool) -> str:
    busy = sum(bool(column) for row in shot["column"] for column in row)
    elements = sum(len(row) for row in shot["column"])
    if time == 0:
        return "The weights are in place, all x wait outside."
    said = [f"{busy} of {elements} elements multiply and add." if busy else "No element works any more."]
    if fresh:
        names = " and ".join(indexed("y", *pair) for pair in sorted(fresh))
        leaves = f"{names} leave{'s' if len(fresh) == 1 else ''} the array"
        said.append(
            leaves + (", the last." if done else (": the slides show it at time 4." if (1, 1) in fresh else "."))
        )
    return " ".join(said)
