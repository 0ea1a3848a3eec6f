"""What views read of runs: names, points, baselines."""

from __future__ import annotations

from made_up.page import dataset
from made_up.sample import LAPTOP, sample_run


def test_labels_tell_runs_apart() -> None:
    """The machine and its date; with a time where the date is shared, with a number where that is shared too."""
    first, later = sample_run(), sample_run(started="2026-11-22T19:00:00Z")
    other = sample_run(LAPTOP)
    assert dataset(first).labels == ["zen-vm"]
    assert dataset(first, other).labels == ["zen-vm, 2026-11-22", "laptop, 2026-11-22"]
    assert dataset(first, later).labels == ["zen-vm, 2026-11-22 18:27", "zen-vm, 2026-11-22 19:00"]
    assert len(set(dataset(first, first).labels)) == 2
