"""The two records behind a quantity: chosen by one rule for the headline and for findings."""

from __future__ import annotations

import pytest

from doubles.scripted import record, run_of
from hwbench.analysis.pairs import one_and_most, pairs, penalty
from made_up.declared import described


def branches(variant, samples, share=0.5, items=100.0, **more):
    return record(variant, samples, bench="branch.prediction", params={"share": share, "n": int(items)},
                  counts={"items": items}, **more)  # fmt: skip


def found(*records):
    return pairs(described(run_of(*records)), records)


def test_the_most_branches_count_at_the_share_nearest_to_one_half():
    """Most branches first: a predictor remembers the outcomes of few."""
    few, tenth, half = ([branches(name, (2.0, 2.0, 2.0), *at) for name in ("shuffled", "sorted")]
                        for at in ((0.5, 50.0), (0.1, 100.0), (0.5, 100.0)))  # fmt: skip
    assert found(*few, *tenth, *half) == {"mispredict": tuple(half)}
    assert found(*few, *tenth) == {"mispredict": tuple(tenth)}


def test_what_was_not_timed_makes_no_pair():
    """A skipped record, or one without its counterpart."""
    slow, skipped = branches("shuffled", (2.0,) * 3), branches("sorted", (), status="skipped")
    assert found(slow, skipped) == found(slow) == found() == {}


def test_what_did_not_share_rounds_is_priced_by_medians():
    """Two records of unlike length still give the price, with a wider interval."""
    slow, fast = branches("shuffled", (3.9, 4.0, 4.1)), branches("sorted", (0.9, 1.0, 1.1))
    assert penalty(slow, fast).value == pytest.approx(0.06)
    short = branches("sorted", (0.9, 1.0, 1.1, 1.0))
    assert penalty(slow, short).value == pytest.approx(0.06)
    assert penalty(slow, short).low < 0.06


def test_one_thread_is_set_against_the_most():
    """With the parameters asked for; on one thread alone, or without it, there is no pair."""
    each = ((1, "a"), (2, "a"), (4, "a"), (8, "b"))
    threads = [record(params={"work": work}, facts={"threads": n}) for n, work in each]
    assert one_and_most(threads, work="a") == (threads[0], threads[2])
    assert one_and_most(threads) == (threads[0], threads[3])
    assert one_and_most(threads[:1]) is one_and_most(threads[1:]) is one_and_most([]) is None
