"""Parts of sentences: grammar at none, one, two and many; a doubt is always in words."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest

from doubles.scripted import record
from hwbench.record.estimate import Estimate
from hwbench.record.phrases import (
    Item,
    against,
    compared,
    counted,
    differs,
    entries,
    largest,
    level,
    listed,
    mark,
    marked,
    of_limit,
    precision,
    ranked,
    slower,
)
from hwbench.record.reasons import because


@pytest.mark.parametrize(
    ("items", "said"), [([], ""), (["A"], "A"), (["A", "B"], "A and B"), (["A", "B", "C", "D"], "A, B, C and D")]
)
def test_lists_read_well_at_any_length(items, said):
    """No comma before the last `and`."""
    assert listed(items) == said


def test_nouns_follow_their_number():
    """One is singular, anything else plural; irregular plurals are given."""
    assert [counted(n, "thread") for n in (0, 1, 2)] == ["0 threads", "1 thread", "2 threads"]
    assert [counted(n, "other core reads", "other cores read") for n in (1, 3)] == [
        "1 other core reads", "3 other cores read",
    ]  # fmt: skip


def test_the_level_beyond_the_caches_is_memory():
    """DRAM is called memory, a cache by its label."""
    assert (level("L2"), level("DRAM")) == ("L2", "memory")


@pytest.mark.parametrize(
    ("ratio", "said"),
    [
        (Estimate(1.19, 1.15, 1.23), "1.19× slower than NumPy (1.15–1.23)"),
        (Estimate(0.25, 0.2, 0.3125), "4.00× faster than NumPy (3.20–5.00)"),
        (Estimate(1.0, 0.98, 1.02), "as fast as NumPy (0.98–1.02)"),
        (Estimate(1.25, 0.77, 1.5), "not clearly faster or slower than NumPy (0.77–1.50)"),
        (Estimate(2.0, 2.0, 2.0), "2.00× slower than NumPy"),
        (Estimate(2.0, 0.0, math.inf), "2.00× slower than NumPy"),
    ],
)
def test_a_ratio_stands_after_is(ratio, said):
    """Slower, faster, the same, or undecided, each with its interval where it has one."""
    assert against(ratio, "NumPy") == said


def test_a_difference_needs_an_interval_without_one():
    """An interval that holds 1 is no difference, nor is a ratio within half a percent of it."""
    assert differs(Estimate(1.2, 1.1, 1.3))
    assert not differs(Estimate(1.2, 0.9, 1.3))
    assert not differs(Estimate(1.001, 1.0005, 1.002))
    assert not differs(None)


def test_a_cause_needs_a_clear_slowdown():
    """Faster times and intervals that hold 1 have no cause to be told."""
    assert slower(Estimate(1.2, 1.1, 1.3))
    assert not any(map(slower, (Estimate(1.2, 0.9, 1.3), Estimate(0.8, 0.7, 0.9), None)))


def test_precisions_are_written_out():
    """NumPy's abbreviations, `f8` before `fp8`, would be read as numbers of bits."""
    assert [*map(precision, ("f8", "f16", "bf16", "tf32", "fp8"))] == ["float64", "float16", "bfloat16", "tf32", "fp8"]


def test_a_share_above_its_limit_is_suspect():
    """Up to 1.05 two measurements of one limit agree; above, the words say so."""
    assert of_limit(0.61, "the peak") == "61% of the peak"
    assert of_limit(1.04, "the peak") == "104% of the peak"
    assert of_limit(Estimate(1.2, 1.1, 1.3), "the peak") == "120% of the peak (suspect: above the limit)".replace(
        "120%", "120% (110–130)"
    )


@pytest.mark.parametrize(
    ("value", "doubt", "said"),
    [
        (0.61, (), "61% of the peak"),
        (0.61, ("suspect_limit",), "61% of the peak (suspect limit)"),
        (1.2, ("above_limit", "suspect_limit"), "120% of the peak (suspect: above a suspect limit)"),
    ],
)
def test_the_doubts_about_a_share_are_told_in_words(value, doubt, said):
    """A share of a reading brings its doubts along."""
    assert of_limit(SimpleNamespace(value=value, text="", doubt=doubt), "the peak") == said


def test_a_sentence_names_the_doubt_of_its_records():
    """Each reason once, before the full stop; undisturbed and absent records add nothing."""
    fine, stolen = record(), record(status="suspect", reasons=[because("steal", "12% of a CPU")])
    assert marked("5 ns", fine, None) == "5 ns."
    assert marked("5 ns", fine, stolen, stolen) == (
        "5 ns (suspect: the hypervisor gave the CPU to other guests (steal))."
    )
    assert marked("5 ns", record(status="suspect")) == "5 ns (suspect: no reason is known)."


def test_the_largest_effects_come_first():
    """Slower and faster count alike; equals keep their order; what is no number comes last."""
    found = [(1.1, "small"), (0.2, "faster"), (math.inf, "odd"), (4.0, "slower"), (5.0, "also 5")]
    assert ranked(found) == ["faster", "also 5", "slower"]
    assert ranked([]) == []
    assert largest([Estimate(2.0, 2.0, 2.0), Estimate(0.1, 0.1, 0.1)]) == 0.1
    assert largest([]) == 1.0


@pytest.mark.parametrize(
    ("ratio", "said"),
    [
        (Estimate(1.19, 1.15, 1.23), "1.19× slower (1.15–1.23)"),
        (Estimate(0.25, 0.2, 0.3125), "4.00× faster (3.20–5.00)"),
        (Estimate(1.0, 0.98, 1.02), "no difference (0.98–1.02)"),
        (Estimate(1.25, 0.77, 1.5), "no clear difference (0.77–1.50)"),
        (Estimate(1.0, 1.0, 1.0), "no difference"),
    ],
)
def test_a_ratio_stands_where_its_base_is_named_before(ratio, said):
    """An interval that holds 1 is no difference."""
    assert compared(ratio) == said


def test_a_list_is_marked_once_or_where_it_is_suspect():
    """A mark that all share stands at the end; else a reason stands where it first occurs."""
    fine, bare = record(), record(status="suspect")
    drift, other = (record(status="suspect", reasons=[because(code)]) for code in ("clock_drift", "bimodal"))
    assert mark() == mark(None, fine) == entries([]) == ""
    assert mark(fine, bare) == " (suspect: no reason is known)"
    assert entries([Item("A", (fine,)), Item("B")]) == "A and B"
    assert entries([Item("A", (drift,)), Item("B", (fine, drift))]) == "A and B (suspect: the clock drifted)"
    assert entries([Item("A", (drift,)), Item("B", (drift,)), Item("C", (fine,)), Item("D", (other,))]) == (
        "A (suspect: the clock drifted), B (suspect), C and D (suspect: the samples are bimodal)"
    )
