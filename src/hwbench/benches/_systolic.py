"""A systolic array, simulated register by register, one clock edge at a time.

An array of processing elements (PEs) multiplies Y = W X, with W m × k and X k × n. In each cycle a PE reads what its
neighbours held, does one multiply-add, and at the clock edge all registers take their new values together: nothing is
seen before its edge, and nothing moves further than to the next PE. So the arrays here come in pairs, the state before
an edge and the state after it.

Weight-stationary, as in the lecture: PE (i, j) keeps w[j, i]; x enters from the left, row i one cycle after row i - 1,
and moves right; partial sums move down and leave below row r - 1. Weights come down from above, each with the number of
rows it still has to go, into a second register (`fresh`); the first x of a tile carries the mark at which a PE takes it
over. So the weights of the next tile are loaded while this one is computed: double buffering.

Output-stationary: PE (i, j) keeps the sum y[i, j]; w enters from the left, x from above, both skewed. The last w of a
tile carries a mark at which the PE hands its sum to a register in a chain that leads up and out; the next tile begins.

An operand larger than the array is cut into tiles; edge tiles are padded with zeros, which take their time like all
others. An operand smaller than the array uses r × c of its PEs, r = min(rows, k) and c = min(columns, m) where weights
stay, r = min(rows, m) and c = min(columns, n) where sums do; the others stand idle, and count against the utilisation.

Kung and Leiserson, "Systolic Arrays (for VLSI)", 1978; Jouppi et al., "In-Datacenter Performance Analysis of a Tensor
Processing Unit", ISCA 2017, whose array is weight-stationary with double-buffered weights, 256 × 256.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..simd import compiled

FLOWS = ("weight-stationary", "output-stationary")
LARGEST = 1024  # rows or columns of an array
LARGEST_OPERAND = 1 << 16  # m, k, n
FIRST, LAST = 1, 2  # marks that travel with w in the output-stationary array, below the tile's number


@dataclass(frozen=True)
class Plan:
    """How m × k × n is cut for an array of `rows` × `columns` PEs, and what follows from it in closed form.

    `r` × `c` PEs are used. `tiles` follow each other every `interval` cycles, the first `start` cycles after the
    beginning; the last result leaves `drain` cycles after the start of the last tile.
    """

    flow: str
    rows: int
    columns: int
    m: int
    k: int
    n: int
    double: bool = True

    @property
    def weights_stay(self) -> bool:
        """Whether the weights are what stays in place."""
        return self.flow == "weight-stationary"

    @property
    def r(self) -> int:
        """Rows of PEs in use."""
        return min(self.rows, self.k if self.weights_stay else self.m)

    @property
    def c(self) -> int:
        """Columns of PEs in use."""
        return min(self.columns, self.m if self.weights_stay else self.n)

    @property
    def down(self) -> int:
        """Tiles along the array's rows: of k where weights stay, of m where sums do."""
        return -(-(self.k if self.weights_stay else self.m) // self.r)

    @property
    def across(self) -> int:
        """Tiles along the array's columns: of m where weights stay, of n where sums do."""
        return -(-(self.m if self.weights_stay else self.n) // self.c)

    @property
    def tiles(self) -> int:
        """How many tiles there are."""
        return self.down * self.across

    @property
    def length(self) -> int:
        """Cycles for which a tile's operand streams into one row: n columns of x, or k products of a sum."""
        return self.n if self.weights_stay else self.k

    @property
    def start(self) -> int:
        """Cycles before the first x enters: the first weights come down r rows."""
        return self.r if self.weights_stay else 0

    @property
    def interval(self) -> int:
        """Cycles from the start of one tile to the start of the next.

        Weight-stationary, the next tile's weights take r cycles through the c links at the top, beside the n cycles of
        this tile or, without a second register, after them. Output-stationary, the results of column j pass its top
        link every second cycle (row i leaves at 2 i): r of them, so that two tiles interleave without meeting if they
        are an odd number of cycles apart; without a register of their own, sums leave before the next tile begins.
        """
        if self.weights_stay:
            return max(self.n, self.r) if self.double else self.n + self.r
        if not self.double:
            return self.k + 2 * self.r - 1
        return self.k if self.k >= 2 * self.r - 1 else max(self.k, self.r) | 1

    @property
    def drain(self) -> int:
        """Cycles from the start of a tile until its last result has left, at the far corner of the array."""
        if self.weights_stay:
            return self.n + self.r + self.c - 1
        return self.k + 2 * self.r + self.c - 2

    @property
    def numbers(self) -> tuple[int, ...]:
        """The plan as the kernels take it."""
        along = self.down if self.weights_stay else self.across
        return self.r, self.c, self.length, along, self.start, self.interval, self.tiles, int(self.double)

    @property
    def cycles(self) -> int:
        """Cycles from the first weight or x to the last result, in closed form."""
        return self.start + (self.tiles - 1) * self.interval + self.drain

    @property
    def utilisation(self) -> float:
        """Multiply-adds of the product over those that all PEs could have done in that time."""
        return self.m * self.k * self.n / (self.rows * self.columns * self.cycles)

    @property
    def words(self) -> dict[str, int]:
        """Words that cross the array's edge, padding not counted.

        What stays is moved once; what streams is moved once for each tile along the other side. Partial sums of one
        result are added up in accumulators below the array and so leave once.
        """
        w, x = self.m * self.k, self.k * self.n
        if self.weights_stay:
            return {"w": w, "x": x * self.across, "y": self.m * self.n}
        return {"w": w * self.across, "x": x * self.down, "y": self.m * self.n}


# --- weight-stationary ------------------------------------------------------------------------------------------------


@compiled
def step_weights(
    t: int, state: Any, tags: Any, w: Any, fresh: Any, operand_w: Any, operand_x: Any, y: Any, plan: Any, moved: Any
) -> int:
    """One clock edge of the weight-stationary array, the t-th; returns how many results leave at it.

    state
        [2][x, partial sum, weight on its way down][r][c] of any dtype: before (t even: 0) and after the edge.
    tags
        [2][x's, weight's][r][c], i4. An x carries ± (1 + its number in the whole stream), negative if the first of
        its tile, 0 for no x; a weight carries 1 + the rows it has still to go, 0 for no weight.
    w, fresh
        [r][c]: the weight in use, and the next tile's.
    y
        m × n accumulators below the array.
    plan
        r, c, n, tiles down, start, interval, tiles, double.
    moved
        Words of w and x that entered so far.
    """
    r, c, n, down, start, interval, tiles, double = plan
    m, k = operand_w.shape
    old, new = t & 1, 1 - (t & 1)
    left = 0

    # What the sums' last row held before this edge leaves now.
    for j in range(c):
        tag = max(tags[old, 0, r - 1, j], -tags[old, 0, r - 1, j])
        if tag:
            tile, column = (tag - 1) // n, (tag - 1) % n
            row = tile // down * c + j
            if row < m:
                y[row, column] += state[old, 1, r - 1, j]
            left += 1

    for i in range(r):
        # The registers of the row to the left (x) and above (sums, weights), before the edge.
        into, into_tag = state[new, 0, i], tags[new, 0, i]
        left_x, left_tag = state[old, 0, i], tags[old, 0, i]
        for j in range(1, c):
            into[j], into_tag[j] = left_x[j - 1], left_tag[j - 1]
        # Row i's port on the left: i cycles behind row 0, tile after tile.
        into[0], into_tag[0] = 0, 0
        tile, column = (t - start - i) // interval, (t - start - i) % interval
        if t >= start + i and tile < tiles and column < n:
            into_tag[0] = (-1 if column == 0 else 1) * (tile * n + column + 1)
            row = tile % down * r + i
            if row < k:
                into[0] = operand_x[row, column]
                moved[1] += 1

        # Multiply-add: with the weight in use, or at the mark of a new tile the next one, which then is in use.
        keep, following = w[i], fresh[i]
        sums = state[new, 1, i]
        if double:
            for j in range(c):
                keep[j] = following[j] if into_tag[j] < 0 else keep[j]
        if i == 0:
            for j in range(c):
                sums[j] = keep[j] * into[j]
        else:
            above = state[old, 1, i - 1]
            for j in range(c):
                sums[j] = above[j] + keep[j] * into[j]

        # Weights on their way down: one that has arrived is kept, any other goes on.
        falling, to_go = state[new, 2, i], tags[new, 1, i]
        if i > 0:
            above_w, above_tag = state[old, 2, i - 1], tags[old, 1, i - 1]
            for j in range(c):
                falling[j], to_go[j] = above_w[j], above_tag[j]
        else:
            # The ports at the top, the last row's weight first. The first tile comes down all columns together, each
            # later one in column j j cycles behind column 0, as the marks of the tile before do.
            for j in range(c):
                falling[j], to_go[j] = 0, 0
                begin = t if t < r else t - j - start - (0 if double else n)
                tile, place = (0, begin) if t < r else (begin // interval + 1, begin % interval)
                if begin >= 0 and place < r and tile < tiles:
                    to_go[j] = r - place
                    row, column = tile // down * c + j, tile % down * r + r - 1 - place
                    if row < m and column < k:
                        falling[j] = operand_w[row, column]
                        moved[0] += 1
        target = following if double else keep
        for j in range(c):
            target[j] = falling[j] if to_go[j] == 1 else target[j]
        for j in range(c):
            to_go[j] = max(to_go[j] - 1, 0)
    return left


@compiled
def run_weights(operand_w: Any, operand_x: Any, y: Any, plan: Any, most: int, moved: Any) -> int:
    """All cycles of the weight-stationary array until every result has left; how many, or -1 after `most`."""
    r, c, n = plan[0], plan[1], plan[2]
    state, tags = np.zeros((2, 3, r, c), operand_w.dtype), np.zeros((2, 2, r, c), np.int32)
    w, fresh = np.zeros((r, c), operand_w.dtype), np.zeros((r, c), operand_w.dtype)
    y.fill(0)
    moved.fill(0)
    left, results = 0, plan[6] * c * n
    for t in range(most):
        left += step_weights(t, state, tags, w, fresh, operand_w, operand_x, y, plan, moved)
        if left == results:
            return t + 1
    return -1


# --- output-stationary ------------------------------------------------------------------------------------------------


@compiled
def step_outputs(t: int, state: Any, tags: Any, operand_w: Any, operand_x: Any, y: Any, plan: Any, moved: Any) -> int:
    """One clock edge of the output-stationary array, the t-th; returns how many results leave at it.

    state
        [2][w, x, sum, result on its way up][r][c].
    tags
        [2][w's, result's][r][c], i4. A w carries 4 × (1 + its tile) and the marks FIRST and LAST; a result carries
        1 + its row and tile's number in one; 0 is none.
    plan
        r, c, k, tiles across, start, interval, tiles, double.
    """
    r, c, length, across, _start, interval, tiles, _double = plan
    m = len(operand_w)
    n = operand_x.shape[1]
    old, new = t & 1, 1 - (t & 1)
    left = 0

    # What the chain's first row held before this edge leaves now.
    for j in range(c):
        tag = tags[old, 1, 0, j]
        if tag:
            tile, i = (tag - 1) // r, (tag - 1) % r
            row, column = tile // across * r + i, tile % across * c + j
            if row < m and column < n:
                y[row, column] = state[old, 3, 0, j]
            left += 1

    for i in range(r):
        into, into_tag = state[new, 0, i], tags[new, 0, i]
        left_w, left_tag = state[old, 0, i], tags[old, 0, i]
        for j in range(1, c):
            into[j], into_tag[j] = left_w[j - 1], left_tag[j - 1]
        into[0], into_tag[0] = 0, 0
        tile, place = (t - i) // interval, (t - i) % interval
        if t >= i and tile < tiles and place < length:
            into_tag[0] = 4 * (tile + 1) + (FIRST if place == 0 else 0) + (LAST if place == length - 1 else 0)
            row = tile // across * r + i
            if row < m:
                into[0] = operand_w[row, place]
                moved[0] += 1

        falling = state[new, 1, i]
        if i > 0:
            above = state[old, 1, i - 1]
            for j in range(c):
                falling[j] = above[j]
        else:
            for j in range(c):
                falling[j] = 0
                tile, place = (t - j) // interval, (t - j) % interval
                column = tile % across * c + j
                if t >= j and tile < tiles and place < length and column < n:
                    falling[j] = operand_x[place, column]
                    moved[1] += 1

        # Multiply-add onto the sum that stays, from zero at a tile's first product.
        sums, before = state[new, 2, i], state[old, 2, i]
        for j in range(c):
            sums[j] = (before[j] - before[j] if into_tag[j] & FIRST else before[j]) + into[j] * falling[j]

        # The chain of results: what the row below held, or, at a tile's last product, this PE's own.
        rising, rising_tag = state[new, 3, i], tags[new, 1, i]
        if i < r - 1:
            below, below_tag = state[old, 3, i + 1], tags[old, 1, i + 1]
            for j in range(c):
                rising[j], rising_tag[j] = below[j], below_tag[j]
        else:
            for j in range(c):
                rising[j], rising_tag[j] = 0, 0
        for j in range(c):
            if into_tag[j] & LAST:
                if rising_tag[j]:
                    return -1  # two results on one link: the interval is too short
                rising[j] = sums[j]
                rising_tag[j] = (into_tag[j] // 4 - 1) * r + i + 1
    return left


@compiled
def run_outputs(operand_w: Any, operand_x: Any, y: Any, plan: Any, most: int, moved: Any) -> int:
    """All cycles of the output-stationary array until every result has left; how many, or -1 after `most`."""
    r, c = plan[0], plan[1]
    state, tags = np.zeros((2, 4, r, c), operand_w.dtype), np.zeros((2, 2, r, c), np.int32)
    y.fill(0)
    moved.fill(0)
    left, results = 0, plan[6] * r * c
    for t in range(most):
        now = step_outputs(t, state, tags, operand_w, operand_x, y, plan, moved)
        if now < 0:
            return -1
        left += now
        if left == results:
            return t + 1
    return -1


# --- from Python ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """What a simulated product took: all counted, nothing derived."""

    cycles: int
    words: dict[str, int]


def simulate(plan: Plan, w: np.ndarray, x: np.ndarray, y: np.ndarray) -> Outcome:
    """Compute y = w x (m × k, k × n, m × n, one dtype) on the array; RuntimeError if results meet or never leave."""
    moved = np.zeros(2, np.int64)
    run = run_weights if plan.weights_stay else run_outputs
    cycles = int(run(w, x, y, plan.numbers, 2 * plan.cycles + 64, moved))
    if cycles < 0:
        raise RuntimeError(f"the {plan.flow} array lost results of {plan}")
    return Outcome(cycles, {"w": int(moved[0]), "x": int(moved[1]), "y": y.size})


def frames(plan: Plan, w: np.ndarray, x: np.ndarray) -> list[dict[str, Any]]:
    """The registers of a weight-stationary array after each clock edge, for a product that is one tile.

    Frame 0 is the moment when the weights are in place and all x wait outside; later frames are one edge apart. Each
    has, for each PE, `column`: which column of x it holds (0: none), `x`, `sum` and `weights`; and `left`: the results
    that have left, as pairs of row and column. All count from 1, as the slides do.
    """
    if plan.tiles != 1 or not plan.weights_stay:
        raise ValueError(f"frames show a weight-stationary array with one tile, not {plan}")
    r, c, n = plan.r, plan.c, plan.n
    state, tags = np.zeros((2, 3, r, c), w.dtype), np.zeros((2, 2, r, c), np.int32)
    keep, fresh = np.zeros((r, c), w.dtype), np.zeros((r, c), w.dtype)
    y, moved = np.zeros((plan.m, n), w.dtype), np.zeros(2, np.int64)
    shots: list[dict[str, Any]] = []
    left: list[list[int]] = []
    for t in range(plan.cycles + 1):
        if t >= plan.start:
            now = t & 1  # what the edge before wrote
            shots.append(
                {
                    "column": np.abs(tags[now, 0]).tolist(),
                    "x": state[now, 0].tolist(),
                    "sum": state[now, 1].tolist(),
                    "weights": fresh.tolist(),
                    "left": [list(pair) for pair in left],
                }
            )
        leaving = np.abs(tags[t & 1, 0, r - 1])
        step_weights(t, state, tags, keep, fresh, w, x, y, plan.numbers, moved)
        left += [[j + 1, int(leaving[j])] for j in range(c) if leaving[j]]
    return shots


def sides(text: str, count: int, most: int, example: str) -> tuple[int, ...]:
    """The whole numbers of `128x128` or `256×256×64`; ValueError says what is wrong with it."""
    parts = re.split("[x×]", text.strip().lower())
    if len(parts) != count or not all(re.fullmatch("[0-9]{1,9}", part) for part in parts):
        raise ValueError(f"'{text}' is not {count} whole numbers such as {example}")
    found = tuple(int(part) for part in parts)
    if not all(1 <= number <= most for number in found):
        raise ValueError(f"'{text}' goes beyond 1 to {most}")
    return found


def array_of(text: str) -> tuple[int, int]:
    """Rows and columns of an array."""
    rows, columns = sides(text, 2, LARGEST, "128x128")
    return rows, columns


def shape_of(text: str) -> tuple[int, int, int]:
    """m, k and n of a product: W is m × k, X is k × n."""
    m, k, n = sides(text, 3, LARGEST_OPERAND, "256x256x64")
    return m, k, n
