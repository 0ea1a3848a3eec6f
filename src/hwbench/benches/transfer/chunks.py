"""One copy or many: what it costs to send the same bytes in pieces, queued, waited for, or through CuPy's set().

Each copy costs a fixed time to set up, some microseconds, whatever its size. All copies are of pinned memory.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...bench import Bench, Work
from ...protocols import Call, Gpu, Results, Sync
from ...record import phrases, text
from ...record.estimate import Estimate
from ...record.model import Record
from ._copies import one_after_the_other, pattern

chunks_bench = Bench(
    "transfer.chunks",
    question="What does it cost to send the same bytes in many pieces?",
    axes={"direction": ("h2d",), "size": ("64MiB",), "pieces": (1, 4, 16, 64, 256, 1024, 4096)},
    quick={"pieces": (1, 256)},
    baseline="once",
    limit="link",
    measures="copies in pieces",
    together=("pieces",),
    core=False,
)
chunks_bench.inputs(pattern)


@chunks_bench.reference
def all_of_it(data: np.ndarray) -> np.ndarray:
    """The same bytes."""
    return data


@chunks_bench.counts
def sent_in_all(size: int) -> dict[str, float]:
    """The bytes, however many the pieces."""
    return {"bytes": size, "calls": 1}


@chunks_bench.memory
def there_and_here(size: int) -> int:
    """An array on each side."""
    return 2 * size


class _Pieces:
    """A pinned host array and one on the device, cut into equal pieces."""

    def __init__(self, device: Gpu, data: np.ndarray, pieces: int) -> None:
        self.device = device
        self.host = device.host("pinned", len(data))
        self.host.array[:] = data
        self.there = device.put(np.zeros_like(data))
        self.bytes = len(data) // pieces
        starts = range(0, self.bytes * pieces, self.bytes)
        self.slices = [slice(start, start + self.bytes) for start in starts]
        self.facts = {"pieces": pieces, "piece_bytes": self.bytes, "footprint": len(data)}

    def copies(self) -> list[Call]:
        """A copy for each piece, to be enqueued on the device's stream."""
        base = self.there.data.ptr
        return [self.device.copier(base + part.start, self.host.ptr + part.start, self.bytes) for part in self.slices]

    def work(self, call: Call, sync: Sync) -> Work:
        """The work of a call that sends all pieces."""
        made: Work = self.device.host_timed(
            call, output=lambda: self.device.get(self.there), sync=sync, facts=self.facts, close=self.host.close
        )
        return made


@chunks_bench.variant("once", on="gpu", inputs="host")
def once(device: Gpu, data: np.ndarray, pieces: int) -> Work:
    """All pieces enqueued, and one wait at the end."""
    parts = _Pieces(device, data, pieces)
    return parts.work(one_after_the_other(parts.copies()), "each")


@chunks_bench.variant("each", on="gpu", inputs="host")
def each(device: Gpu, data: np.ndarray, pieces: int) -> Work:
    """A wait after each piece."""
    parts = _Pieces(device, data, pieces)
    copies = parts.copies()
    wait = device.stream.synchronize

    def call() -> None:
        for copy in copies:
            copy()
            wait()

    return parts.work(call, "none")


@chunks_bench.variant("cupy", on="gpu", inputs="host")
def by_set(device: Gpu, data: np.ndarray, pieces: int) -> Work:
    """CuPy: there[i:j].set(here[i:j]) for each piece."""
    parts = _Pieces(device, data, pieces)
    pairs = [(parts.there[part], parts.host.array[part]) for part in parts.slices]

    def call() -> None:
        for there, here in pairs:
            there.set(here)

    return parts.work(call, "each")


@chunks_bench.finding
def chunks_finding(results: Results) -> Iterator[str]:
    """How much longer many pieces take, and what each further one costs, queued, waited for, and through CuPy."""
    most = max((int(record.params["pieces"]) for record in results.records if record.timed), default=1)
    whole, cut = (results.find("each", pieces=pieces) for pieces in (1, most))
    if whole is not None and cut is not None and most > 1:
        ratio = phrases.against(results.versus(cut, whole), "one piece")
        yield (
            f"{text.size(whole.counts['bytes'])} to the GPU in {phrases.counted(most, 'piece')} of "
            f"{text.size(cut.facts['piece_bytes'])}, with a wait after each: {ratio}{phrases.mark(cut, whole)}."
        )
    names = {"each": "with a wait after each", "cupy": "through CuPy's set()", "once": "queued"}
    told = [
        phrases.Item(f"{text.seconds(cost)} {how}", tuple(_pieces(results, name)))
        for name, how in names.items()
        if (cost := _cost_of_a_piece(results, name)) is not None
    ]
    if told:
        yield f"Each further piece of a copy costs {phrases.entries(told)}."


def _pieces(results: Results, variant: str) -> list[Record]:
    return [record for record in results.records if record.timed and record.variant == variant]


def _cost_of_a_piece(results: Results, variant: str) -> Estimate | None:
    """Seconds for one more piece: the slope over all numbers of pieces."""
    points = [(float(record.params["pieces"]), record.samples) for record in _pieces(results, variant)]
    return results.fits.slope(points) if len(points) > 1 else None
