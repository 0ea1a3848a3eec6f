"""Adds up the calls of one traced run: bytes, flops, temporaries, strides, and what is live at once."""

from __future__ import annotations

import math
import threading
import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from .memory import Array, Index, Touched, bounds, distinct, granule
from .model import Range, Stride, Temporary
from .numpy_costs import Cost

if TYPE_CHECKING:
    from .numba_tally import Tally

MOST_CALLS = 100_000  # kept one by one, to see which could be fused
LOOPS = ("elementwise", "reduction")  # calls that can be part of one loop
SMALL = 4096  # bytes: no stride of so few is worth a word


@dataclass
class Buffer:
    """Memory that belongs to one array: from outside, or made by a call."""

    made_by: str  # "" from outside
    name: str
    shape: tuple[int, ...]
    dtype: str
    nbytes: int
    read: Touched | None = None
    written: Touched | None = None


@dataclass
class Use:
    """A call's use of a buffer: which bytes, how many, and between which of the buffer's bytes they lie."""

    buffer: Buffer
    key: tuple[object, ...]
    nbytes: int
    span: tuple[int, int] = (0, 0)


@dataclass
class Entry:
    """A call."""

    name: str
    kind: str
    reads: list[Use]
    writes: list[Use]


@dataclass
class Ledger:
    """What one traced run did."""

    low: float = 0
    high: float = 0
    flops_low: float = 0
    flops_high: float = 0
    unknown: dict[str, None] = field(default_factory=dict)
    by_name: Counter[str] = field(default_factory=Counter)
    by_dtype: Counter[str] = field(default_factory=Counter)
    strides: dict[tuple[str, int, int], int] = field(default_factory=dict)
    blas: bool = False
    entries: list[Entry] = field(default_factory=list)
    complete: bool = True
    calls: int = 0
    buffers: dict[int, Buffer] = field(default_factory=dict)
    made: list[Buffer] = field(default_factory=list)
    outside: list[Buffer] = field(default_factory=list)
    live: int = 0
    most_live: int = 0
    freed: list[tuple[int, Buffer]] = field(default_factory=list)  # before which call
    _one_at_a_time: threading.RLock = field(default_factory=threading.RLock)  # threads of the function's
    _watched: dict[int, weakref.ref[object]] = field(default_factory=dict)

    # --- memory

    def enter(self, array: Array, name: str) -> None:
        """An array from outside."""
        buffer = self.buffer(array)
        buffer.name, buffer.made_by = buffer.name or name, ""
        if buffer.read is None:
            low, high = bounds(owner(array))
            step = granule(array)
            step = step if array.__array_interface__["data"][0] % step == low % step else 1
            buffer.read, buffer.written = Touched(low, high, step), Touched(low, high, step)
            self.outside.append(buffer)
            self.made = [one for one in self.made if one is not buffer]
            self.live -= buffer.nbytes
            self.most_live = self.live

    def knows(self, array: Array) -> bool:
        """Whether an array came from outside or was made by a call."""
        return id(owner(array)) in self.buffers

    def buffer(self, array: Array, made_by: str = "?") -> Buffer:
        """The memory that an array lies in."""
        base = owner(array)
        found = self.buffers.get(id(base))
        if found is None:
            whole = array if array.nbytes == base.nbytes else base  # which may be bytes
            found = Buffer(made_by, "", whole.shape, whole.dtype.str[1:], base.nbytes)
            self.buffers[id(base)] = found
            self._watched[id(base)] = weakref.ref(base, self._freed(id(base)))
            self.made.append(found)
            self.live += found.nbytes
            self.most_live = max(self.most_live, self.live)
        return found

    def _freed(self, key: int) -> Callable[[object], None]:
        def gone(_ref: object) -> None:
            buffer = self.buffers.pop(key, None)
            self._watched.pop(key, None)
            if buffer is not None and buffer.read is None:
                self.live -= buffer.nbytes
                self.freed.append((len(self.entries), buffer))

        return gone

    # --- calls

    def call(
        self, name: str, reads: Iterable[Array], writes: Iterable[Array], cost: Cost, numbers: Sequence[Buffer] = ()
    ) -> Buffer | None:
        """A call that reads and writes arrays; an array named twice is read once, transposed or not.

        `numbers` are where single numbers among the operands come from. Gives where the result comes from if that is a
        single number.
        """
        with self._one_at_a_time:
            return self._call(name, list(reads), list(writes), cost, numbers)

    def _call(
        self, name: str, reads: Sequence[Array], writes: Sequence[Array], cost: Cost, numbers: Sequence[Buffer]
    ) -> Buffer | None:
        into = [self._use(one, name) for one in writes]
        made = None
        if not writes:
            made = Buffer(name, "", (), "", 0)
            into.append(Use(made, (), 0))
        unique = [one for one in reads if one.ndim]
        if len(unique) > 1:
            unique = list({elements(one): one for one in unique}.values())
        uses = [self._use(one, name) for one in unique]
        for one, use in zip(unique, uses, strict=True):
            if use.buffer.read is not None:
                self._mark_read(one)
        for one, use in zip(writes, into, strict=False):
            if use.buffer.written is not None:
                self._mark_written(one)
        uses += [Use(one, (), 0) for one in numbers]
        nbytes = sum(use.nbytes for use in uses) + sum(use.nbytes for use in into)
        self.add(name, nbytes + cost.extra, nbytes + (cost.extra if cost.extra_high is None else cost.extra_high),
                 cost.flops, cost.flops if cost.flops_high is None else cost.flops_high)  # fmt: skip
        self.blas |= cost.blas
        for array in (*unique, *writes):
            if array.dtype.kind in "fc":
                self.by_dtype[array.dtype.str[1:]] += array.nbytes
        if not cost.blas:
            self._look_at_strides([*unique, *writes])
        self._enter(Entry(name, cost.kind, uses, into))
        return made

    def _enter(self, entry: Entry) -> None:
        if len(self.entries) < MOST_CALLS:
            self.entries.append(entry)
        else:
            self.complete = False

    def tallied(self, name: str, tally: Tally, results: Sequence[Array]) -> None:
        """A call of compiled code, with what it did to each array."""
        self.add(name, tally.issued, tally.issued, tally.flops_low, tally.flops_high)
        self.by_dtype += tally.by_dtype
        self.blas |= tally.blas or tally.compiled.parallel
        for one in tally.unknown:
            self.unseen(one)
        reads = [piece.array for piece in tally.pieces if piece.array is not None and piece.read]
        writes = [piece.array for piece in tally.pieces if piece.array is not None and piece.written]
        for array in reads:
            self._mark_read(array)
        for array in writes:
            self._mark_written(array)
        into = [self._use(one, name) for one in (*writes, *results)]
        self._enter(Entry(name, "other", [self._use(one, name) for one in reads], into))

    def add(self, name: str, low: float, high: float, flops_low: float = 0, flops_high: float = 0) -> None:
        """Bytes and flops of a call."""
        self.calls += 1
        self.low += low
        self.high += high
        self.flops_low += flops_low
        self.flops_high += flops_high
        self.by_name[name] += int(low)

    def unseen(self, name: str) -> None:
        """A call whose work is not known."""
        self.unknown[name] = None

    def _use(self, array: Array, name: str) -> Use:
        buffer = self.buffer(array, name)
        return Use(buffer, key(array), distinct(array) if array.ndim else 0, span(array))

    def _mark_read(self, array: Array) -> None:
        buffer = self.buffer(array)
        if buffer.read is not None and buffer.written is not None and array.size:
            fresh = ~buffer.written.of(array)
            buffer.read.of(array)[...] |= fresh

    def _mark_written(self, array: Array) -> None:
        written = self.buffer(array).written
        if written is not None and array.size:
            written.of(array)[...] = True

    def pick(
        self, name: str, array: Array, index: Index, result: Array, *, write: bool = False, value: Array | None = None
    ) -> None:
        """An access by numbers or a mask: the numbers, the picked elements, and where they go or come from."""
        parts = index if isinstance(index, tuple) else (index,)
        sources = [one for one in (*parts, value) if isinstance(one, np.ndarray) and one.ndim]
        buffer = self.buffer(array)
        if buffer.read is not None and buffer.written is not None:
            written, read = buffer.written.of(array), buffer.read.of(array)
            if written.ndim < array.ndim:
                (written if write else read)[...] = True
            elif write:
                written[index] = True
            else:
                read[index] |= ~written[index]
        for one in sources:
            self._mark_read(one)
        uses = [self._use(one, name) for one in sources]
        mine = Use(buffer, ("picked", id(index)), result.size * array.itemsize, span(array))
        into = [mine] if write else [self._use(result, name)]
        uses += [] if write else [mine]
        total = sum(use.nbytes for use in (*uses, *into))
        self.add(name, total, total)
        self._enter(Entry(name, "other", uses, into))

    def pick_marks(self, array: Array, index: Index) -> None:
        """Elements that are updated by numbers: read and written."""
        buffer = self.buffer(array)
        if buffer.read is not None and buffer.written is not None:
            for marks in (buffer.read.of(array), buffer.written.of(array)):
                marks[index if marks.ndim >= array.ndim else ...] = True

    def element(self, array: Array, index: int | tuple[int, ...], *, write: bool) -> None:
        """One number is read or written."""
        buffer = self.buffer(array)
        if buffer.read is not None and buffer.written is not None:
            mine = buffer.read.element(array, index)
            if write:
                buffer.written.marks[mine] = True
            elif not buffer.written.marks[mine].all():
                buffer.read.marks[mine] = True
        self.add("setitem" if write else "getitem", array.itemsize, array.itemsize)
        if array.dtype.kind in "fc":
            self.by_dtype[array.dtype.str[1:]] += array.itemsize

    def _look_at_strides(self, arrays: Sequence[Array]) -> None:
        """The axis that the loop runs along is the one that has the smallest steps; who steps far on it has gaps."""
        large = [one for one in arrays if one.nbytes > SMALL]
        if not large:
            return
        ndim = max(one.ndim for one in large)
        whole = [one for one in large if one.ndim == ndim]
        axes = [axis for axis in range(ndim) if max(one.shape[axis] for one in whole) > 1]
        inner = min(reversed(axes), key=lambda axis: sum(abs(one.strides[axis]) for one in whole))
        for one in whole:
            stride = abs(one.strides[inner])
            if stride > one.itemsize and one.shape[inner] > 1:
                buffer = self.buffer(one)
                seen = (buffer.name or f"temporary of {buffer.made_by}", stride, one.itemsize)
                self.strides[seen] = self.strides.get(seen, 0) + one.nbytes

    # --- sums

    def read_and_written(self) -> int:
        """Bytes from outside that were read before they were written, and those that were written."""
        return sum(one.read.bytes + one.written.bytes for one in self.outside if one.read and one.written)

    def touched(self) -> int:
        """Distinct bytes from outside."""
        marks = [(one.read, one.written) for one in self.outside if one.read and one.written]
        return sum(int(np.count_nonzero(read.marks | written.marks)) * read.step for read, written in marks)

    def results(self, arrays: Sequence[Array]) -> int:
        """Distinct bytes of results in memory that the call made; one that no call has made was made unseen."""
        total = 0
        if any(one.nbytes and not self.knows(one) for one in arrays):
            self.unseen("how the result is made")
        seen: dict[int, list[Array]] = {}
        for one in arrays:
            buffer = self.buffer(one, "result")
            if buffer.read is None and one.ndim:
                seen.setdefault(id(buffer), []).append(one)
        for parts in seen.values():
            unique = list({key(one): one for one in parts}.values())
            if len(unique) == 1:
                total += distinct(unique[0])
                continue
            low, high = bounds(owner(unique[0]))
            marks = Touched(low, high, math.gcd(*(granule(one) for one in unique)))
            for one in unique:
                marks.add(one)
            total += marks.bytes
        return total

    def temporaries(self, results: Sequence[Array]) -> tuple[Temporary, ...]:
        """Arrays that were made and not returned, largest first."""
        kept = {id(self.buffer(one)) for one in results}
        made = [one for one in self.made if id(one) not in kept and one.nbytes and one.shape and one.made_by != "?"]
        made.sort(key=lambda one: one.nbytes, reverse=True)
        return tuple(Temporary(one.made_by, one.shape, one.dtype, one.nbytes) for one in made[:1000])

    def gaps(self) -> tuple[Stride, ...]:
        """Strided accesses, those of most bytes first."""
        ordered = sorted(self.strides, key=lambda one: self.strides[one], reverse=True)
        return tuple(Stride(*one) for one in ordered[:20])

    def fused(self, results: Sequence[Array]) -> Range | None:
        """Issued bytes if every chain of elementwise calls, with the reduction at its end, were one loop."""
        if not self.complete or math.isinf(self.high):
            return None
        saved = savings(self.entries, {id(self.buffer(one)) for one in results})
        return Range(self.low - saved, self.high - saved)


def savings(entries: Sequence[Entry], results: set[int]) -> float:
    """Bytes that fusing saves: a chain neither writes nor reads its temporaries, and reads once what it needs twice.

    A chain ends where a call needs a whole array first: after a reduction, a product, or where an array is overwritten
    of which the chain still reads other elements.
    """
    depth: dict[int, int] = {}  # of the call that wrote a buffer
    loop: dict[int, bool] = {}
    reading: dict[int, tuple[int, set[tuple[object, ...]]]] = {}  # depth at which a buffer is read, and which parts
    written: dict[int, tuple[int, tuple[object, ...]]] = {}
    placed: list[int] = []
    for entry in entries:
        level = 0
        for use in entry.reads:
            made = id(use.buffer)
            apart = entry.kind not in LOOPS or not loop.get(made, True)
            level = max(level, depth.get(made, 0) + apart)
            if made in written and written[made][1] != use.key and use.buffer.made_by == "":
                level = max(level, written[made][0] + 1)
        for use in entry.writes:
            made = id(use.buffer)
            at, parts = reading.get(made, (-1, set()))
            if parts - {use.key}:
                level = max(level, at + 1)
            level = max(level, depth.get(made, 0))
        placed.append(level)
        for use in entry.reads:
            made = id(use.buffer)
            at, parts = reading.get(made, (-1, set()))
            reading[made] = (level, {use.key} | (parts if at == level else set())) if level >= at else (at, parts)
        for use in entry.writes:
            depth[id(use.buffer)], loop[id(use.buffer)] = level, entry.kind == "elementwise"
            written[id(use.buffer)] = level, use.key
    saved = 0.0
    readers: dict[int, set[tuple[int, bool]]] = {}
    for entry, level in zip(entries, placed, strict=True):
        for use in entry.reads:
            readers.setdefault(id(use.buffer), set()).add((level, entry.kind in LOOPS))
    read: set[tuple[object, ...]] = set()
    stored: set[tuple[object, ...]] = set()
    for entry, level in zip(entries, placed, strict=True):
        if entry.kind not in LOOPS:
            continue
        for use in entry.reads:
            part = (level, id(use.buffer), use.key)
            if part in read or part in stored:
                saved += use.nbytes
            read.add(part)
        for use in entry.writes:
            made, part = id(use.buffer), (level, id(use.buffer), use.key)
            hidden = use.buffer.made_by != "" and made not in results and readers.get(made, set()) <= {(level, True)}
            if entry.kind == "elementwise" and (hidden or part in stored):
                saved += use.nbytes
            stored.add(part)
    return saved


def owner(array: Array) -> Array:
    """The array that owns the memory, or the last one on the way to whatever does."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def span(array: Array) -> tuple[int, int]:
    """The first and the last byte of an array, from where its memory begins."""
    start = bounds(owner(array))[0]
    low, high = bounds(array)
    return low - start, high - start


def key(array: Array) -> tuple[object, ...]:
    """What makes two arrays the same elements."""
    return array.__array_interface__["data"][0], array.shape, array.strides, array.dtype.str


def elements(array: Array) -> tuple[object, ...]:
    """What makes two arrays the same elements in whatever order of axes."""
    axes = sorted((stride, size) for stride, size in zip(array.strides, array.shape, strict=True) if size != 1)
    return array.__array_interface__["data"][0], tuple(axes), array.dtype.str
