"""Two sides measured in turn by whole processes, in quads: base new new base, or new base base new, as it is drawn.

Two runs in sequence see another clock, other neighbours, other pages. Here linear drift over a quad is equal on both
sides of its ratio. A duet measures the two processes of a pair at once on two like CPUs, and swaps the CPUs for the
second pair.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from ..record import text
from ..record.phrases import counted
from ..tracking.comparison import ComparisonReport
from ..tracking.history import TrackingError
from ..tracking.rules import Rules
from . import duet
from .environments import Contender
from .journal import Journal, Measured
from .judging import Shifts, clear, judged, shifts, unseen
from .layout import Layout, drawn
from .looks import EARLY, FEWEST, LAST, MOST, Look
from .process import Ended, Running, together
from .results import Read, read, with_failures
from .tools import RESULT, Command, argv
from .values import Quad, Value

SIDES = ("base", "new")
PROCESSES = 4  # of a quad
SURE = 16  # quads, before it may end because enough would be found: fewer tell little of how much they differ
TIMEOUT = 3600.0
OWN = "hwbench's benches use all CPUs that they are given"
# Python's and pytest's words for a file that a command names; the other side may have it.
LACKS = re.compile(r"can't open file |file or directory not found: ")
COPY = "; is the file new? Copy it out of the repository and name the copy by its absolute path: both sides then run it"
LABEL = 60  # letters of a case in a line of progress


@dataclass(frozen=True)
class Budget:
    """How much is measured: so many quads, or for so many seconds, FEWEST quads at least.

    With `see` until a change of that share would be found in every case: SURE quads at least, and at most `seconds`.
    """

    quads: int = 10
    seconds: float | None = None
    see: float | None = None

    def __str__(self) -> str:
        if self.seconds is None:
            return f"{self.quads} quads"
        most = text.duration(self.seconds)
        return most if self.see is None else f"until {text.share(self.see)} would be found, at most {most}"

    def done(self, quads: int, elapsed: float) -> float:
        """The share that is done."""
        if self.seconds is None:
            return quads / self.quads
        return min(1.0, elapsed / self.seconds) if quads >= FEWEST else 0.0

    def left(self, quads: int, elapsed: float) -> float:
        """Seconds until the end, as far as can be told."""
        if self.seconds is not None:
            return max(0.0, self.seconds - elapsed)
        return elapsed / quads * (self.quads - quads) if quads else 0.0


@dataclass(frozen=True)
class Outcome:
    """What was found, at which look, and how many seconds measuring took.

    With `see`, the change that was to be found, `unseen` is in how many cases it would not have been, of `asked` whose
    threshold is smaller.
    """

    report: ComparisonReport
    look: Look
    quads: int
    seconds: float
    see: float | None = None
    unseen: int = 0
    asked: int = 0


@dataclass(frozen=True)
class Step:
    """A process of a quad: its side and layout, and the CPU that it is pinned to in a duet."""

    side: int
    layout: Layout
    cpus: tuple[int, ...] = ()


def steps(quad: int, seed: int, cpus: Sequence[int] = ()) -> list[list[Step]]:
    """The processes of a quad, each list at once. The same numbers give the same quad, also in a continued measurement.

    Quads come in twos: one begins with base, the other with new, in an order that is drawn.
    """
    source = random.Random(f"{seed} {quad // 2}")  # noqa: S311 - nothing secret
    first = source.randrange(2) ^ (quad % 2)
    source = random.Random(f"{seed} quad {quad}")  # noqa: S311
    pairs = [drawn(source) for _ in range(2)]
    if cpus:
        ways = (tuple(cpus), tuple(reversed(cpus)))
        return [
            [Step(side, layout, (ways[place ^ first][side],)) for side in (0, 1)] for place, layout in enumerate(pairs)
        ]
    order = [(first, 0), (1 - first, 0), (1 - first, 1), (first, 1)]
    return [[Step(side, pairs[pair])] for side, pair in order]


@contextlib.contextmanager
def workplace() -> Iterator[Path]:
    """A temporary directory for what processes write."""
    with tempfile.TemporaryDirectory(prefix="hwbench-ab-") as name:
        yield Path(name)


class Bout:
    """A measurement of two sides by one command."""

    def __init__(
        self, sides: Sequence[Contender], asked: Command, journal: Journal, scratch: Path, say: Callable[[str], None],
        *, threshold: float, rules: Rules, timeout: float = TIMEOUT, keep: Path | None = None,
    ) -> None:  # fmt: skip
        self.sides, self.asked, self.journal, self.scratch, self.say = sides, asked, journal, scratch, say
        self.threshold, self.rules, self.timeout, self.keep = threshold, rules, timeout, keep

    # --- processes ----------------------------------------------------------------------------------------------------

    def run(self, at_once: Sequence[Step], number: int, what: str) -> list[tuple[Ended, Read, float]]:
        """Processes that run at once, and what each measured; TrackingError names the side, the process and why."""
        running: list[Running] = []
        labels, places = [], []
        began = time.time()
        try:
            for place, step in enumerate(at_once):
                side, name = self.sides[step.side], SIDES[step.side]
                out = self.scratch / f"{number + place:03}-{name}"
                shutil.rmtree(out, ignore_errors=True)
                out.mkdir(parents=True)
                places.append(out)
                labels.append(f"{name}, {side.name}: {what}")
                words = argv(self.asked, side, out)
                variables = {**self.asked.variables, **environment(side, step.layout)}
                running.append(Running(labels[-1], words, side.folder, out, variables, step.cpus))
            found = []
            try:
                ended = together(running, self.timeout)
            except TrackingError as error:  # it took too long
                late = next((place for place, label in enumerate(labels) if str(error).startswith(f"{label} ")), 0)
                raise TrackingError(f"{error}; its output: {self._output(places[late])}") from None
            for label, one, out, step in zip(labels, ended, places, at_once, strict=True):
                try:
                    found.append((one, read(self.asked, one, out, self.rules), began))
                except TrackingError as error:
                    advice = COPY if LACKS.search(one.said) and self.sides[step.side].commit else ""
                    raise TrackingError(f"{label} {error}; its output: {self._output(out)}{advice}") from None
        finally:
            for process in running:
                if process.waiter.is_alive():
                    process.end()
        for out in places:
            result = out / RESULT
            if self.keep is not None and number and result.is_file():
                shutil.copy(result, self.keep / f"{out.name}.json")
            shutil.rmtree(out, ignore_errors=True)
        return found

    def _output(self, out: Path) -> Path:
        """Where the output of a process is kept that measured nothing."""
        kept = self.journal.folder / f"{out.name}.txt"
        kept.write_bytes((out / "stdout.txt").read_bytes() + (out / "stderr.txt").read_bytes())
        return kept

    # --- the course ---------------------------------------------------------------------------------------------------

    def mode(self, wished: bool | None, source: random.Random) -> tuple[str, str, tuple[int, ...]]:
        """Warm both sides up, and choose: abba or duet, why, and the CPUs of a duet.

        The first process of a side compiles and fills caches; it is not counted. It tells how many CPUs the command
        keeps busy, and a first duet, whether the sides slow each other down.
        """
        found = duet.pair()
        if wished and found.why:
            raise TrackingError(f"--duet: {found.why}; leave it out")
        if self.asked.kind == "hwbench" and not wished and all(map(_warm, self.sides)):
            return "abba", f"no duet: {OWN}", ()
        alone = self._alone(source, "first process")
        self._in_common([got for _, got in alone])
        self.say(f"a process takes {text.seconds(max(one.seconds for one, _ in alone))}")
        if wished is False:
            return "abba", "asked for by --no-duet", ()
        busy = (duet.refused(one.seconds, one.cpu) for one, _ in alone)
        own = OWN if self.asked.kind == "hwbench" else ""
        why = next(filter(None, (found.why, found.unless, own, *busy)), "")
        if wished:
            return "duet", "asked for by --duet" + f", though {why}" * bool(why), found.cpus
        if why:
            return "abba", f"no duet: {why}", ()
        told = ""
        for again in (False, True):  # a neighbour may have disturbed the first
            alone = self._alone(source, "second process") if again else alone
            layout = drawn(source)
            pair = [Step(side, layout, (found.cpus[side],)) for side in (0, 1)]
            both = self.run(pair, 0, "its first process beside the other")
            times = min(_slower(one, other) for (_, one, _), (_, other) in zip(both, alone, strict=True))
            if not (told := duet.slowed(times)):
                return "duet", "the command keeps one CPU busy, and both at once take no longer", found.cpus
        return "abba", f"no duet: {told}", ()

    def _alone(self, source: random.Random, which: str) -> list[tuple[Ended, Read]]:
        """A process of each side that is not counted."""
        found = []
        for side in (0, 1):
            self.say(f"{SIDES[side]}: a {which}, which is not counted …")
            [(ended, got, _)] = self.run([Step(side, drawn(source))], 0, f"its {which}")
            found.append((ended, got))
        return found

    def _in_common(self, found: Sequence[Read]) -> None:
        """TrackingError where the first processes of both sides share no benchmark: no quad would tell anything."""
        base, new = ([value.key for value in values] for values in with_failures(found))
        if not {*base} & {*new}:
            told = (", ".join(dict.fromkeys(key[0] for key in keys))[:LABEL] or "none" for keys in (base, new))
            raise TrackingError("base and new have no benchmark in common: base has {}, new has {}".format(*told))

    def measured(self, budget: Budget, wished: bool | None = None) -> Outcome:
        """Choose how to measure, unless that is known from before, and measure."""
        if not self.journal.asked.mode:
            mode, why, cpus = self.mode(wished, random.Random(f"{self.journal.asked.seed} first"))  # noqa: S311
            self.say(f"{'duet' if mode == 'duet' else 'in turn'}: {why}")
            self.journal.begin(msgspec.structs.replace(self.journal.asked, mode=mode, why=why, cpus=cpus))
        return self.measure(budget)

    def measure(self, budget: Budget) -> Outcome:
        """Quads until the budget is spent, or all is clear at the first look."""
        done = {quad: _quad(found) for quad, found in self.journal.complete(PROCESSES).items()}
        before = sum(one.seconds for one in self.journal.measured) / (2 if self.journal.asked.mode == "duet" else 1)
        if done:
            self.say(f"continued: {len(done)} quads are there")
        began = time.monotonic() - before
        looked = bool(done) and budget.done(len(done), before) >= EARLY.share
        quad = 0
        while budget.done(len(done), time.monotonic() - began) < LAST.share and len(done) < MOST:
            while quad in done:
                quad += 1
            done[quad] = self._one(quad)
            elapsed = time.monotonic() - began
            quads = [done[one] for one in sorted(done)]
            if budget.see is not None and len(done) >= SURE and not len(done) % 2:
                missed, cases = unseen(quads, self.threshold, budget.see, self.rules)
                self.say(f"{text.share(budget.see)} would be found in {cases - missed} of {counted(cases, 'case')}")
                if not missed:
                    break
            if len(done) == 1 and budget.seconds is not None and FEWEST * elapsed > budget.seconds:
                least = text.duration(FEWEST * elapsed)
                given = text.duration(budget.seconds)
                self.say(f"--for {given} is too short: {FEWEST} quads are measured at least, in about {least}")
            self.say(self._so_far(quads, budget, elapsed))
            share = budget.done(len(done), elapsed)
            due = len(done) >= EARLY.due(budget.quads) if budget.seconds is None else share >= EARLY.share
            if due and share < LAST.share and not looked and budget.see is None:
                looked = True
                report = self._judged(quads, EARLY)
                if clear(report, self.threshold):
                    return Outcome(report, EARLY, len(quads), elapsed)
        quads = [done[one] for one in sorted(done)]
        seen = unseen(quads, self.threshold, budget.see, self.rules) if budget.see is not None else (0, 0)
        report = self._judged(quads, LAST)
        return Outcome(report, LAST, len(quads), time.monotonic() - began, budget.see, *seen)

    def _one(self, quad: int) -> Quad:
        asked = self.journal.asked
        number, place = PROCESSES * quad + 1, 0
        found: list[Measured] = []
        for at_once in steps(quad, asked.seed, asked.cpus):
            what = f"process {number + place}"
            for step, (ended, got, began) in zip(at_once, self.run(at_once, number + place, what), strict=True):
                one = Measured(
                    quad=quad, step=place, side=step.side, layout=step.layout, began=round(began, 3),
                    seconds=ended.seconds, cpu=ended.cpu, values=got.values, cpus=step.cpus, names=got.names,
                    failed=got.failed,
                )  # fmt: skip
                self.journal.add(one)
                found.append(one)
                place += 1
        return _quad(found)

    def _judged(self, quads: Sequence[Quad], look: Look) -> ComparisonReport:
        return judged(quads, [one.name for one in self.sides], self.threshold, look, self.rules)

    def _so_far(self, quads: Sequence[Quad], budget: Budget, elapsed: float) -> str:
        """The progress, with estimates: a verdict is given at a look alone."""
        of = f" of {budget.quads}" if budget.seconds is None else ""
        left = text.duration(budget.left(len(quads), elapsed))
        said = f"quad {len(quads)}{of}, {'at most ' * (budget.see is not None)}{left} left"
        told = so_far(quads, self.threshold)
        return f"{said}; so far {told}" if told else said


def _warm(side: Contender) -> bool:
    """Whether kernels that were compiled for a side are kept."""
    kept = side.variables.get("NUMBA_CACHE_DIR")
    return kept is not None and any(Path(kept).rglob("*.nbi"))


def _slower(one: Read, other: Read) -> float:
    """How many times as long cases of a process take as those of another: the median."""
    before = {value.key: value.value for value in other.values if value.value}
    ratios = [
        (before[value.key] / value.value if value.higher else value.value / before[value.key])
        for value in one.values
        if value.value and before.get(value.key)
    ]
    return float(np.median(ratios)) if ratios else 1.0


def so_far(quads: Sequence[Quad], threshold: float) -> str:
    """The greatest changes by the quads that are there."""
    fit: list[Shifts] = [one for one in shifts(quads, threshold, Rules()) if len(one.shifts) >= 1]
    if not fit:
        return ""
    worst, best = max(fit, key=lambda one: one.mean), min(fit, key=lambda one: one.mean)
    parts = [f"{_label(one.shown)} {text.ratio(float(np.exp(one.mean)))}" for one in (worst, best)]
    return ", ".join(dict.fromkeys(parts)) + f" ({len(fit)} cases)" * (len(fit) > 2)


def _label(one: Value) -> str:
    """`stream.load/simd [L1, f8]`, at most LABEL letters of it."""
    values = ", ".join(map(str, one.params.values()))
    said = "/".join(filter(None, (one.bench, one.variant))) + (f" [{values}]" if values else "")
    return said if len(said) <= LABEL else f"{said[: LABEL - 1]}…"


def _quad(found: Sequence[Measured]) -> Quad:
    values = with_failures([one.read for one in found])
    base, new = ([mine for mine, one in zip(values, found, strict=True) if one.side == side] for side in (0, 1))
    return Quad(base, new)


def environment(side: Contender, layout: Layout) -> dict[str, str]:
    """The environment variables of a process: as if its Python's environment were activated."""
    found = {**os.environ, **side.variables, **layout.variables()}
    found.pop("PYTHONHOME", None)
    if side.variables.get("PYTHONPATH"):
        found["ASV_PYTHONPATH"] = side.variables["PYTHONPATH"]  # asv drops the other one
    found["PATH"] = os.pathsep.join([str(side.binaries), os.environ.get("PATH", "")])
    if (side.binaries.parent / "pyvenv.cfg").is_file():
        found["VIRTUAL_ENV"] = str(side.binaries.parent)
    else:
        found.pop("VIRTUAL_ENV", None)
    return found
