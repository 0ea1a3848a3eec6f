"""Poison in memory that variants share: none of them may pass the check with an answer that another left there."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator
from typing import TypeGuard

import numpy as np

from ..bench import Inputs
from ..protocols import Array, DeviceArray
from .verify_output import Answer


class Shared:
    """The arrays among the inputs, on the host and on a GPU, as a variant's call finds them."""

    def __init__(self, *inputs: Inputs) -> None:
        self._arrays = list({id(one): one for one in arrays(inputs)}.values())
        self._before = [digest(one) for one in self._arrays]

    def apart(self, answer: Answer) -> Answer:
        """The answer, copied where it lies in the inputs: whoever writes there next would change it."""
        mine = (one for one in self._arrays if isinstance(one, np.ndarray))
        return copied(answer) if sharing(answer, mine) else answer

    def poison(self) -> bool:
        """Poison the arrays that were written since; whether there are any."""
        written = [one for one, before in zip(self._arrays, self._before, strict=True) if digest(one) != before]
        for one in written:
            poison(one)
        return bool(written)


class Kept:
    """The arrays that variants gave as their answers, as long as something keeps them."""

    def __init__(self) -> None:
        self._owners: list[weakref.ref[Array]] = []

    def among(self, output: Answer) -> list[Array]:
        """The arrays of an output that share memory with the answer of a variant before."""
        return sharing(output, [owner for one in self._owners if (owner := one()) is not None])

    def add(self, output: Answer) -> None:
        """Remember where an answer lies."""
        self._owners += [weakref.ref(_owner(one)) for one in arrays(output) if isinstance(one, np.ndarray)]


def arrays(of: object) -> Iterator[Array | DeviceArray]:
    """The writable arrays of numbers in an array, or in tuples, lists and dictionaries of these."""
    if isinstance(of, tuple | list):
        for one in of:
            yield from arrays(one)
    elif isinstance(of, dict):
        yield from arrays(list(of.values()))
    elif (_on_device(of) or (isinstance(of, np.ndarray) and of.flags.writeable)) and of.dtype.kind in "biufc":
        yield of


def sharing(answer: Answer, others: Iterable[Array]) -> list[Array]:
    """The arrays of an answer that share memory with any of the others."""
    others, mine = list(others), [one for one in arrays(answer) if isinstance(one, np.ndarray)]
    return [one for one in mine if any(np.may_share_memory(one, other) for other in others)]


def copied(answer: Answer) -> Answer:
    """The same answer in memory of its own."""
    return tuple(np.array(part) for part in answer) if isinstance(answer, tuple | list) else np.array(answer)


def digest(array: Array | DeviceArray) -> tuple[int, bytes]:
    """The sum of the array's words, and the bytes beyond the last word: memory is read once."""
    host = array.get() if _on_device(array) else array
    flat = np.ascontiguousarray(host).reshape(-1).view(np.uint8)
    whole = flat.size // 8 * 8
    return int(flat[:whole].view(np.uint64).sum()), flat[whole:].tobytes()


def poison(array: Array | DeviceArray) -> None:
    """Make each element differ from what it is: NaN where there is one, else all bits inverted."""
    if _on_device(array):
        host = array.get()
        poison(host)
        array.set(host)
    elif isinstance(array, np.ndarray):
        if array.dtype.kind in "fc":
            array[...] = np.nan
        else:
            np.invert(array, out=array)


def _on_device(array: object) -> TypeGuard[DeviceArray]:
    return hasattr(array, "get") and hasattr(array, "set") and hasattr(array, "dtype")


def _owner(array: Array) -> Array:
    """The array whose memory a view shows."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array
