"""The systolic array of the lecture as hardware, in Amaranth: int8 operands, weights that stay, sums that move down.

PE (i, j) keeps w[j, i]; x enters from the left, row i a cycle after row i - 1; sums leave below. While `load` is high
the weights move down a row at each edge, the last row's first. A sum of `rows` products of int8 needs
15 + log₂(rows) bits and a sign, so that no sum can overflow and no bit is built that none needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...protocols import Array

if TYPE_CHECKING:  # Amaranth is an extra
    from amaranth.hdl import Elaboratable, Module, Signal, Value
    from amaranth.sim import SimulatorContext

OPERAND = 8  # bits of w and x


def sum_bits(rows: int) -> int:
    """Bits of a signed sum of `rows` products of two int8: the largest is rows × 2¹⁴."""
    return (rows << 2 * (OPERAND - 1)).bit_length() + 1


def array_of(rows: int, columns: int) -> Elaboratable:
    """The array as an Elaboratable with the ports `load`, `x`, `w` and `y`."""
    from amaranth.hdl import Elaboratable, Module, Signal, signed

    class SystolicArray(Elaboratable):  # type: ignore[misc]  # Amaranth is not installed where types are checked
        """Rows × columns of PEs: each multiplies, adds, and hands x to the right and the sum down, at every edge."""

        def __init__(self) -> None:
            self.load = Signal()
            self.x = [Signal(signed(OPERAND), name=f"x{i}") for i in range(rows)]
            self.w = [Signal(signed(OPERAND), name=f"w{j}") for j in range(columns)]
            self.y = [Signal(signed(sum_bits(rows)), name=f"y{j}") for j in range(columns)]

        @property
        def ports(self) -> list[Signal]:
            return [self.load, *self.x, *self.w, *self.y]

        def elaborate(self, _platform: object) -> Module:
            module = Module()
            x = list(self.x)
            w = list(self.w)
            total: list[Value | int] = [0] * columns
            for i in range(rows):
                for j in range(columns):
                    weight = Signal(signed(OPERAND), name=f"weight_{i}_{j}")
                    word = Signal(signed(OPERAND), name=f"x_{i}_{j}")
                    result = Signal(signed(sum_bits(rows)), name=f"sum_{i}_{j}")
                    with module.If(self.load):
                        module.d.sync += weight.eq(w[j])
                    module.d.sync += [word.eq(x[i]), result.eq(total[j] + x[i] * weight)]
                    w[j], x[i], total[j] = weight, word, result
            module.d.comb += [port.eq(total[j]) for j, port in enumerate(self.y)]
            return module

    return SystolicArray()


def source_of(rows: int, columns: int) -> str:
    """The array in RTLIL, the language of Yosys; no source positions, so that equal arrays have equal texts."""
    from amaranth.back import rtlil

    array = array_of(rows, columns)
    return str(rtlil.convert(array, ports=array.ports, name="top", emit_src=False))


class Simulation:
    """Y = W X by the array, signal by signal: W columns × rows, X rows × batch, both int8."""

    def __init__(self, w: Array, x: Array) -> None:
        self.w, self.x = w, x
        self.y = np.zeros((len(w), x.shape[1]), np.int64)
        self.cycles = 0
        self.hardware = array_of(w.shape[1], len(w))

    def compute(self) -> None:
        """Load the weights, stream x, take the results; counts the edges from the first weight to the last result."""
        from amaranth.sim import Simulator

        simulator = Simulator(self.hardware)
        simulator.add_clock(1e-8)
        simulator.add_testbench(self._drive)
        simulator.run()

    async def _drive(self, context: SimulatorContext) -> None:
        array = self.hardware
        (columns, rows), batch = self.w.shape, self.x.shape[1]
        words = [[int(word) for word in row] for row in self.x]
        edges = 0
        context.set(array.load, 1)
        for i in reversed(range(rows)):
            for j in range(columns):
                context.set(array.w[j], int(self.w[j, i]))
            await context.tick()
            edges += 1
        context.set(array.load, 0)
        taken = 0
        for t in range(batch + rows + columns - 1):
            for i in range(rows):
                context.set(array.x[i], words[i][t - i] if 0 <= t - i < batch else 0)
            # What a port holds before an edge is taken at the edge: column j's result b after b + j + rows others.
            _, _, *sums = await context.tick().sample(*array.y)
            edges += 1
            for j in range(columns):
                b = t - rows - j
                if 0 <= b < batch:
                    self.y[j, b] = sums[j]
                    taken += 1
        self.cycles = edges if taken == self.y.size else 0
