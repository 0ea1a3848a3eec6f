"""Which machines are odd, and which component of each is at fault.

Machines of one hardware are compared with each other. A machine's score is the logarithm of how much more likely its
figures are with a fault than without (`scores`); under health a score of L or more has a probability of at most
exp(-L). Benjamini and Hochberg's procedure over the machines keeps the share of healthy ones among those accused below
`RATE`; the same over machines × quantities says which figures are evidence. Who would be accused at `DOUBT`, has one
run only, or has a strange figure that no fault explains, is doubtful: it is measured again. Of fewer than `ALIKE`
machines none shows what is usual: they are judged by what each did before (`history`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import msgspec
import numpy as np

from ..analysis import datasheets
from ..record import text
from ..record.phrases import counted
from .components import BETWEEN, UNKNOWN, WITHIN, components, look_at
from .cube import Cube, Floats, Group
from .health import Health, health
from .history import FEWEST, since
from .levels import levels, quiet_median
from .scores import NOISY, Patterns, Scores, scores

ALIKE = 8  # machines that show what is usual
RATE = 0.01  # the share of healthy machines among those accused
DOUBT = 0.2  # the same among those that are measured again
EVIDENCE = 6  # figures that are shown of a machine
ENOUGH = 200  # machines that show whether scores of the healthy are as high as they should be
SAMPLE = 2000  # machines of which that is looked at
UPPER = 0.975  # the quantile of scores above which that is looked at
MANY = 0.2  # of a group at fault: more than faults are likely to be
MEMORY = re.compile(r"dram\.(read|write|copy|triad)\.all")
LOUD = 2.0  # robust standard deviations by which spread is raised where noise is named
AGAIN = 3  # benches that tell the likeliest components apart


class Evidence(msgspec.Struct, frozen=True):
    """A quantity: how many robust standard deviations it is from the centre, and its ratio to that; worse is negative.

    A `ratio` is of values as they are: 0.75 of a bandwidth, 1.3 of a latency.
    """

    quantity: str
    deviation: float
    ratio: float

    @property
    def words(self) -> str:
        """`dram.read.all 0.842× (−13.5)`."""
        return f"{self.quantity} {text.times(self.ratio)} ({f'{round(self.deviation, 1):+g}'.replace('-', '−')})"


class Accused(msgspec.Struct, frozen=True):
    """A machine, the component that explains it best with its probability among all, and the second."""

    machine: str
    component: str
    probability: float
    second: str | None
    evidence: Sequence[Evidence]

    @property
    def chance(self) -> str:
        """`87%`, `more than 99%`."""
        return "more than 99%" if self.probability > 0.99 else text.share(self.probability)


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
    """What was computed of one group; `scores` is None where nothing shows what is usual."""

    group: Group
    health: Health
    scores: Scores | None
    adjusted: Floats  # chances of machines, adjusted
    odd_cells: Floats  # of machines × quantities
    dropped: Sequence[str] = ()  # quantities of too few machines


def diagnose(made: Cube) -> Diagnosis:
    """The diagnosis of a fleet: the same for the same rows, in whatever order they came."""
    return summed(made, [verdict(group) for group in made.groups])


def summed(made: Cube, verdicts: Sequence[Verdict]) -> Diagnosis:
    """The diagnosis that verdicts of the groups give."""
    refused = list(made.refused)
    odd: list[tuple[float, Accused]] = []
    doubtful: list[Doubtful] = []
    groups = []
    for one in verdicts:
        for i, told in named(one).items():
            if isinstance(told, Doubtful):
                doubtful.append(told)
            else:
                odd.append((float(one.scores.total[i]) if one.scores else 0.0, told))
        machines, runs = len(one.group.machines), int(one.group.runs.sum())
        groups.append(Judged(one.group.hardware, one.group.model, machines, runs, _judged_by(one)))
        if one.dropped:
            refused.append(
                f"hardware {one.group.hardware}: {counted(len(one.dropped), 'quantity', 'quantities')} of fewer than "
                f"{ALIKE} machines, not judged ({', '.join(one.dropped[:3])}{' …' if len(one.dropped) > 3 else ''})"
            )
    names = {name for one in made.groups for name in one.machines}
    odd.sort(key=lambda pair: (-pair[0], pair[1].machine))
    doubtful.sort(key=lambda one: one.machine)
    groups.sort(key=lambda one: (-one.machines, one.hardware))
    return Diagnosis(len(names), groups, [told for _, told in odd], doubtful, refused)


def verdict(group: Group) -> Verdict:
    """What is computed of a group."""
    from scipy.stats import false_discovery_control

    dropped: Sequence[str] = ()
    if small := len(group.machines) < ALIKE:
        found = since(group)
    else:
        group, dropped = _told(group)
        found = health(group, levels(group))
    if found is None:
        nothing = np.full((len(group.machines), len(group.quantities)), np.nan)
        none = np.ones(len(group.machines))
        empty = Health(group.quantities, np.zeros(len(group.quantities)), nothing, nothing, (), none)
        return Verdict(group, empty, None, none, nothing, dropped)
    patterns = components(found.quantities)
    scored = scores(found, patterns)
    trust = 1.0 if small else _trust(scored.total, found, patterns)
    chance = np.exp(-np.maximum(0.0, scored.total * trust))
    cells = _chances(found)
    odd_cells = np.ones_like(cells)
    there = np.isfinite(cells)
    if there.any():
        odd_cells[there] = false_discovery_control(cells[there])
    return Verdict(group, found, scored, false_discovery_control(chance), odd_cells, dropped)


def _told(group: Group) -> tuple[Group, Sequence[str]]:
    """The group with the quantities that enough machines have, and the names of the others."""
    there = np.isfinite(group.y).any(axis=2).sum(axis=0) >= ALIKE
    if there.all():
        return group, ()
    at = [int(i) for i in np.flatnonzero(there)]

    def some(names: Sequence[str]) -> list[str]:
        return [names[i] for i in at] if names else []

    kept = Group(
        group.hardware, group.model, group.machines, some(group.quantities), group.better[at], group.y[:, at],
        group.width[:, at], group.started, some(group.benches), some(group.units), group.costs,
    )  # fmt: skip
    return kept, [name for name, enough in zip(group.quantities, there.tolist(), strict=True) if not enough]


def _trust(total: Floats, found: Health, patterns: Patterns) -> float:
    """By what scores are multiplied before they count: below 1 where those of healthy machines are too high.

    Were the fast as slow as they are fast, their scores would be those of healthy machines: faults make none faster.
    Machines that are at fault say nothing here, for their other figures look fast beside the slow ones.
    """
    healthy = np.flatnonzero(total < 0)
    if len(healthy) < ENOUGH:
        return 1.0
    some = healthy[:: max(1, len(healthy) // SAMPLE)]
    part = replace(found, deviation=found.deviation[some], noise=found.noise[some])
    mirrored = scores(part, patterns, mirrored=True).total
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


def scales(found: Health) -> Floats:
    """Machine × quantity: the robust standard deviation of the group, or the noise of the machine's runs if larger."""
    with np.errstate(all="ignore"):
        return np.asarray(np.sqrt(np.maximum(found.spread**2, found.noise)))


def deviations(found: Health) -> Floats:
    """Machine × quantity in robust standard deviations."""
    with np.errstate(all="ignore"):
        return np.asarray(found.deviation / scales(found))


def _judged_by(one: Verdict) -> str:
    number = len(one.group.machines)
    if number >= ALIKE:
        share = float((one.adjusted <= RATE).mean())
        doubt = f", {text.share(share)} odd: perhaps two kinds of machine" if share > MANY else ""
        return f"{counted(number, 'machine')} alike{doubt}"
    few = f"fewer than {ALIKE} machines alike"
    sheet = _of_datasheet(one.group)
    if one.scores is not None:
        return f"own history{sheet}: {few}"
    return f"nothing yet{sheet}: {few}, and none has {FEWEST} runs"


def _of_datasheet(group: Group) -> str:
    """The machines' memory bandwidth as a share of what the CPU's datasheet states; guests may have a part only."""
    sheet = datasheets.load().find(group.model, "cpu")
    at = [i for i, name in enumerate(group.quantities) if MEMORY.fullmatch(name)]
    if sheet is None or sheet.bandwidth is None or not at:
        return ""
    best = quiet_median(np.asarray(np.exp(np.nanmax(group.y[:, at], axis=(1, 2)))))
    return f" (memory at {text.share(float(best) / sheet.bandwidth.value)} of the datasheet of {sheet.name})"


def named(one: Verdict) -> dict[int, Accused]:
    """The machines of a group that are odd or doubtful, by their places."""
    group, scored = one.group, one.scores
    if scored is None:
        return {}
    z = deviations(one.health)
    patterns = components(one.health.quantities)
    strange = (one.odd_cells <= RATE).any(axis=1)
    out: dict[int, Accused] = {}
    for i in np.flatnonzero((one.adjusted <= DOUBT) | strange).tolist():
        first, probability, second = _best(scored, i, varies=bool((z[i, -2:] < -LOUD).any()))
        shares = patterns[first][1] if first in patterns else np.zeros(z.shape[1])
        told = (group.machines[i], first, probability, second, _evidence(one, z[i], shares, i))
        accused = one.adjusted[i] <= RATE
        if accused and group.runs[i] > 1:
            out[i] = Accused(*told)
            continue
        why = "one run: measured again before it is accused" if accused else "too little to accuse it"
        if one.adjusted[i] > DOUBT:
            why = "a figure far off that no component explains"
        out[i] = Doubtful(*told, why, _telling(one, patterns, first, second))
    return out


def _best(scored: Scores, i: int, *, varies: bool) -> tuple[str, float, str | None]:
    """The likeliest component with its probability, and the second; noise only of a machine whose spread is raised."""
    quiet = np.array([name == NOISY and not varies for name in scored.names])
    logs = np.where(quiet, -np.inf, scored.by_component[i])
    shares = np.exp(logs - logs.max())
    shares /= shares.sum()
    order = np.argsort(-shares, kind="stable").tolist()
    second = scored.names[order[1]] if len(order) > 1 else None
    return scored.names[order[0]], round(float(shares[order[0]]), 3), second


def _evidence(one: Verdict, z: Floats, shares: Floats, i: int) -> list[Evidence]:
    """The figures of a component, then others that are odd by themselves, each the worst first."""
    row = np.where(np.isfinite(z), z, np.inf)
    order = np.lexsort((np.arange(len(row)), row, shares <= 0))
    chosen = [j for j in order.tolist() if row[j] < -1 and (shares[j] > 0 or one.odd_cells[i, j] <= RATE)]
    out = []
    for j in chosen[:EVIDENCE] or [int(np.argmin(row))]:
        name = one.health.quantities[j]
        better = -1 if name in (BETWEEN, WITHIN) else int(one.group.better[j])
        ratio = float(np.exp(better * one.health.deviation[i, j]))
        out.append(Evidence(name, round(float(row[j]), 2), float(f"{ratio:.4g}")))
    return out


def _telling(one: Verdict, patterns: Patterns, first: str, second: str | None) -> list[str]:
    """The benches that tell the two likeliest components from health and from each other, the cheapest first."""
    nothing = np.zeros(len(one.health.quantities))
    mine, other = (patterns[name][1] if name in patterns else nothing for name in (first, second or UNKNOWN))
    power = (mine**2 + (mine - other) ** 2) / np.maximum(one.health.spread, 1e-4) ** 2
    cost = one.group.costs
    told: dict[str, float] = {}
    for bench, amount in zip(one.group.benches, power.tolist(), strict=False):
        if bench and amount > 0:
            told[bench] = told.get(bench, 0.0) + amount / cost.get(bench, 1.0)
    best = sorted(told, key=lambda bench: (-told[bench], bench))[:AGAIN]
    return sorted(best, key=lambda bench: (cost.get(bench, 1.0), bench))


def called(machine: str) -> str:
    """A machine's name as it is shown."""
    return machine if machine.strip() else "(no name)"


def advice(component: str) -> str:
    """What to look at first."""
    return look_at(component)
