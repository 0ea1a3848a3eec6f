"""Poison in memory where a variant may find an answer that it has not written: shared outputs and freed memory."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable

import numpy as np

from ..protocols import Array
from .inputs import arrays
from .verify_output import Answer

FREED = 32 * 2**20  # bytes from which on glibc gives freed memory back to the system, which clears it
BLOCKS = 8  # of freed memory are overwritten: as many as NumPy keeps of small ones, and one more

Again = Callable[[], Answer]
"""Gives an answer once more."""


class Kept:
    """The arrays that were given as answers, as long as something keeps them, and who gave them."""

    def __init__(self) -> None:
        self._givers: list[tuple[weakref.ref[Array], Again]] = []

    def add(self, outputs: Iterable[Array], again: Again) -> None:
        """Remember where an answer lies."""
        self._givers += [(weakref.ref(owner(one)), again) for one in outputs]

    def before(self, output: Array) -> list[Again]:
        """Who gave an answer in this memory before."""
        known = [(ref(), again) for ref, again in self._givers]
        return [again for one, again in known if one is not None and np.may_share_memory(output, one)]

    def stale(self, outputs: Iterable[Array], again: Again) -> tuple[bool, Answer]:
        """Whether a call leaves in its output what an earlier giver writes there, and what it gives this time.

        What no giver writes is constant: the right answer of each.
        """
        found = [(_Poisoned(one), self.before(one)) for one in outputs if one.flags.writeable]
        try:
            answer = again()
            left = [one.left() for one, _ in found]
            if any(mask.any() for mask in left):
                for giver in dict.fromkeys(giver for _, givers in found for giver in givers):
                    giver()
            return any((mask & ~one.left()).any() for mask, (one, _) in zip(left, found, strict=True)), answer
        finally:
            for one, _ in found:
                one.restore()


class _Poisoned:
    """An array that was poisoned, and what it held."""

    def __init__(self, array: Array) -> None:
        self.array, self._held = array, array.copy()
        poison(array)
        self._poison = _bytes(array).copy()

    def left(self) -> Array:
        """Where nothing was written since, by element."""
        left: Array = (_bytes(self.array) == self._poison).all(axis=1).reshape(self.array.shape)
        return left

    def restore(self) -> None:
        """Undo it where nothing was written."""
        left = self.left()
        self.array[left] = self._held[left]


def arrays_on_host(answer: Answer) -> list[Array]:
    """The NumPy arrays of an answer."""
    return [one for one in arrays(answer) if isinstance(one, np.ndarray)]


def poison(array: Array) -> None:
    """Make each element differ from what it is: whole numbers, which may be indices, by 1; others get all bits."""
    if array.dtype.kind in "biu":
        np.bitwise_xor(array, array.dtype.type(1), out=array)
    else:  # NaN where the type has one, of a kind that no arithmetic gives
        array[...] = np.frombuffer(b"\xff" * array.dtype.itemsize, array.dtype)


def overwrite_freed(sizes: Iterable[int]) -> None:
    """Fill freed memory of these sizes in bytes, where `np.empty` would find an answer or what led to it."""
    for size in {one for one in sizes if one}:
        [np.full(size, 0xFF, np.uint8) for _ in range(min(BLOCKS, FREED // size))]


def _bytes(array: Array) -> Array:
    """The bytes of each element."""
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).reshape(array.size, array.dtype.itemsize)


def owner(array: Array) -> Array:
    """The array whose memory a view shows."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array
