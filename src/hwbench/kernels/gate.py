"""A gate for kernels: threads that run without the GIL start together there, and stamp their start and end.

Python cannot stamp them. A thread that has left its kernel waits for the GIL first, and where several end at once, the
last one waits for some 25 µs: 10% of a sample of 250 µs, and more than a whole burst of `Handover`. So a kernel that
runs on a crew takes the address of its place at the gate as its last argument, calls `enter` first and `leave` last:

    @compiled
    def copy(r, target, source, nbytes, passes, gate=0):
        enter(gate)
        …
        leave(gate)

Address 0 is no gate: nothing is waited for or stamped.
"""

from __future__ import annotations

import ctypes
import platform
import sys
from collections.abc import Callable, Sequence

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba import types
from numba.core.base import BaseContext
from numba.core.typing.context import Context
from numba.extending import register_jitable

from .simd import Typed, follow, instruction, opaque, put, read_shared, write_shared

PLACE = 16  # words of a thread's place: two lines, since neighbouring lines are fetched in pairs
ARRIVED, TICKET, RANK, COUNT, START, END = range(6)  # the words of a place that are used
WORD = 8

# --- the clock --------------------------------------------------------------------------------------------------------
# One that all CPUs share and that is read without a system call, in some 20 ns.

_CLOCK = "hwbench_clock"
_WINDOWS = sys.platform == "win32"
_MONOTONIC = 8 if sys.platform == "darwin" else 1  # CLOCK_UPTIME_RAW, CLOCK_MONOTONIC


def _clock() -> tuple[int, float]:
    """The address of the system's function that reads the clock, and the nanoseconds of its unit."""
    if _WINDOWS:  # a count of 64 bits
        kernel32 = ctypes.windll.kernel32  # type: ignore[attr-defined,unused-ignore]
        frequency = ctypes.c_int64()
        kernel32.QueryPerformanceFrequency(ctypes.byref(frequency))
        return _address(kernel32.QueryPerformanceCounter), 1e9 / frequency.value
    return _address(ctypes.CDLL(None).clock_gettime), 1.0


def _address(function: Callable[..., int]) -> int:
    return int(ctypes.cast(function, ctypes.c_void_p).value or 0)  # type: ignore[arg-type,unused-ignore]


_READ, UNIT_NS = _clock()
llvm.add_symbol(_CLOCK, _READ)


@instruction
def now(_typing: Context) -> Typed:
    """The clock, in units of `UNIT_NS` nanoseconds since some moment."""

    def code(_context: BaseContext, builder: ir.IRBuilder, _signature: object, _args: Sequence[ir.Value]) -> ir.Value:
        word, number = ir.IntType(64), ir.IntType(32)
        pair = ir.ArrayType(word, 2)  # seconds and nanoseconds, or the count
        with builder.goto_entry_block():
            place = builder.alloca(pair)
        given = [place.type] if _WINDOWS else [number, place.type]
        function = builder.module.globals.get(_CLOCK) or ir.Function(
            builder.module, ir.FunctionType(number, given), _CLOCK
        )
        builder.call(function, [place] if _WINDOWS else [ir.Constant(number, _MONOTONIC), place])
        first, second = (builder.extract_value(builder.load(place), k) for k in range(2))
        if _WINDOWS:
            return first
        return builder.add(builder.mul(first, ir.Constant(word, 10**9)), second)

    return types.int64(), code


@instruction
def order_loads(_typing: Context) -> Typed:
    """Begin no later load before the earlier ones have come back: between the looks of a thread that waits.

    Without it a core has many looks at one line in flight. When the line changes, it drops them and starts again: a
    handover between two CPUs of a Zen 3 took 50 to 57 ns, with `pause` between two looks 39, with this 29.
    """
    machine, number = platform.machine().lower(), ir.IntType(32)

    def code(context: BaseContext, builder: ir.IRBuilder, _signature: object, _args: Sequence[ir.Value]) -> ir.Value:
        def call(name: str, *given: int) -> None:
            kind = ir.FunctionType(ir.VoidType(), [number] * len(given))
            function = builder.module.globals.get(name) or ir.Function(builder.module, kind, name)
            builder.call(function, [ir.Constant(number, value) for value in given])

        if machine in ("x86_64", "amd64", "i386", "i686"):
            call("llvm.x86.sse2.lfence")
        elif machine in ("aarch64", "arm64"):
            call("llvm.aarch64.isb", 15)
        return context.get_dummy_value()

    return types.void(), code


# --- the gate ---------------------------------------------------------------------------------------------------------


@register_jitable(forceinline=True)
def enter(gate: int) -> None:
    """Wait until all threads are at the gate, then stamp the start; a second kernel of a job goes straight through."""
    if gate != 0 and follow(gate + START * WORD) == 0:
        ticket, left, one = follow(gate + TICKET * WORD), follow(gate + COUNT * WORD), opaque(1)
        other = gate - follow(gate + RANK * WORD) * PLACE * WORD
        write_shared(gate + ARRIVED * WORD, ticket)
        while left > 0:
            while read_shared(other) < ticket:
                order_loads()
            other += PLACE * WORD
            left -= one
        put(gate + START * WORD, now())


@register_jitable(forceinline=True)
def leave(gate: int) -> None:
    """Stamp the end; that of a job's last kernel stays."""
    if gate != 0:
        put(gate + END * WORD, now())


class Gate:
    """The places of `count` threads, by rank."""

    def __init__(self, count: int) -> None:
        self._words = np.zeros((count + 1) * PLACE, dtype=np.int64)
        start = -self._words.ctypes.data // WORD % PLACE  # aligned to a place
        self._places = self._words[start : start + count * PLACE].reshape(count, PLACE)
        self._places[:, RANK], self._places[:, COUNT] = np.arange(count), count

    def close(self) -> None:
        """Let the next race wait for all threads anew."""
        self._places[:, TICKET] += 1
        self._places[:, [START, END]] = 0

    def address(self, rank: int) -> int:
        """What the kernel of a thread is given."""
        return int(self._places[rank].ctypes.data)

    def arrive(self, rank: int) -> None:
        """Keep nobody waiting for a thread that ran no kernel, or whose job failed."""
        self._places[rank, ARRIVED] = self._places[rank, TICKET]

    def span(self, rank: int) -> tuple[int, int] | None:
        """Start and end in ns; None where no kernel entered. RuntimeError where one entered and did not leave."""
        start, end = (float(self._places[rank, word]) * UNIT_NS for word in (START, END))
        if not start:
            return None
        if end < start:
            raise RuntimeError("the kernel has entered the gate and not left it")
        return round(start), round(end)
