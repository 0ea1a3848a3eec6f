"""Counts a call of a Numba function: its optimised machine-independent code, with counters added, runs once."""

from __future__ import annotations

import ctypes
import itertools
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import UsageError
from .guards import guarded
from .inputs import Subject, walk
from .llvm_ir import Access, Instrumented, Meter, instrument
from .memory import Array, bounds, distinct
from .model import Counts, Range, Stride, Temporary
from .runs import agree, copied_arrays, plain_run, same

_UNIQUE = itertools.count()
_HIGHEST = np.uint64(2**64 - 1)
_LINE = 64
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

    def touched(self) -> int:
        """Distinct bytes that are read or written."""
        return self.bytes([*self.read, *self.written], math.inf)

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


class Compiled:
    """A Numba function, compiled for some types, with counters in its code."""

    def __init__(self, name: str, dispatcher: Any, args: Sequence[Any]) -> None:
        self.name = name
        self.call, self.program, self.engine, self.library = _instrumented(name, dispatcher, args)
        self.parallel = bool(dispatcher.targetoptions.get("parallel"))
        self.counters = _words(self.engine.get_global_value_address(self.program.symbol), max(self.program.slots, 1))

    def run(self, args: Sequence[Any]) -> Any:
        """The result of a call on one thread, counted from zero."""
        import numba

        self.counters[:] = 0
        self.counters[self.program.lows] = _HIGHEST
        threads = numba.get_num_threads()
        try:
            numba.set_num_threads(1)
            return self.call(*args)
        finally:
            numba.set_num_threads(threads)

    def tally(self, arrays: Sequence[tuple[str, Array]]) -> Tally:
        """What the last call did, to these arrays and to those in the code."""
        pieces = [Piece(name, one, *bounds(one)) for name, one in arrays]
        constants = self.program.constants
        if constants:
            table = _words(self.engine.get_global_value_address(f"{self.program.symbol}.constants"), len(constants))
            pieces += [
                Piece("a global array", None, int(low), int(low) + size)
                for (_, size), low in zip(constants, table, strict=True)
            ]
        return Tally(self, pieces)


def _words(address: int, count: int) -> Any:
    return np.ctypeslib.as_array((ctypes.c_uint64 * count).from_address(address))


def count_numba(made: Subject, found: Mapping[int, tuple[str, Any]]) -> Counts:
    """The counts of one call."""
    expected, before = plain_run(made, found)
    copied = copied_arrays(found)
    with made.replaced(copied) as (args, kwargs):
        given = [*args, *kwargs.values()]
        compiled = Compiled(made.name, made.function, given)
        result = guarded(made.name, compiled.run, [given], {})
    passed = _passed(made)
    tally = compiled.tally([(found[number][0], one) for number, one in copied.items() if number in passed])
    if not agree(made, found, (result, list(copied.values())), (expected, before)):
        tally.unknown = (*tally.unknown, "what depends on the number of threads")
    both = {piece.name for piece in tally.pieces if piece.read and piece.written}
    unread = _overwritten(made, found, both, (expected, before))
    pieces = [(piece.low, piece.high) for piece in tally.pieces]
    returned = [one for _, one in walk(result, "result")]
    new = [one for one in returned if not any(low <= bounds(one)[0] < high for low, high in pieces)]
    return tally.counts(new, unread)


def _passed(made: Subject) -> set[int]:
    """The arrays that are arguments: Numba copies those of globals and closures into its code."""
    inner = [*zip(made.names, made.args, strict=True), *made.kwargs.items()]
    return {id(array) for name, value in inner for _, array in walk(value, name)}


def _instrumented(name: str, dispatcher: Any, args: Sequence[Any]) -> tuple[Callable[..., Any], Instrumented, Any, Any]:
    """A function compiled for these arguments, with counters: its engine and its library have the addresses."""
    import llvmlite.binding as llvm
    import numba
    from numba import _dynfunc  # type: ignore[attr-defined]
    from numba.core.compiler_lock import global_compiler_lock

    with global_compiler_lock:
        try:
            types = tuple(dispatcher.typeof_pyval(one) for one in args)
            cached = any(getattr(one.library, "_disable_inspection", False) for one in dispatcher.overloads.values())
            if cached or not dispatcher._can_compile:  # read from a cache without its code, or of given signatures
                options = {option: value for option, value in dispatcher.targetoptions.items() if option != "cache"}
                dispatcher = numba.jit(**options)(dispatcher.py_func)
            dispatcher.compile(types)
            compiled = dispatcher.overloads[types]
        except Exception as error:  # noqa: BLE001 - of whatever kind, it is the compiler's
            raise UsageError(f"{name} cannot be compiled: {' '.join(str(error).split())[:200]}") from None
        unique = str(next(_UNIQUE))
        program = instrument(compiled.library.get_llvm_str(), unique)
        codegen = compiled.library.codegen
        module = llvm.parse_assembly(program.text)
        module.verify()
        library = codegen.unserialize_library((f"hwbench.{unique}", "bitcode", module.as_bitcode()))
        engine = codegen._engine
        wrapper = program.names[f"@{compiled.fndesc.llvm_cpython_wrapper_name}"].strip('@"')
        address = engine.get_function_address(wrapper)  # from here on globals have addresses
        for old_name, renamed in program.names.items():
            if old_name.strip('@"').startswith("_ZN08NumbaEnv"):
                old, new = (engine.get_global_value_address(one.strip('@"')) for one in (old_name, renamed))
                if old and new:
                    ctypes.c_void_p.from_address(new).value = ctypes.c_void_p.from_address(old).value
        call = _dynfunc.make_function(
            compiled.fndesc.lookup_module(), name, "", address, compiled.environment, (library,)
        )
    return call, program, engine, library


def _overwritten(
    made: Subject, found: Mapping[int, tuple[str, Any]], names: set[str], outcome: tuple[Any, list[Array]]
) -> set[str]:
    """Which arrays are written whatever was in them: other contents give the same results and the same arrays."""
    kept = set()
    for number, (name, _) in found.items():
        if name not in names:
            continue
        copied = copied_arrays(found)
        if copied[number].dtype.kind not in "fc" or not copied[number].flags.writeable:
            continue
        copied[number][...] = copied[number][::-1] + 0.5
        with made.replaced(copied) as (args, kwargs):
            try:
                result = guarded(made.name, made.function, args, kwargs)
            except UsageError:
                result = None  # contents matter
        if same(result, outcome[0]) and same(list(copied.values()), outcome[1]):
            kept.add(name)
    return kept


class Tally:
    """What one call did."""

    def __init__(self, compiled: Compiled, pieces: list[Piece]) -> None:
        self.compiled, self.pieces = compiled, pieces
        program, counters = compiled.program, compiled.counters
        self.issued = 0.0
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

    def _touch(self, low: int, high: int) -> list[Piece] | None:
        """The arrays that a range of addresses overlaps; None where it is the stack or a table of constants."""
        touched = [piece for piece in self.pieces if low < piece.high and high > piece.low]
        return touched if touched or any(first <= low < last for first, last in self.heap) else None

    def _access(self, one: Access, nbytes: float, low: int, last: int) -> None:
        high = last + one.item * (1 if one.scattered else one.lanes)
        touched = self._touch(low, high)
        if touched is None:
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
        types = [name for name, _ in self.by_dtype.most_common() if name]
        made = (
            [Temporary("numba", (temporary // 8,), types[0] if types else "", temporary)] if temporary > _HEADER else []
        )
        return Counts(
            kind="numba",
            compulsory=sum((piece.name not in unread) * piece.reads() + piece.writes() for piece in self.pieces) + out,
            footprint=sum(piece.touched() for piece in self.pieces) + out + sum(one.nbytes for one in made),
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
        )


def _issued(one: Access, counters: Any) -> float:
    if one.passed >= 0:
        return float(counters[one.passed]) * one.item
    return float(counters[one.block]) * one.item * one.lanes


def _flops(program: Instrumented, counters: Any) -> tuple[float, float]:
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


def _gaps(program: Instrumented, counters: Any, pieces: list[Piece]) -> tuple[Stride, ...]:
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
