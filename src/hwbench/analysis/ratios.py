"""Ratios of two records: paired by round where they share their rounds."""

from __future__ import annotations

from ..record.estimate import Estimate, paired_ratio, unpaired_ratio
from ..record.model import Record, contrast_key


def ratio(record: Record, base: Record) -> Estimate:
    """Seconds of one record over another's: paired where they share rounds, else the ratio of medians."""
    if len(record.samples) == len(base.samples) and contrast_key(record)[0] == contrast_key(base)[0]:
        return paired_ratio(record.samples, base.samples)
    return unpaired_ratio(record.samples, base.samples)
