"""Counts a call of Python code that uses arrays: a plain run and a traced one, on copies, which must give the same."""

from __future__ import annotations

import inspect
import math
from dataclasses import replace
from typing import Any

import numpy as np

from .cffi_calls import is_function
from .foreign_tracer import KERNELS, Foreign, bare, foreign, kernel, libraries
from .guards import guarded
from .inputs import Arrays, Function, Subject, walk
from .ledger import Ledger
from .memory import Array
from .model import Counts, Range
from .numpy_patches import tracing
from .numpy_tracer import plain, traced
from .recorder import RECORDER
from .reuse import reuses
from .runs import agree, copied_arrays, plain_run
from .watching import watching


def count_numpy(made: Subject, found: Arrays) -> Counts:
    """The counts of one call."""
    outcome = plain_run(made, found)
    ledger = Ledger()
    copied = copied_arrays(found)
    by: dict[int, object] = {}
    for number, (name, _) in found.items():
        one = by[number] = traced(copied[number]) if isinstance(copied[number], np.ndarray) else foreign(copied[number])
        ledger.enter(one.shadow if isinstance(one, Foreign) else copied[number], name)
        if one is copied[number]:  # a matrix, a masked array
            ledger.unseen(f"calls of {type(copied[number]).__name__}")
    others = [one for _, one in found.values() if not isinstance(one, np.ndarray)]
    with (
        tracing(ledger) as functions,
        libraries(others),
        made.replaced({**functions, **by, **_compiled(made)}) as (args, kwargs),
    ):
        result = guarded(made.name, _watched(made.function, ledger, made.top), args, kwargs)
    given = bare(plain(result))
    if not agree(made, found, (given, list(copied.values())), outcome):
        ledger.unseen("what depends on the type of its arrays")
    for name in (*made.unseen, *(f"{one.name} (cffi)" for one in made.outer if is_function(one.value))):
        ledger.unseen(name)
    results = [one.shadow if isinstance(one, Foreign) else plain(one) for _, one in walk(result, "result")]
    counts = summed(ledger, results)
    return replace(counts, kind="cupy") if others else counts


def _compiled(made: Subject) -> dict[int, object]:
    """What the function calls of Numba and CuPy, by identity, with stand-ins that report what they do."""
    found: dict[int, object] = {}
    for one in made.outer:
        if hasattr(one.value, "inspect_llvm") and hasattr(one.value, "py_func"):
            found[id(one.value)] = _numba_call(one.name, one.value)
        elif type(one.value).__name__ in KERNELS and "cupy" in type(one.value).__module__:
            found[id(one.value)] = kernel(one.name, one.value)
    return found


def _numba_call(name: str, dispatcher: Any) -> Function:
    """A Numba function that NumPy code calls: counted in its compiled code."""
    from .numba_code import Compiled
    from .numba_tally import tally

    known: dict[tuple[object, ...], Compiled] = {}
    signature = inspect.signature(dispatcher.py_func)

    def call(*args: object, **kwargs: object) -> object:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        given = [plain(one) for one in bound.args]
        types = tuple(dispatcher.typeof_pyval(one) for one in given)
        with RECORDER.hushed():
            if types not in known:
                known[types] = Compiled(name, dispatcher, given)
            result = known[types].run(given)
            if RECORDER.ledger is not None:
                did = tally(known[types], [(inside, one) for part in given for inside, one in walk(part, "")])
                RECORDER.ledger.tallied(name, did, [one for _, one in walk(result, "")])
        return traced(result)

    return call


def _watched(function: Function, ledger: Ledger, top: str) -> Function:
    def call(*args: object, **kwargs: object) -> object:
        with watching(ledger, top):
            return function(*args, **kwargs)

    return call


def summed(ledger: Ledger, results: list[Array]) -> Counts:
    """What a traced run comes to."""
    outside = ledger.touched()
    made = ledger.results(results)
    nothing = not ledger.by_name and not ledger.flops_high
    unknown = tuple(ledger.unknown)
    issued = Range(ledger.low, math.inf if unknown else ledger.high)
    flops = Range(ledger.flops_low, math.inf if unknown else ledger.flops_high)
    if nothing and not ledger.outside:
        return Counts("python", 0, 0, None, None, None, "", unknown, (), (), False, (), "", None)
    return Counts(
        kind="numpy",
        compulsory=ledger.read_and_written() + made,
        footprint=outside + max(ledger.most_live, made),
        issued=issued,
        flops=flops,
        moved=None,
        moved_note="",
        unknown=unknown,
        temporaries=ledger.temporaries(results),
        strides=ledger.gaps(),
        parallel=ledger.blas,
        calls=tuple(name for name, nbytes in ledger.by_name.most_common() if nbytes),
        dtype=ledger.by_dtype.most_common(1)[0][0] if ledger.by_dtype else "",
        fusable=None if unknown else ledger.fused(results),
        data=outside + made,
        reuses=reuses(ledger.entries, ledger.freed) if ledger.complete else (),
    )
