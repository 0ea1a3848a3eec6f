"""Counts a call of Python code that uses NumPy: a plain run and a traced one, on copies, which must give the same."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import UsageError
from .guards import guarded
from .inputs import Subject, walk
from .ledger import Ledger
from .memory import Array, copies
from .model import Counts, Range
from .numpy_tracer import plain, traced, tracing
from .watching import watching

TOLERANCE = 1e-5  # sums in another order agree within this


def count_numpy(made: Subject, found: Mapping[int, tuple[str, Any]]) -> Counts:
    """The counts of one call."""
    expected, before = plain_run(made, found)
    ledger = Ledger()
    copied = dict(zip(found, copies([one for _, one in found.values()]), strict=True))
    for number, (name, _) in found.items():
        ledger.enter(copied[number], name)
    by = {number: traced(one) for number, one in copied.items()}
    with tracing(ledger) as functions, made.replaced({**functions, **by}) as (args, kwargs):
        result = guarded(made.name, _watched(made.function, ledger, made.top), args, kwargs)
    if not same(plain(result), expected) or not same(list(copied.values()), before):
        again, after = plain_run(made, found)
        if not same(again, expected) or not same(after, before):
            raise UsageError(
                f"{made.name} is not deterministic: two calls with the same arguments gave different results; "
                "give random numbers a fixed seed"
            )
        ledger.unseen("what depends on the type of its arrays")
    for name in made.unseen:
        ledger.unseen(name)
    return summed(ledger, [one for _, one in walk(plain(result), "result")])


def plain_run(made: Subject, found: Mapping[int, tuple[str, Any]]) -> tuple[Any, list[Array]]:
    """The result of a call on copies, and what is in the copies then."""
    copied = copies([one for _, one in found.values()])
    with made.replaced(dict(zip(found, copied, strict=True))) as (args, kwargs):
        sizes = [_size(one) for one in (*args, *kwargs.values())]
        result = guarded(made.name, made.function, args, kwargs)
        for name, size, one in zip((*made.names, *kwargs), sizes, (*args, *kwargs.values()), strict=True):
            if size != _size(one):
                raise UsageError(
                    f"{made.name} changes its argument {name} from call to call ({size} and then {_size(one)} items): "
                    "copy it inside of the function"
                )
    return result, copied


def _size(value: object) -> int | None:
    return len(value) if isinstance(value, list | dict | set) else None


def _watched(function: Any, ledger: Ledger, top: str) -> Any:
    def call(*args: Any, **kwargs: Any) -> Any:
        with watching(ledger, top):
            return function(*args, **kwargs)

    return call


def same(one: Any, other: Any) -> bool:
    """Whether two results are equal, numbers up to the rounding of a sum in another order."""
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        if one.shape != other.shape or one.dtype != other.dtype:
            return False
        if one.dtype.kind in "fc" and one.size:
            scale = np.nanmax(np.abs(other[np.isfinite(other)]), initial=0)
            return bool(np.allclose(one, other, rtol=TOLERANCE, atol=TOLERANCE * float(scale), equal_nan=True))
        return bool(np.array_equal(one, other))
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, float | complex | np.inexact) and isinstance(other, float | complex | np.inexact):
        return bool(np.isclose(one, other, rtol=TOLERANCE, atol=0, equal_nan=True))
    if isinstance(one, int | str | bytes | np.generic | None.__class__):
        return bool(one == other)
    return True  # an object of the user's, which may have no equality


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
    )
