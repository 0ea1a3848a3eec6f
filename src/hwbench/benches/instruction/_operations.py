"""The instructions of the table: their texts, their operands, and what a chain of them ends with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from ...kernels.assembly import Code
from ...kernels.simd import Registers
from ...protocols import Array

LINE = 8  # words of a line of memory
TURN = 16  # instructions of a chain in one turn of the loop
BITS = 256  # of vectors: each AVX2 processor has them
SAME = 7  # in memory, and in x: what a compare-and-swap compares and writes

Operands = tuple[Array, Array, Array]
"""x of all chains, a and b."""

Step = Callable[[Array, Array, Array], Array]
"""What one instruction makes of x, a and b."""


@dataclass(frozen=True)
class Operation:
    """An instruction of the table.

    `text` is repeated in one chain, in which each waits for the one before, and in `chains` chains side by side;
    `latency` and `throughput` are texts for one of the two. A text holds the instruction `each` times. `last` is done
    once a turn, to keep x from ending at a number that never changes. `line(address)` is what lies in memory, to which
    x points with `pointers`. With `threads` 2 a second CPU does the same.
    """

    shown: str
    about: str
    dtype: str
    operands: Callable[[np.random.Generator], Operands] = field(repr=False)
    step: Step = field(repr=False)
    text: str = ""
    latency: str = ""
    throughput: str = ""
    general: bool = False
    chains: int = 12
    each: int = 1
    last: str = ""
    fixed: str = ""
    clobbers: tuple[str, ...] = ()
    wide: bool = True
    line: Callable[[int], Array] | None = field(default=None, repr=False)
    pointers: bool = False
    threads: int = 1

    def of(self, way: str) -> str:
        """The text of `latency` or `throughput`; "" where there is no such figure."""
        return (self.latency if way == "latency" else self.throughput) or self.text

    def code(self, way: str) -> tuple[Code, int]:
        """The code of `latency` or `throughput`, and the instructions of it in one turn of the loop."""
        chains = 1 if way == "latency" else self.chains
        registers = Registers(self.dtype, 64 if self.general else BITS, chains)
        flags = ("flags", "memory") if self.general else ()
        code = Code(self.of(way), registers, TURN, self.last, self.fixed, (*flags, *self.clobbers), self.wide)
        return code, TURN * chains * self.each


def _pattern(kind: str, *values: float) -> Array:
    return np.resize(np.array(values, kind), 64 // np.dtype(kind).itemsize)


def _numbers(kind: str, a: float, b: float = 0.0, low: float = 2.0) -> Callable[[np.random.Generator], Operands]:
    """X in [low, 2 low) in multiples of low × 2⁻¹⁰, and a and b in each lane."""

    def made(rng: np.random.Generator) -> Operands:
        count = 12 * BITS // 8 // np.dtype(kind).itemsize
        x = (low * (1 + rng.integers(0, 2**10, count) * 2.0**-10)).astype(kind)
        return x, _pattern(kind, a), _pattern(kind, b)

    return made


def _words(x: int, a: int = 0, b: int = 0, *, spread: int = 0) -> Callable[[np.random.Generator], Operands]:
    """x, x + spread … in words of 64 bits, and a and b."""

    def made(_rng: np.random.Generator) -> Operands:
        every = (x + spread * np.arange(12 * 4, dtype=np.uint64)).astype(np.uint64).view(np.int64)
        first, second = (np.full(8, one, np.uint64).view(np.int64) for one in (a, b))
        return every, first, second

    return made


def _plus_exponent(kind: str, by: int) -> Callable[[np.random.Generator], Operands]:
    """Large numbers, and in a what makes their square root as large again after a turn."""
    whole, mantissa = ("i8", 52) if kind == "f8" else ("i4", 23)
    made = _numbers(kind, 0.0, low=2.0**by)
    return lambda rng: (made(rng)[0], _pattern(whole, by << mantissa), _pattern(kind, 0.0))


def _divided(x: Array, a: Array, b: Array) -> Array:
    """128 bits by 64: b in the upper half, x in the lower."""
    upper, divisor = int(b.view(np.uint64)[0]) << 64, int(a.view(np.uint64)[0])
    return np.array([(upper + int(one)) // divisor for one in x.view(np.uint64)], np.uint64).view(np.int64)


def _same(x: Array, _a: Array, _b: Array) -> Array:
    return x


def _own_address(address: int) -> Array:
    return np.full(LINE, address, np.int64)


CYCLE = Operation(
    "ADD r64, r64", "an addition of registers", "i8", _words(3, 5, spread=9), lambda x, a, _: x + a[0],
    latency="addq {a}, {x}", general=True,
)  # fmt: skip
DIVISOR, UPPER = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273

OPERATIONS: Mapping[str, Operation] = {
    f"{name}-{kind}": operation
    for kind, s in (("f8", "pd"), ("f4", "ps"))
    for name, operation in {
        "add": Operation(
            f"VADD{s.upper()} ymm", f"addition in {kind}", kind, _numbers(kind, 2.0**-10), lambda x, a, _: x + a[0],
            "vadd" + s + " {a}, {x}, {x}"),
        "multiply": Operation(
            f"VMUL{s.upper()} ymm", f"multiplication in {kind}", kind, _numbers(kind, 1 + 2.0**-22),
            lambda x, a, _: x * a[0], "vmul" + s + " {a}, {x}, {x}"),
        "divide": Operation(
            f"VDIV{s.upper()} ymm", f"division in {kind}", kind, _numbers(kind, 1 + 2.0**-22),
            lambda x, a, _: x / a[0], "vdiv" + s + " {a}, {x}, {x}"),
        "root": Operation(
            f"VSQRT{s.upper()} ymm", f"square root in {kind}", kind, _plus_exponent(kind, 600 if kind == "f8" else 64),
            lambda x, _, __: np.sqrt(x), "vsqrt" + s + " {x}, {x}",
            last="vpadd" + ("q" if kind == "f8" else "d") + " {a}, {x}, {x}"),
        "fma": Operation(
            f"VFMADD231{s.upper()} ymm", f"multiply-add in {kind}", kind, _numbers(kind, 2.0**-7, 2.0**-7),
            lambda x, a, b: x + a[0] * b[0], "vfmadd231" + s + " {b}, {a}, {x}"),
    }.items()
} | {
    "multiply-i8": Operation(
        "IMUL r64, r64", "multiplication of 64-bit integers", "i8", _words(3, DIVISOR, spread=9),
        lambda x, a, _: x * a[0], "imulq {a}, {x}", general=True, chains=10),
    "divide-i8": Operation(
        "DIV r64, 128/64 bit", "division of 128 by 64 bits", "i8", _words(UPPER, DIVISOR, UPPER, spread=9), _divided,
        "movq {b}, %rdx; divq {a}", general=True, chains=4, fixed="ax", clobbers=("rdx",)),
    "shuffle": Operation(
        "VPERMD ymm", "shuffle of 32-bit lanes across the register", "i4",
        lambda _: (np.arange(96, dtype=np.int32), _pattern("i4", 1, 2, 3, 4, 5, 6, 7, 0), _pattern("i4", 0)),
        lambda x, *_: np.roll(x.reshape(-1, 8), -1, 1).reshape(-1), "vpermd {x}, {a}, {x}"),
    "gather": Operation(
        "VPGATHERQQ ymm", "gather of four 64-bit words from L1", "i8",
        lambda _: (np.arange(48, dtype=np.int64) % 5, _pattern("i8", 0), _pattern("i8", 0)), lambda x, *_: (x + 1) % 5,
        "vpcmpeqd %ymm15, %ymm15, %ymm15; vpgatherqq %ymm15, ({m},{x},8), {y}", chains=8,
        clobbers=("xmm15",), wide=False, line=lambda _: np.array([1, 2, 3, 4, 0, 0, 0, 0], np.int64)),
    "load": Operation(
        "MOV r64, m64", "load from L1", "i8", _words(0), _same, latency="movq ({x}), {x}",
        throughput="movq ({m}), {x}", general=True, chains=10, line=_own_address, pointers=True),
    "store-forward": Operation(
        "VMOVAPD m256, ymm + VMOVAPD ymm, m256", "store of a vector, and load of what was stored", "f8",
        _numbers("f8", 0.0), _same, "vmovapd {x}, ({m}); vmovapd ({m}), {x}", clobbers=("memory",)),
    "store-renamed": Operation(
        "MOV m64, r64 + MOV r64, m64", "the same of a general register", "i8", _words(3, spread=9), _same,
        "movq {x}, ({m}); movq ({m}), {x}", general=True, chains=10),
    "swap": Operation(
        "LOCK CMPXCHG m64, r64", "compare-and-swap of an own line", "i8", _words(SAME, SAME), _same,
        latency="lock cmpxchgq {a}, ({m})", general=True, fixed="ax", line=lambda _: np.full(LINE, SAME, np.int64)),
    "swap-shared": Operation(
        "LOCK CMPXCHG m64, r64", "compare-and-swap of a line that two CPUs want, until it succeeds", "i8", _words(0),
        lambda x, *_: x + 1,
        latency="1: movq ({m}), %rax; leaq 1(%rax), {x}; lock cmpxchgq {x}, ({m}); jne 1b", general=True,
        clobbers=("rax",),
        line=lambda _: np.zeros(LINE, np.int64), threads=2),
    "pause": Operation(
        "PAUSE", "pause of a waiting loop", "i8", _words(3), _same, throughput="pause", general=True, chains=1),
    "branch-taken": Operation(
        "JMP rel32", "jump to the next line of 64 bytes", "i8", _words(3), _same,
        throughput="; ".join(["jmp 1f; .p2align 6; 1:"] * 8), general=True, chains=1, each=8),
    "branch-not-taken": Operation(
        "JZ rel8, not taken", "branch that is never taken", "i8", _words(3), _same,
        throughput="; ".join(["testq %rsp, %rsp", *["jz 1f"] * 16, "1:"]), general=True, chains=1, each=16),
}  # fmt: skip


def after(operation: Operation, x: Array, a: Array, b: Array, count: int) -> Array:
    """X of some chains after `count` instructions in each."""
    if operation.step is _same:
        return x
    for done in range(1, count + 1):
        x = operation.step(x, a, b)
        if operation.last and done % TURN == 0:
            x = (x.view(a.dtype) + a[0]).view(x.dtype)
    return x
