"""What `ab` says of a measurement beside its verdicts: both sides, how it was measured, and that as plain data."""

from __future__ import annotations

import os

from ..record import text
from ..record.model import JsonObject
from ..record.phrases import counted
from ..tracking.sides import Side
from .environments import Contender
from .interleave import PROCESSES, SIDES, Outcome
from .journal import Asked, Journal
from .layout import SEEDED, aslr
from .looks import FAMILY, LAST, LOOKS, OUTSIDE

MACHINE = "this machine"


def side(one: Contender) -> Side:
    """A contender as the side of a comparison: its name and versions."""
    return Side(one.name, MACHINE, {}, (), dict(one.packages))


def notes(asked: Asked, outcome: Outcome) -> list[str]:
    """How it was measured, in sentences."""
    way = "in the order base new new base, or the reverse as drawn"
    if asked.mode == "duet":
        way = f"as duets on CPUs {asked.cpus[0]} and {asked.cpus[1]}, swapped for every second pair"
    found = [
        f"measured by `{asked.command}`: {outcome.quads} quads of {PROCESSES} processes in "
        f"{text.duration(outcome.seconds)}, {way} ({asked.why})"
    ]
    if outcome.look is not LAST:
        found.append(
            f"stopped at the first of {len(LOOKS)} looks, as every case was clear; the levels of both looks together "
            f"are {text.share(FAMILY)} for verdicts and {text.share(OUTSIDE)} for intervals"
        )
    if outcome.see is not None:
        share, cases = text.share(outcome.see), outcome.asked
        judged = sum(one.ratio is not None for one in outcome.report.cases)
        where = "every case" if cases == judged else f"the {counted(cases, 'case')} whose threshold is smaller"
        said = f"measured until a change of {share} would be found in {where}, and judged once"
        if not cases:
            said = f"no case has a threshold below --see {share}, so that it ended as soon as it may"
        elif outcome.unseen:
            said = f"ended before a change of {share} would be found in {where}: in {outcome.unseen} it would not"
        found.append(said)
    seed = "" if os.environ.get(SEEDED, "random") != "random" else "hash seed and "
    random = "" if aslr() != "fixed" else "; the system draws no addresses, so that their layout is always the same one"
    found.append(f"each pair of processes has another {seed}size of the environment{random}")
    if any(one.low and one.low <= 1 <= (one.high or 1) for one in outcome.report.cases):
        found.append("an interval that holds 1 is of times, new over base, also for rates: above 1 is worse")
    return found


def design(journal: Journal, outcome: Outcome) -> JsonObject:
    """The same for programs, with each process and its layout."""
    asked = journal.asked
    return {
        "command": asked.command,
        "commits": list(asked.sides),
        "mode": asked.mode,
        "why": asked.why,
        "cpus": list(asked.cpus),
        "quads": outcome.quads,
        "seconds": outcome.seconds,
        "seed": asked.seed,
        "family_wise_level": FAMILY,
        "interval_level": 1 - OUTSIDE,
        "looks": [
            {"share": one.share, "level": one.family, "interval_level": 1 - one.outside, "last": one is outcome.look}
            for one in LOOKS
            if outcome.see is None or one is LAST
        ],
        **({"see": outcome.see, "unseen": outcome.unseen, "asked": outcome.asked} if outcome.see is not None else {}),
        "addresses": aslr(),
        "processes": [
            {
                "quad": one.quad, "step": one.step, "side": SIDES[one.side], "cpus": list(one.cpus),
                "hash_seed": one.layout.hash_seed, "environment_padding": one.layout.padding, "began": one.began,
                "seconds": one.seconds, "cpu_seconds": one.cpu,
            }
            for one in journal.measured
        ],
    }  # fmt: skip
