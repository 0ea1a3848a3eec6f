"""A systolic array, simulated register by register, one clock edge at a time.

An array of processing elements (PEs) multiplies Y = W X, with W m × k and X k × n. In each cycle a PE reads what its
neighbours held, does one multiply-add, and at the clock edge all registers take their new values together: nothing is
seen before its edge, and nothing moves further than to the next PE. So the arrays here come in pairs, the state before
an edge and the state after it; edges go to and fro between the two.

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

from ...kernels.compiling import compiled, restrict

FLOWS = ("weight-stationary", "output-stationary")
LARGEST = 1024  # rows or columns of an array
LARGEST_OPERAND = 1 << 16  # m, k, n
MOST_CYCLES = 1 << 27  # so that tags, at most 16 × the cycles, fit into 32 bits
FIRST, LAST = 1, 2  # marks that travel with w in the output-stationary array, below what its tile's results start with
MET = -1  # what two results make that meet on one link: it travels on, and is seen when it leaves
NEVER = -(1 << 62)  # where a port stands that has sent all
LANES = 16  # an edge computes whole vectors of so many cells


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
        common = (self.r, self.c, self.span, self.length, self.down, self.across)
        if self.weights_stay:
            return *common, self.interval, int(self.double), (self.n - 1).bit_length()
        return *common, self.interval, (self.across - 1).bit_length(), (self.r - 1).bit_length()

    @property
    def span(self) -> int:
        """Cells of a plane that an edge computes: from the first PE to the last, and up to a whole vector."""
        return -(-(self.r * (self.c + 1) - 1) // LANES) * LANES

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


# --- one clock edge ---------------------------------------------------------------------------------------------------
# A plane holds one register of every PE, row after row, as a vector with a margin: a cell before each row, a row at
# each end. The margin is the links that lead into the array, and ports write there; what an edge leaves in it reaches
# no PE. So an edge is one loop over all cells, in which no PE is told from another and none lies at a border.


@restrict
def weights_edge(registers: Any, links: Any, weights: Any, double: bool) -> None:
    """All PEs of the weight-stationary array: `registers` after the edge, from `links` to the neighbours before it."""
    x, tag, total, weight, to_go = registers
    left_x, left_tag, above_total, above_weight, above_to_go = links
    keep, fresh = weights
    for p in range(len(x)):
        word, mark = left_x[p], left_tag[p]
        x[p], tag[p] = word, mark
        # Multiply-add: with the weight in use, or at the mark of a new tile the next one, which then is in use.
        waiting = fresh[p]
        using = waiting if mark < 0 else keep[p]
        total[p] = above_total[p] + using * word
        # Weights on their way down: one that has arrived is kept, any other goes on.
        falling, rows = above_weight[p], above_to_go[p]
        weight[p] = falling
        to_go[p] = rows - (rows > 0)
        if double:
            keep[p] = using
            fresh[p] = falling if rows == 1 else waiting
        else:
            keep[p] = falling if rows == 1 else using


@restrict
def outputs_edge(registers: Any, links: Any, total: Any) -> None:
    """All PEs of the output-stationary array: `registers` after the edge, from `links` to the neighbours before it."""
    w, tag, x, result, result_tag = registers
    left_w, left_tag, above_x, below_result, below_tag = links
    zero = total.dtype.type(0)
    for p in range(len(w)):
        word, mark, other = left_w[p], left_tag[p], above_x[p]
        w[p], tag[p], x[p] = word, mark, other
        # Multiply-add onto the sum that stays, from zero at a tile's first product.
        done = (zero if mark & FIRST else total[p]) + word * other
        total[p] = done
        # The chain of results: what the row below held, one row further, or, at a tile's last product, this PE's own.
        last, passing = mark & LAST, below_tag[p]
        result[p] = done if last else below_result[p]
        result_tag[p] = (MET if passing else mark >> 2) if last else passing + (passing > 0)


# --- the arrays in time -----------------------------------------------------------------------------------------------
# Ports at the edge are counters, as the address generators beside a real array are: where a port is in its tile (below
# 0: it waits), and the tile's place in the other operand's direction (`b`) and along it (`a`).


@restrict
def following(at: int, interval: int, port: int, tile_b: Any, tile_a: Any, inner: int, outer: int) -> int:
    """Where a port stands a cycle later: one word on, before its next tile, or at NEVER after the last of them."""
    if at + 1 < interval:
        return at + 1
    tile_b[port] += 1
    if tile_b[port] < inner:
        return 0
    tile_b[port] = 0
    tile_a[port] += 1
    return 0 if tile_a[port] < outer else NEVER


@compiled
def run_weights(
    passes: int, begin: int, end: int, state: Any, tags: Any, ports: Any, operand_w: Any, operand_x: Any, y: Any,
    plan: Any, moved: Any,
) -> int:  # fmt: skip
    """Clock edges `begin` to `end` of the weight-stationary array; how many there were when all results had left, or 0.

    passes
        How often; from edge 0 on each begins with an array at rest.
    state
        [8][cells] of any dtype: x, partial sum, weight on its way down, before (t even: 0, 1, 2) and after an edge
        (3, 4, 5); the weight in use (6) and the next tile's (7).
    tags
        [4][cells], i4: x's and the weight's before, and after an edge. An x carries ± (1 + its tile across and its
        column in one), negative if the first of its tile, 0 for no x; a weight carries 1 + the rows it has still to go.
    ports
        [3][r + c], i8: the rows' on the left, for x, then the columns' at the top, for weights.
    y
        m × n accumulators below the array.
    plan
        r, c, cells an edge computes, n, tiles down, tiles across, interval, double, bits of a column's number.
    moved
        Words of w and of x that entered so far, and results that left.
    """
    r, c, span, n, down, across, interval, double, shift = plan
    m, k = operand_w.shape
    width = c + 1
    pe, bottom = width + 1, r * width + 1  # the cells of the first PE, and of the first in the last row
    results = down * across * c * n
    place, tile_b, tile_a = ports[0], ports[1], ports[2]
    here, left, above = slice(pe, pe + span), slice(pe - 1, pe - 1 + span), slice(pe - width, pe - width + span)
    even = state[0][here], tags[0][here], state[1][here], state[2][here], tags[1][here]
    odd = state[3][here], tags[2][here], state[4][here], state[5][here], tags[3][here]
    even_links = state[0][left], tags[0][left], state[1][above], state[2][above], tags[1][above]
    odd_links = state[3][left], tags[2][left], state[4][above], state[5][above], tags[3][above]
    weights = state[6][here], state[7][here]
    t = 0
    for _ in range(passes):
        if begin == 0:
            state[:], tags[:], y[:], tile_a[:], tile_b[:], moved[:] = 0, 0, 0, 0, 0, 0
            for i in range(r):
                place[i] = -r - i
            for j in range(c):
                place[r + j] = 0
        in_w, in_x, out = moved
        for t in range(begin, end):
            old, old_tag = 3 * (t & 1), 2 * (t & 1)

            # What the sums' last row held before this edge leaves now.
            for j in range(c):
                tag = abs(tags[old_tag, bottom + j]) - 1
                if tag >= 0:
                    row = (tag >> shift) * c + j
                    if row < m:
                        y[row, tag & ((1 << shift) - 1)] += state[old + 1, bottom + j]
                    out += 1

            # The rows' ports: each one cycle behind the one above it, tile after tile.
            for i in range(r):
                link = (i + 1) * width
                at = place[i]
                tags[old_tag, link], state[old, link] = 0, 0
                if 0 <= at < n:
                    tag = (tile_a[i] << shift) + at + 1
                    tags[old_tag, link] = -tag if at == 0 and double else tag
                    row = tile_b[i] * r + i
                    if row < k:
                        state[old, link] = operand_x[row, at]
                        in_x += 1
                place[i] = following(at, interval, i, tile_b, tile_a, down, across)

            # The columns' ports, the last row's weight first. The first tile comes down all columns together, each
            # later one in column j j cycles behind column 0, as its x does.
            for j in range(c):
                at = place[r + j]
                tags[old_tag + 1, 1 + j], state[old + 2, 1 + j] = 0, 0
                if 0 <= at < r:
                    tags[old_tag + 1, 1 + j] = r - at
                    row, column = tile_a[r + j] * c + j, tile_b[r + j] * r + r - 1 - at
                    if row < m and column < k:
                        state[old + 2, 1 + j] = operand_w[row, column]
                        in_w += 1
                place[r + j] = following(at, interval, r + j, tile_b, tile_a, down, across)
                if t == interval - 1:
                    place[r + j] -= j

            if t & 1:
                weights_edge(even, odd_links, weights, double)
            else:
                weights_edge(odd, even_links, weights, double)
            if out == results:
                break
        moved[0], moved[1], moved[2] = in_w, in_x, out
    return t + 1 if moved[2] == results else 0


@compiled
def run_outputs(
    passes: int, begin: int, end: int, state: Any, tags: Any, ports: Any, operand_w: Any, operand_x: Any, y: Any,
    plan: Any, moved: Any,
) -> int:  # fmt: skip
    """Clock edges of the output-stationary array; how many when all results had left, 0 for not yet, -1 if two met.

    Rows lie in their planes from the last to the first, so that results, too, move on to later cells.

    state
        [7][cells]: w, x, result on its way up, before (t even: 0, 1, 2) and after an edge (3, 4, 5); the sum (6).
    tags
        [4][cells], i4: w's and the result's before, and after an edge. A result carries 1 + its tile and row in one, of
        which it counts the rows itself, on its way; a w carries 4 × what its tile's results will start with, and the
        marks FIRST and LAST; 0 is none.
    ports
        [3][r + c]: the rows' on the left, for w, then the columns' at the top, for x.
    plan
        r, c, cells an edge computes, k, tiles down, tiles across, interval, bits of a tile's number across, bits of a
        row's number.
    """
    r, c, span, length, down, across, interval, tile_shift, row_shift = plan
    m = len(operand_w)
    n = operand_x.shape[1]
    width = c + 1
    pe, top = width + 1, r * width + 1  # the cells of the last row's first PE, and of the first row's
    results = down * across * c * r
    place, tile_b, tile_a = ports[0], ports[1], ports[2]
    here, left = slice(pe, pe + span), slice(pe - 1, pe - 1 + span)
    above, below = slice(pe + width, pe + width + span), slice(pe - width, pe - width + span)
    even = state[0][here], tags[0][here], state[1][here], state[2][here], tags[1][here]
    odd = state[3][here], tags[2][here], state[4][here], state[5][here], tags[3][here]
    even_links = state[0][left], tags[0][left], state[1][above], state[2][below], tags[1][below]
    odd_links = state[3][left], tags[2][left], state[4][above], state[5][below], tags[3][below]
    total = state[6][here]
    t = 0
    for _ in range(passes):
        if begin == 0:
            state[:], tags[:], y[:], tile_a[:], tile_b[:], moved[:] = 0, 0, 0, 0, 0, 0
            for i in range(r):
                place[i] = -i
            for j in range(c):
                place[r + j] = -j
        in_w, in_x, out = moved
        for t in range(begin, end):
            old, old_tag = 3 * (t & 1), 2 * (t & 1)

            # What the chain's first row held before this edge leaves now.
            for j in range(c):
                tag = tags[old_tag + 1, top + j] - 1
                if tag >= 0:
                    tile = tag >> row_shift
                    row = (tile >> tile_shift) * r + (tag & ((1 << row_shift) - 1))
                    column = (tile & ((1 << tile_shift) - 1)) * c + j
                    if row < m and column < n:
                        y[row, column] = state[old + 2, top + j]
                    out += 1
                elif tag < -1:
                    return -1  # two results on one link: the interval is too short

            for i in range(r):
                link = (r - i) * width
                at = place[i]
                tags[old_tag, link], state[old, link] = 0, 0
                if 0 <= at < length:
                    tag = 4 * ((((tile_a[i] << tile_shift) + tile_b[i]) << row_shift) + 1)
                    if at == 0:
                        tag += FIRST
                    if at == length - 1:
                        tag += LAST
                    tags[old_tag, link] = tag
                    row = tile_a[i] * r + i
                    if row < m:
                        state[old, link] = operand_w[row, at]
                        in_w += 1
                place[i] = following(at, interval, i, tile_b, tile_a, across, down)

            for j in range(c):
                link = top + width + j
                at = place[r + j]
                state[old + 1, link] = 0
                if 0 <= at < length:
                    column = tile_b[r + j] * c + j
                    if column < n:
                        state[old + 1, link] = operand_x[at, column]
                        in_x += 1
                place[r + j] = following(at, interval, r + j, tile_b, tile_a, across, down)

            if t & 1:
                outputs_edge(even, odd_links, total)
            else:
                outputs_edge(odd, even_links, total)
            if out == results:
                break
        moved[0], moved[1], moved[2] = in_w, in_x, out
    return t + 1 if moved[2] == results else 0


# --- from Python ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """What a simulated product took: all counted, nothing derived."""

    cycles: int
    words: dict[str, int]


@dataclass(frozen=True)
class Machine:
    """An array, its operands and results; `run` lets the clock tick."""

    plan: Plan
    w: np.ndarray
    x: np.ndarray
    y: np.ndarray
    state: np.ndarray
    tags: np.ndarray
    ports: np.ndarray
    moved: np.ndarray

    @classmethod
    def of(cls, plan: Plan, w: np.ndarray, x: np.ndarray, y: np.ndarray) -> Machine:
        """An array that will compute y = w x (m × k, k × n, m × n, one dtype)."""
        cells = plan.span + 2 * (plan.c + 1) + 1
        state, tags = np.zeros((8, cells), w.dtype), np.zeros((4, cells), np.int32)
        return cls(plan, w, x, y, state, tags, np.zeros((3, plan.r + plan.c), np.int64), np.zeros(3, np.int64))

    def run(self, begin: int, end: int, passes: int = 1) -> int:
        """Clock edges `begin` to `end`: how many there were when all results had left, 0 for not yet, -1: two met.

        From edge 0 on the array begins at rest, with results at zero.
        """
        kernel = run_weights if self.plan.weights_stay else run_outputs
        return int(
            kernel(
                passes, begin, end, self.state, self.tags, self.ports, self.w, self.x, self.y, self.plan.numbers,
                self.moved,
            )
        )  # fmt: skip

    def compute(self, times: int = 1) -> Outcome:
        """The whole product; RuntimeError if results meet or never leave."""
        cycles = self.run(0, 2 * self.plan.cycles + 64, times)
        if cycles <= 0:
            raise RuntimeError(f"the {self.plan.flow} array lost results of {self.plan}")
        return Outcome(cycles, {"w": int(self.moved[0]), "x": int(self.moved[1]), "y": self.y.size})

    def plane(self, registers: np.ndarray) -> list[list[Any]]:
        """One plane's registers by row and column of a weight-stationary array, without the margin."""
        r, c = self.plan.r, self.plan.c
        rows: list[list[Any]] = registers[: (r + 1) * (c + 1)].reshape(r + 1, c + 1)[1:, 1:].tolist()
        return rows


def simulate(plan: Plan, w: np.ndarray, x: np.ndarray, y: np.ndarray) -> Outcome:
    """Compute y = w x (m × k, k × n, m × n, one dtype) on the array; RuntimeError if results meet or never leave."""
    return Machine.of(plan, w, x, y).compute()


def frames(plan: Plan, w: np.ndarray, x: np.ndarray) -> list[dict[str, Any]]:
    """The registers of a weight-stationary array after each clock edge, for a product that is one tile.

    Frame 0 is the moment when the weights are in place and all x wait outside; later frames are one edge apart. Each
    has, for each PE, `column`: which column of x it holds (0: none), `x`, `sum` and `weights`; and `left`: the results
    that have left, as pairs of row and column. All count from 1, as the slides do.
    """
    if plan.tiles != 1 or not plan.weights_stay:
        raise ValueError(f"frames show a weight-stationary array with one tile, not {plan}")
    machine = Machine.of(plan, w, x, np.zeros((plan.m, plan.n), w.dtype))
    shots: list[dict[str, Any]] = []
    left: list[list[int]] = []
    for t in range(plan.cycles + 1):
        held = 3 * (t & 1)  # what the edge before wrote
        columns = machine.plane(np.abs(machine.tags[2 * (t & 1)]))
        if t >= plan.start:
            shots.append(
                {
                    "column": columns,
                    "x": machine.plane(machine.state[held]),
                    "sum": machine.plane(machine.state[held + 1]),
                    "weights": machine.plane(machine.state[7]),
                    "left": [list(pair) for pair in left],
                }
            )
        machine.run(t, t + 1)
        left += [[j + 1, int(column)] for j, column in enumerate(columns[-1]) if column]
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
