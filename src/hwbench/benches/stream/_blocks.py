"""How many registers a block of a stream kernel has, and in how many streams it runs: chosen by a probe here.

Eight registers a block suit most caches and cores, but not all: some cores load faster with four, or copy faster with
sixteen. In memory a Zen 3 copies and adds up to a quarter faster with four. Non-temporal stores of two streams were up
to a third faster than those of one, and never slower.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from ...kernels.compiling import Kernel
from ...kernels.cpu_features import vector_registers
from ...kernels.simd import Registers
from ...protocols import Choice, Cpu
from ...record.model import LEVELS
from .._fastest import fastest
from ._arrays import GRANULE, Arrays
from ._kernels import UNROLL
from ._row import Row

SLICE = 8 * 2**20  # bytes of a thread's arrays that one call of a probe goes through at most


@dataclass(frozen=True)
class Block:
    """A kernel with its registers; `streams` parts of the arrays side by side."""

    kernel: Kernel
    registers: Registers
    streams: int = 1

    @property
    def name(self) -> str:
        """`8`, `4 in 2 streams`: as choices are kept."""
        return f"{self.registers.count}" + (f" in {self.streams} streams" if self.streams > 1 else "")


def blocks(row: Row, registers: Registers, level: str) -> list[Block]:
    """The candidates for a row in a level, three at most; the first is taken unless another is clearly faster."""
    shapes: list[Block] = [Block(row.simd, registers)]
    if registers.count != UNROLL or not row.tuned:
        return shapes
    if registers.nt:
        shapes.append(Block(row.simd, replace(registers, count=1)))
        if row.split is not None:
            shapes.insert(0, Block(row.split, replace(registers, count=2), 2))
    else:
        shapes += [Block(row.simd, replace(registers, count=count)) for count in row.tuned]
        if level == LEVELS[-1] and row.writes:
            shapes[:2] = reversed(shapes[:2])
    # A block of a row that reads two arrays holds one of them in registers, and the factor.
    most = vector_registers() - 2 if row.reads > 1 else GRANULE
    return [one for one in shapes if one.registers.nbytes <= GRANULE and one.registers.count <= most]


def choose(row: Row, registers: Registers, device: Cpu, memory: Sequence[Arrays], level: str) -> tuple[Block, Choice]:
    """The fastest block for arrays in `level` on as many threads as there are `memory`; their contents are lost."""
    found = {block.name: block for block in blocks(row, registers, level)}
    name = f"stream.{row.name} {registers.dtype} {registers.bits} {'nt ' * registers.nt}{level} {len(memory)}"
    choice = device.chosen(name, [*found], lambda: fastest(ways(row, found, device, memory)))
    return found[choice.name], choice


def ways(row: Row, found: dict[str, Block], device: Cpu, memory: Sequence[Arrays]) -> dict[str, Callable[[int], float]]:
    """The seconds of so many calls of each block, on all threads at once.

    Arrays larger than a slice are gone through slice by slice, each call and pass on the next one, so that what lies in
    memory is not read from a cache.
    """
    nbytes = memory[0].words[0].nbytes
    length = min(nbytes, SLICE // row.arrays // GRANULE * GRANULE)
    starts = range(0, nbytes - length + 1, length)
    turns = itertools.cycle(starts)

    def timed(block: Block, passes: int) -> float:
        visits = [next(turns) for _ in range(passes)] if len(starts) > 1 else [0]
        loops = passes // len(visits)

        def run(rank: int, _loops: int, gate: int) -> None:
            for start in visits:
                places = [words.ctypes.data + start for words in memory[rank].words]
                block.kernel(block.registers, *places, *places[:1] * (3 - row.arrays), length, loops, gate)

        jobs = [partial(run, rank) for rank in range(len(memory))]
        taken: float = device.crew(len(memory)).work(jobs, output=None).timer(passes)  # type: ignore[misc]
        return taken

    for block in found.values():
        timed(block, 1)  # compiles it
    return {name: partial(timed, block) for name, block in found.items()}


def level_of(device: Cpu, size: int, threads: int) -> str:
    """The level that holds `size` bytes for each of so many threads, by what is reported of the caches."""
    active = device.host.order[:threads]
    fitting = (level for level in device.host.levels() if size <= (device.host.share(level, active) or 0))
    return next((f"L{level}" for level in fitting), "DRAM")
