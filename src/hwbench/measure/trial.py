"""TODO measure.trial."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..bench import Skip, Work
from ..record.model import Case, Status

LONGEST = 500  # characters of a reason


class Phases:
    """Where the wall time goes: seconds by phase, `with phases("check"): …`."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.seconds: dict[str, float] = {}

    @contextlib.contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Add the time spent inside to `name`."""
        start = self.clock()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + self.clock() - start


@dataclass
class Trial:
    """A case on its way to a record."""

    case: Case
    values: dict[str, Any]
    counts: dict[str, float] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    work: Work | None = None
    loops: int = 0
    samples: list[float] = field(default_factory=list)
    status: Status = "ok"
    reason: str = ""
    doubts: list[str] = field(default_factory=list)  # what is said against its samples beside what `judge` finds

    @property
    def live(self) -> bool:
        """Still to be measured."""
        return self.status == "ok" and self.work is not None

    def end(self, status: Status, reason: str) -> None:
        """Not to be measured further, and why, in one line. Samples go: such a record has none."""
        self.status, self.reason, self.samples = status, _line(reason), []

    def fail(self, error: Exception) -> None:
        """What was measured stays where something failed after it, as suspect; else it ends, for the first reason."""
        if self.status != "ok":
            return
        if self.samples:
            self.doubts.append(_line(f"after measuring: {_told(error)}"))
        else:
            self.end("error", _told(error))


@contextlib.contextmanager
def _caught(trial: Trial) -> Iterator[None]:
    """A `Skip` or a failure inside ends the trial with its reason; nothing else of the contrast is lost."""
    try:
        yield
    except Skip as skip:
        trial.end("skipped", str(skip))
    except Exception as error:  # noqa: BLE001 - whatever a bench raises is a record with its reason
        trial.end("error", _told(error))


@contextlib.contextmanager
def _ended(trials: Sequence[Trial]) -> Iterator[None]:
    """A device that fails while it measures ends all of its trials that are live, and not the run."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - a driver may raise anything
        for trial in trials:
            if trial.live:
                trial.end("error", _told(error))


@contextlib.contextmanager
def _survived(trials: Sequence[Trial]) -> Iterator[None]:
    """A failure before or after the samples is each trial's reason, and takes no samples with it."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - a bench's close, or a driver, may raise anything
        for trial in trials:
            trial.fail(error)


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _line(reason: str) -> str:
    """A reason as one line of text that JSON can hold: a file name in an exception may have lone surrogates."""
    return " ".join(reason.split()).encode(errors="backslashreplace").decode()[:LONGEST]
