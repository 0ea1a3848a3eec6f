"""A case while it is measured, how failures end it, and where the wall time goes."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from ..bench import Skip, Work
from ..protocols import Values
from ..record import private
from ..record.model import Case, JsonObject, Status
from ..record.reasons import Reason, because, told


class Phases:
    """Where the wall time goes: seconds by phase, `with phases("check"): …`; those of each bench in `benches`.

    `bench` is the name of the one that is measured.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.bench = ""
        self.seconds: dict[str, float] = {}
        self.benches: dict[str, dict[str, float]] = {}

    @contextlib.contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Add the time spent inside to `name`."""
        start = self.clock()
        try:
            yield
        finally:
            spent = self.clock() - start
            for seconds in (self.seconds, self.benches.setdefault(self.bench, {})):
                seconds[name] = seconds.get(name, 0.0) + spent


@dataclass
class Trial:
    """A case while it is measured. `doubts` are added to those that its telemetry and samples raise.

    `best` is the shortest time of a call so far, warm-up included. `shares` are those of its core that a CPU of it had
    after each sample; empty where they are not known.
    """

    case: Case
    values: Values
    counts: dict[str, float] = field(default_factory=dict)
    facts: JsonObject = field(default_factory=dict)
    work: Work | None = None
    loops: int = 0
    samples: list[float] = field(default_factory=list)
    shares: list[float] = field(default_factory=list)
    best: float = math.inf
    status: Status = "ok"
    reasons: list[Reason] = field(default_factory=list)
    doubts: list[Reason] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)

    @property
    def live(self) -> bool:
        """Still to be measured."""
        return self.status == "ok" and self.work is not None

    @property
    def why(self) -> str:
        """The reasons in words."""
        return told(self.reasons)

    def end(self, status: Status, reason: Reason) -> None:
        """Stop measuring this case, drop its samples, and keep the reason."""
        self.status, self.reasons, self.samples = status, [reason], []

    def fail(self, error: Exception) -> None:
        """Note an error outside sampling: suspect if there are samples, else ended. The first error counts."""
        self.errors.append(error)
        if self.status != "ok":
            return
        if self.samples:
            self.doubts.append(because("failed_after", described(error)))
        else:
            self.end("error", because("error", described(error)))


@contextlib.contextmanager
def caught(trial: Trial) -> Iterator[None]:
    """A `Skip` or an error inside ends this trial and no other."""
    try:
        yield
    except Skip as skip:
        trial.end("skipped", skip.reason)
    except Exception as error:  # noqa: BLE001 - whatever a bench raises is a record with its reason
        trial.errors.append(error)
        trial.end("error", because("error", described(error)))


@contextlib.contextmanager
def ended(trials: Sequence[Trial]) -> Iterator[None]:
    """A device that fails while it measures ends all of its live trials, and not the run."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - a driver may raise anything
        for trial in trials:
            if trial.live:
                trial.errors.append(error)
                trial.end("error", because("error", described(error)))


@contextlib.contextmanager
def survived(trials: Sequence[Trial]) -> Iterator[None]:
    """An error outside sampling ends trials without samples and makes the others suspect."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - a bench's close, or a driver, may raise anything
        for trial in trials:
            trial.fail(error)


def described(error: Exception) -> str:
    """`ValueError: what it says`, with the names of files and without their directories."""
    return f"{type(error).__name__}: {private.without_places(str(error))}"
