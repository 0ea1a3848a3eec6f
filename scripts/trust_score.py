"""What `trust.py` makes of its readings: which records were disturbed, which were marked, and the skill of each reason.

A record is *disturbed* where its median is more than 5% off the mean of the quiet references right before and after.
Where these differ by more than 2%, or other programs were at work, it is not scored. The *skill* of a reason is
Peirce's: the share of disturbed records that it marks, less the share of undisturbed ones that it marks. 0 is what a
coin reaches, 1 is perfect. Its interval is a 95% bootstrap over contrasts, since the records of a contrast share their
telemetry.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean

import msgspec
import numpy as np

BUSY = 0.10  # of a CPU, taken by other programs: no reference
OFF = 0.05  # from the references: disturbed
APART = 0.02  # the references from each other: not scored
RESAMPLES = 999
STRONG = ("10%", "25%", "50%", "100%", "burst")  # levels from which every disturbed record should be marked
TARGETS = {"flagged": 0.95, "missed": 0.01, "false alarms, quiet": 0.02}


class Row(msgspec.Struct, frozen=True, array_like=True):
    """A record: its case by number, the median in seconds, the codes of its reasons."""

    case: int
    median: float
    codes: list[str]


class Reading(msgspec.Struct, frozen=True, array_like=True):
    """A contrast measured once, at one level of the disturbance ("": none).

    `others` is what programs that are not ours took, in CPUs: with more than `BUSY` it is no reference.
    """

    level: str
    others: float
    rows: list[Row]

    @property
    def quiet(self) -> bool:
        """Whether nobody disturbed it, we neither."""
        return not self.level and self.others <= BUSY


class Chain(msgspec.Struct, frozen=True):
    """A contrast measured quiet, disturbed, quiet, disturbed … and quiet: each reading between two references."""

    kind: str
    contrast: str
    started: str
    readings: list[Reading]


class Scored(msgspec.Struct, frozen=True):
    """A record with a verdict: how far its median is off the references, as a share."""

    cluster: tuple[int, int]  # the chain and the reading
    kind: str
    level: str
    case: int
    off: float
    codes: list[str]

    @property
    def disturbed(self) -> bool:
        """Whether the median moved."""
        return abs(self.off) > OFF

    @property
    def flagged(self) -> bool:
        """Whether hwbench marks it."""
        return bool(self.codes)


class Skill(msgspec.Struct, frozen=True):
    """How well a reason predicts: counts, Peirce's skill with its interval, and the counts where it is the only one."""

    hits: int
    misses: int
    false_alarms: int
    correct: int
    skill: float | None
    low: float | None
    high: float | None
    hits_alone: int
    false_alarms_alone: int


class Counts(msgspec.Struct, frozen=True):
    """Of some records: how many are scored, disturbed, and marked among the disturbed and the undisturbed."""

    scored: int
    disturbed: int
    flagged: int
    false_alarms: int

    @property
    def missed(self) -> int:
        """Disturbed and not marked."""
        return self.disturbed - self.flagged


class Summary(msgspec.Struct, frozen=True):
    """The tables. `unscored` had references too far apart; `quiet` counts marks in the references themselves.

    `host_reasons` are of readings that we did not disturb: `undisturbed`.
    """

    unscored: int
    quiet_records: int
    quiet_flagged: int
    overall: Counts
    strong: Counts
    reasons: dict[str, Skill]
    quiet_reasons: dict[str, int]
    noises: dict[str, Counts]
    host: Counts
    host_reasons: dict[str, Skill]


def undisturbed(chains: Sequence[Chain]) -> list[Chain]:
    """The quiet readings alone, every second one to be scored by its neighbours: what a busy host does by itself."""
    out = []
    for chain in chains:
        quiet = [one for one in chain.readings if one.quiet]
        turns = [Reading("host", one.others, one.rows) if place % 2 else one for place, one in enumerate(quiet)]
        out.append(Chain(chain.kind, chain.contrast, chain.started, turns))
    return out


def scored(chains: Sequence[Chain]) -> tuple[list[Scored], int]:
    """Every record under a disturbance with its verdict, and how many have none."""
    out, unscored = [], 0
    for number, chain in enumerate(chains):
        for place in range(1, len(chain.readings) - 1):
            before, one, after = chain.readings[place - 1 : place + 2]
            if not one.level:
                continue
            sides = [{row.case: row.median for row in side.rows if side.quiet} for side in (before, after)]
            for row in one.rows:
                medians = [side[row.case] for side in sides if row.case in side]
                if len(medians) < len(sides) or max(medians) / min(medians) - 1 > APART:
                    unscored += 1
                    continue
                off = row.median / mean(medians) - 1
                out.append(Scored((number, place), chain.kind, one.level, row.case, off, row.codes))
    return out, unscored


def counts(records: Sequence[Scored]) -> Counts:
    """What holds of some records."""
    disturbed = [one for one in records if one.disturbed]
    return Counts(
        len(records), len(disturbed), sum(one.flagged for one in disturbed),
        sum(one.flagged and not one.disturbed for one in records),
    )  # fmt: skip


def skill(records: Sequence[Scored], code: str) -> Skill:
    """The skill of one reason."""
    clusters = sorted({one.cluster for one in records})
    place = {cluster: index for index, cluster in enumerate(clusters)}
    table = np.zeros((len(clusters), 4))  # hits, misses, false alarms, correct
    alone = [0, 0]
    for one in records:
        marked = code in one.codes
        table[place[one.cluster], 2 * (not one.disturbed) + (not marked)] += 1
        if one.codes == [code]:
            alone[not one.disturbed] += 1
    totals = table.sum(axis=0)
    low = high = None
    if clusters:
        drawn = np.random.default_rng(0).integers(0, len(clusters), (RESAMPLES, len(clusters)))
        values = [value for draw in drawn if (value := peirce(table[draw].sum(axis=0))) is not None]
        if values:
            low, high = (round(float(bound), 4) for bound in np.percentile(values, (2.5, 97.5)))
    value = peirce(totals)
    return Skill(*map(int, totals), None if value is None else round(value, 4), low, high, *alone)


def peirce(totals: np.ndarray) -> float | None:
    """Hit rate less false-alarm rate; None where there are no disturbed, or no undisturbed, records."""
    hits, misses, false, correct = map(float, totals)
    if not hits + misses or not false + correct:
        return None
    return hits / (hits + misses) - false / (false + correct)


def summary(chains: Sequence[Chain]) -> Summary:
    """All tables."""
    records, unscored = scored(chains)
    quiet = [row for chain in chains for one in chain.readings if one.quiet for row in one.rows]
    codes = sorted({code for one in records for code in one.codes} | {code for row in quiet for code in row.codes})
    by_host, _ = scored(undisturbed(chains))
    noises: dict[str, list[Scored]] = {}
    for one in records:
        noises.setdefault(f"{one.kind} {one.level}", []).append(one)
    return Summary(
        unscored, len(quiet), sum(bool(row.codes) for row in quiet), counts(records),
        counts([one for one in records if one.level in STRONG and one.kind != "quota"]),
        {code: skill(records, code) for code in codes},
        {code: sum(code in row.codes for row in quiet) for code in codes},
        {name: counts(those) for name, those in noises.items()},
        counts(by_host),
        {code: skill(by_host, code) for code in codes},
    )  # fmt: skip


def missed_targets(found: Summary) -> list[str]:
    """The targets that are not reached, in words."""
    shares = {
        "flagged": _share(found.strong.flagged, found.strong.disturbed) if found.strong.disturbed else 1.0,
        "missed": _share(found.strong.missed, found.strong.scored),
        "false alarms, quiet": _share(found.quiet_flagged, found.quiet_records),
    }
    return [
        f"{name}: {shares[name]:.1%}, target {'at least' if name == 'flagged' else 'at most'} {target:.0%}"
        for name, target in TARGETS.items()
        if (shares[name] < target if name == "flagged" else shares[name] > target)
    ]


def _table(reasons: dict[str, Skill], quiet: dict[str, int]) -> list[str]:
    out = [
        "| reason | hits | misses | false alarms | alone: hits, false alarms | quiet runs | skill (95% interval) |",
        "| --- | --: | --: | --: | --: | --: | --: |",
    ]
    for code, one in sorted(reasons.items(), key=lambda item: -(item[1].skill or 0)):
        told = "–" if one.skill is None else f"{one.skill:.2f} ({one.low:.2f} to {one.high:.2f})"
        out.append(
            f"| `{code}` | {one.hits} | {one.misses} | {one.false_alarms} | {one.hits_alone}, {one.false_alarms_alone} "
            f"| {quiet[code]} | {told} |"
        )
    return out


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _unmarked(seen: Counts) -> str:
    """How many of the records without a mark are off; where nothing disturbed, that is what chance gives."""
    left = seen.scored - seen.flagged - seen.false_alarms
    return f"{seen.missed} of {left} records ({_share(seen.missed, left):.1%})"


def lines(found: Summary) -> list[str]:
    """The tables as Markdown."""
    out = [*_table(found.reasons, found.quiet_reasons), ""]
    out += [
        f"Of {found.host.scored} readings that nothing here disturbed, scored by the quiet ones before and after, "
        f"{found.host.disturbed} are off:",
        "",
        *_table(found.host_reasons, found.quiet_reasons),
    ]
    out += [
        "",
        "| disturbance | records | disturbed | of these marked | missed | undisturbed, marked |",
        "| --- | --: | --: | --: | --: | --: |",
    ]
    rows = {**found.noises, "from 10% of a CPU on, all": found.strong, "all": found.overall}
    for name, seen in rows.items():
        marked = f"{seen.flagged} ({seen.flagged / seen.disturbed:.0%})" if seen.disturbed else "0"
        out.append(f"| {name} | {seen.scored} | {seen.disturbed} | {marked} | {seen.missed} | {seen.false_alarms} |")
    quiet = _share(found.quiet_flagged, found.quiet_records)
    return [
        *out,
        "",
        f"Not scored, for the references differ by more than {APART:.0%}: {found.unscored} records. "
        f"Marked in quiet runs: {found.quiet_flagged} of {found.quiet_records} records ({quiet:.1%}).",
        f"Unmarked and off: {_unmarked(found.strong)} from 10% of a CPU on, and {_unmarked(found.host)} that nothing "
        "here disturbed.",
    ]
