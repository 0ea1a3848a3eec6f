"""An instruction repeated in chains of registers: the kernel, the memory of a thread, and the work on a crew."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ..bench import Work
from ..kernels.assembly import Code, execute, operand
from ..kernels.compiling import compiled
from ..kernels.gate import enter, leave
from ..kernels.simd import clobber, load, opaque, store, width
from ..protocols import Array, Buffer, Cpu, Facts, Job

VECTOR = 64  # bytes of an operand: what the widest registers take


@compiled
def chains(
    code: Code, target: int, source: int, nbytes: int, operands: int, memory: int, count: int, passes: int,
    gate: int = 0,
) -> None:  # fmt: skip
    """`count` executions of the code on each block of registers, `nbytes` in all, from `source` to `target`.

    Each pass begins with the numbers at `source`; a and b lie at `operands`.
    """
    enter(gate)
    step, one = width(code), opaque(1)
    a, b = operand(code, operands), operand(code, operands + VECTOR)
    for _ in range(passes):
        i = 0
        while i < nbytes:
            x = load(code, source + i)
            left = opaque(count)
            while left > 0:
                x = execute(code, x, a, b, memory)
                left -= one
            store(target + i, x)
            i += step
        clobber()
    leave(gate)


class Place:
    """A thread's memory: the numbers, where they go, the operands, and a line of its own (`memory`)."""

    def __init__(self, buffer: Buffer, x: Array, a: Array, b: Array, memory: Array) -> None:
        self.buffer = buffer
        room = -(-x.nbytes // VECTOR) * VECTOR
        whole = buffer.array
        self.source = whole[: x.nbytes]
        self.target = whole[room : room + x.nbytes]
        self.operands = whole[2 * room : 2 * room + 2 * VECTOR]
        self.memory = whole[2 * room + 2 * VECTOR :][: max(memory.nbytes, VECTOR)]
        self.source[:] = x.view(np.uint8)
        self.target[:] = 0xFF
        self.operands[:VECTOR], self.operands[VECTOR:] = (np.resize(one.view(np.uint8), VECTOR) for one in (a, b))
        self.memory[: memory.nbytes] = memory.view(np.uint8)

    @staticmethod
    def room(x: Array, memory: Array) -> int:
        """Bytes that it needs."""
        return 2 * (-(-x.nbytes // VECTOR) * VECTOR) + 2 * VECTOR + max(memory.nbytes, VECTOR)


def on_crew(
    device: Cpu, threads: int, code: Code, count: int, x: Array, a: Array, b: Array, *,
    memory: Callable[[int], Array] | None = None, shared: bool = False, pointers: bool = False,
    output: Callable[[Sequence[Place]], object], facts: Facts | None = None,
) -> Work:  # fmt: skip
    """The code, `count` executions on each block of x, on each of `threads` pinned threads.

    `memory(address)` gives what lies in a thread's line, which begins at that address. Where it is `shared` all threads
    have the line of the first; with `pointers` each x is the address of the line.
    """
    crew = device.crew(threads)
    first = np.zeros(VECTOR // 8, np.int64) if memory is None else memory(0)

    def allocate(_rank: int) -> Place:
        buffer = device.buffer(Place.room(x, first))
        place = Place(buffer, x, a, b, first)
        if memory is not None:
            held = memory(int(place.memory.ctypes.data))
            place.memory[: held.nbytes] = held.view(np.uint8)
        if pointers:
            place.source.view(np.int64)[:] = place.memory.ctypes.data
        return place

    places: list[Place] = crew.each(allocate)

    def job(place: Place) -> Job:
        line = int((places[0] if shared else place).memory.ctypes.data)
        addresses = (int(one.ctypes.data) for one in (place.target, place.source, place.operands))
        target, source, operands = addresses

        def run(loops: int, gate: int) -> None:
            chains(code, target, source, x.nbytes, operands, line, count, loops, gate)

        return run

    def close() -> None:
        for place in places:
            place.buffer.close()

    work: Work = crew.work(
        [job(place) for place in places], output=lambda: output(places), facts=facts or {}, close=close
    )
    return work
