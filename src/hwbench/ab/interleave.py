"""Two environments or commits measured interleaved, whole processes in the order A B B A, so that drift cancels.

Two runs in sequence see another clock, other neighbours, other pages. Here each *quad* starts four processes, base new
new base, every second quad the other way round. Linear drift over a quad is equal on both sides of its ratio; what is
random per process (pages, alignment, cores) differs from quad to quad. The scatter of the quads' ratios is the whole
uncertainty; no noise model is assumed.
"""

from __future__ import annotations

import contextlib
import math
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..analysis.plausibility import concluded
from ..record import store, text
from ..record.model import Record, Run, key
from ..tracking import doubts
from ..tracking.comparison import Comparison, ComparisonReport, Verdict
from ..tracking.history import TrackingError
from ..tracking.sides import FAILED, Side, identity
from ..tracking.stats import adjusted, t_quantile, t_tail
from ..tracking.variance import LEAST, Noise
from ..tracking.verdicts import LEVEL, POWER, UNBOUNDED
from .environments import Contender, last_line

THRESHOLD = 0.005
QUADS = 6
NARROW = 0.05  # relative; an interval within it that holds 1 shows no change
NOT_MEASURED: Verdict = "not measured"
FEWEST = 3  # quads: two ratios give no useful interval
PROCESS_S = 3600.0
REMEDY = "raise --quads, or wait until the machine is quieter"

Quad = tuple[Sequence[Run], Sequence[Run]]  # the two runs of each side


@dataclass(frozen=True)
class Asked:
    """What to measure, in terms of `hwbench run`."""

    select: Sequence[str] = ()
    preset: str = "quick"
    params: Sequence[str] = ()
    variants: Sequence[str] = ()

    def arguments(self) -> list[str]:
        """The command line after `hwbench run`."""
        out = ["--preset", self.preset]
        for name, values in (("--param", self.params), ("--variant", self.variants)):
            for value in values:
                out += [name, value]
        return [*out, "--", *self.select] if self.select else out


# --- measuring --------------------------------------------------------------------------------------------------------


def order(quads: int) -> Iterator[tuple[int, int]]:
    """(quad, side) of each process: sides 0 1 1 0, then 1 0 0 1, so that neither is always first."""
    for quad in range(quads):
        for side in (0, 1, 1, 0):
            yield quad, side ^ (quad % 2)


def measured(one: Contender, asked: Asked, scratch: Path, number: int) -> Run:
    """The run of one process of a side."""
    folder = scratch / f"{number:03}"
    folder.mkdir()
    variables = {**os.environ, **one.variables}
    # One cache of kernels per side: compiling would else take most of each process's time.
    variables["NUMBA_CACHE_DIR"] = str(scratch / f"kernels-{abs(hash((one.python, *one.variables.values())))}")
    command = [one.python, "-m", "hwbench", "run", "--no-report", "--machine", "ab", "--out", str(folder)]
    command += ["--json", str(folder / "run.json"), *asked.arguments()]
    try:
        done = subprocess.run(  # noqa: S603
            command, env=variables, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            errors="replace", timeout=PROCESS_S,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise TrackingError(f"{one.name}: a process took more than {text.seconds(PROCESS_S)}; select less") from None
    if done.returncode not in (0, 1) or not (folder / "run.json").exists():
        raise TrackingError(f"{one.name}: hwbench run failed there: {last_line(done.stderr)}")
    return store.read(folder / "run.json")


def interleaved(
    sides: Sequence[Contender], asked: Asked, quads: int, scratch: Path, say: Callable[[str], None],
    keep: Path | None = None,
) -> list[tuple[list[Run], list[Run]]]:  # fmt: skip
    """The runs of each quad, by side; each is written to `keep`, where given, as soon as it is measured."""
    out: list[tuple[list[Run], list[Run]]] = [([], []) for _ in range(quads)]
    for number, (quad, side) in enumerate(order(quads), 1):
        name = ("base", "new")[side]
        say(f"process {number} of {4 * quads}: {name}")
        run = measured(sides[side], asked, scratch, number)
        out[quad][side].append(concluded(run))
        if keep is not None:
            store.write(run, keep / f"{number:03}-{name}.json")
    return out


@contextlib.contextmanager
def workplace() -> Iterator[Path]:
    """A temporary directory for environments, kernels and runs."""
    with tempfile.TemporaryDirectory(prefix="hwbench-ab-") as name:
        yield Path(name)


# --- judging ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Case:
    """A case with the log ratio of new over base for each quad that measured both sides."""

    shown: Record
    shifts: Sequence[float]
    reason: str = ""
    disturbed: int = 0
    unfit: Verdict = "not measured"
    values: tuple[float | None, float | None] = (None, None)  # the median seconds of each side

    @property
    def error(self) -> float:
        """Standard error of the mean shift, with the floor LEAST for a single run."""
        found = float(np.std(self.shifts, ddof=1)) / math.sqrt(len(self.shifts))
        return max(found, LEAST / math.sqrt(4 * len(self.shifts)))


def judged(quads: Sequence[Quad], names: Sequence[str], threshold: float) -> ComparisonReport:
    """A verdict for each case, from the scatter of its quads alone."""
    cases = list(_cases(quads))
    edge = math.log1p(threshold)
    fit = [one for one in cases if not one.reason]
    means = [float(np.mean(one.shifts)) for one in fit]
    slower, faster = (
        adjusted(
            [t_tail((sign * m - edge) / one.error, len(one.shifts) - 1) for m, one in zip(means, fit, strict=True)]
        )
        for sign in (1, -1)
    )
    tested = {id(one): (m, s, f) for one, m, s, f in zip(fit, means, slower, faster, strict=True)}
    deviations = [one.error * math.sqrt(len(one.shifts)) for one in fit]
    noise = Noise(
        float(np.median(deviations)) if deviations else 0.0,
        f"the scatter of {len(quads)} quads of {names[0]} and {names[1]}",
    )
    return ComparisonReport([_comparison(one, tested.get(id(one)), edge, len(quads)) for one in cases], noise, ())


def _cases(quads: Sequence[Quad]) -> Iterator[_Case]:
    found = [
        tuple([{key(record): record for record in run.records} for run in runs] for runs in quad) for quad in quads
    ]
    for place in dict.fromkeys(at for quad in found for side in quad for run in side for at in run):
        every = [[[run.get(place) for run in side] for side in quad] for quad in found]
        records = [record for quad in every for side in quad for record in side if record is not None]
        shown = records[-1]
        whole = [quad for quad in every if all(record is not None and record.timed for side in quad for record in side)]
        reason, unfit = "", NOT_MEASURED
        if len({(record.version, tuple(sorted(record.counts.items()))) for record in records if record.timed}) > 1:
            reason = "the two time different things: their versions or the work of a call differ"
        elif len(whole) < FEWEST:
            unfit, reason = _unfit([[r for quad in every for r in quad[side] if r is not None] for side in (0, 1)])
        shifts = [
            float(np.mean([math.log(np.median(r.samples)) for r in new if r]))
            - float(np.mean([math.log(np.median(r.samples)) for r in old if r]))
            for old, new in whole
        ]
        disturbed = sum(record.status == "suspect" for record in records)
        old, now = ([r for quad in every for r in quad[side] if r is not None and r.timed] for side in (0, 1))
        yield _Case(shown, shifts, reason, disturbed, unfit, (_middle(old), _middle(now)))


def _middle(records: Sequence[Record]) -> float | None:
    return float(np.median([np.median(record.samples) for record in records])) if records else None


def _unfit(sides: Sequence[Sequence[Record]]) -> tuple[Verdict, str]:
    """What a case that was not measured enough on both sides is called, and why."""
    bad = [next((record for record in side if not record.timed), None) for side in sides]
    if bad[1] is not None and bad[1].status in FAILED and not (bad[0] is not None and bad[0].status in FAILED):
        return "failed", f"{bad[1].status} in new: {bad[1].why}"
    timed = [any(record.timed for record in side) for side in sides]
    told = [
        f"not in {name}" if not side else f"{one.status} in {name}: {one.why}" if one is not None else ""
        for name, side, one in zip(("base", "new"), sides, bad, strict=True)
    ]
    why = next(filter(None, told), f"fewer than {FEWEST} quads measured both sides")
    if timed[0] == timed[1]:
        return "not measured", why
    return ("new", told[0]) if timed[1] else ("gone", told[1])


def _comparison(one: _Case, tested: tuple[float, float, float] | None, edge: float, quads: int) -> Comparison:
    shown = one.shown
    if tested is None:
        return Comparison(
            bench=shown.bench, variant=shown.variant, device=shown.device, params=shown.params,
            verdict=one.unfit, reason=one.reason, base=one.values[0], new=one.values[1],
        )  # fmt: skip
    mean, slower, faster = tested
    reach = t_quantile(1 - LEVEL, len(one.shifts) - 1) * one.error
    verdict: Verdict = "ambiguous"
    if slower <= LEVEL:
        verdict = "slower"
    elif faster <= LEVEL:
        verdict = "faster"
    elif -edge <= mean - reach and mean + reach <= edge:
        verdict = "same"
    elif abs(mean) - reach <= text.SAME and doubts.bound(mean - reach, mean + reach) <= NARROW:
        verdict = "no change"
    reasons = [f"{one.disturbed} of {4 * quads} processes disturbed"] * bool(one.disturbed)
    if verdict == "no change":
        reasons.insert(0, f"no change above {text.share(doubts.bound(mean - reach, mean + reach))}")
    elif verdict == "ambiguous":
        reasons.insert(0, f"quads differ by {text.share(one.error * math.sqrt(len(one.shifts)))}; raise --quads")
    sees = edge + (t_quantile(1 - LEVEL, len(one.shifts) - 1) + t_quantile(POWER, len(one.shifts) - 1)) * one.error
    high = math.exp(min(mean + reach, 700.0))
    return Comparison(
        bench=shown.bench, variant=shown.variant, device=shown.device, params=shown.params, verdict=verdict,
        ratio=math.exp(mean), low=math.exp(max(mean - reach, -700.0)), high=high if high < UNBOUNDED else None,
        p=min(slower, faster), reason="; ".join(reasons), base=one.values[0], new=one.values[1],
        sees=math.expm1(sees) if sees < 7 else None,
        change=verdict if verdict in ("slower", "faster") else "",
    )  # fmt: skip


def side(one: Contender, run: Run) -> Side:
    """The side of a contender for the table's head: name, machine, software."""
    software = {name: str(value) for name, value in run.software.items() if isinstance(value, str | int | float)}
    software["hwbench"] = str(run.hwbench.get("version"))
    return Side(one.name, run.machine.name, identity(run.machine), (), software)
