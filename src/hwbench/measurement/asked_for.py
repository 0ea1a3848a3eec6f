"""What a case asked for and did not get: threads on CPUs of their own, memory on huge pages, a gate, events."""

from __future__ import annotations

import os
from collections.abc import Mapping

from ..record.model import JsonObject, Scalar
from ..record.reasons import Reason, because


def refused(params: Mapping[str, Scalar], facts: JsonObject) -> list[Reason]:
    """The reasons by a case's facts, where this system could have given it; what is not known is no reason."""
    reasons = []
    if facts.get("pinned") is False and hasattr(os, "sched_setaffinity"):
        reasons.append(because("not_pinned"))
    pages = facts.get("pages")
    if params.get("pages") == "huge" and isinstance(pages, str) and pages not in ("huge", "default"):
        reasons.append(because("not_huge", f"the memory lies on {pages} pages"))
    if facts.get("no_gate"):
        reasons.append(because("gpu_no_gate", str(facts["no_gate"])))
    if facts.get("events_refused"):
        reasons.append(because("opencl_events", str(facts["events_refused"])))
    return reasons
