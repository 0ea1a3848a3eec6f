"""`--metric`: its form, and what it finds."""

from __future__ import annotations

import pytest

from hwbench.ab.metrics import metrics
from hwbench.errors import UsageError


def test_a_number_is_found_with_its_unit_and_direction():
    """The median of all matches; separators of thousands are dropped."""
    [one] = metrics([r"rate [MB/s]=rate: ([\d.,]+)"])
    found = one.value("rate: 1,000.5\nrate: 1,200\nrate: 900\n")
    assert (found.bench, found.value, found.unit, found.higher, found.sure) == ("rate", 1000.5, "MB/s", True, True)
    [time] = metrics(["took[s]=([0-9.e-]+)$"])
    assert time.value("1e-3\n2e-3\n3e-3").value == 2e-3
    assert not time.value("1").higher


def test_what_prints_no_number_has_failed_and_zero_has_no_ratio():
    """Neither becomes a value."""
    [one] = metrics(["x=x (.*)"])
    assert (one.value("x y").unfit, one.value("").unfit) == ("failed", "failed")
    assert one.value("x 0").unfit == "skipped"
    assert one.value("x nan").value is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["rate"], "is not of the form NAME=REGEX"),
        (["x=(["], "is no regular expression"),
        (["x=rate"], "has no group for the number"),
        (["x=(.)", "x=(..)"], "is given twice"),
    ],
)
def test_what_is_no_metric_is_refused(given, said):
    """One line with the text."""
    with pytest.raises(UsageError, match=f"^--metric .*{said}"):
        metrics(given)
