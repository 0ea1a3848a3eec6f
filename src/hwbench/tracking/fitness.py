"""Why two entries of a case cannot be compared: new, gone, failed, other versions, other work."""

from __future__ import annotations

import math
from collections.abc import Mapping

from ..record import text
from .comparison import Verdict
from .sides import Entry


def unfit(old: Entry | None, new: Entry | None, across: bool) -> tuple[Verdict, str] | None:
    """Why two entries of a case cannot be compared, and what that is called; None where they can be."""

    def state(entry: Entry | None, side: str) -> str:
        if entry is None:
            return f"not in {side}"
        return f"{entry.unfit} in {side}" + (f": {entry.why}" if entry.why else "") if entry.unfit else ""

    before, after = state(old, "base"), state(new, "new")
    if new is not None and new.failed and not (old is not None and old.failed):
        return "failed", after
    if before and after:
        return "not measured", before
    if before or after:
        return ("new", before) if before else ("gone", after)
    if old is None or new is None:
        return "not measured", ""
    if old.unit != new.unit:
        return "not measured", f"{old.unit or 'no unit'} in base, {new.unit or 'no unit'} in new"
    if old.version and new.version and old.version != new.version:
        return (
            "not measured", f"version {old.version} in base, {new.version} in new, which time different things"
        )  # fmt: skip
    if old.counts and new.counts and not across and not _alike(old.counts, new.counts):
        # A label such as L3 is resolved on the machine, so it may stand for another size in another run.
        return (
            "not measured",
            f"the work of a call differs: {_work(old)} in base, {_work(new)} in new; give the size in bytes",
        )
    return None


def _alike(old: Mapping[str, float], new: Mapping[str, float]) -> bool:
    """Whether counts are equal to six digits, the precision of counts from a rate and a median."""
    shared = set(old) & set(new)
    return bool(shared) and all(math.isclose(old[name], new[name], rel_tol=1e-6) for name in shared)


def _work(entry: Entry) -> str:
    """In full: the amounts of two sides may differ in the sixth digit."""
    return ", ".join(f"{_exactly(x)} {name}" for name, x in entry.counts.items()) or "nothing counted"


def _exactly(x: float) -> str:
    return text.count(round(x)) if x >= 1000 or x == round(x) else str(round(x, 6))
