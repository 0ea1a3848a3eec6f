"""What would make a function faster, in sentences with gains that are computed from measured roofs.

A prediction is the time of a rewrite. `expected` is by what an ordinary loop over the compulsory bytes takes, timed
beside the function (`Beside`), and by what ordinary code reaches below the roofs (`Roofs.usual`); `at_most` by the best
roofs for what any code must move and compute, widened by how well two measurements of a roof agree. What the roofs do
not explain of a function's time is its arithmetic where it calls functions that take long, and stays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..counting import Counts, Range, Temporary
from ..record import text
from ..record.measures import TOLERANCE
from ..record.phrases import counted
from . import costs
from .model import Advice, Gain, Point
from .roofs import Roofs

LEAST = 1.1  # gains below this are not worth a sentence
FORKS = 5.0  # times what a parallel loop costs: below, threads bring nothing
REUSED = 32 * 2**20  # bytes up to which glibc gives freed memory out again
LINE = 64
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

    def moving(self, moved: float, level: str, threads: int) -> float:
        """Seconds that ordinary code takes to move so many bytes."""
        rate = self.roofs.usual(self.kind, level, threads) or self.roofs.usual("load", level, threads)
        return moved / rate if rate else 0.0

    def least(self, threads: int, level: str, moved: float | None = None) -> float:
        """The least time for what any code must move and compute."""
        slope, peak = self.roofs.slope(self.kind, level, threads), self.roofs.peak(self.counts.dtype, threads)
        flops = self.counts.flops.low if self.counts.flops else 0.0
        moved = self.counts.compulsory if moved is None else moved
        rate = slope.value if slope else 0.0
        if slope and slope.suspect and (one := self.roofs.slope(self.kind, level)) is not None:
            rate = max(rate, one.value * threads)  # a disturbed roof of several threads is too low for a bound
        return max(moved / rate if rate else 0.0, flops / peak.value if peak else 0.0)

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
        return self.moving(self.counts.compulsory, self.inner, self.point.threads)

    @property
    def loops(self) -> float:
        """The same on all threads."""
        if self.point.beside is not None:
            return self.point.beside.every
        every = self.roofs.threads
        return self.moving(self.counts.compulsory, self.roofs.level(self.counts.compulsory, every), every)

    @property
    def inner(self) -> str:
        """The level that holds the data without the temporaries."""
        return self.roofs.level(min(self.counts.compulsory, self.counts.footprint), self.point.threads)

    @property
    def arithmetic(self) -> float:
        """Seconds of the flops in vectors without fused multiply-adds, half of the peak."""
        peak = self.roofs.peak(self.counts.dtype, self.point.threads)
        return 2 * middle(self.counts.flops) / peak.value if peak else 0.0

    @property
    def passes(self) -> float:
        """Seconds of the passes over its data, as ordinary code makes them, with their calls and new pages."""
        made = len(self.counts.temporaries)
        calls = (made + 1) * self.roofs.cost(costs.CALL) if self.counts.kind == "numpy" else 0.0
        moved = middle(self.counts.issued) or self.counts.compulsory
        return self.moving(moved, self.point.level, self.point.threads) + self.point.pages + calls

    @property
    def pages(self) -> float:
        """Seconds for the new pages of results alone, without those of temporaries.

        What the allocator does not keep is new at each call, and compiled code asks for no huge pages.
        """
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
        again = max(1.0, fused / counts.compulsory) if _named(counts, REDUCES) else 1.0
        moving, computing = self.loop * again, self.arithmetic
        call = self.roofs.cost(costs.CALL)  # and the result's array: of a compiled function about what NumPy's take
        return max(moving, computing) + OVERLAP * min(moving, computing) + call + self.pages + self.rest


def advise(point: Point, roofs: Roofs, kind: str) -> tuple[Advice, ...]:
    """The advice for a point, the greatest expected gain first."""
    case = Case(point, roofs, kind)
    rules: tuple[Callable[[Case], Advice | None], ...] = (_fuse, _block, _threads, _stride, _dtype, _reuse)
    found = [one for rule in rules if (one := rule(case)) is not None and one.gain.expected >= LEAST]
    return tuple(sorted(found, key=lambda one: -one.gain.expected))


def _named(counts: Counts, parts: tuple[str, ...]) -> bool:
    """Whether a call has one of these in its name."""
    return any(part in call.rpartition(".")[2] for call in counts.calls for part in parts)


def middle(given: Range | None) -> float:
    """The geometric middle of an interval; its low end where the other is not known, 0 where nothing is."""
    if given is None:
        return 0.0
    if not given.high < float("inf") or given.low <= 0:
        return float(given.low)
    return float((given.low * given.high) ** 0.5)


# --- the rules --------------------------------------------------------------------------------------------------------


def _fuse(case: Case) -> Advice | None:
    after = case.fused
    if after is None:
        return None
    gain = case.gain(after, case.least(case.point.threads, case.inner))
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
    nearer = [level for level in roofs.levels[: roofs.levels.index(point.level)] if level != "L1"] \
        if point.level in roofs.levels else []  # fmt: skip
    if not nearer or issued < 1.5 * counts.compulsory:
        return None
    inner = nearer[0]
    pieces = max(1.0, counts.footprint / point.threads / max(1, roofs.size(inner)))
    calls = pieces * (len(counts.temporaries) + 1) * roofs.cost(costs.CALL) if counts.kind == "numpy" else 0.0
    after = case.loop + case.moving(issued, inner, point.threads) + calls + case.pages + case.rest
    gain = case.gain(after, case.least(point.threads, point.level))
    return _said(
        "block",
        gain,
        f"it asks {_memory(point.level)} for {text.size(issued)} and needs {text.size(counts.compulsory)}. Work in "
        f"pieces of {text.size(roofs.size(inner))}, which stay in {inner}.",
    )


def _threads(case: Case) -> Advice | None:
    """The same code, its chains fused, on all threads."""
    point, every = case.point, case.roofs.threads
    fork = case.roofs.cost(costs.FORK)
    if point.threads >= every or case.seconds < FORKS * fork or case.counts.unknown:  # code that may not be shared
        return None
    fused = case.fused
    alone = case.seconds if fused is None else fused
    level = case.roofs.level(case.counts.compulsory if fused else case.counts.footprint, every)
    more = every / point.threads
    after = max(alone / more, case.loops)
    least = case.least(every, level)
    if level == point.level:  # no thread's part fits into a nearer cache: each does its share at best
        least = max(least, (case.least(point.threads, level) if fused else case.seconds) / more)
    gain = case.gain(after, least)
    bound = f", at the bandwidth of {_memory(point.level)}" * (point.share > 0.7 and point.roof.kind != "fma")
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
    moving = min(case.seconds, case.moving(case.counts.compulsory * (strided * lines + 1 - strided),
                                           case.point.level, case.point.threads))  # fmt: skip
    after = case.seconds - moving + moving / (strided * lines + 1 - strided)
    gain = case.gain(after, case.least(case.point.threads, case.point.level))
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
    level = case.roofs.level(case.counts.footprint / 2, threads)
    gain = case.gain(after, case.least(threads, level, case.counts.compulsory / 2) / (2 if flat else 1))
    return _said("dtype", gain, "float32 has half the bytes. Use it where 7 digits are enough.")


def _reuse(case: Case) -> Advice | None:
    """New pages at each call: the system clears them, and takes them back."""
    saved = case.point.pages
    if not saved:
        return None
    gain = case.gain(case.seconds - min(saved, case.seconds * 0.9), case.least(case.point.threads, case.point.level))
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
