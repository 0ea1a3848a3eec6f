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
from .llvm_ir import Access, Instrumented, instrument
from .memory import Array, bounds, copies, distinct
from .model import Counts, Range, Stride, Temporary
from .numpy_counter import plain_run, same

_UNIQUE = itertools.count()
_HIGHEST = np.uint64(2**64 - 1)
_HEADER = 512  # bytes that Numba's allocations may have beside those of the array
_LETTERS = {115: ("f4", 1), 100: ("f8", 1), 99: ("c8", 4), 122: ("c16", 4)}


class Piece:
    """An array by its addresses: how many of its bytes are read, and written."""

    def __init__(self, name: str, array: Array | None, low: int, high: int) -> None:
        self.name, self.array, self.low, self.high = name, array, low, high
        self.read: list[tuple[int, int]] = []
        self.written: list[tuple[int, int]] = []
        self.loaded = self.stored = 0.0

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


def count_numba(made: Subject, found: Mapping[int, tuple[str, Any]]) -> Counts:
    """The counts of one call."""
    import numba
    from numba.core.compiler_lock import global_compiler_lock

    expected, before = plain_run(made, found)
    copied = dict(zip(found, copies([one for _, one in found.values()]), strict=True))
    with made.replaced(copied) as (args, kwargs):
        with global_compiler_lock:
            call, program = _instrumented(made, [*args, *kwargs.values()])
        counters, constants = _counters(program)
        counters[program.lows] = _HIGHEST
        threads = numba.get_num_threads()
        try:
            numba.set_num_threads(1)
            result = guarded(made.name, call, [*args, *kwargs.values()], {})
        finally:
            numba.set_num_threads(threads)
    if not same(result, expected) or not same(list(copied.values()), before):
        again, after = plain_run(made, found)
        if not same(again, expected) or not same(after, before):
            raise UsageError(
                f"{made.name} is not deterministic: two calls with the same arguments gave different results; "
                "give random numbers a fixed seed"
            )
        program.unknown["what depends on the number of threads"] = -1
    pieces = [Piece(found[number][0], one, *bounds(one)) for number, one in copied.items() if number in _passed(made)]
    pieces += [Piece("a global array", None, low, low + size) for (_, size), low in zip(program.constants, constants, strict=True)]
    results = [one for _, one in walk(result, "result") if not any(piece.low <= bounds(one)[0] < piece.high for piece in pieces)]
    return _summed(program, counters, pieces, results, _kept(made, found, expected, before), made)


def _passed(made: Subject) -> set[int]:
    """The arrays that are arguments: Numba copies those of globals and closures into its code."""
    inner = [*zip(made.names, made.args, strict=True), *made.kwargs.items()]
    return {id(array) for name, value in inner for _, array in walk(value, name)}


def _instrumented(made: Subject, args: Sequence[Any]) -> tuple[Callable[..., Any], Instrumented]:
    """The function compiled for these arguments, with counters."""
    import llvmlite.binding as llvm
    import numba
    from numba import _dynfunc

    dispatcher: Any = made.function
    try:
        types = tuple(dispatcher.typeof_pyval(one) for one in args)
        if any(getattr(one.library, "_disable_inspection", False) for one in dispatcher.overloads.values()):
            options = {name: value for name, value in dispatcher.targetoptions.items() if name != "cache"}
            dispatcher = numba.jit(**options)(dispatcher.py_func)
        dispatcher.compile(types)
        compiled = dispatcher.overloads[types]
    except Exception as error:  # noqa: BLE001 - of whatever kind, it is the compiler's
        raise UsageError(f"{made.name} cannot be compiled: {' '.join(str(error).split())[:200]}") from None
    unique = str(next(_UNIQUE))
    program = instrument(compiled.library.get_llvm_str(), unique)
    codegen = compiled.library.codegen
    module = llvm.parse_assembly(program.text)
    module.verify()
    library = codegen.unserialize_library((f"hwbench.{unique}", "bitcode", module.as_bitcode()))
    engine = codegen._engine
    wrapper = program.names[f"@{compiled.fndesc.llvm_cpython_wrapper_name}"].strip('@"')
    address = engine.get_function_address(wrapper)  # from here on globals have addresses
    for name, renamed in program.names.items():
        if name.strip('@"').startswith("_ZN08NumbaEnv"):
            old, new = (engine.get_global_value_address(one.strip('@"')) for one in (name, renamed))
            if old and new:
                ctypes.c_void_p.from_address(new).value = ctypes.c_void_p.from_address(old).value
    call = _dynfunc.make_function(
        compiled.fndesc.lookup_module(), made.name, "", address, compiled.environment, (library,)
    )
    program.engine = engine  # type: ignore[attr-defined]
    program.keep = library  # type: ignore[attr-defined]
    return call, program


def _counters(program: Instrumented) -> tuple[Any, list[int]]:
    """The counters where the code has them, and the addresses of the arrays in the code."""
    engine = program.engine  # type: ignore[attr-defined]
    address = engine.get_global_value_address(program.symbol)
    counters = np.ctypeslib.as_array((ctypes.c_uint64 * max(program.slots, 1)).from_address(address))
    if not program.constants:
        return counters, []
    table = engine.get_global_value_address(f"{program.symbol}.constants")
    return counters, list((ctypes.c_uint64 * len(program.constants)).from_address(table))


def _kept(made: Subject, found: Mapping[int, tuple[str, Any]], expected: Any, before: list[Array]) -> set[str]:
    """Arrays that are written whatever was in them: results are the same from other contents."""
    return set()


def _summed(
    program: Instrumented, counters: Any, pieces: list[Piece], results: list[Array], overwritten: set[str], made: Subject
) -> Counts:
    heap = [(int(counters[one.slot + 1]), int(counters[one.slot + 2]) + _HEADER) for one in program.meters if one.kind == "allocated" and counters[one.slot]]
    issued = 0.0
    by_dtype: Counter[str] = Counter()
    for one in program.accesses:
        nbytes = _issued(one, counters)
        if not nbytes:
            continue
        low, high = int(counters[one.slot]), int(counters[one.slot + 1]) + one.item * (1 if one.scattered else one.lanes)
        touched = [piece for piece in pieces if low < piece.high and high > piece.low]
        if not touched and not any(first <= low < last for first, last in heap):
            continue  # the stack, tables of constants
        issued += nbytes
        by_dtype[one.float_type] += int(nbytes)
        for piece in touched:
            part = max(low, piece.low), min(high, piece.high)
            (piece.written if one.store else piece.read).append(part)
            if one.store:
                piece.stored += nbytes
            else:
                piece.loaded += nbytes
    flops_low, flops_high = _flops(program, counters)
    blas = False
    for meter in program.meters:
        amount = float(counters[meter.slot])
        if meter.kind == "written":
            issued += amount
        elif meter.kind == "copied":
            issued += 2 * amount
        elif meter.kind in ("gemm", "gemv", "dot") and amount:
            kind, factor = _LETTERS.get(meter.item, ("f8", 1))
            size = int(kind[1:])
            issued += size * (float(counters[meter.slot + 1]) if meter.kind == "gemm" else amount * (2 if meter.kind == "dot" else 1))
            flops_low += 2 * amount * factor
            flops_high += 2 * amount * factor
            blas = True
    unknown = tuple(name for name, block in program.unknown.items() if block < 0 or counters[block])
    compulsory = sum(
        (0 if piece.name in overwritten else piece.bytes(piece.read, piece.loaded)) + piece.bytes(piece.written, piece.stored)
        for piece in pieces
    )
    out = sum(distinct(one) for one in results)
    allocated = sum(int(counters[one.slot]) for one in program.meters if one.kind == "allocated")
    temporary = max(allocated - sum(one.nbytes for one in results), 0)
    temporaries = (Temporary("numba", (temporary // 8,), by_dtype.most_common(1)[0][0] if by_dtype else "", temporary),)
    touched_bytes = sum(piece.bytes([*piece.read, *piece.written], math.inf) for piece in pieces)
    types = [name for name, _ in by_dtype.most_common() if name]
    return Counts(
        kind="numba",
        compulsory=compulsory + out,
        footprint=touched_bytes + out + (temporary if temporary > _HEADER else 0),
        issued=Range(issued, math.inf if unknown else issued),
        flops=Range(flops_low, math.inf if unknown else flops_high),
        moved=None,
        moved_note="",
        unknown=unknown,
        temporaries=temporaries if temporary > _HEADER else (),
        strides=_gaps(program, counters, pieces),
        parallel=blas or bool(made.function.targetoptions.get("parallel")),  # type: ignore[attr-defined]
        calls=(made.name,),
        dtype=types[0] if types else "",
        fusable=None if unknown else Range(issued, issued),
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
    """Steps of scalar accesses; copies of one access in an unrolled loop lie within its step."""
    found: dict[tuple[str, int, int], float] = {}
    blocks: dict[tuple[str, int], list[Access]] = {}
    for one in program.accesses:
        low = int(counters[one.slot])
        piece = next((piece for piece in pieces if piece.low <= low < piece.high), None)
        if piece is not None and one.lanes == 1 and counters[one.block] > 2:
            blocks.setdefault((piece.name, one.block), []).append(one)
    for (name, block), together in blocks.items():
        steps = [int(np.int64(counters[one.slot + 4])) for one in together]
        lows = sorted(int(counters[one.slot]) for one in together)
        stride = math.gcd(*steps, *(high - low for low, high in itertools.pairwise(lows)))
        if stride > together[0].item:
            key = (name, stride, together[0].item)
            found[key] = found.get(key, 0) + float(counters[block]) * len(together)
    return tuple(Stride(*one) for one in sorted(found, key=lambda one: found[one], reverse=True)[:20])
