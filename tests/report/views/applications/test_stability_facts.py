"""Facts of the stability benches: whatever a file holds is a number, a gap or nothing, and is written alike."""

import math

import pytest

from hwbench.report.views.applications import stability_facts as facts
from made_up.page import dataset
from made_up.stability_records import chain, run_of


def test_what_is_no_finite_number_is_a_gap():
    """Truth values and texts, too; what is no list is empty."""
    assert facts.numbers_or_gaps([1, 2.5, None, True, "x", math.nan, math.inf]) == [1.0, 2.5] + [None] * 5
    assert facts.numbers_or_gaps({"a": 1}) == []


def test_counts_and_amounts_are_numbers_or_none():
    """A count is whole and not negative; an amount is finite."""
    record = chain(1.5, "f2", "he", layers=-1, width=True, largest=math.inf, overflow=7, smallest_normal=2.0**-14)
    assert [facts.count(record, name) for name in ("layers", "width", "overflow", "absent")] == [None, None, 7, None]
    assert [facts.amount(record, name) for name in ("largest", "smallest_normal", "width")] == [None, 2.0**-14, None]


@pytest.mark.parametrize(
    ("log10", "text"),
    [(None, "–"), (0.0, "1.00"), (17.609, "4.06 × 10¹⁷"), (-9.691, "2.04 × 10⁻¹⁰"), (3.9999999, "1.00 × 10⁴")],
)
def test_powers_are_written_with_three_digits(log10, text):
    """Near 1 as a plain number; a mantissa that rounds to 10 becomes 1."""
    assert facts.power(log10) == text


def test_of_the_variants_the_compiled_one_stands_for_a_network():
    """One point for each network, of any other variant where numba is missing."""
    runs = dataset(run_of([
        chain(1.5, "f2", "he", variant="numpy"), chain(1.5, "f2", "he"), chain(1.5, "f4", "he", variant="cupy"),
    ]))  # fmt: skip
    chosen = facts.chains(runs.measuring(facts.GRADIENTS))
    assert [(point.record.params["dtype"], point.record.variant) for point in chosen] == [
        ("f2", "numba"),
        ("f4", "cupy"),
    ]


def test_depths_are_written_with_what_a_layer_more_loses():
    """A safe depth of all layers has no trouble; a record without depths has dashes."""
    lost, whole = chain(1.5, "f2", "he", safe=24), chain(1.5, "f8", "he")
    assert (facts.safe_depth(lost), facts.first_trouble(lost)) == ("24", "the gradient overflows, with 25 layers")
    assert (facts.safe_depth(whole), facts.first_trouble(whole)) == ("≥ 100", "none")
    old = chain(1.5, "f2", "he", safe_depth=None)
    assert (facts.safe_depth(old), facts.first_trouble(old)) == ("–", "–")
    assert facts.decimals(-0.000001) == "0.00000"
