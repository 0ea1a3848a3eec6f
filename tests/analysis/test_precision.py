"""Which cases miss the precision asked for, and what a run says of them."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from doubles.scripted import record, run_of
from hwbench.analysis.precision import missed, sentence
from hwbench.analysis.run_quality import sentences
from hwbench.record import store
from hwbench.record.estimate import Estimate
from hwbench.record.model import Policy

STEADY, WIDE = (1.0,) * 10, tuple(1 + 0.04 * (i % 2) for i in range(10))  # median 1.02, interval 1.00–1.04


def timed(bench, samples, **params):
    return record("x", samples, bench=bench, params=params)


def test_an_interval_that_is_wider_than_asked_for_misses():
    """Half the width over the median against the policy's precision; without three samples there is no interval."""
    policy = Policy(precision=0.01)
    assert missed(Estimate(1.0, 0.968, 1.032), policy) == "±3.2%"
    assert missed(Estimate(1.0, 0.991, 1.009), policy) == ""
    assert missed(Estimate(1.0, 0.968, 1.032), Policy(precision=0.05)) == ""
    assert missed(Estimate(1.0, 0.0, float("inf")), policy) == ""


@pytest.mark.parametrize(
    ("wide", "told"),
    [
        (1, "1 of 4 cases misses the ±1.0% asked for (all: median ±0%, 90th percentile ±1.4%); most: b.b 1 of 2. "),
        (2, "2 of 5 cases miss the ±1.0% asked for (all: median ±0%, 90th percentile ±2.0%); most: b.b 2 of 3. "),
    ],
)
def test_a_run_says_how_many_cases_miss(wide, told):
    """Numbers first, then the spread over all cases, the benches and what to do; skipped cases do not count."""
    rest = [timed("b.b", STEADY), timed("b.a", STEADY, n=1), timed("b.a", STEADY, n=2)]
    run = run_of(*(timed("b.b", WIDE, n=i) for i in range(wide)), *rest, record(samples=(), status="skipped"))
    assert sentence(run) == told + "`--preset full` times each case for longer, and few cases longest."
    assert sentences(run)[-1] == sentence(run)
    full = msgspec.structs.replace(run, policy=msgspec.structs.replace(run.policy, preset="full"))
    assert sentence(full) == told + "Select fewer cases: each gets more time."


def test_three_benches_are_named_the_most_cases_first():
    """Of four benches with such cases, the three with most of them."""
    run = run_of(*(timed(f"b.{i}", WIDE, n=n) for i in range(1, 5) for n in range(i)))
    assert "10 of 10 cases miss" in sentence(run)
    assert "most: b.4 4 of 4, b.3 3 of 3, b.2 2 of 2." in sentence(run)


def test_a_run_within_its_precision_says_nothing():
    """No case beyond it, no case with an interval, no case at all."""
    for records in ([timed("b.a", STEADY)], [timed("b.a", WIDE[:2])], []):
        assert sentence(run_of(*records)) == ""


def test_a_run_of_an_earlier_version_says_so_too():
    """A committed run of schema 1 kept its policy's precision."""
    oldest = min((Path(__file__).parents[2] / "reports" / "runs" / "amd-epyc-2cpu").glob("*.json"))
    assert re.match(r"\d+ of \d+ cases miss the ±1.0% asked for \(all: median ±0.\d+%, ", sentence(store.read(oldest)))


def test_no_precision_is_asked_of_seconds_that_say_nothing():
    """A work whose answers are facts is timed three times, whatever comes of it."""
    static = record("x", WIDE, bench="b.b", facts={"static": True})
    assert sentence(run_of(static, timed("b.a", STEADY))) == ""
