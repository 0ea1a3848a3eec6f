"""Why two entries of a case cannot be compared."""

from __future__ import annotations

import pytest

from hwbench.tracking.fitness import unfit
from hwbench.tracking.sides import Entry, Measurement

GOOD = Entry("x", "", "cpu", {}, measurements=[Measurement(1.0, 0.0)])
FAILED, SKIPPED = (Entry("x", "", "cpu", {}, unfit=status) for status in ("failed", "skipped"))
BYTES = Entry("x", "", "cpu", {}, measurements=[Measurement(1.0, 0.0)], unit="bytes")


@pytest.mark.parametrize(
    ("old", "new", "verdict", "reason"),
    [
        (GOOD, FAILED, "failed", "failed in new"),
        (None, FAILED, "failed", "failed in new"),
        (FAILED, FAILED, "not measured", "failed in base"),
        (FAILED, GOOD, "new", "failed in base"),
        (GOOD, SKIPPED, "gone", "skipped in new"),
        (None, SKIPPED, "not measured", "not in base"),
        (GOOD, BYTES, "not measured", "s in base, bytes in new"),
    ],
)
def test_what_happened_to_a_case(old, new, verdict, reason):
    """It broke, is new, is gone, or was never comparable."""
    assert unfit(old, new, across=False) == (verdict, reason)


def test_two_values_of_one_metric_are_fit():
    """Nothing is said of them."""
    assert unfit(GOOD, GOOD, across=False) is None
