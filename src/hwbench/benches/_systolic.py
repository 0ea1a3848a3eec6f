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
MOST_CYCLES = 1 << 27  # so that tags, at most 16 × the cycles, fit into 32 bits
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
        """The plan as the kernels take it. Numbers are packed by shifts: a division takes longer than a row of PEs."""
        common = (self.r, self.c, self.length, self.down, self.across)
        if self.weights_stay:
            return *common, self.interval, int(self.double), (self.n - 1).bit_length()
        return *common, self.interval, (self.across - 1).bit_length(), (self.r - 1).bit_length()

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
# Ports at the edge are counters, as the address generators beside a real array are: a row of `ports` holds where a port
# is in its tile (below 0: it waits), and the tile's place in the other operand's direction (`b`) and along it (`a`).


@compiled
def run_weights(
    begin: int, end: int, state: Any, tags: Any, ports: Any, operand_w: Any, operand_x: Any, y: Any, plan: Any,
    moved: Any,
) -> int:  # fmt: skip
    """Clock edges `begin` to `end` of the weight-stationary array; how many there were when all results had left, or 0.

    state
        [8][r][c] of any dtype: x, partial sum, weight on its way down, before (t even: 0, 1, 2) and after an edge
        (3, 4, 5); the weight in use (6) and the next tile's (7).
    tags
        [4][r][c], i4: x's and the weight's before, and after an edge. An x carries ± (1 + its tile across and its
        column in one), negative if the first of its tile, 0 for no x; a weight carries 1 + the rows it has still to go.
    ports
        [r + c][3], i8: the rows' on the left, for x, then the columns' at the top, for weights.
    y
        m × n accumulators below the array.
    plan
        r, c, n, tiles down, tiles across, interval, double, bits of a column's number.
    moved
        Words of w and of x that entered so far, and results that left.
    """
    r, c, n, down, across, interval, double, shift = plan
    m, k = operand_w.shape
    keep, fresh = state[6], state[7]
    results = down * across * c * n
    for t in range(begin, end):
        old, new = 3 * (t & 1), 3 - 3 * (t & 1)
        tag_old, tag_new = 2 * (t & 1), 2 - 2 * (t & 1)

        # What the sums' last row held before this edge leaves now.
        last, last_tag = state[old + 1, r - 1], tags[tag_old, r - 1]
        for j in range(c):
            tag = abs(last_tag[j]) - 1
            if tag >= 0:
                row = (tag >> shift) * c + j
                if row < m:
                    y[row, tag & ((1 << shift) - 1)] += last[j]
                moved[2] += 1

        for i in range(r):
            # The registers of the row to the left (x) and above (sums, weights), before the edge.
            into, into_tag, left_x, left_tag = state[new, i], tags[tag_new, i], state[old, i], tags[tag_old, i]
            for j in range(1, c):
                into[j], into_tag[j] = left_x[j - 1], left_tag[j - 1]
            # Row i's port on the left: i cycles behind row 0, tile after tile.
            place, b, a = ports[i]
            into[0], into_tag[0] = 0, 0
            if 0 <= place < n and a < across:
                into_tag[0] = (a << shift) + place + 1
                if place == 0:
                    into_tag[0] = -into_tag[0]
                row = b * r + i
                if row < k:
                    into[0] = operand_x[row, place]
                    moved[1] += 1
            ports[i, 0] = place + 1
            if place + 1 == interval:
                ports[i, 0], ports[i, 1] = 0, b + 1
                if b + 1 == down:
                    ports[i, 1], ports[i, 2] = 0, a + 1

            # Multiply-add: with the weight in use, or at the mark of a new tile the next one, which then is in use.
            using, following, sums = keep[i], fresh[i], state[new + 1, i]
            if double:
                for j in range(c):
                    using[j] = following[j] if into_tag[j] < 0 else using[j]
            if i == 0:
                for j in range(c):
                    sums[j] = using[j] * into[j]
            else:
                above = state[old + 1, i - 1]
                for j in range(c):
                    sums[j] = above[j] + using[j] * into[j]

            # Weights on their way down: one that has arrived is kept, any other goes on.
            falling, to_go = state[new + 2, i], tags[tag_new + 1, i]
            if i > 0:
                above_w, above_tag = state[old + 2, i - 1], tags[tag_old + 1, i - 1]
                for j in range(c):
                    falling[j], to_go[j] = above_w[j], above_tag[j]
            else:
                # The ports at the top, the last row's weight first. The first tile comes down all columns together,
                # each later one in column j j cycles behind column 0, as the marks of the tile before do.
                for j in range(c):
                    falling[j], to_go[j] = 0, 0
                    place, b, a = ports[r + j]
                    if 0 <= place < r and a < across:
                        to_go[j] = r - place
                        row, column = a * c + j, b * r + r - 1 - place
                        if row < m and column < k:
                            falling[j] = operand_w[row, column]
                            moved[0] += 1
                    first = a == 0 and b == 0
                    ports[r + j, 0] = place + 1
                    if place + 1 == (r if first else interval):
                        ports[r + j, 0] = 0 if not first else -j if double else -j - n
                        ports[r + j, 1] = b + 1
                        if b + 1 == down:
                            ports[r + j, 1], ports[r + j, 2] = 0, a + 1
            target = following if double else using
            for j in range(c):
                target[j] = falling[j] if to_go[j] == 1 else target[j]
            for j in range(c):
                to_go[j] = max(to_go[j] - 1, 0)
        if moved[2] == results:
            return t + 1
    return 0


# --- output-stationary ------------------------------------------------------------------------------------------------


@compiled
def run_outputs(
    begin: int, end: int, state: Any, tags: Any, ports: Any, operand_w: Any, operand_x: Any, y: Any, plan: Any,
    moved: Any,
) -> int:  # fmt: skip
    """Clock edges of the output-stationary array; how many when all results had left, 0 for not yet, -1 if two met.

    state
        [8][r][c]: w, x, sum, result on its way up, before (t even: 0 to 3) and after an edge (4 to 7).
    tags
        [4][r][c], i4: w's and the result's before, and after an edge. A w carries 4 × (1 + its tile) and the marks
        FIRST and LAST; a result carries 1 + its row and tile's number in one; 0 is none.
    ports
        [r + c][3]: the rows' on the left, for w, then the columns' at the top, for x.
    plan
        r, c, k, tiles down, tiles across, interval, bits of a tile's number across, bits of a row's number.
    """
    r, c, length, down, across, interval, tile_shift, row_shift = plan
    m = len(operand_w)
    n = operand_x.shape[1]
    results = down * across * c * r
    for t in range(begin, end):
        old, new = 4 * (t & 1), 4 - 4 * (t & 1)
        tag_old, tag_new = 2 * (t & 1), 2 - 2 * (t & 1)

        # What the chain's first row held before this edge leaves now.
        for j in range(c):
            tag = tags[tag_old + 1, 0, j] - 1
            if tag >= 0:
                tile = tag >> row_shift
                row = (tile >> tile_shift) * r + (tag & ((1 << row_shift) - 1))
                column = (tile & ((1 << tile_shift) - 1)) * c + j
                if row < m and column < n:
                    y[row, column] = state[old + 3, 0, j]
                moved[2] += 1

        for i in range(r):
            into, into_tag, left_w, left_tag = state[new, i], tags[tag_new, i], state[old, i], tags[tag_old, i]
            for j in range(1, c):
                into[j], into_tag[j] = left_w[j - 1], left_tag[j - 1]
            place, b, a = ports[i]
            into[0], into_tag[0] = 0, 0
            if 0 <= place < length and a < down:
                into_tag[0] = 4 * ((a << tile_shift) + b + 1)
                if place == 0:
                    into_tag[0] += FIRST
                if place == length - 1:
                    into_tag[0] += LAST
                row = a * r + i
                if row < m:
                    into[0] = operand_w[row, place]
                    moved[0] += 1
            ports[i, 0] = place + 1
            if place + 1 == interval:
                ports[i, 0], ports[i, 1] = 0, b + 1
                if b + 1 == across:
                    ports[i, 1], ports[i, 2] = 0, a + 1

            falling = state[new + 1, i]
            if i > 0:
                above = state[old + 1, i - 1]
                for j in range(c):
                    falling[j] = above[j]
            else:
                for j in range(c):
                    falling[j] = 0
                    place, b, a = ports[r + j]
                    column = b * c + j
                    if 0 <= place < length and a < down and column < n:
                        falling[j] = operand_x[place, column]
                        moved[1] += 1
                    ports[r + j, 0] = place + 1
                    if place + 1 == interval:
                        ports[r + j, 0], ports[r + j, 1] = 0, b + 1
                        if b + 1 == across:
                            ports[r + j, 1], ports[r + j, 2] = 0, a + 1

            # Multiply-add onto the sum that stays, from zero at a tile's first product.
            sums, before = state[new + 2, i], state[old + 2, i]
            for j in range(c):
                sums[j] = (before[j] - before[j] if into_tag[j] & FIRST else before[j]) + into[j] * falling[j]

            # The chain of results: what the row below held, or, at a tile's last product, this PE's own.
            rising, rising_tag = state[new + 3, i], tags[tag_new + 1, i]
            if i < r - 1:
                below, below_tag = state[old + 3, i + 1], tags[tag_old + 1, i + 1]
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
                    rising_tag[j] = (((into_tag[j] >> 2) - 1) << row_shift) + i + 1
        if moved[2] == results:
            return t + 1
    return 0


# --- from Python ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """What a simulated product took: all counted, nothing derived."""

    cycles: int
    words: dict[str, int]


@dataclass(frozen=True)
class Machine:
    """An array with its registers, in the state before the first clock edge; `run` lets the clock tick."""

    plan: Plan
    w: np.ndarray
    x: np.ndarray
    y: np.ndarray
    state: np.ndarray
    tags: np.ndarray
    ports: np.ndarray
    moved: np.ndarray

    @classmethod
    def at_rest(cls, plan: Plan, w: np.ndarray, x: np.ndarray, y: np.ndarray) -> Machine:
        """Registers empty, results zero, each port as far before its first tile as the skew demands."""
        ports = np.zeros((plan.r + plan.c, 3), np.int64)
        ports[: plan.r, 0] = -plan.start - np.arange(plan.r)
        if not plan.weights_stay:
            ports[plan.r :, 0] = -np.arange(plan.c)
        y.fill(0)
        state, tags = np.zeros((8, plan.r, plan.c), w.dtype), np.zeros((4, plan.r, plan.c), np.int32)
        return cls(plan, w, x, y, state, tags, ports, np.zeros(3, np.int64))

    def run(self, begin: int, end: int) -> int:
        """Clock edges `begin` to `end`: how many there were when all results had left, 0 for not yet, -1: two met."""
        kernel = run_weights if self.plan.weights_stay else run_outputs
        return int(
            kernel(begin, end, self.state, self.tags, self.ports, self.w, self.x, self.y, self.plan.numbers, self.moved)
        )


def simulate(plan: Plan, w: np.ndarray, x: np.ndarray, y: np.ndarray) -> Outcome:
    """Compute y = w x (m × k, k × n, m × n, one dtype) on the array; RuntimeError if results meet or never leave."""
    machine = Machine.at_rest(plan, w, x, y)
    cycles = machine.run(0, 2 * plan.cycles + 64)
    if cycles <= 0:
        raise RuntimeError(f"the {plan.flow} array lost results of {plan}")
    return Outcome(cycles, {"w": int(machine.moved[0]), "x": int(machine.moved[1]), "y": y.size})


def frames(plan: Plan, w: np.ndarray, x: np.ndarray) -> list[dict[str, Any]]:
    """The registers of a weight-stationary array after each clock edge, for a product that is one tile.

    Frame 0 is the moment when the weights are in place and all x wait outside; later frames are one edge apart. Each
    has, for each PE, `column`: which column of x it holds (0: none), `x`, `sum` and `weights`; and `left`: the results
    that have left, as pairs of row and column. All count from 1, as the slides do.
    """
    if plan.tiles != 1 or not plan.weights_stay:
        raise ValueError(f"frames show a weight-stationary array with one tile, not {plan}")
    machine = Machine.at_rest(plan, w, x, np.zeros((plan.m, plan.n), w.dtype))
    state, tags = machine.state, machine.tags
    shots: list[dict[str, Any]] = []
    left: list[list[int]] = []
    for t in range(plan.cycles + 1):
        held, tagged = 3 * (t & 1), np.abs(tags[2 * (t & 1)])  # what the edge before wrote
        if t >= plan.start:
            shots.append(
                {
                    "column": tagged.tolist(),
                    "x": state[held].tolist(),
                    "sum": state[held + 1].tolist(),
                    "weights": state[7].tolist(),
                    "left": [list(pair) for pair in left],
                }
            )
        machine.run(t, t + 1)
        left += [[j + 1, int(column)] for j, column in enumerate(tagged[-1]) if column]
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
