"""How far verdicts can be trusted, on made-up runs with fixed seeds: who is accused, and what is found."""

from __future__ import annotations

import math

import numpy as np
import pytest

from doubles.scripted import record, run_of
from hwbench.tracking import variance
from hwbench.tracking.readers import runs
from hwbench.tracking.sides import Entry, Measurement, Side
from hwbench.tracking.verdicts import compare_sides
from test_scripts import tracking_experiments as experiments

WAYS = list(experiments.WAYS.values())


def test_nobody_is_accused_of_what_a_run_did():
    """Runs that stray by 2% as a whole, their cases by 0.4% beside: at most 1% are slower."""
    rng = np.random.default_rng(6)
    assert experiments.accused(rng, 40, 0.02, 60, kind="common")[0] <= 0.01


@pytest.mark.parametrize("kind", ["normal", "t3", "wild cases", "wild runs"])
@pytest.mark.parametrize("how", WAYS, ids=list(experiments.WAYS))
def test_nobody_is_accused_whatever_the_tails(kind, how):
    """Medians that stray by 5%, as a normal variable, with heavy tails, or some wildly: at most 1% are slower."""
    rng = np.random.default_rng(5)
    for cases, times in ((20, 30), (40, 20), (100, 10)):  # scripts/tracking_experiments.py: hundreds
        assert experiments.accused(rng, cases, 0.05, times, kind=kind, **how)[0] <= 0.01


@pytest.mark.parametrize(
    ("cases", "how", "least"),
    [(1, {}, 0.95), (100, {}, 0.5), (100, {"earlier": 8}, 0.7), (10, {"runs": 3}, 0.95), (100, {"runs": 3}, 0.95)],
)
def test_five_percent_in_noise_of_a_third_of_one(cases, how, least):
    """One case 5% slower where medians stray by 0.3%: found as docs/verdicts-tested.md says."""
    assert experiments.found(np.random.default_rng(6), cases, 0.003, 0.05, 40, **how) >= least


def test_ab_finds_two_percent_among_a_hundred():
    """What two single runs never tell."""
    rng = np.random.default_rng(7)
    assert experiments.found_by_ab(rng, 100, 0.003, 0.02, 10) >= 0.9
    assert experiments.found(rng, 100, 0.003, 0.02, 20) <= 0.1


def test_a_history_without_intervals_tells_its_noise():
    """asv's memory and track_ values state none; that they never varied shows what a doubled one is."""
    old, new = (
        Side("made up", "box", {}, [
            Entry("mem", "", "cpu", {}, measurements=[Measurement(value, math.inf)], earlier=[1000.0] * past)
        ])
        for value, past in ((1000.0, 39), (2000.0, 39))
    )  # fmt: skip
    assert compare_sides(old, new).cases[0].verdict == "slower"


def test_cases_that_agree_count_for_more():
    """A hundred steady cases count for eight degrees of freedom or more; where some runs are wild, for half as many."""

    def tails(kind):
        made = [experiments.made_up(np.random.default_rng(i), 100, 0.05, kind=kind) for i in range(20)]
        return float(np.median([compare_sides(*pair).noise.tails[0] for pair in made]))

    assert tails("normal") >= 8
    assert tails("wild runs") <= 4


def test_what_changed_does_not_excuse_itself():
    """Ten of a hundred slower by a third: slower is judged by the tail of the faster, and all ten are found."""
    made = experiments.made_up(np.random.default_rng(8), 100, 0.005, 0.3, changed=range(10))
    told = compare_sides(*made)
    assert [one.variant for one in told.cases if one.verdict == "slower"] == [str(i) for i in range(10)]
    assert told.noise.tails[0] > told.noise.tails[1]


def test_few_cases_know_no_tail():
    """Fewer than twenty cases with a history of their own count for as little as before."""
    made = experiments.made_up(np.random.default_rng(9), 10, 0.05, earlier=8)
    assert compare_sides(*made).noise.tails == (variance.HEAVY, variance.HEAVY)


def test_nothing_is_known_better_than_a_floor():
    """Identical histories do not make a figure exact."""
    entry = runs.side([run_of(record())] * 3).entries[0]
    assert variance.moderated((entry, entry), variance.common([(entry, entry)]))[0] == variance.LEAST**2


@pytest.mark.parametrize("earlier", [0, 8])
def test_each_level_of_memory_has_a_noise_of_its_own(earlier):
    """Thirty cases in L1 stray by 0.3%, thirty in DRAM by 3%, all as steady within: each is judged by its level."""
    rng = np.random.default_rng(9)
    sizes = ["L1"] * 30 + ["DRAM"] * 30
    deviations = np.repeat([0.003, 0.03], 30)
    values = np.exp(rng.normal(size=(2 + earlier, 60)) * deviations)
    sides = [
        Side("x", "box", {}, [
            Entry("b", str(i), "cpu", {"size": size}, measurements=[Measurement(float(values[side, i]), 5e-4)],
                  earlier=values[2:, i].tolist())
            for i, size in enumerate(sizes)
        ])
        for side in (0, 1)
    ]  # fmt: skip
    told = compare_sides(*sides)
    assert set(told.noise.levels) == {"L1", "DRAM"}
    assert told.noise.at(7e-4, "L1") == pytest.approx(0.003, rel=0.5)
    assert told.noise.at(7e-4, "DRAM") == pytest.approx(0.03, rel=0.5)
    calm = [one.verdict for one, size in zip(told.cases, sizes, strict=True) if size == "L1"]
    assert sum(one in ("same", "no change") for one in calm) >= 27


@pytest.mark.parametrize("deviation", [0.003, 0.01, 0.015])
def test_two_quick_runs_of_the_same_code_are_told_to_be_alike(deviation):
    """On a quiet machine, alone or with a history: at most 30% are ambiguous, and nobody is accused."""
    rng = np.random.default_rng(2)
    for how in ({}, {"earlier": 5}):
        told = [
            one.verdict
            for _ in range(4)
            for one in compare_sides(*experiments.made_up(rng, 60, deviation, **how)).cases
        ]
        assert told.count("ambiguous") <= 0.3 * len(told)
        assert told.count("slower") + told.count("faster") <= 0.01 * len(told)
