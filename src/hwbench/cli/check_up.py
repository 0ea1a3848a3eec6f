"""A check of this machine: measure few cases, judge them by earlier runs and bars, measure the telling ones again."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from .. import catalog
from ..analysis.bars import Bar, State, settled
from ..analysis.headline import CPU, Headline
from ..analysis.reading import Reading
from ..errors import UsageError
from ..measurement import session
from ..measurement.observer import Observer
from ..placing import roofs
from ..placing.quantities import request
from ..tracking import health

FAILED = "failed"


@dataclass(frozen=True)
class Barred:
    """A quantity against a bar."""

    bar: Bar
    now: Headline
    state: State


@dataclass
class CheckUp:
    """A check: `judged` by earlier runs, `barred` by bars; the quantities in `repeated` were measured twice."""

    reading: Reading
    path: Path | None
    history: health.History
    judged: Sequence[health.Judged]
    barred: Sequence[Barred]
    seconds: float = 0.0
    repeated: list[str] = field(default_factory=list)

    @property
    def states(self) -> list[State]:
        """The states of all that was judged."""
        wrong: list[State] = ["bad"] if any(record.status == "wrong" for record in self.reading.records) else []
        return [*wrong, *(one.state for one in self._all if one.state != "unknown")]

    @property
    def _all(self) -> list[health.Judged | Barred]:
        return [*self.judged, *self.barred]

    @property
    def verdict(self) -> Literal["pass", "fail", "no answer"]:
        """Fail where anything is bad; no answer where anything is doubtful, or there was nothing to judge by."""
        states = self.states
        if "bad" in states:
            return "fail"
        return "no answer" if "doubtful" in states or not states else "pass"

    @property
    def telling(self) -> list[str]:
        """The quantities that speak against the machine."""
        return list(dict.fromkeys(one.now.name for one in self._all if one.state in ("bad", "doubtful")))


def run(
    out: Path, machine: str | None, bars: Sequence[Bar], threshold: float, observer: Observer, stop: Callable[[], None]
) -> CheckUp:
    """Check this machine. A failed check is kept apart, where no later one takes it for what is usual."""
    begun = time.perf_counter()
    first, path = session.execute(request(out, machine), observer, stop)
    reading = Reading(first, catalog.benches())
    earlier = health.history(out, reading.run.machine, [first.id], catalog.LAZY)
    found = CheckUp(reading, path, earlier, health.judge(reading, earlier.own, threshold), _barred(reading, bars))
    paths = [path]
    if names := found.telling:
        second, path = session.execute(request(out, machine, names), observer, stop)
        paths.append(path)
        repeat = Reading(second, catalog.benches())
        both = {one.bar: one for one in _barred(repeat, [bar for bar in bars if bar.name in names])}
        found.barred = [
            Barred(one.bar, both[one.bar].now, settled(one.state, both[one.bar].state)) if one.bar in both else one
            for one in found.barred
        ]
        found.judged = health.again(found.judged, health.judge(repeat, earlier.own, threshold))
        found.repeated = names
    if found.verdict == "fail":
        paths = [_apart(one) for one in paths]
    else:
        roofs.keep(first)  # unless there are some: a check has most of the roofs that a function is placed under
    found.path, found.seconds = paths[0], time.perf_counter() - begun
    return found


def _barred(reading: Reading, bars: Sequence[Bar]) -> list[Barred]:
    found = []
    for bar in bars:
        now = reading.get(bar.name, CPU)
        if now is None:
            reasons = [one.why for one in reading.records if one.why and _asked(one.params, bar.name)]
            why = f" ({reasons[0]})" if reasons else ""
            raise UsageError(f"{bar.name} has a bar and was not measured here{why}; leave the bar out")
        found.append(Barred(bar, now, bar.state(now)))
    return found


def _asked(params: object, name: str) -> bool:
    return isinstance(params, dict) and str(params.get("size", "")).lower() == name.partition(".")[0]


def _apart(path: Path | None) -> Path | None:
    """Move a run's file into the folder of failed checks."""
    if path is None:
        return None
    with contextlib.suppress(OSError):
        (path.parent / FAILED).mkdir(exist_ok=True)
        return path.replace(path.parent / FAILED / path.name)
    return path
