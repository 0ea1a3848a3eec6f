"""What would make a function faster, in sentences with gains that are computed from measured roofs.

A prediction is the time of a rewrite. `expected` is by what an ordinary loop over the compulsory bytes takes, timed
beside the function (`Beside`), and by what ordinary code reaches below the roofs (`Roofs.usual`); `at_most` by the best
roofs for what any code must move and compute, widened by how well two measurements of a roof agree. What the roofs do
not explain of a function's time is its arithmetic where it calls functions that take long, and stays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..counting import Counts, Temporary
from ..record import text
from ..record.measures import TOLERANCE
from ..record.model import LEVELS
from ..record.phrases import counted
from . import costs
from .asked import asking, middle
from .model import Advice, Gain, Point
from .roofs import Roofs

LEAST = 1.1  # gains below this are not worth a sentence
FORKS = 5.0  # times what a parallel loop costs: below, threads bring nothing
REUSED = 32 * 2**20  # bytes up to which glibc gives freed memory out again
LINE = 64
PLAIN = 2**0.5  # times the time of fused multiply-adds
OVERLAP = 0.25  # of the shorter of moving and computing shows beside the longer
REDUCES = ("sum", "mean", "reduce", "amax", "amin", "std", "var", "prod", "norm")  # parts of names of calls
# What takes longer than moving its numbers: parts of names of calls.
HEAVY = ("exp", "log", "sin", "cos", "tan", "pow", "cbrt", "hypot", "erf", "mod", "remainder", "sort", "linalg", "fft",
         "matmul", "dot", "einsum", "random")  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A point with what the predictions need of it, in seconds and bytes."""

    point: Point
    roofs: Roofs
    kind: str

    @property
    def counts(self) -> Counts:
        """The counts of the point."""
        return self.point.counts

    @property
    def seconds(self) -> float:
        """The time of a call."""
        return self.point.seconds.value

    @property
    def data(self) -> int:
        """Bytes of what goes in and comes out, without temporaries."""
        return self.counts.data or min(self.counts.compulsory, self.counts.footprint)

    def moving(self, moved: float, footprint: float, threads: int) -> float:
        """Seconds that ordinary code takes to move so many bytes of a working set."""
        band = self.roofs.band(self.kind, footprint, threads, usual=True)
        return moved / band.value if band else 0.0

    def least(self, threads: int, footprint: float, moved: float | None = None) -> float:
        """The least time for what any code must move and compute, the caches serving as much as they can."""
        band, peak = self.roofs.band(self.kind, footprint, threads), self.roofs.peak(self.counts.dtype, threads)
        flops = self.counts.flops.low if self.counts.flops else 0.0
        moved = self.counts.compulsory if moved is None else moved
        rate = band.high if band else 0.0
        slope = self.roofs.slope(self.kind, self.roofs.level(footprint, threads), threads)
        if slope and slope.suspect and (one := self.roofs.band(self.kind, footprint)) is not None:
            rate = max(rate, one.high * threads)  # a disturbed roof of several threads is too low for a bound
        return max(moved / rate if rate else 0.0, flops / peak.value if peak else 0.0)

    @property
    def level(self) -> str:
        """The level that holds the data."""
        return self.roofs.level(self.data, self.point.threads)

    def helped(self, threads: int) -> float:
        """How many times as fast as its share a thread may be where each of them has more cache than one alone."""
        one, every = (self.roofs.band(self.kind, self.data, count) for count in (self.point.threads, threads))
        if one is None or every is None:
            return 1.0
        return max(1.0, every.high * self.point.threads / (one.low * threads))

    def gain(self, after: float, least: float) -> Gain:
        """The gain of a rewrite that takes so long, no more than the roofs allow."""
        at_most = TOLERANCE * self.seconds / max(least, 1e-12)
        return Gain(min(self.seconds / max(after, 1e-12), at_most), at_most)

    @property
    def heavy(self) -> bool:
        """Whether it calls what takes longer than moving its numbers."""
        return _named(self.counts, HEAVY)

    @property
    def loop(self) -> float:
        """Seconds of an ordinary loop over the compulsory bytes, on as many threads as the function."""
        if self.point.beside is not None:
            return self.point.beside.one
        return self.moving(self.counts.compulsory, self.data, self.point.threads)

    @property
    def loops(self) -> float:
        """The same on all threads."""
        if self.point.beside is not None:
            return self.point.beside.every
        return self.moving(self.counts.compulsory, self.data, self.roofs.threads)

    @property
    def arithmetic(self) -> float:
        """Seconds of the flops in vectors without fused multiply-adds, and of loading again what lies in L1.

        Some processors add and multiply at once and reach their peak so, others half of it: the geometric middle.
        """
        peak = self.roofs.peak(self.counts.dtype, self.point.threads)
        again = max(0.0, middle(self.counts.fusable) - self.counts.compulsory)
        return (PLAIN * middle(self.counts.flops) / peak.value if peak else 0.0) + self.moving(
            again, 0, self.point.threads
        )

    @property
    def passes(self) -> float:
        """Seconds of the passes over its data, as ordinary code makes them, with their calls and new pages."""
        made = len(self.counts.temporaries)
        calls = (made + 1) * self.roofs.cost(costs.CALL) if self.counts.kind == "numpy" else 0.0
        moving = asking(self.counts, self.roofs, self.kind, self.point.threads, usual=True)
        return moving + self.point.pages + calls

    @property
    def pages(self) -> float:
        """Seconds for the new pages of results alone, without those of temporaries, unless the loop beside has them.

        What the allocator does not keep is new at each call, and compiled code asks for no huge pages.
        """
        if self.point.beside is not None and self.point.beside.made:
            return 0.0
        if self.point.pages and self.point.made >= REUSED:
            return self.point.made * self.roofs.cost(costs.FRESH)
        every = sum(one.nbytes for one in self.counts.temporaries) + self.point.made
        return self.point.pages * self.point.made / every if every else 0.0

    @property
    def rest(self) -> float:
        """Seconds of what takes longer than moving its numbers, which a rewrite keeps."""
        return max(0.0, self.seconds - self.passes) if self.heavy else 0.0

    @property
    def fused(self) -> float | None:
        """Seconds of a call whose chains of elementwise calls are one loop; None where there is no chain.

        Neighbours of a stencil come from a cache, so that the bytes of its one loop are the compulsory ones; what is
        reduced first is read again.
        """
        counts = self.counts
        issued, fused = middle(counts.issued), middle(counts.fusable)
        if not counts.temporaries or not fused or fused >= issued or not counts.compulsory:
            return None
        return self.one_loop(self.loop, 1.0)

    def one_loop(self, moving: float, more: float) -> float:
        """Seconds of that one loop, given those of an ordinary one and how many times as many threads compute."""
        counts = self.counts
        again = middle(counts.fusable) / counts.compulsory if _named(counts, REDUCES) else 1.0
        moving, computing = moving * max(1.0, again), self.arithmetic / more
        made = self.point.beside is not None and self.point.beside.made
        call = 0.0 if made else self.roofs.cost(costs.CALL)  # and the result's array: about what NumPy's take
        both = max(moving, computing) + OVERLAP * min(moving, computing)
        return both + call + self.pages + self.rest / more


def advise(point: Point, roofs: Roofs, kind: str) -> tuple[Advice, ...]:
    """The advice for a point, the greatest expected gain first."""
    case = Case(point, roofs, kind)
    rules: tuple[Callable[[Case], Advice | None], ...] = (_fuse, _block, _threads, _stride, _dtype, _reuse)
    found = [one for rule in rules if (one := rule(case)) is not None and one.gain.expected >= LEAST]
    return tuple(sorted(found, key=lambda one: -one.gain.expected))


def _named(counts: Counts, parts: tuple[str, ...]) -> bool:
    """Whether a call has one of these in its name."""
    return any(part in call.rpartition(".")[2] for call in counts.calls for part in parts)


# --- the rules --------------------------------------------------------------------------------------------------------


def _fuse(case: Case) -> Advice | None:
    after = case.fused
    if after is None:
        return None
    gain = case.gain(after, case.least(case.point.threads, case.data))
    made = _temporaries(case.counts.temporaries)
    return _said(
        "fuse",
        gain,
        f"it asks for {text.size(middle(case.counts.issued))} with {made}, and one loop would ask for "
        f"{text.size(middle(case.counts.fusable))}. Write one loop: numba.njit or numexpr.",
    )


def _temporaries(made: tuple[Temporary, ...]) -> str:
    names = ", ".join(dict.fromkeys(one.made_by for one in made[:3]))
    return f"{counted(len(made), 'temporary', 'temporaries')} ({names}{', …' * (len(made) > 3)})"


def _block(case: Case) -> Advice | None:
    """Work in pieces that stay in a nearer cache: all passes go there, and the data come from their level once."""
    counts, point, roofs = case.counts, case.point, case.roofs
    issued = middle(counts.issued)
    level = roofs.level(counts.footprint, point.threads)
    nearer = [one for one in roofs.levels if one != "L1" and LEVELS.index(one) < LEVELS.index(level)]
    if not nearer or issued < 1.5 * counts.compulsory:
        return None
    inner = nearer[0]
    pieces = max(1.0, counts.footprint / point.threads / max(1, roofs.size(inner)))
    calls = pieces * (len(counts.temporaries) + 1) * roofs.cost(costs.CALL) if counts.kind == "numpy" else 0.0
    each = roofs.cost(costs.PASS) / point.threads if counts.kind == "numpy" else 0.0
    passing = issued * each or case.moving(issued, roofs.size(inner), point.threads)
    after = case.loop + passing + calls + case.pages + case.rest
    gain = case.gain(after, case.least(point.threads, case.data))
    return _said(
        "block",
        gain,
        f"it asks {_memory(level)} for {text.size(issued)} and needs {text.size(counts.compulsory)}. Work in "
        f"pieces of {text.size(roofs.size(inner))}, which stay in {inner}.",
    )


def _threads(case: Case) -> Advice | None:
    """The same code, its chains fused, on all threads."""
    point, every = case.point, case.roofs.threads
    fork = case.roofs.cost(costs.FORK)
    if point.threads >= every or case.seconds < FORKS * fork or case.counts.unknown:  # code that may not be shared
        return None
    fused = case.fused
    more = every / point.threads
    after = max(case.seconds / more, case.loops) if fused is None else case.one_loop(case.loops, more)
    share = (case.least(point.threads, case.data) if fused else case.seconds) / more / case.helped(every)
    least = max(case.least(every, case.data), share)
    gain = case.gain(after, least)
    bound = f", at the bandwidth of {_memory(case.level)}" * (point.share > 0.7 and point.roof.kind != "fma")
    what = "Write one loop, and run it" if fused else "Run it"
    return _said(
        "threads", gain, f"it runs on {point.threads} of {every} threads{bound}. {what} on all {every}: numba.prange."
    )


def _stride(case: Case) -> Advice | None:
    """Neighbours lie apart: of each line that is moved a part is used."""
    if not case.counts.strides:
        return None
    worst = min(case.counts.strides, key=lambda one: one.used)
    if worst.used >= LINE:
        return None
    lines = LINE / worst.used
    strided = min(1.0, len(case.counts.strides) / max(1, len(case.counts.strides) + (case.kind != "load")))
    lost = strided * lines + 1 - strided
    moving = min(case.seconds, case.moving(case.counts.compulsory * lost, case.data * lost, case.point.threads))
    after = case.seconds - moving + moving / lost
    gain = case.gain(after, case.least(case.point.threads, case.data))
    return _said(
        "stride",
        gain,
        f"{worst.array} is read or written with a stride of {text.size(worst.stride)}, which uses {worst.used} of each "
        f"{LINE} bytes. Store neighbours side by side, swap the loops, or copy it once.",
    )


def _dtype(case: Case) -> Advice | None:
    """Half the bytes in float32."""
    if case.counts.dtype != "f8" or case.point.share < 0.3:
        return None
    moving = min(case.seconds, case.passes)
    after = case.seconds - moving / 2
    threads, flat = case.point.threads, case.point.roof.kind == "fma"
    gain = case.gain(after, case.least(threads, case.data / 2, case.counts.compulsory / 2) / (2 if flat else 1))
    return _said("dtype", gain, "float32 has half the bytes. Use it where 7 digits are enough.")


def _reuse(case: Case) -> Advice | None:
    """New pages at each call: the system clears them, and takes them back."""
    saved = case.point.pages
    if not saved:
        return None
    gain = case.gain(case.seconds - min(saved, case.seconds * 0.9), case.least(case.point.threads, case.data))
    return _said(
        "reuse",
        gain,
        f"the system spends {text.seconds(saved)} of each call on new pages of memory. Write into arrays that you "
        "keep: out=.",
    )


def _said(code: str, gain: Gain, why: str) -> Advice:
    """The gain first, then why, then what to do."""
    expected, most = text.amount(gain.expected), text.amount(gain.at_most)
    return Advice(code, f"expect {expected}× as fast, at most {most}×: {why}", gain)


def _memory(level: str) -> str:
    return "memory" if level == "DRAM" else level
