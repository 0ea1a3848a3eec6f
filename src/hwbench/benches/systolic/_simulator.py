"""A systolic array, simulated register by register, one clock edge at a time.

An array of processing elements (PEs) multiplies Y = W X, with W m × k and X k × n. In each cycle a PE reads its
neighbours' registers, does one multiply-add, and at the clock edge all registers take their new values together: no
value is seen before its edge, and none moves further than to the next PE. So arrays come in pairs here, the state
before an edge and the state after it; edges alternate between the two.

Weight-stationary, as in the lecture: PE (i, j) keeps w[j, i]; x enters from the left, row i one cycle after row i - 1,
and moves right; partial sums move down and leave below row r - 1. Weights come down from above, each with the number of
rows it still has to go, into a second register (`fresh`); the first x of a tile carries the mark at which a PE swaps
it in. So the next tile's weights load while this one is computed: double buffering.

Output-stationary: PE (i, j) keeps the sum y[i, j]; w enters from the left, x from above, both skewed. The last w of a
tile carries a mark at which the PE hands its sum to a register in a chain that leads up and out; the next tile begins.

Kung and Leiserson, "Systolic Arrays (for VLSI)", 1978; Jouppi et al., "In-Datacenter Performance Analysis of a Tensor
Processing Unit", ISCA 2017, whose array is weight-stationary with double-buffered weights, 256 × 256.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from ...kernels.compiling import compiled, restrict
from ...protocols import Array, Values
from ._tiling import Tiling

MOST_CYCLES = 1 << 27  # so that tags, at most 16 × the cycles, fit into 32 bits
FIRST, LAST = 1, 2  # marks that travel with w in the output-stationary array, below what its tile's results start with
MET = -1  # the tag of two results that meet on one link: it travels on, and is seen when it leaves
NEVER = -(1 << 62)  # the place of a port that has sent all

Planes: TypeAlias = tuple[Array, ...]
"""One vector for each kind of register."""


# --- one clock edge ---------------------------------------------------------------------------------------------------
# A plane holds one register of every PE, row after row, as a vector with a margin: a cell before each row, a row at
# each end. The margin is the links that lead into the array, where ports write; what an edge leaves in it reaches no
# PE. So an edge is one loop over all cells, with no special case for a PE at a border.


@restrict
def weights_edge(registers: Planes, links: Planes, weights: Planes, double: int) -> None:
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
def outputs_edge(registers: Planes, links: Planes, total: Array) -> None:
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
# Ports at the edge are counters, like the address generators of a real array: a port's place in its tile (below 0: it
# waits), and the tile's place in the other operand's direction (`b`) and along it (`a`).


@restrict
def following(at: int, interval: int, port: int, tile_b: Array, tile_a: Array, inner: int, outer: int) -> int:
    """A port's place a cycle later: one word on, before its next tile, or NEVER after the last tile."""
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
    passes: int, begin: int, end: int, state: Array, tags: Array, ports: Array, operand_w: Array, operand_x: Array,
    y: Array, tiling: tuple[int, ...], moved: Array,
) -> int:  # fmt: skip
    """Clock edges `begin` to `end` of the weight-stationary array; their number once all results have left, else 0.

    passes
        How often; from edge 0 on each pass begins with an array at rest.
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
    tiling
        r, c, cells an edge computes, n, tiles down, tiles across, interval, double, bits of a column's number.
    moved
        Words of w and of x that entered so far, results that left.
    """
    r, c, span, n, down, across, interval, double, shift = tiling
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
    passes: int, begin: int, end: int, state: Array, tags: Array, ports: Array, operand_w: Array, operand_x: Array,
    y: Array, tiling: tuple[int, ...], moved: Array,
) -> int:  # fmt: skip
    """Clock edges of the output-stationary array; their number once all results have left, else 0; -1 if two met.

    Rows lie in their planes from the last to the first, so that results move to later cells, too.

    state
        [7][cells]: w, x, result on its way up, before (t even: 0, 1, 2) and after an edge (3, 4, 5); the sum (6).
    tags
        [4][cells], i4: w's and the result's before, and after an edge. A result carries 1 + its tile and row in one, of
        which it counts the rows itself, on its way; a w carries 4 × what its tile's results will start with, and the
        marks FIRST and LAST; 0 is none.
    ports
        [3][r + c]: the rows' on the left, for w, then the columns' at the top, for x.
    tiling
        r, c, cells an edge computes, k, tiles down, tiles across, interval, bits of a tile's number across, bits of a
        row's number.
    """
    r, c, span, length, down, across, interval, tile_shift, row_shift = tiling
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
    """Cycles and words of a simulated product, counted and not derived."""

    cycles: int
    words: dict[str, int]


@dataclass(frozen=True)
class SystolicArray:
    """An array, its operands and results; `run` lets the clock tick."""

    tiling: Tiling
    w: Array
    x: Array
    y: Array
    state: Array
    tags: Array
    ports: Array
    moved: Array

    @classmethod
    def of(cls, tiling: Tiling, w: Array, x: Array, y: Array) -> SystolicArray:
        """An array that will compute y = w x (m × k, k × n, m × n, one dtype)."""
        cells = tiling.span + 2 * (tiling.c + 1) + 1
        state, tags = np.zeros((8, cells), w.dtype), np.zeros((4, cells), np.int32)
        return cls(tiling, w, x, y, state, tags, np.zeros((3, tiling.r + tiling.c), np.int64), np.zeros(3, np.int64))

    def run(self, begin: int, end: int, passes: int = 1) -> int:
        """Clock edges `begin` to `end`; their number once all results have left, else 0; -1 if two met.

        From edge 0 on the array begins at rest, with results at zero.
        """
        kernel = run_weights if self.tiling.weights_stay else run_outputs
        return int(
            kernel(
                passes, begin, end, self.state, self.tags, self.ports, self.w, self.x, self.y,
                self.tiling.numbers, self.moved,
            )
        )  # fmt: skip

    def compute(self, times: int = 1) -> Outcome:
        """The whole product; RuntimeError if results meet or never leave."""
        cycles = self.run(0, 2 * self.tiling.cycles + 64, times)
        if cycles <= 0:
            raise RuntimeError(f"the {self.tiling.flow} array lost results of {self.tiling}")
        return Outcome(cycles, {"w": int(self.moved[0]), "x": int(self.moved[1]), "y": self.y.size})

    def plane(self, registers: Array) -> list[list[float]]:
        """One plane's registers by row and column of a weight-stationary array, without the margin."""
        r, c = self.tiling.r, self.tiling.c
        rows: list[list[float]] = registers[: (r + 1) * (c + 1)].reshape(r + 1, c + 1)[1:, 1:].tolist()
        return rows


def simulate(tiling: Tiling, w: Array, x: Array, y: Array) -> Outcome:
    """Compute y = w x (m × k, k × n, m × n, one dtype) on the array; RuntimeError if results meet or never leave."""
    return SystolicArray.of(tiling, w, x, y).compute()


def frames(tiling: Tiling, w: Array, x: Array) -> list[Values]:
    """The registers of a weight-stationary array after each clock edge, for a product that is one tile.

    Frame 0 is the moment when the weights are in place and all x wait outside; later frames are one edge apart. Each
    has, for each PE, `column`: which column of x it holds (0: none), `x`, `sum` and `weights`; and `left`: the results
    that have left, as pairs of row and column. All count from 1, as the slides do.
    """
    if tiling.tiles != 1 or not tiling.weights_stay:
        raise ValueError(f"frames show a weight-stationary array with one tile, not {tiling}")
    systolic = SystolicArray.of(tiling, w, x, np.zeros((tiling.m, tiling.n), w.dtype))
    shots: list[Values] = []
    left: list[list[int]] = []
    for t in range(tiling.cycles + 1):
        held = 3 * (t & 1)  # what the edge before wrote
        columns = systolic.plane(np.abs(systolic.tags[2 * (t & 1)]))
        if t >= tiling.start:
            shots.append(
                {
                    "column": columns,
                    "x": systolic.plane(systolic.state[held]),
                    "sum": systolic.plane(systolic.state[held + 1]),
                    "weights": systolic.plane(systolic.state[7]),
                    "left": [list(pair) for pair in left],
                }
            )
        systolic.run(t, t + 1)
        left += [[j + 1, int(column)] for j, column in enumerate(columns[-1]) if column]
    return shots
