"""Which cases of a run miss the precision that its policy asked for: sampling ended at the limit of time or rounds."""

from __future__ import annotations

from collections import Counter

from ..record import text
from ..record.estimate import Estimate, estimate, quantile
from ..record.model import Policy, Run
from ..record.phrases import counted
from .wording import SHOWN

REMEDY = {"full": "Select fewer cases: each gets more time"}
OTHERWISE = "`--preset full` times each case for longer, and few cases longest"


def missed(seconds: Estimate, policy: Policy) -> str:
    """`±3.2%` where an interval is wider than asked for; "" where it is not, or where three samples are missing."""
    wide = policy.precision < seconds.relative and seconds.low > 0
    return f"±{text.share(seconds.relative)}" if wide else ""


def sentence(run: Run) -> str:
    """How many cases miss the precision, by how much, and of which benches; "" where none does."""
    timed = [record for record in run.records if record.timed and not record.facts.get("static")]
    found = [(record.bench, estimate(record.samples)) for record in timed]
    known = [(bench, one) for bench, one in found if one.low > 0]
    wide = Counter(bench for bench, one in known if missed(one, run.policy))
    if not wide:
        return ""
    every = Counter(bench for bench, _ in known)
    halves = [one.relative for _, one in known]
    most = ", ".join(f"{bench} {count} of {every[bench]}" for bench, count in wide.most_common(SHOWN))
    of = f"{text.count(wide.total())} of {counted(len(known), 'case')}"
    return (
        f"{of} {'miss' if wide.total() > 1 else 'misses'} the ±{text.share(run.policy.precision)} asked for "
        f"(all: median ±{text.share(quantile(halves, 0.5))}, 90th percentile ±{text.share(quantile(halves, 0.9))}); "
        f"most: {most}. {REMEDY.get(run.policy.preset, OTHERWISE)}."
    )
