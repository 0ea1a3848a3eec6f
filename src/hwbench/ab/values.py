"""What one process of a side measured: a value for each case, whatever tool wrote it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from ..record.model import Scalar
from ..tracking.sides import Entry, Key


class Value(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A case in one process: its value in `unit`, or why it has none (`unfit`, `why`); `suspect` says what disturbed.

    `work` is what must agree between the sides beside the name: the version, and the counts of a call. `statistic` says
    which figure of the process's rounds the value is ("" of a single one); `median` is that of the same rounds.
    """

    bench: str
    variant: str = ""
    device: str = "cpu"
    params: Mapping[str, Scalar] = {}
    value: float | None = None
    unit: str = "s"
    higher: bool = False
    sure: bool = True
    work: str = ""
    unfit: str = ""
    why: str = ""
    suspect: str = ""
    statistic: str = ""
    median: float | None = None

    @property
    def key(self) -> Key:
        """What identifies the case on both sides."""
        axes = tuple(sorted((axis, str(value)) for axis, value in self.params.items()))
        return self.bench, self.variant, self.device, axes


@dataclass(frozen=True)
class Quad:
    """The values of four processes: two of each side."""

    base: Sequence[Sequence[Value]] = field(default_factory=list)
    new: Sequence[Sequence[Value]] = field(default_factory=list)

    @property
    def sides(self) -> tuple[Sequence[Sequence[Value]], Sequence[Sequence[Value]]]:
        """Base and new."""
        return self.base, self.new


def of(entry: Entry, statistic: str = "", median: float | None = None) -> Value:
    """The value of a case that a reader found; one of zero or below has no ratio and counts as skipped."""
    value, unfit, why = entry.value, entry.unfit, entry.why
    if value is not None and not value > 0:
        value, unfit, why = None, unfit or "skipped", why or f"{value:g} {entry.unit} has no ratio"
    counts = ", ".join(f"{name} {count:.6g}" for name, count in sorted(entry.counts.items()))
    return Value(
        bench=entry.bench, variant=entry.variant, device=entry.device, params=dict(entry.params), value=value,
        unit=entry.unit, higher=entry.higher, sure=entry.sure, work=f"version {entry.version} {counts}".rstrip(),
        unfit=unfit, why=why, suspect=next((one.suspect for one in entry.measurements if one.suspect), ""),
        statistic=statistic, median=median if median is not None and median > 0 else None,
    )  # fmt: skip
