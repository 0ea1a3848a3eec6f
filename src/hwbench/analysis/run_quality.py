"""Whether the machine was quiet enough during a run, by the run's telemetry and samples.

`record.interference` judges one contrast, this module the whole run: would another run give the same limits? A limit is
a best sample, so other samples must support it. Within a case the lower quartile must be near the best. Where one
footprint was measured twice, minutes apart (by its label and in a sweep), both bests must agree, and where a case was
measured again at the end of the run, both medians: only this check catches a disturbance that hits all rounds of a case
evenly.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..record import text
from ..record.estimate import drift, estimate, middle, quantile
from ..record.facts import footprint, numbers, telemetry, threads_of
from ..record.interference import ALONE, STEAL, THROTTLED, states
from ..record.model import LEVELS, JsonObject, Record, Run, Scalar, contrast_key
from ..record.phrases import counted
from . import precision, witness
from .limits import implausible
from .measures import source_of
from .wording import SHOWN, and_more

REPEATS = 0.03  # figures of one case on a quiet machine agree within this
NAMED = 16  # cases that do not repeat, by name: as many as are measured again, and some
UNSEEN, UNSEEN_BY = ("steal_s", "others_s"), ("own_s", "others_s")  # what one counter gives, and what tells on it
OTHERS = 0.05  # of a CPU over the whole run, used by other processes
CLOCK = 0.03  # between contrasts
MOVED = 0.01  # of the rounds: those with the rarer of two handover times
BESIDE = 0.05  # of the samples: those after which the core was shared
SUSPECT = 0.10  # of the timed cases
BUSY = 0.6  # × our own processor time: if the CPUs were busy for less by their counter, it does not count this process
LEAST_OWN_S = 0.1  # of our own processor time, ten of the kernel's ticks
STOLEN, OTHER_WORK = "time stolen by the hypervisor", "time taken by other processes"
STOPPED, DRIFTED = "time stopped by the CPU quota", "drift of the clock over the run"
REMOTE, SUSPECTED = "rounds with CPUs moved to another cache", "cases that are suspect"
SHARED = "samples beside another thread on the same core"
LUCKY, UNLIKE = "limits that rest on one lucky sample", "figures that do not repeat"
WITNESSED = {gauge: f"{name} below this machine's best" for gauge, name in witness.NAMES.items()}
EVERY = (STOLEN, OTHER_WORK, STOPPED, DRIFTED, REMOTE, SHARED, *WITNESSED.values(), SUSPECTED, LUCKY, UNLIKE)
"""The checks, in order; a run has those for which it has telemetry, history or samples."""


@dataclass(frozen=True)
class Check:
    """One check of a run: the value seen, the value allowed, the remedy.

    `cases` names those beyond what is allowed, the worst first, for checks that look at cases.
    """

    name: str
    seen: float
    allowed: float
    remedy: str
    cases: Sequence[str] = ()

    @property
    def passed(self) -> bool:
        """Whether the value seen is allowed."""
        return self.seen <= self.allowed


def check(run: Run) -> list[Check]:
    """The checks for which the run has telemetry or samples; empty if nothing was timed."""
    timed = [record for record in run.records if record.timed]
    found: list[Check] = []
    if not timed:
        return found
    # GPU events are not delayed by the host, so the host's telemetry does not count for contrasts timed by events.
    hosts = {contrast_key(record) for record in timed if record.facts.get("timed_by") != "events"}
    apart = telemetry(record for record in run.records if contrast_key(record) in hosts)
    wall = _total(apart, "wall_s")
    for name, counter, allowed, remedy in (
        (STOLEN, "steal_s", STEAL, "measure at a quieter hour, or on a dedicated host"),
        (OTHER_WORK, "others_s", OTHERS, "end other work; top shows it"),
        (
            STOPPED,
            "throttled_s",
            THROTTLED,
            "measure without it, or on fewer threads",
        ),
    ):
        if counter in UNSEEN and unseen(apart):
            continue
        if wall > 0 and any(counter in one for one in apart):
            found.append(Check(name, _total(apart, counter) / wall, allowed, remedy))
    clocks = [middle(readings) for one in apart if (readings := numbers(one.get("clock_hz")))]
    if len(clocks) >= 3:
        found.append(Check(DRIFTED, drift(clocks), CLOCK, "fix the clock, or cool the machine"))
    if handovers := [time for one in apart for time in numbers(one.get("handover_s")) if time > 0]:
        near, far = states(handovers)
        times = " or ".join(text.seconds(middle(state)) for state in (near, far) if state)
        seen = f" (a cache line took {times} from one to the other)" if far else ""
        remedy = f"ask the host to pin this guest's CPUs{seen}"
        rarer = min(len(near), len(far)) / len(handovers)
        found.append(Check(REMOTE, rarer, MOVED, remedy))
    if shares := [one for record in timed for one in numbers(record.telemetry.get("core_share"))]:
        remedy = "a neighbour or another CPU of this guest uses it: ask for whole cores, or measure at another hour"
        found.append(Check(SHARED, sum(one < ALONE for one in shares) / len(shares), BESIDE, remedy))
    for gauge, share in witness.shares(run).items():
        remedy = "a neighbour may use it: measure at another hour, or on a dedicated host"
        found.append(Check(WITNESSED[gauge], 1 - share, 1 - witness.SLOW, remedy))
    suspect = sum(record.status == "suspect" for record in timed) / len(timed)
    found.append(Check(SUSPECTED, suspect, SUSPECT, "see the reason at each case"))
    hows = {record.case.label: _how(record) for record in timed if changed(record)}
    again = "measure again when nothing else runs; on a virtual machine, at another hour"
    for name, gaps in (
        (LUCKY, unsupported(run)),
        (UNLIKE, unrepeated(run)),
    ):
        if gaps:
            worst = sorted(gaps.items(), key=lambda item: -item[1])
            beyond = [f"{case} by {text.share(gap)}{hows.get(case, '')}" for case, gap in worst if gap > REPEATS]
            found.append(Check(name, worst[0][1], REPEATS, again, beyond))
    return found


def noisy(checks: Iterable[Check]) -> bool:
    """Whether any check failed."""
    return any(not one.passed for one in checks)


def impossible(checks: Iterable[Check]) -> list[str]:
    """The checks that the run has nothing for."""
    made = {one.name for one in checks}
    return [name for name in EVERY if name not in made]


def sentences(run: Run, checks: Sequence[Check] | None = None) -> list[str]:
    """The verdict, a sentence for each failed check with its value and remedy, and what `also` says.

    Empty if nothing was timed.
    """
    checks = check(run) if checks is None else checks
    if not checks:
        return []
    failed = [one for one in checks if not one.passed]
    limit = text.share(REPEATS)
    if not failed:
        made = {one.name for one in checks}
        more = f", and other samples confirm the best one of each limit within {limit}" if LUCKY in made else ""
        more += f"; no figure that was measured twice differs clearly by more than {limit}" if UNLIKE in made else ""
        return [f"The machine was quiet enough: {_passed(len(checks))}{more}.", *also(run)]
    moved = max((one.seen for one in failed if one.cases), default=0.0)
    effect = "figures may not repeat"
    if moved:
        effect = f"figures may change by up to {text.share(moved)} in another run; smaller differences mean nothing"
    out = [f"The machine was too noisy ({len(failed)} of {counted(len(checks), 'check')} failed): {effect}."]
    for one in failed:
        allowed = f"(allowed: {text.share(one.allowed)})"
        shown = NAMED if one.name == UNLIKE else SHOWN
        worst = f"{'; '.join(one.cases[:shown])}{and_more(one.cases, shown)}"
        seen = f" {allowed}: {worst}" if one.cases else f": {text.share(one.seen)} {allowed}"
        out.append(f"{_capital(one.name)}{seen}. {_capital(one.remedy)}.")
    return [*out, *also(run)]


def also(run: Run) -> list[str]:
    """What is said of a quiet run, too: how fast memory was, which cases miss their precision, what was not seen."""
    found = unseen(telemetry(record for record in run.records if record.facts.get("timed_by") != "events"))
    return [said for said in (witness.sentence(run), precision.sentence(run), found) if said]


def unseen(apart: Sequence[JsonObject]) -> str:
    """That other processes and steal could not be seen, by the telemetry of a run's contrasts; "" where they could."""
    hosts = [one for one in apart if "own_s" in one]
    if not hosts:
        return ""
    said = "What other processes and the hypervisor took is not known: "
    if not any("others_s" in one for one in hosts):
        return f"{said}the system does not count it here."
    own, others = (sum(itertools.chain.from_iterable(numbers(one.get(name)) for one in hosts)) for name in UNSEEN_BY)
    if own >= LEAST_OWN_S and own + others < BUSY * own:
        return (
            f"{said}the CPUs were busy for {text.seconds(max(0.0, own + others))} by /proc/stat, while hwbench alone "
            f"worked for {text.seconds(own)}: that counter does not count this process."
        )
    return ""


def _passed(checks: int) -> str:
    return f"all {checks} checks passed" if checks > 1 else "the only check passed"


def _capital(said: str) -> str:
    return said[0].upper() + said[1:]


# --- how well the samples support a limit -----------------------------------------------------------------------------


def unsupported(run: Run) -> dict[str, float]:
    """For the best record of each limit the gap from its best sample to its lower quartile, relative to the best."""
    best: dict[tuple[Scalar | None, ...], tuple[float, Record]] = {}
    for record, amount in limit_records(run):
        if record.params.get("size", LEVELS[0]) in LEVELS:
            other = (record.params.get(axis) for axis in ("size", "dtype"))
            place = (record.bench, record.device, threads_of(record), *other)
            each = min(record.samples) / amount
            if place not in best or each < best[place][0]:
                best[place] = (each, record)
    return {
        record.case.label: quantile(record.samples, 0.25) / min(record.samples) - 1
        for _, record in best.values()
        if len(record.samples) >= 4
    }


Place = tuple[Scalar | tuple[tuple[str, Scalar], ...], ...]


def unrepeated(run: Run) -> dict[str, float]:
    """For each case that was measured twice the relative gap between both.

    Of a limit measured more than once at one footprint it is between its best samples, of a case that was measured
    again at the end of the run between its medians.
    """
    times: dict[Place, dict[str, float]] = {}
    names: dict[Place, str] = {}
    for record, amount in limit_records(run):
        size = footprint(record)
        if size is None or "size" not in record.params:
            continue
        other = {axis: value for axis, value in record.params.items() if axis not in ("size", "threads")}
        place = (record.bench, record.variant, record.device, size, threads_of(record), tuple(sorted(other.items())))
        each = min(record.samples) / amount
        times.setdefault(place, {})[str(record.params["size"])] = each
        if record.params["size"] in LEVELS or place not in names:
            names[place] = record.case.label
    gaps = {
        names[place]: max(found.values()) / min(found.values()) - 1 for place, found in times.items() if len(found) > 1
    }
    for record in run.records:
        if record.timed and (gap := changed(record)) is not None:
            gaps[record.case.label] = max(gap, gaps.get(record.case.label, 0.0))
    return gaps


def changed(record: Record) -> float | None:
    """How far the medians of a case are apart that was measured again: 0 where its intervals share a value.

    None where it was measured once, or where the second measurement is suspect.
    """
    found = record.facts.get("again")
    if not isinstance(found, dict) or found.get("suspect"):
        return None
    told = numbers([found.get(name) for name in ("low_s", "median_s", "high_s")])
    if len(told) != 3 or not 0 < told[0] <= told[1] <= told[2]:
        return None
    low, value, high = told
    first = estimate(record.samples)
    if low <= first.high and first.low <= high:
        return 0.0
    return max(first.value, value) / min(first.value, value) - 1


def _how(record: Record) -> str:
    """` (16% longer 66 s later)` of a case that gave another figure when it was measured again."""
    found = record.facts["again"]
    if not isinstance(found, dict) or not isinstance(found["median_s"], float):
        return ""
    ratio = found["median_s"] / estimate(record.samples).value
    later = found.get("after_s")
    when = f"{text.duration(later)} later" if isinstance(later, float) else "at the end"
    return f" ({text.share(abs(ratio - 1))} {'longer' if ratio > 1 else 'less'} {when})"


def limit_records(run: Run) -> Iterator[tuple[Record, float]]:
    """The timed, plausible records whose benches measure a limit of the CPU, each with its count of the work."""
    for record in run.records:
        source = source_of(record, run.benches)
        if source is None or source.on != "cpu" or not record.timed or implausible(record):
            continue
        amount = record.counts.get(source.metric.count)
        if amount and min(record.samples) > 0:
            yield record, amount


def _total(apart: Iterable[JsonObject], name: str) -> float:
    return max(0.0, sum(itertools.chain.from_iterable(numbers(one.get(name)) for one in apart)))
