"""How much other memory is used between two uses of the same bytes: what decides which cache can still hold them.

The calls of a traced run are replayed twice on made-up memory, in which a new array takes the place of the last one of
its size that was freed, as allocators do. The second replay counts: it is that of a function that was called before.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .ledger import Buffer, Entry, Use
from .model import Reuse

Parts = npt.NDArray[np.intp]

MOST_CALLS = 5_000  # replayed
PARTS = 1024  # of all memory, by which it is followed
LINE = 64
ELIDED = 2**18  # bytes from which NumPy writes the result of an operator into an operand that nobody needs any more


def reuses(entries: Sequence[Entry], freed: Sequence[tuple[int, Buffer]]) -> tuple[Reuse, ...]:
    """The bytes of all calls by how far away their last use is; nothing for too many calls.

    `freed` says which memory was given back, and before which call.
    """
    if not entries or len(entries) > MOST_CALLS:
        return ()
    replay = _Replay(entries, freed)
    replay.run()
    replay.found.clear()
    replay.run()
    return tuple(Reuse(nbytes, *at) for at, nbytes in sorted(replay.found.items()))


class _Replay:
    """Memory in parts, each with the number of the call that used it last."""

    def __init__(self, entries: Sequence[Entry], freed: Sequence[tuple[int, Buffer]]) -> None:
        self.entries = entries
        self.freed: dict[int, list[Buffer]] = {}
        for number, buffer in freed:
            self.freed.setdefault(number, []).append(buffer)
        used = {id(use.buffer): use.buffer for entry in entries for use in (*entry.reads, *entry.writes)}
        self.part = max(LINE, sum(one.nbytes for one in used.values()) // PARTS)
        self.sizes, self.last = np.zeros(0), np.zeros(0, np.int64)
        self.place: dict[int, Parts] = {}
        self.pool: dict[int, list[Parts]] = {}  # free places by the bytes of their arrays
        self.made: dict[int, Buffer] = {}
        self.clock = 0
        self.found: dict[tuple[float, float], float] = {}

    def run(self) -> None:
        """All calls once; the results are given back at the end."""
        for number, entry in enumerate(self.entries):
            self._free(number)
            self._enter(number, entry)
            self.clock += 1
            self._use(entry)
        self._free(len(self.entries))
        for buffer in list(self.made.values()):
            self._give_back(buffer)

    def _free(self, number: int) -> None:
        for buffer in self.freed.get(number, ()):
            if id(buffer) in self.made:
                self._give_back(buffer)

    def _give_back(self, buffer: Buffer) -> None:
        parts = self.place.pop(id(buffer))
        del self.made[id(buffer)]
        if not any(parts is other for other in self.place.values()):
            self.pool.setdefault(buffer.nbytes, []).append(parts)

    def _enter(self, number: int, entry: Entry) -> None:
        """Places for the arrays that were not used before."""
        dying = [one for one in self.freed.get(number + 1, ()) if id(one) in self.made and one.nbytes >= ELIDED]
        for use in (*entry.reads, *entry.writes):
            buffer = use.buffer
            if id(buffer) in self.place or not buffer.nbytes:
                continue
            same = next((one for one in dying if one.nbytes == buffer.nbytes), None)
            if same is not None and entry.kind == "elementwise" and any(one.buffer is same for one in entry.reads):
                self.place[id(buffer)] = self.place[id(same)]
            elif buffer.made_by and self.pool.get(buffer.nbytes):
                self.place[id(buffer)] = self.pool[buffer.nbytes].pop()
            else:
                self.place[id(buffer)] = self._new(buffer.nbytes)
            if buffer.made_by:
                self.made[id(buffer)] = buffer

    def _new(self, nbytes: int) -> Parts:
        count = -(-nbytes // self.part)
        sizes = np.full(count, float(self.part))
        sizes[-1] -= count * self.part - nbytes
        parts = np.arange(len(self.sizes), len(self.sizes) + count)
        self.sizes, self.last = np.append(self.sizes, sizes), np.append(self.last, np.full(count, -1))
        return parts

    def _use(self, entry: Entry) -> None:
        """Note how far away the last use of each part is; it lies anywhere in that call, and now in this one."""
        uses = [(use, self._parts(use)) for use in (*entry.reads, *entry.writes) if use.buffer.nbytes]
        if not uses:
            return
        total = sum(use.nbytes for use, _ in uses)
        writes = round(sum(use.nbytes for use in entry.writes) / total, 2) if total else 0.0
        here = np.unique(np.concatenate([parts for _, parts in uses]))
        before, sizes = self.last.copy(), self.sizes
        seen = np.zeros(len(sizes), bool)
        for use, parts in uses:
            again = seen[parts]
            seen[parts] = True
            self._note(use.nbytes * float(again.mean()), 0.0, writes)
            fresh = parts[~again]
            whole = float(sizes[parts].sum())
            for when in np.unique(before[fresh]):
                mine = float(sizes[fresh[before[fresh] == when]].sum())
                between = float(sizes[before > when].sum())
                there = float(sizes[before == when].sum())
                now = float(sizes[here[before[here] <= when]].sum())
                distance = between + (there + now) / 2 if when >= 0 else float(sizes.sum())
                self._note(use.nbytes * mine / whole, distance, writes)
        self.last[here] = self.clock

    def _parts(self, use: Use) -> Parts:
        parts = self.place[id(use.buffer)]
        low, high = use.span
        return parts[low // self.part : max(low // self.part + 1, -(-high // self.part))]

    def _note(self, nbytes: float, distance: float, writes: float) -> None:
        if nbytes > 0:
            at = float(f"{distance:.3g}"), writes
            self.found[at] = self.found.get(at, 0.0) + nbytes
