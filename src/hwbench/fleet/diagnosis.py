"""Which machines are odd, and which component of each is at fault.

Machines of one hardware are compared with each other. A machine's score is the logarithm of how much more likely its
figures are with a fault than without (`scores`); under health a score of L or more has a probability of at most
exp(-L). Benjamini and Hochberg's procedure over the machines keeps the share of healthy ones among those accused below
`RATE`; the same over machines × quantities says which figures are evidence. Who would be accused at `DOUBT`, has one
run only, or has a strange figure that no fault explains, is doubtful: it is measured again. Of fewer than `ALIKE`
machines none shows what is usual: they are judged by what each did before (`history`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec
import numpy as np

from .components import BETWEEN, UNKNOWN, WITHIN, components, look_at
from .cube import Cube, Floats, Group
from .health import Health, health
from .history import FEWEST, since
from .levels import levels
from .scores import Scores, scores

ALIKE = 8  # machines that show what is usual
RATE = 0.01  # the share of healthy machines among those accused
DOUBT = 0.2  # the same among those that are measured again
EVIDENCE = 6  # figures that are shown of a machine
ENOUGH = 200  # machines that show whether scores of the healthy are as high as they should be
UPPER = 0.975  # the quantile of scores above which that is looked at
AGAIN = 3  # benches that tell the likeliest components apart


class Evidence(msgspec.Struct, frozen=True):
    """A quantity: how many robust standard deviations it is from the centre, and its ratio to that; worse is negative.

    A `ratio` is of values as they are: 0.75 of a bandwidth, 1.3 of a latency.
    """

    quantity: str
    deviation: float
    ratio: float


class Accused(msgspec.Struct, frozen=True):
    """A machine, the component that explains it best with its probability among all, and the second."""

    machine: str
    component: str
    probability: float
    second: str | None
    evidence: Sequence[Evidence]


class Doubtful(Accused, frozen=True):
    """A machine that is measured again first: why, and by which benches."""

    why: str = ""
    retest: Sequence[str] = ()


class Judged(msgspec.Struct, frozen=True):
    """A group: its hardware, how many machines and runs, and by what they were judged."""

    hardware: str
    model: str
    machines: int
    runs: int
    judged_by: str


class Diagnosis(msgspec.Struct, frozen=True):
    """The answer; `refused` are lines that say what was not read or not judged."""

    machines: int
    groups: Sequence[Judged]
    odd: Sequence[Accused]
    doubtful: Sequence[Doubtful]
    refused: Sequence[str]


class Verdict(msgspec.Struct, frozen=True):
    """What was computed of one group, for the page: machine × quantity in robust deviations, and chances."""

    group: Group
    health: Health
    scores: Scores | None
    chance: Floats
    adjusted: Floats
    cells: Floats  # chances of machines × quantities
    odd_cells: Floats  # the same, adjusted


def diagnose(made: Cube) -> Diagnosis:
    """The diagnosis of a fleet: the same for the same rows, in whatever order they came."""
    return summed(made, [verdict(group) for group in made.groups])


def summed(made: Cube, verdicts: Sequence[Verdict]) -> Diagnosis:
    """The diagnosis that verdicts of the groups give."""
    refused = list(made.refused)
    odd: list[Accused] = []
    doubtful: list[Doubtful] = []
    groups = []
    for one in verdicts:
        told, doubts, by = _named(one)
        odd += told
        doubtful += doubts
        runs = int(one.group.runs.sum())
        groups.append(Judged(one.group.hardware, one.group.model, len(one.group.machines), runs, by))
        few = [
            name
            for name, there in zip(one.group.quantities, np.isfinite(one.group.y).any(axis=2).T, strict=True)
            if not there.all() and there.sum() < min(ALIKE, len(there))
        ]
        if few and len(one.group.machines) >= ALIKE:
            refused.append(
                f"hardware {one.group.hardware}: {len(few)} quantities of fewer than {ALIKE} machines are not judged "
                f"({', '.join(few[:3])}{' …' if len(few) > 3 else ''})"
            )
    machines = {name for one in made.groups for name in one.machines}
    odd.sort(key=lambda one: (-max((abs(it.deviation) for it in one.evidence), default=0.0), one.machine))
    doubtful.sort(key=lambda one: one.machine)
    groups.sort(key=lambda one: (-one.machines, one.hardware))
    return Diagnosis(len(machines), groups, odd, doubtful, refused)


def verdict(group: Group) -> Verdict:
    """What is computed of a group."""
    from scipy.stats import false_discovery_control

    small = len(group.machines) < ALIKE
    found = since(group) if small else health(_told(group), levels(_told(group)))
    if found is None:
        nothing = np.full((len(group.machines), len(group.quantities)), np.nan)
        none = np.ones(len(group.machines))
        empty = Health(group.quantities, np.zeros(len(group.quantities)), nothing, nothing, (), none)
        return Verdict(group, empty, None, none, none, nothing, nothing)
    group = group if small else _told(group)
    patterns = components(found.quantities)
    scored = scores(found, patterns)
    chance = np.exp(-np.maximum(0.0, scored.total * _trust(scored.total, found, patterns)))
    cells = _chances(found)
    flat = np.isfinite(cells)
    odd_cells = np.ones_like(cells)
    if flat.any():
        odd_cells[flat] = false_discovery_control(cells[flat])
    return Verdict(group, found, scored, chance, false_discovery_control(chance), cells, odd_cells)


def _told(group: Group) -> Group:
    """The group with the quantities that enough machines have."""
    there = np.isfinite(group.y).any(axis=2).sum(axis=0) >= ALIKE
    if there.all():
        return group
    at = np.flatnonzero(there)

    def some(names: Sequence[str]) -> list[str]:
        return [names[i] for i in at]

    return Group(
        group.hardware, group.model, group.machines, some(group.quantities), group.better[at], group.y[:, at],
        group.width[:, at], group.started, some(group.benches) if group.benches else (),
        some(group.units) if group.units else (), group.other_hardware,
    )  # fmt: skip


def _trust(total: Floats, found: Health, patterns: Mapping[str, tuple[object, Floats]]) -> float:
    """By what scores are multiplied before they count: below 1 where those of healthy machines are too high.

    Were the fast as slow as they are fast, their scores would be those of healthy machines: faults make none faster.
    Machines that are at fault say nothing here, for their other figures look fast beside the slow ones.
    """
    if len(total) < ENOUGH:
        return 1.0
    mirrored = scores(found, patterns, mirrored=True).total[total < 0]  # type: ignore[arg-type]
    if len(mirrored) < ENOUGH // 2:
        return 1.0
    upper = float(np.quantile(mirrored, UPPER))
    beyond = mirrored[mirrored > upper] - upper
    return float(min(1.0, 1 / beyond.mean())) if len(beyond) else 1.0


def _chances(found: Health) -> Floats:
    """How likely each figure is to be as slow in a healthy machine."""
    from scipy.special import stdtr

    out = np.full(found.deviation.shape, np.nan)
    for part in found.parts:
        at = part.at
        # The width of one quantity is what its machines show, with the tail of the part.
        seen = np.sqrt(np.maximum(found.spread[at] ** 2, found.noise[:, at]))
        out[:, at] = stdtr(part.tail, found.deviation[:, at] / seen)
    return out


def deviations(found: Health) -> Floats:
    """Machine × quantity in robust standard deviations."""
    with np.errstate(all="ignore"):
        return np.asarray(found.deviation / np.sqrt(np.maximum(found.spread**2, found.noise)))


def _named(one: Verdict) -> tuple[list[Accused], list[Doubtful], str]:
    group, scored = one.group, one.scores
    small = len(group.machines) < ALIKE
    by = f"{len(group.machines)} machines alike"
    if small:
        by = f"own history (fewer than {ALIKE} machines alike)"
    if scored is None:
        return [], [], f"nothing: fewer than {ALIKE} machines alike, and none has {FEWEST} runs"
    z = deviations(one.health)
    runs = group.runs
    strange = (one.odd_cells <= RATE).any(axis=1)
    odd: list[Accused] = []
    doubtful: list[Doubtful] = []
    for i in np.flatnonzero((one.adjusted <= DOUBT) | strange):
        evidence = _evidence(one, z, i)
        first, probability, second = _best(scored, i)
        told = (group.machines[i], first, probability, second, evidence)
        accused = one.adjusted[i] <= RATE
        if accused and runs[i] > 1:
            odd.append(Accused(*told))
            continue
        why = "one run: measured again before it is accused" if accused else "too little to accuse it"
        if not accused and one.adjusted[i] > DOUBT:
            why = "a figure far off that no component explains"
        doubtful.append(Doubtful(*told, why, _telling(one, first, second)))
    return odd, doubtful, by


def _best(scored: Scores, i: int) -> tuple[str, float, str | None]:
    """The likeliest component with its probability, and the second."""
    logs = scored.by_component[i]
    shares = np.exp(logs - logs.max())
    shares /= shares.sum()
    order = np.argsort(-shares, kind="stable")
    first, second = order[0], order[1] if len(order) > 1 else None
    return scored.names[first], round(float(shares[first]), 3), None if second is None else scored.names[second]


def _evidence(one: Verdict, z: Floats, i: int) -> list[Evidence]:
    """The figures of a machine that are furthest on the slow side; all that are odd by themselves come first."""
    row = np.where(np.isfinite(z[i]), z[i], np.inf)
    order = np.lexsort((np.arange(len(row)), row, one.odd_cells[i] > RATE))
    shown = [j for j in order if row[j] < -1][:EVIDENCE] or [j for j in order if row[j] < 0][:1]
    out = []
    for j in shown:
        name = one.health.quantities[j]
        apart = one.health.deviation[i, j]
        better = -1 if name in (BETWEEN, WITHIN) else one.group.better[j]
        out.append(Evidence(name, round(float(row[j]), 2), float(f"{np.exp(better * apart):.4g}")))
    return out


# Seconds that a bench of `--preset quick` takes on two CPUs, by the phases that reports/runs state; any other: 5.
SECONDS = {
    "clock.frequency": 1.0, "vectorize.call": 1.0, "peak.fma": 3.0, "latency.core_to_core": 2.0, "stream.load": 4.0,
    "stream.triad": 5.0, "stream.copy": 5.0, "stream.store": 4.0, "latency.chase": 8.0, "peak.matmul": 4.0,
    "branch.prediction": 2.0, "device.peak": 2.0, "device.stream": 4.0, "device.latency": 4.0, "device.matmul": 5.0,
    "transfer.copy": 4.0, "device.launch": 1.0,
}  # fmt: skip
OTHER_SECONDS = 5.0


def _telling(one: Verdict, first: str, second: str | None) -> list[str]:
    """The benches that tell the two likeliest components from health and from each other, the cheapest first."""
    patterns = components(one.health.quantities)
    nothing = np.zeros(len(one.health.quantities))
    shares = [patterns[name][1] if name in patterns else nothing for name in (first, second or UNKNOWN)]
    spread = np.maximum(one.health.spread, 1e-4)
    told: dict[str, float] = {}
    for j, bench in enumerate(one.group.benches[: len(one.group.quantities)]):
        power = (shares[0][j] ** 2 + (shares[0][j] - shares[1][j]) ** 2) / spread[j] ** 2
        if bench and power > 0:
            told[bench] = told.get(bench, 0.0) + float(power) / SECONDS.get(bench, OTHER_SECONDS)
    best = sorted(told, key=lambda bench: (-told[bench], bench))[:AGAIN]
    return sorted(best, key=lambda bench: (SECONDS.get(bench, OTHER_SECONDS), bench))


def retest(told: Diagnosis) -> Iterable[tuple[str, Sequence[str]]]:
    """The machines that are to be measured again, each with its benches (none: all of the quick preset)."""
    return [(one.machine, one.retest) for one in told.doubtful]


def advice(component: str) -> str:
    """What to look at first."""
    return look_at(component)
