"""Verdicts on two runs: what is slower, faster, the same, and what cannot be said."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from doubles.scripted import MACHINE, record, run_of
from hwbench.tracking.verdicts import THRESHOLD, compare, unlike

OPPOSITE = {"slower": "faster", "faster": "slower", "same": "same", "ambiguous": "ambiguous"}


TIMES = st.lists(st.floats(0.5, 2.0), min_size=3, max_size=15)


@given(TIMES, TIMES)
def test_two_runs_never_accuse_each_other(old, new):
    """What is slower one way is not slower the other way."""
    a, b = run_of(record(samples=old)), run_of(record(samples=new))
    there, back = compare(a, b)[0].verdict, compare(b, a)[0].verdict
    assert {there, back} not in ({"slower"}, {"faster"})


@given(TIMES, TIMES)
def test_base_and_new_exchanged_turn_slower_into_faster(old, new):
    """And leave same and ambiguous what they are."""
    a, b = run_of(record(samples=old)), run_of(record(samples=new))
    assert compare(b, a)[0].verdict == OPPOSITE[compare(a, b)[0].verdict]


@given(TIMES)
def test_a_run_is_never_slower_than_itself(samples):
    """The same samples are the same or ambiguous."""
    run = run_of(record(samples=samples))
    assert compare(run, run)[0].verdict in ("same", "ambiguous")


def test_a_regression_of_a_tenth_is_found():
    """2% noise and 10% more time in 20 samples are slower by about 1.10."""
    rng = np.random.default_rng(1)
    old, new = (rng.normal(1, 0.02, 20) * factor for factor in (1.0, 1.1))
    [one] = compare(run_of(record(samples=old)), run_of(record(samples=new)))
    assert one.verdict == "slower"
    assert one.ratio == pytest.approx(1.1, rel=0.02)
    assert THRESHOLD == 0.02


def verdict_of(old, new):
    [one] = compare(run_of(*([old] if old else [])), run_of(*([new] if new else [])))
    return one.verdict, one.reason


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (record(), None, "not in new"),
        (None, record(), "not in base"),
        (record(), record(status="wrong", samples=(), reason="differs"), "wrong in new: differs"),
        (record(status="skipped", samples=()), record(), "skipped in base"),
        (record(), record(version=2), "version 1 in base, 2 in new: they time different things"),
        (record(counts={"bytes": 1e6}), record(counts={"bytes": 2e6}),
         "a call does other work: 1e+06 bytes in base, 2e+06 bytes in new; give the size in bytes"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_not_measured(old, new, reason):
    """Missing, failed, of another version, or of another size under the same label: told, never a verdict."""
    assert verdict_of(old, new) == ("not measured", reason)


def test_a_disturbed_figure_accuses_nobody():
    """Ten times slower under steal is ambiguous; the same under steal is the same."""
    noisy = record(samples=(10.0,) * 5, status="suspect", reason="steal")
    assert verdict_of(record(samples=(1.0,) * 5), noisy) == ("ambiguous", "new: steal")
    assert verdict_of(record(samples=(10.0,) * 5), noisy) == ("same", "new: steal")


def test_few_samples_are_ambiguous_and_can_be_written():
    """An endless interval has no upper end in JSON."""
    [one] = compare(run_of(record(samples=(1.0,))), run_of(record(samples=(9.0,))))
    assert (one.verdict, one.low, one.high) == ("ambiguous", 0.0, None)


def test_cases_are_matched_by_key_in_the_base_s_order():
    """Parameters in another order are the same case; new cases come last."""
    base = run_of(record("b", params={"n": 1, "size": "L1"}), record("a"))
    new = run_of(record("c"), record("a"), record("b", params={"size": "L1", "n": 1}))
    assert [(x.variant, x.verdict) for x in compare(base, new)] == [("b", "same"), ("a", "same"), ("c", "not measured")]


def test_machines_that_differ_are_told():
    """CPU, quota, caches: what times depend on, each with both values."""
    other = msgspec.structs.replace(MACHINE, cpu=msgspec.structs.replace(MACHINE.cpu, model="Other", quota=1.5))
    assert unlike(MACHINE, MACHINE) == []
    assert unlike(MACHINE, other) == ["CPU: Scripted CPU in base, Other in new", "CPU quota: None in base, 1.5 in new"]
