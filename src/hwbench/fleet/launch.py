"""Start runs on many machines by an engine that is there, and watch the store for their answers.

A launcher starts `hwbench run --to URL` on each machine and says how it ended. Whether it answered is for the store to
say: what an engine loses on the way is no answer, and what arrives without its word is one.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ..errors import StoreError, UsageError
from ..record import text
from ..record.store import now
from ..version import __version__
from .launch_task import MACHINE, Task, Together
from .launch_watch import Watch

LOOK = 10.0  # seconds between looks at the store while nothing ends
GRACE = 20.0  # seconds that a run which ended well may take to arrive
PERIOD = 0.2  # seconds between looks at the engine
TOLD = 20  # machines that are left out are named as they are, the rest at the end
OVER = (0, 1)  # exit codes of a run that was measured
REFUSED = 2  # of one that cannot be measured: the next try would end alike
ARRIVES_LATE = "was measured, but has not arrived; where it is spooled there, hwbench fleet flush delivers it"


@dataclass(frozen=True)
class Order:
    """What each machine is told: where runs go, and the further words of `hwbench run`."""

    url: str
    words: Sequence[str]
    launch: str
    lock: str = MACHINE  # `{task}` in it stands for the task's number
    every: float | None = None  # seconds from group to group where all measure together

    def command(self) -> list[str]:
        """The words after `hwbench`. A page is for whoever reads the store."""
        return ["run", "--to", self.url, "--no-report", *self.words]

    def task(self, number: int, machines: int) -> Task:
        """The task of a number, one of so many that are started."""
        together = Together(machines, self.every) if self.every is not None else None
        return Task(self.launch, number, self.lock.replace("{task}", str(number)), together=together)


@dataclass(frozen=True)
class Ended:
    """How the run of a task ended: the exit code, None where its machine or its worker was lost, and why."""

    task: int
    code: int | None
    why: str = ""


class Launcher(Protocol):
    """An engine that starts a run on each of its machines."""

    def names(self) -> list[str]:
        """What its machines are called, in the order of the tasks; an engine may learn names as runs end."""

    def check(self, say: Callable[[str], object]) -> dict[int, str]:
        """Why tasks cannot be started: another version of hwbench, a machine that cannot be reached."""

    def start(self, task: int, machines: int) -> None:
        """Start the run of a task, or queue it; it is one of so many that are started."""

    def ended(self) -> list[Ended]:
        """What ended since the last call; returns at once."""

    def close(self) -> None:
        """Give the engine back; runs under way end by themselves where it allows."""


class Listener(Protocol):
    """Hears how a launch goes."""

    def started(self, launch: str, machines: int) -> None:
        """Runs are started on so many machines."""

    def answered(self, done: int, names: Sequence[str]) -> None:
        """So many have answered in all, these of them new."""

    def say(self, line: str) -> None:
        """What else the user should know."""

    def close(self) -> None:
        """The launch is over."""


@dataclass
class Outcome:
    """Who answered, with the key of the run, and who did not, with the reason."""

    launch: str
    asked: int
    answered: dict[str, str] = field(default_factory=dict)
    silent: dict[str, str] = field(default_factory=dict)


class Launch:
    """A launch under way. `outcome` may be asked for at any time, after an interrupt, too."""

    def __init__(
        self, launcher: Launcher, watch: Watch, listener: Listener, *, retries: int = 1, wait: float = 3600.0,
        clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep,
    ) -> None:  # fmt: skip
        self.launcher, self.watch, self.listener = launcher, watch, listener
        self.retries, self.wait = retries, wait
        self.clock, self.sleep = clock, sleep
        self.whys: dict[int, str] = {}
        self.tries: dict[int, int] = {}
        self.open: dict[int, float | None] = {}  # tasks without an answer; until when one that ended is waited for
        self.told: set[int] = set()

    def run(self) -> Outcome:
        """Start all, and wait until each has answered, has failed for good, or the time is over."""
        machines = len(self.launcher.names())
        self.whys.update(self.launcher.check(self.listener.say))
        tasks = [task for task in range(machines) if task not in self.whys]
        for task, why in sorted(self.whys.items())[:TOLD]:
            self.listener.say(f"left out: {self._name(task)} {why}")
        if len(self.whys) > TOLD:
            self.listener.say(f"left out: {len(self.whys) - TOLD} more")
        if not tasks:
            raise StoreError(f"none of {machines} machines can measure: {self._whys_in_short()}")
        # A store that cannot be written or read is refused before anything is measured.
        self.watch.announce({"hwbench": __version__, "started": now(), "machines": len(tasks)})
        self.watch.look()
        self.listener.started(self.watch.launch, len(tasks))
        for task in tasks:
            self.open[task], self.tries[task] = None, 1
            self.launcher.start(task, len(tasks))
        self._follow()
        return self.outcome()

    def outcome(self) -> Outcome:
        """Who has answered so far."""
        names = _unlike(self.launcher.names())
        found = Outcome(self.watch.launch, len(names))
        for task, name in enumerate(names):
            if task in self.watch.answers:
                found.answered[name] = self.watch.answers[task]
            else:
                found.silent[name] = self.whys.get(task) or "has not ended; its run still arrives if it ends well"
        return found

    def _follow(self) -> None:
        began, looked = self.clock(), self.clock()
        while self.open:
            self.sleep(PERIOD)
            ended, now = self.launcher.ended(), self.clock()
            late = now - began > self.wait
            if ended or late or self._leaving(now) or now - looked > LOOK:
                looked = now
                self._look()  # first: a run that arrived before its worker was lost is not measured again
            for one in ended:
                self._note(one)
            for task in self._leaving(now):
                del self.open[task]
            if late:
                for task in self.open:
                    self.whys.setdefault(task, f"has not answered within {text.duration(self.wait)} (--wait)")
                return

    def _leaving(self, now: float) -> list[int]:
        """Tasks that have ended, and whose runs are waited for no longer."""
        return [task for task, until in self.open.items() if until is not None and now >= until]

    def _note(self, one: Ended) -> None:
        """A run ended. One that was cut off is started anew; others would end alike."""
        if one.task not in self.open:
            return
        why = one.why or f"ended by {_how(one.code)}"
        over = one.code in OVER
        if not over and one.code != REFUSED and self.tries[one.task] <= self.retries:
            self.tries[one.task] += 1
            self.listener.say(f"{self._name(one.task)}: {why}; started again")
            self.launcher.start(one.task, len(self.tries))
            return
        self.whys[one.task] = ARRIVES_LATE if over else why
        self.open[one.task] = self.clock() + (GRACE if over else 0)

    def _look(self) -> None:
        """See what has arrived."""
        try:
            answers = self.watch.look()
        except StoreError as error:
            self.listener.say(f"warning: the store cannot be read just now: {error}")
            return
        fresh = sorted(answers.keys() - self.told)
        self.told.update(fresh)
        for task in fresh:
            self.open.pop(task, None)
        if fresh:
            self.listener.answered(len(self.told), [self._name(task) for task in fresh])

    def _name(self, task: int) -> str:
        names = self.launcher.names()
        return names[task] if task < len(names) else f"task {task}"

    def _whys_in_short(self) -> str:
        names, (task, why) = self.launcher.names(), min(self.whys.items())
        more = f" (and {len(self.whys) - 1} more)" if len(self.whys) > 1 else ""
        return f"{names[task]} {why}{more}"


def chosen(names: Sequence[str], only: Collection[str]) -> list[int]:
    """Which of these machines are wanted: all where `only` is empty. UsageError where one that is wanted is not there.

    `node7` is also `node7.cluster.example`: engines and hostnames differ in the domain.
    """
    if not only:
        return [*range(len(names))]
    wanted = {_short(name) for name in only}
    found = [index for index, name in enumerate(names) if _short(name) in wanted]
    if missing := sorted(wanted - {_short(names[index]) for index in found}):
        more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        raise UsageError(f"--machines: {missing[0][:100]}{more} is not among the {len(names)} machines here")
    return found


def _short(name: str) -> str:
    """A name without its domain; an address stays."""
    first = name.lower().partition(".")[0]
    return name.lower() if first.isdigit() else first


def _how(code: int | None) -> str:
    if code is None:
        return "the loss of its machine"
    return f"exit code {code}" if code >= 0 else f"signal {-code}"


def _unlike(names: Sequence[str]) -> list[str]:
    """The names, those that several tasks have with the task's number."""
    counts = Counter(names)
    return [name if counts[name] == 1 else f"{name} (task {task})" for task, name in enumerate(names)]
