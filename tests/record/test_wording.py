"""Words of findings: lists, plurals, comparisons and marks."""

from __future__ import annotations

import math

import pytest

from doubles.scripted import record
from hwbench.record import wording
from hwbench.record.estimate import Estimate
from hwbench.record.reasons import Reason, because
from hwbench.record.wording import Item


def suspect(*reasons):
    return record(status="suspect", reasons=list(reasons))


@pytest.mark.parametrize(
    ("items", "said"), [([], ""), (["A"], "A"), (["A", "B"], "A and B"), (["A", "B", "C", "D"], "A, B, C and D")]
)
def test_lists_of_one_two_and_many(items, said):
    """The last two are joined by `and`, the others by commas."""
    assert wording.listed(items) == said


@pytest.mark.parametrize(
    ("number", "said"), [(1, "1 thread"), (2, "2 threads"), (0, "0 threads"), (20_000, "20\u202f000 threads")]
)
def test_what_is_counted_has_its_plural(number, said):
    """One is singular, all other numbers are plural."""
    assert wording.counted(number, "thread") == said


@pytest.mark.parametrize(
    ("times", "said"),
    [
        (Estimate(1.2, 1.15, 1.23), "1.20× slower (1.15–1.23) than NumPy"),
        (Estimate(0.25, 0.24, 0.26), "4.00× faster (3.85–4.17) than NumPy"),
        (Estimate(1.3, 0.8, 1.9), "no difference from NumPy (0.80–1.90)"),
        (Estimate(1.0, 1.0, 1.0), "no difference from NumPy"),
        (Estimate(2.0, 0.0, math.inf), "2.00× slower than NumPy"),
    ],
)
def test_ratios_of_times_are_told_as_faster_slower_or_no_difference(times, said):
    """An interval that holds 1 is no difference; one without bounds is left out."""
    assert wording.compared(times, "NumPy") == said
    assert wording.compared(times) == said.replace(" than NumPy", "").replace(" from NumPy", "")


def test_a_suspect_record_is_marked_with_its_first_reason():
    """The words of the table, the text of an unknown code, and a word where no reason is known."""
    drift, bimodal = because("clock_drift", "5%"), because("bimodal")
    assert wording.mark() == wording.mark(None, record()) == ""
    assert wording.mark(record(), suspect(drift, bimodal), suspect(bimodal)) == " (suspect: the clock drifted)"
    assert wording.mark(suspect(Reason("new", "moonlight"))) == " (suspect: moonlight)"
    assert wording.mark(suspect()) == " (suspect: disturbed)"


def test_a_list_is_marked_once_or_where_it_is_suspect():
    """A mark that all share stands at the end; else a reason stands where it first occurs."""
    fine, drift, other = record(), suspect(because("clock_drift")), suspect(because("bimodal"))
    assert wording.marked([Item("A", (fine,)), Item("B")]) == "A and B"
    assert wording.marked([Item("A", (drift,)), Item("B", (fine, drift))]) == "A and B (suspect: the clock drifted)"
    assert wording.marked([Item("A", (drift,)), Item("B", (drift,)), Item("C", (fine,)), Item("D", (other,))]) == (
        "A (suspect: the clock drifted), B (suspect), C and D (suspect: the samples are bimodal)"
    )


def test_a_share_above_its_limit_is_marked():
    """105% is still believed."""
    assert wording.share(0.92, "the load bandwidth") == "92% of the load bandwidth"
    assert wording.share(1.05, "the peak") == "105% of the peak"
    assert (
        wording.share(Estimate(1.2, 1.1, 1.3), "the peak") == "120% (110–130) of the peak (suspect: above its limit)"
    )


def test_the_largest_effects_come_first():
    """Faster and slower count alike; what exceeds the number is dropped, and no ratio of 0 is an error."""
    said = [(Estimate(x, x, x), str(x)) for x in (1.1, 0.0, 0.1, 3.0, 1.5)]
    assert wording.ranked(said) == ["0.1", "3.0", "1.5"]
    assert wording.ranked(said, 1) == ["0.1"]
