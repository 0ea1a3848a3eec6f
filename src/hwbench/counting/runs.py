"""Plain runs of a function on copies, and whether two runs gave the same."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from ..errors import UsageError
from .guards import guarded
from .inputs import Arrays, Subject
from .memory import Array, copies

Outcome: TypeAlias = tuple[object, list[Array]]
"""What a call returned, and the arrays that it was given as they are then."""


TOLERANCE = 1e-5  # sums in another order agree within this


def copied_arrays(found: Arrays) -> dict[int, Array]:
    """Copies of all arrays by the identity of the originals."""
    mine = {number: one for number, (_, one) in found.items() if type(one) in (np.ndarray, np.memmap)}
    made = dict(zip(mine, copies(list(mine.values())), strict=True))
    return {number: made[number] if number in made else one.copy() for number, (_, one) in found.items()}


def plain_run(made: Subject, found: Arrays) -> Outcome:
    """The result of a call on copies, and what is in the copies then."""
    copied = copied_arrays(found)
    with made.replaced(copied) as (args, kwargs):
        sizes = [_size(one) for one in (*args, *kwargs.values())]
        result = guarded(made.name, made.function, args, kwargs)
        for name, size, one in zip((*made.names, *kwargs), sizes, (*args, *kwargs.values()), strict=True):
            if size != _size(one):
                raise UsageError(
                    f"{made.name} changes its argument {name} from call to call ({size} and then {_size(one)} items): "
                    "copy it inside of the function"
                )
    return result, list(copied.values())


def _size(value: object) -> int | None:
    return len(value) if isinstance(value, list | dict | set) else None


def agree(made: Subject, found: Arrays, one: Outcome, other: Outcome) -> bool:
    """Whether a counted run gave the results and arrays of a plain one; a function that never does is refused."""
    if same(one, other):
        return True
    if not same(plain_run(made, found), other):
        raise UsageError(
            f"{made.name} is not deterministic: two calls with the same arguments gave different results; "
            "give random numbers a fixed seed"
        )
    return False


def same(one: object, other: object) -> bool:
    """Whether two results are equal, numbers up to the rounding of a sum in another order."""
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        one, other = np.asarray(one), np.asarray(other)
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
    if hasattr(one, "get") and hasattr(one, "dtype") and hasattr(other, "get"):  # on a GPU
        return same(one.get(), other.get())
    if isinstance(one, int | str | bytes | np.generic | None.__class__):
        return bool(one == other)
    return True  # an object of the user's, which may have no equality
