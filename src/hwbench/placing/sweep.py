"""A function over a range of n: which n, how far memory and time reach, and what is kept when one n fails."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..errors import UsageError
from ..host import memory
from ..record import text, units
from . import engine, probe
from .engine import NOTHING_DECLARED, Declared, Setting
from .model import Placed, Point
from .subject import Subject

DECADES = re.compile(r"(?P<name>[A-Za-z_]\w*)=(?P<low>[^:]+):(?P<high>[^:]+)(:(?P<points>\d{1,3}))?")
A_DECADE = 2  # points
MOST = 100
LONGEST_S = 60.0  # of a call
DEFAULT = (10**3, 10**7)
COPIES = probe.COPIES + 1  # of the footprint: the arguments, their copies, and what a call makes


@dataclass(frozen=True)
class Swept:
    """The function first, then its variants; `stopped` says why larger n were left out, "" where none were."""

    functions: tuple[Placed, ...]
    stopped: str = ""


def sizes(stated: str | None) -> list[int]:
    """The n of `n=1e3:1e8` (two a decade) or `n=1e3:1e8:6` (six in all), ascending; UsageError for anything else."""
    if stated is None:
        return _spread(*DEFAULT, None)
    found = DECADES.fullmatch(stated)
    if found is None:
        raise UsageError(f"--sweep {stated}: is not of the form n=1e3:1e8, or n=1e3:1e8:6 for six values")
    try:
        low, high = (int(units.parse(found[end])) for end in ("low", "high"))
    except ValueError as error:
        raise UsageError(f"--sweep {stated}: {error}") from None
    points = int(found["points"]) if found["points"] else None
    if not 1 <= low <= high or points == 0 or (points or 0) > MOST:
        raise UsageError(f"--sweep {stated}: must go from 1 or more upwards, in 1 to {MOST} values")
    return _spread(low, high, points)


def _spread(low: int, high: int, points: int | None) -> list[int]:
    count = points or round(math.log10(high / low) * A_DECADE) + 1
    if count < 2:
        return [low]
    steps = (low * (high / low) ** (i / (count - 1)) for i in range(count))
    return sorted({int(float(f"{value:.2g}")) if low < value < high else round(value) for value in steps})


def run(
    subject: Subject, setting: Setting, ns: Sequence[int | None], *, declared: Declared = NOTHING_DECLARED,
    placed: Callable[[Point], None] = lambda _point: None,
) -> Swept:  # fmt: skip
    """Place the subject at each n. UsageError where the first cannot be placed; a later one that cannot ends it."""
    points: dict[str, list[Point]] = {}
    stopped = ""
    for n in ns:
        try:
            _check_reach(subject.name, points.get(subject.name, []), n)
            found = engine.place(
                subject.name, subject.function, subject.inputs(n), setting, n=n, declared=declared,
                variants=subject.variants,
            )  # fmt: skip
        except UsageError as error:
            if not points:
                raise
            stopped = f"n={text.count(n)} and more were left out: {error}" if n is not None else str(error)
            break
        for name, point in found.items():
            points.setdefault(name, []).append(point)
        placed(found[subject.name])
    return Swept(tuple(Placed(name, tuple(each)) for name, each in points.items()), stopped)


def _check_reach(name: str, points: Sequence[Point], n: int | None) -> None:
    """UsageError where the next n would need more memory or time than there is, by the growth of the last two."""
    if n is None or len(points) < 2:
        return
    size = _grown([(one.n or 1, float(one.counts.footprint)) for one in points[-2:]], n)
    if size * COPIES > probe.MEMORY_SHARE * memory.free():
        probe.needs_memory(name, size * COPIES)
    seconds = _grown([(one.n or 1, one.seconds.value) for one in points[-2:]], n)
    if seconds > LONGEST_S:
        raise UsageError(
            f"{name}: a call would take about {text.seconds(seconds)}, and {text.seconds(LONGEST_S)} are the most; ask "
            "for a smaller n"
        )


def _grown(pairs: Sequence[tuple[int, float]], n: int) -> float:
    """The value at n by the power of n with which it grew."""
    (n0, v0), (n1, v1) = pairs
    if min(v0, v1) <= 0 or n1 <= n0:
        return v1
    power = max(0.0, math.log(v1 / v0) / math.log(n1 / n0))
    return v1 * math.exp(power * math.log(n / n1))
