"""Quality: reasons to doubt figures. Suspect, skipped, wrong and failed cases, each with its remedy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import median

from ...analysis import run_quality
from ...record import facts, interference, text
from ...record.estimate import drift
from ...record.model import JsonObject, Record
from ...record.reasons import TABLE, Reason
from .. import charts, format
from ..dataset import Runs
from ..sections import Block, Figure, Issue, Issues, Notes, Panel, Section, Table

ORDER = ("wrong", "error", "suspect", "skipped")

# What to do where a record gives no reason, or a code that only a newer hwbench knows.
BY_STATUS: dict[str, str] = {
    "wrong": TABLE["wrong_answer"].remedy,
    "error": TABLE["error"].remedy,
    "suspect": "Measure again when nothing else is running.",
    "skipped": "This case is not available here.",
}


def view(runs: Runs) -> Section | None:
    """Issues by reason, what the telemetry saw, and where the time went; None for runs without any record."""
    records = [(index, record) for index, run in enumerate(runs) for record in run.records]
    blocks: list[Block] = []
    if not records:
        return None
    issues = _issues(runs, records)
    if (checks := _checks(runs)) is not None:
        blocks.append(checks)
    blocks.append(_counts(runs))
    if issues:
        blocks.append(Issues(issues))
    if (seen := _telemetry(runs)) is not None:
        blocks.append(seen)
    if (before := _disturbances(runs)) is not None:
        blocks.append(before)
    if (spent := _phases(runs)) is not None:
        blocks.append(spent)
    if not issues:
        intro = ["Every case was measured undisturbed, and every answer agrees with its reference."]
    else:
        intro = [
            "Reasons to doubt figures. A suspect case keeps its time, is drawn pale, and counts under each of its "
            "reasons. Wrong, failed and skipped cases have no time."
        ]
    return Section("quality", "Quality", "Quality", intro, blocks, topic="quality")


def _checks(runs: Runs) -> Table | None:
    """The run's verdict on itself: each check with what was seen, what is allowed, and the remedy where it failed."""
    rows = []
    for index, reading in enumerate(runs.readings):
        checks = reading.checks
        for one in checks:
            which = f"{one.remedy}: {'; '.join(one.cases)}" if one.cases else one.remedy
            verdict = ("passed", "") if one.passed else ("too much", which)
            row = (one.name, text.share(one.seen), text.share(one.allowed), *verdict)
            rows.append(runs.row(index, row))
        rest = run_quality.impossible(checks) if checks else ()
        rows += [runs.row(index, (name, text.NOTHING, text.NOTHING, "not possible", "")) for name in rest]
    if not rows:
        return None
    caption = (
        "Was the machine quiet enough? Shares of time are of one CPU over all rounds. A limit is its best sample. No "
        "other sample confirms it if the lower quartile of its samples is far from it. A figure does not repeat if "
        "the same footprint, measured again in a sweep, gives another best sample, or the same case at the end of the "
        "run another median. Then another run may give another one, too. A check is not possible where the run has no "
        "counter, history or sweep for it."
    )
    return Table(caption, runs.head(("check", "seen", "allowed", "verdict", "what to do")), rows)


def _disturbances(runs: Runs) -> Notes | None:
    """What the machine showed before anything was measured, each with the figures it affects and the remedy."""
    told = [
        (f"{label}: " if runs.several else "")
        + f"{one.name} ({one.severity}): {one.state}. Affects: {one.affects}. Remedy: {one.remedy}."
        for label, run in zip(runs.labels, runs, strict=True)
        for one in run.disturbances
    ]
    return Notes("What disturbs measuring here, as it stood before the run", told) if told else None


def _counts(runs: Runs) -> Table:
    rows = []
    for label, run in zip(runs.labels, runs, strict=True):
        have = [record.status for record in run.records]
        rows.append((label, str(len(have)), *(str(sum(one == status for one in have)) for status in ("ok", *ORDER))))
    return Table("Cases by status", ("run", "cases", "ok", *ORDER), rows)


def _issues(runs: Runs, records: Sequence[tuple[int, Record]]) -> list[Issue]:
    """Cases by status and code. A case that several things disturbed stands below each, since each has its remedy."""
    groups: dict[tuple[str, str], list[tuple[int, Record, Reason]]] = {}
    for index, record in records:
        if record.status in ORDER:
            for reason in record.reasons or [Reason("")]:
                # Sentences without a code have only themselves in common.
                alike = reason.detail if reason.code == "other" else reason.code
                groups.setdefault((record.status, alike), []).append((index, record, reason))
    out = []
    for (status, _), members in sorted(groups.items(), key=lambda item: (ORDER.index(item[0][0]), -len(item[1]))):
        first = members[0][2]
        texts = [words for words, _ in Counter(str(reason) for _, _, reason in members).most_common()]
        told = texts[0] or "no reason given"
        if len(texts) > 1:
            told += f" (and {len(texts) - 1} more)"
        cases = [
            format.case(record)
            + (f" ({runs.labels[index]})" if runs.several else "")
            + (f": {reason.detail or reason}" if len(texts) > 1 else "")
            for index, record, reason in members
        ]
        out.append(Issue(status, told, first.remedy or BY_STATUS[status], cases))
    return out


def _telemetry(runs: Runs) -> Table | None:
    """What disturbed each run as a whole: telemetry belongs to a contrast, so each is counted once."""
    rows = []
    for label, run in zip(runs.labels, runs, strict=True):
        apart = facts.telemetry(run.records)
        wall = sum(sum(facts.numbers(telemetry.get("wall_s"))) for telemetry in apart)
        clocks = [reading for telemetry in apart for reading in facts.numbers(telemetry.get("clock_hz")) if reading > 0]
        if not wall and not clocks:
            continue

        def share(name: str) -> str:
            values = [x for telemetry in apart for x in facts.numbers(telemetry.get(name))]  # noqa: B023
            return text.share(max(sum(values), 0.0) / wall) if values and wall else text.NOTHING  # noqa: B023

        def total(name: str) -> str:
            values = [x for telemetry in apart for x in facts.numbers(telemetry.get(name))]  # noqa: B023
            return text.count(sum(values)) if values else text.NOTHING

        middle = sorted(clocks)[len(clocks) // 2] * 1e-9 if clocks else None
        drifts = [drift(facts.numbers(telemetry.get("clock_hz"))) for telemetry in apart]
        rows.append(
            (
                label,
                text.amount(wall, "s"),
                text.amount(middle, "GHz"),
                text.share(max(drifts, default=0.0)) if clocks else text.NOTHING,
                _handovers(apart),
                share("steal_s"),
                share("others_s"),
                share("throttled_s"),
                total("involuntary_switches"),
                total("faults"),
            )
        )
    if not rows:
        return None
    head = (
        "run",
        "time in rounds",
        "clock",
        "largest drift",
        "line between CPUs",
        "steal",
        "others' load",
        "throttled",
        "involuntary switches",
        "page faults",
    )
    return Table(
        "What the telemetry saw during the rounds. Steal, others' load and throttling are shares of one CPU; the "
        "drift is of the clock within one contrast; the time a line takes from one CPU to another tells whether they "
        "were moved between caches.",
        head,
        rows,
    )


def _handovers(apart: Sequence[JsonObject]) -> str:
    """What a line took between two CPUs: `42 ns`, or both states with the share of the second."""
    times = [time for telemetry in apart for time in facts.numbers(telemetry.get("handover_s")) if time > 0]
    if not times:
        return text.NOTHING
    near, far = interference.states(times)
    told = [text.seconds(median(state)) for state in (near, far) if state]
    return told[0] if not far else f"{told[0]}, in {text.share(len(far) / len(times))} of rounds {told[1]}"


def _phases(runs: Runs) -> Figure | None:
    names = list(dict.fromkeys(name for run in runs for name in run.policy.phases if name != "total"))
    spent = {
        (index, name): float(run.policy.phases[name])
        for index, run in enumerate(runs)
        for name in names
        if run.policy.phases.get(name, 0) > 0
    }
    if not spent:
        return None
    names = sorted(
        {name for _, name in spent}, key=lambda name: -max(spent.get((i, name), 0.0) for i in range(len(runs)))
    )
    top = max(spent.values())
    panels = []
    rows = []
    for index, (label, run) in enumerate(zip(runs.labels, runs, strict=True)):
        own = {name: seconds for (i, name), seconds in spent.items() if i == index}
        if not own:
            continue
        total = run.policy.phases.get("total") or sum(own.values())
        marks = [
            charts.Mark(
                series="",
                colour="c1",
                case=name,
                value=seconds,
                unit="s",
                group=name,
                label=f"{text.amount(seconds, 's')}, {text.share(seconds / total)}",
            )
            for name, seconds in own.items()
        ]
        spec = charts.bars(
            marks,
            groups=[name for name in names if name in own],
            series=[""],
            unit="seconds",
            top=top,
            best=True,
            alt_text="Seconds of wall time spent in each phase of the run.",
        )
        panels.append(Panel(label if runs.several else "", spec, "Wall time by phase"))
        for name in names:
            if name in own:
                row = (name, text.amount(own[name]), text.share(own[name] / total))
                rows.append(runs.row(index, row))
    head = ("phase", "seconds", "of the whole")
    table = Table("Wall time by phase", runs.head(head), rows)
    return Figure(
        "Where the time went",
        panels,
        table,
        "The more of it is spent in samples and warm-up, the better.",
        wide=not runs.several,
    )
