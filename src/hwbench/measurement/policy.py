"""How long each preset samples, and how the time of a run with few cases is shared out."""

from __future__ import annotations

import os
from collections.abc import Mapping

import msgspec

from ..errors import UsageError
from ..record.model import Policy

POLICIES = {
    "quick": Policy(preset="quick", min_sample_s=0.002, case_s=0.1, warmup_s=0.1, max_rounds=40, precision=0.02),
    "standard": Policy(preset="standard", min_sample_s=0.003, case_s=0.1, warmup_s=0.1),
    "full": Policy(preset="full", min_sample_s=0.003, case_s=0.2, warmup_s=0.2, max_rounds=300),
}
STATIC_ROUNDS = 3  # of works whose seconds say nothing: the least that give an interval
FEW_S = 30.0  # the rounds of all cases of a full run may take at least this long together,
LONGEST_CASE_S = 3600.0
FEW_CASE_S = 2.0  # but those of one case no longer than this: then half a second of a neighbour leaves the median alone
CASE_S = "HWBENCH_CASE_S"  # seconds of a case's rounds, and most of its warm-up


def fitted(policy: Policy, cases: int, variables: Mapping[str, str] = os.environ) -> Policy:
    """The policy for so many cases: in the full preset, few cases get more time each, and a narrower interval.

    Where the variable CASE_S is set, a case of any preset gets so many seconds: `hwbench ab` does so, since each of its
    runs is one of many. UsageError where it is no time.
    """
    if said := variables.get(CASE_S):
        try:
            seconds = float(said)
        except ValueError:
            seconds = 0.0
        if not 0 < seconds <= LONGEST_CASE_S:
            raise UsageError(
                f"{CASE_S}={said[:60]} is no time of a case: "
                f"give seconds above 0 and at most {LONGEST_CASE_S:g}, or unset it"
            )
        return msgspec.structs.replace(policy, case_s=seconds, warmup_s=min(policy.warmup_s, seconds))
    if policy.preset != "full" or not cases:
        return policy
    times = min(FEW_CASE_S, max(FEW_S / cases, policy.case_s)) / policy.case_s
    return msgspec.structs.replace(
        policy, case_s=policy.case_s * times, max_rounds=round(policy.max_rounds * times),
        precision=policy.precision / times,
    )  # fmt: skip


def of_static(policy: Policy) -> Policy:
    """The policy for works whose answers are facts (`static`), such as counts of machine code."""
    return msgspec.structs.replace(policy, rounds=STATIC_ROUNDS, max_rounds=STATIC_ROUNDS, warmup_s=0.0)


def usual_seconds(preset: str) -> float:
    """What a case usually takes: its rounds, half its warm-up, as much for building and checking; 0: unknown."""
    policy = POLICIES.get(preset)
    return policy.case_s + policy.warmup_s if policy else 0.0
