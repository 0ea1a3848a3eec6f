"""What one call of a Numba function did, by the counters in its code: bytes of each array, flops, steps."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

from .llvm_ir import Access, Instrumented, Meter
from .memory import Array, bounds, distinct
from .model import Counts, Range, Stride, Temporary
from .numba_code import Compiled

_LINE = 64
_NEAR = 2**20  # bytes: arrays on the stack lie so near to a frame, tables of constants to the counters
_FEW = 1024  # bytes that the schedule of threads may have
_HEADER = 512  # bytes that Numba's allocations may have beside those of the array
_LETTERS = {115: ("f4", 1), 100: ("f8", 1), 99: ("c8", 4), 122: ("c16", 4)}


class Piece:
    """An array by its addresses: how many of its bytes are read, and written."""

    def __init__(self, name: str, array: Array | None, low: int, high: int) -> None:
        self.name, self.array, self.low, self.high = name, array, low, high
        self.read: list[tuple[int, int]] = []
        self.written: list[tuple[int, int]] = []
        self.loaded = self.stored = 0.0

    def add(self, low: int, high: int, nbytes: float, *, store: bool) -> None:
        """An access within these addresses."""
        (self.written if store else self.read).append((max(low, self.low), min(high, self.high)))
        if store:
            self.stored += nbytes
        else:
            self.loaded += nbytes

    def whole(self, *, store: bool) -> None:
        """An access to all of the array."""
        self.add(self.low, self.high, self.high - self.low, store=store)

    def touched(self) -> int:
        """Distinct bytes that are read or written."""
        return self.bytes([*self.read, *self.written], self.loaded + self.stored)

    def reads(self) -> int:
        """Distinct bytes that are read."""
        return self.bytes(self.read, self.loaded)

    def writes(self) -> int:
        """Distinct bytes that are written."""
        return self.bytes(self.written, self.stored)

    def bytes(self, ranges: Sequence[tuple[int, int]], issued: float) -> int:
        """Distinct bytes of an array within some ranges: no more than were asked for."""
        covered = 0
        end = self.low
        for low, high in sorted(ranges):
            covered += max(high - max(low, end), 0)
            end = max(end, high)
        whole = self.array is None or self.high - self.low == self.array.nbytes
        share = 1.0 if whole or self.array is None else distinct(self.array) / max(self.high - self.low, 1)
        return int(min(covered * share, issued))


def tally(compiled: Compiled, arrays: Sequence[tuple[str, Array]]) -> Tally:
    """What the last call did, to these arrays and to those in the code."""
    pieces = [Piece(name, one, *bounds(one)) for name, one in arrays]
    return Tally(compiled, [*pieces, *(Piece("a global array", None, *one) for one in compiled.constants())])


class Tally:
    """What one call did."""

    def __init__(self, compiled: Compiled, pieces: list[Piece]) -> None:
        self.compiled, self.pieces = compiled, pieces
        program, counters = compiled.program, compiled.counters
        self.issued = self.elsewhere = 0.0
        self.by_dtype: Counter[str] = Counter()
        self.blas = False
        self.flops_low, self.flops_high = _flops(program, counters)
        allocations = [one for one in program.meters if one.kind == "allocated" and counters[one.slot]]
        self.allocated = sum(int(counters[one.slot]) for one in allocations)
        self.heap = [(int(counters[one.slot + 1]), int(counters[one.slot + 2]) + _HEADER) for one in allocations]
        for access in program.accesses:
            if nbytes := _issued(access, counters):
                self._access(access, nbytes, int(counters[access.slot]), int(counters[access.slot + 1]))
        for meter in program.meters:
            if counters[meter.slot]:
                self._meter(meter, float(counters[meter.slot]), int(counters[meter.slot + 1]))
        self.unknown = tuple(name for name, block in program.unknown.items() if counters[block])
        if self.elsewhere > max(_FEW, 0.01 * self.issued):
            self.unknown = (*self.unknown, "memory of lists, classes or pointers")

    def _touch(self, low: int, high: int) -> list[Piece] | None:
        """The arrays that a range of addresses overlaps; None where it is the stack or a table of constants."""
        touched = [piece for piece in self.pieces if low < piece.high and high > piece.low]
        return touched if touched or any(first <= low < last for first, last in self.heap) else None

    def _access(self, one: Access, nbytes: float, low: int, last: int) -> None:
        high = last + one.item * (1 if one.scattered else one.lanes)
        touched = self._touch(low, high)
        if touched is None:
            first, last = (int(one) for one in self.compiled.counters[self.compiled.program.frames :][:2])
            if not first - _NEAR < low < last + _NEAR and abs(low - self.compiled.address) > _NEAR:
                self.elsewhere += nbytes
            return
        self.issued += nbytes
        self.by_dtype[one.float_type] += int(nbytes)
        for piece in touched:
            piece.add(low, high, nbytes, store=one.store)

    def _meter(self, meter: Meter, amount: float, second: int) -> None:
        if meter.kind in ("written", "copied"):
            high = int(self.compiled.counters[meter.slot + 2])
            touched = self._touch(second, high)
            if touched is not None:
                self.issued += amount if meter.kind == "written" else 2 * amount
                for piece in touched:
                    piece.add(second, high, amount, store=True)
        elif meter.kind in ("given", "filled"):
            for piece in self.pieces:
                if piece.low <= second < piece.high:
                    piece.whole(store=meter.kind == "filled")
        elif meter.kind in ("gemm", "gemv", "dot"):
            kind, factor = _LETTERS.get(meter.item, ("f8", 1))
            numbers = {"gemm": second, "gemv": amount, "dot": 2 * amount}[meter.kind]
            self.issued += int(kind[1:]) * numbers
            self.by_dtype[kind] += int(kind[1:]) * int(numbers)
            self.flops_low += 2 * amount * factor
            self.flops_high += 2 * amount * factor
            self.blas = True

    def counts(self, results: Sequence[Array], unread: set[str]) -> Counts:
        """The counts, given new results and arrays whose contents do not matter."""
        out = sum(distinct(one) for one in results)
        temporary = max(self.allocated - sum(one.nbytes for one in results), 0)
        data = sum(piece.touched() for piece in self.pieces) + out
        types = [name for name, _ in self.by_dtype.most_common() if name]
        made = (
            [Temporary("numba", (temporary // 8,), types[0] if types else "", temporary)] if temporary > _HEADER else []
        )
        return Counts(
            kind="numba",
            compulsory=sum((piece.name not in unread) * piece.reads() + piece.writes() for piece in self.pieces) + out,
            footprint=data + sum(one.nbytes for one in made),
            issued=Range(self.issued, math.inf if self.unknown else self.issued),
            flops=Range(self.flops_low, math.inf if self.unknown else self.flops_high),
            moved=None,
            moved_note="",
            unknown=self.unknown,
            temporaries=tuple(made),
            strides=_gaps(self.compiled.program, self.compiled.counters, self.pieces),
            parallel=self.blas or self.compiled.parallel,
            calls=(self.compiled.name,),
            dtype=types[0] if types else "",
            fusable=None if self.unknown else Range(self.issued, self.issued),
            data=data,
        )


def _issued(one: Access, counters: Array) -> float:
    if one.passed >= 0:
        return float(counters[one.passed]) * one.item
    return float(counters[one.block]) * one.item * one.lanes


def _flops(program: Instrumented, counters: Array) -> tuple[float, float]:
    """What is surely needed, and all that runs."""
    low = high = 0.0
    for block, flops in program.flops.items():
        times = float(counters[block])
        high += times * (flops.needed + flops.chosen + flops.partial)
        low += times * flops.needed
        masked = [one for one in program.accesses if one.block == block and one.passed >= 0]
        if flops.chosen and times and masked and not flops.selects:
            low += times * flops.chosen * min(float(counters[one.passed]) / (times * one.lanes) for one in masked)
    return low, high


def _gaps(program: Instrumented, counters: Array, pieces: list[Piece]) -> tuple[Stride, ...]:
    """Steps of scalar accesses that leave gaps, those of most accesses first."""
    groups: dict[tuple[str, int, int], list[tuple[int, float]]] = {}
    for one in program.accesses:
        low, times = int(counters[one.slot]), float(counters[one.block])
        piece = next((piece for piece in pieces if piece.low <= low < piece.high), None)
        step = abs(int(np.int64(counters[one.slot + 4])))
        if piece is not None and one.lanes == 1 and times > 2 and step:
            groups.setdefault((piece.name, step, one.item), []).append((low, times))
    found: Counter[Stride] = Counter()
    for (name, step, item), members in groups.items():
        stride = spacing(step, [low for low, _ in members])
        if stride > item:
            found[Stride(name, stride, item)] += int(sum(times for _, times in members))
    return tuple(stride for stride, _ in found.most_common(20))


def spacing(step: int, lows: Sequence[int]) -> int:
    """Bytes between neighbours where accesses advance by `step` bytes from these addresses.

    Copies of one access in an unrolled loop are spaced evenly within the step; elements within a cache line of each
    other, as of a stencil, are one place.
    """
    places = sorted({low % step for low in lows})
    gaps = [*(after - before for before, after in itertools.pairwise(places)), places[0] + step - places[-1]]
    if max(gaps) <= _LINE:
        return math.gcd(step, *gaps)
    return step // sum(gap > _LINE for gap in gaps)
