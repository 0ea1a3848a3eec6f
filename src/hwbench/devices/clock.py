"""The clock of a CPU, from a chain of dependent additions: one cycle each, on every processor that is timed here.

Each adds a *register* to a register. Additions of a small constant are free on some cores (Golden Cove does them while
renaming, uops.info), and the latency of a multiplication is 3 to 5 cycles, depending on the model.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from time import perf_counter_ns

from llvmlite import ir
from numba import types
from numba.core.base import BaseContext
from numba.core.typing.context import Context
from numba.core.typing.templates import Signature

from ..kernels.compiling import compiled
from ..kernels.simd import instruction

CHAIN = 64  # additions an iteration; the loop's own counting runs beside the chain and costs nothing
WINDOW = 3000  # iterations: 192 000 cycles, about 60 µs


@instruction
def opaque(_typing: Context, value: types.Type) -> tuple[Signature, Callable[..., ir.Value]]:  # noqa: ARG001 - int64
    """The 64-bit `value`, through an empty asm statement that LLVM cannot look into; memory is read anew after it."""

    def codegen(
        _context: BaseContext, builder: ir.IRBuilder, _signature: Signature, arguments: Sequence[ir.Value]
    ) -> ir.Value:
        word = ir.IntType(64)
        through = ir.InlineAsm(ir.FunctionType(word, [word]), "", "=r,0,~{memory}", side_effect=True)
        return builder.call(through, arguments)

    return types.int64(types.int64), codegen


@compiled
def chain(iterations: int, step: int) -> int:
    """CHAIN × `iterations` additions, each waiting for the one before; the sum, so that the chain can be checked."""
    total = opaque(0)
    for _ in range(iterations):
        # unrolled by LLVM: the count is a constant, and the asm statements keep the additions apart
        for _ in range(CHAIN):
            total = opaque(total + step)
    return int(total)


@functools.cache
def _overhead_ns() -> int:
    """What an empty call of the chain costs, the least of many: 0.3 µs of 60 would be half a percent."""
    return min(_window_ns(0) for _ in range(50))


def _window_ns(iterations: int) -> int:
    start = perf_counter_ns()
    chain(iterations, 1)
    return perf_counter_ns() - start


def estimate_hz(windows: int = 3, iterations: int = WINDOW) -> float:
    """Cycles per second of the CPU that runs this: the best of short windows, as interruptions only slow."""
    best = min(_window_ns(iterations) for _ in range(windows))
    return CHAIN * iterations / (max(1, best - _overhead_ns()) * 1e-9)
