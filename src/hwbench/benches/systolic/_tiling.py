"""How a product is cut into tiles for a systolic array: cycles, utilisation and words moved, in closed form.

An operand larger than the array is cut into tiles; edge tiles are padded with zeros, which take their time like all
other numbers. An operand smaller than the array uses r × c of its PEs: r = min(rows, k) and c = min(columns, m) where
weights stay, r = min(rows, m) and c = min(columns, n) where sums stay. The others idle, and count against utilisation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

FLOWS = ("weight-stationary", "output-stationary")
LARGEST = 1024  # rows or columns of an array
LARGEST_OPERAND = 1 << 16  # m, k, n
LANES = 16  # an edge computes whole vectors of so many cells


@dataclass(frozen=True)
class Tiling:
    """How m × k × n is cut for an array of `rows` × `columns` PEs, and the cycles and words that follow in closed form.

    `r` × `c` PEs are used. A tile starts every `interval` cycles, the first after `start` cycles; the last result
    leaves `drain` cycles after the start of the last tile.
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
        """Whether the array is weight-stationary."""
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
        """The number of tiles."""
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

        Weight-stationary, the next tile's weights take r cycles through the c links at the top, during the n cycles of
        this tile or, without a second register, after them. Output-stationary, column j's r results pass its top link
        every second cycle (row i leaves at 2 i), so two tiles interleave without meeting if an odd number of cycles
        lies between them; without a register of their own, sums leave before the next tile begins.
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
        """The tiling as kernels take it. Tags are packed by shifts: a division takes longer than a row of PEs."""
        common = (self.r, self.c, self.span, self.length, self.down, self.across)
        if self.weights_stay:
            return *common, self.interval, int(self.double), (self.n - 1).bit_length()
        return *common, self.interval, (self.across - 1).bit_length(), (self.r - 1).bit_length()

    @property
    def span(self) -> int:
        """Cells of a plane that an edge computes: from the first PE to the last, rounded up to whole vectors."""
        return -(-(self.r * (self.c + 1) - 1) // LANES) * LANES

    @property
    def cycles(self) -> int:
        """Cycles from the first weight or x to the last result, in closed form."""
        return self.start + (self.tiles - 1) * self.interval + self.drain

    @property
    def utilisation(self) -> float:
        """Multiply-adds of the product over those that all PEs could do in these cycles."""
        return self.m * self.k * self.n / (self.rows * self.columns * self.cycles)

    @property
    def words(self) -> dict[str, int]:
        """Words that cross the array's edge, padding not counted.

        The stationary operand moves once; a streaming one moves once for each tile along the other side. Accumulators
        below the array add up the partial sums of a result, so that it leaves once.
        """
        w, x = self.m * self.k, self.k * self.n
        if self.weights_stay:
            return {"w": w, "x": x * self.across, "y": self.m * self.n}
        return {"w": w * self.across, "x": x * self.down, "y": self.m * self.n}


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
