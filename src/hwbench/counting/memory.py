"""Which bytes of memory arrays touch, and copies of arrays that overlap as the originals do."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import EllipsisType
from typing import SupportsIndex, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = np.ndarray
Dtype: TypeAlias = np.dtype
At: TypeAlias = SupportsIndex | slice | EllipsisType | Array | None
Index: TypeAlias = At | tuple[At, ...]


def bounds(array: Array) -> tuple[int, int]:
    """The first address of an array's elements and the one after the last."""
    return np.lib.array_utils.byte_bounds(array) if array.size else (array.ctypes.data, array.ctypes.data)


def distinct(array: Array) -> int:
    """Bytes of distinct memory: repeated rows of a broadcast array count once, windows that overlap too."""
    if not array.size or array.flags.forc:
        return array.nbytes
    axes = zip(array.strides, array.shape, strict=True)
    sizes = sorted((abs(stride), size) for stride, size in axes if stride and size > 1)
    reach = array.itemsize
    for stride, size in sizes:
        if stride < reach:  # elements of this axis overlap those of the axes inside
            return Touched(*bounds(array), granule(array)).add(array)
        reach = stride * (size - 1) + reach
    return int(math.prod(size for _, size in sizes)) * array.itemsize


def granule(array: Array) -> int:
    """The number of bytes that divides the sizes and strides of an array."""
    part = array.itemsize // 2 if array.dtype.kind == "c" else array.itemsize
    return math.gcd(part, *array.strides) or 1


class Touched:
    """Marks for each `step` bytes of a piece of memory."""

    def __init__(self, low: int, high: int, step: int) -> None:
        self.low, self.step = low, step
        self.marks = np.zeros(-(-(high - low) // step), bool)

    def of(self, array: Array) -> npt.NDArray[np.bool_]:
        """The marks of an array's elements, as a view that has the array's shape and, where needed, one axis more."""
        step, offset = self.step, array.__array_interface__["data"][0] - self.low
        if offset % step or array.itemsize % step or any(stride % step for stride in array.strides):
            low, high = bounds(array)  # an odd view of other items: all between its first and its last byte
            return self.marks[(low - self.low) // step : -((self.low - high) // step)]
        per = array.itemsize // step
        shape, strides = array.shape, tuple(stride // step for stride in array.strides)
        if per > 1:
            shape, strides = (*shape, per), (*strides, 1)
        return np.ndarray(shape, bool, self.marks, offset // step, strides)

    def element(self, array: Array, index: int | tuple[int, ...]) -> slice:
        """Where the marks of one element are, given one whole number for each axis."""
        offset = array.__array_interface__["data"][0] - self.low
        numbers = index if isinstance(index, tuple) else (index,)
        for number, size, stride in zip(numbers, array.shape, array.strides, strict=False):
            offset += (int(number) + (size if number < 0 else 0)) * stride
        first = offset // self.step
        return slice(first, first + max(array.itemsize // self.step, 1))

    def add(self, array: Array) -> int:
        """Mark an array's elements; the bytes that are marked in all."""
        if array.size:
            self.of(array)[...] = True
        return self.bytes

    @property
    def bytes(self) -> int:
        """How many bytes are marked."""
        return int(np.count_nonzero(self.marks)) * self.step


class _Raw:
    """Memory by address, as bytes."""

    def __init__(self, low: int, high: int) -> None:
        self.__array_interface__ = {"data": (low, True), "shape": (high - low,), "typestr": "|u1", "version": 3}


def groups(arrays: Sequence[Array]) -> list[tuple[int, int, list[int]]]:
    """Pieces of memory with the arrays, by number, that lie in each: arrays that may overlap share a piece."""
    found: list[tuple[int, int, list[int]]] = []
    for number in sorted(range(len(arrays)), key=lambda one: bounds(arrays[one])):
        low, high = bounds(arrays[number])
        if found and low < found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], high), [*found[-1][2], number]
        else:
            found.append((low, high, [number]))
    return found


def copies(arrays: Sequence[Array]) -> list[Array]:
    """Copies with the strides, the overlaps, the alignment and the write protection of the originals."""
    made: list[Array] = list(arrays)
    for low, high, members in groups(arrays):
        room = np.empty(high - low + 128, np.uint8)
        start = (low - room.ctypes.data) % 64
        memory = room[start : start + high - low]
        memory[:] = np.asarray(_Raw(low, high))
        for number in members:
            one = arrays[number]
            offset = one.__array_interface__["data"][0] - low if one.size else 0
            made[number] = np.ndarray(one.shape, one.dtype, memory, offset, one.strides)
            made[number].flags.writeable = one.flags.writeable
    return made
