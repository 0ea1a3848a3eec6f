"""Change points of a series: those of asv, and none where nothing changed."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hwbench.tracking import change_points
from hwbench.tracking.history import Series

COUNT = 30


def series(bench, values, setting=0, variant="v", **more):
    """A series with an interval of 1%."""
    values = np.asarray(values, dtype=float)
    return Series(bench, variant, {"size": "L1"}, setting, values, values * 0.99, values * 1.01, **more)


def noisy(seed, *levels, count=COUNT):
    """Values at these levels, one after the other for equally long, with 0.5% of noise."""
    rng = np.random.default_rng(seed)
    shape = np.repeat(levels, math.ceil(count / len(levels)))[:count]
    return shape * np.exp(rng.normal(0, 0.005, count))


def asv_steps():
    """asv's step detection; the test is skipped where asv is not installed."""
    pytest.importorskip("asv", reason="asv is not installed: pip install '.[asv]'")
    from asv.step_detect import detect_steps

    return detect_steps


def test_suspect_values_are_no_step():
    """A step is found where its values are sound, and not where all of its upper level is suspect."""
    pytest.importorskip("asv", reason="asv is not installed: pip install '.[asv]'")
    values, late = noisy(1, 1.0, 1.5), dict.fromkeys(range(COUNT // 2, COUNT), "steal")
    [sound], [disturbed], [gap] = (
        change_points.find([series("a.b", values, suspect=suspect)]) for suspect in ({}, late, {COUNT // 2: "steal"})
    )
    assert [one.first for one in sound] == [COUNT // 2]
    assert disturbed == []
    assert [(one.last, one.first) for one in gap] == [(COUNT // 2 - 1, COUNT // 2 + 1)]


def test_the_sieve_lets_every_step_through_that_asv_finds():
    """What asv's detection finds and is six deviations of noise large passes the sieve, wherever it lies."""
    detect_steps = asv_steps()

    rng = np.random.default_rng(3)
    for at in (5, 40, 90):
        values = np.exp(rng.normal(0, 0.01, 100))
        values[at:] *= 1.06
        assert len(detect_steps(values.tolist())) > 1
        assert change_points.suspicious(values[np.newaxis]).all()


def test_pieces_are_those_of_asv():
    """The contract: lengths from 3 to 200, no step, one and three, noise of all sizes, weights known and not."""
    detect_steps = asv_steps()

    rng = np.random.default_rng(5)
    for number in range(300):
        n = int(rng.choice([3, 4, 5, 8, 13, 50, 200]))
        values = 10 ** rng.uniform(-9, 3) * np.exp(rng.normal(0, 10 ** rng.uniform(-4, -0.5), n))
        for at in rng.integers(1, n, rng.choice([0, 1, 3])):
            values[at:] *= rng.choice([0.5, 0.9, 1.05, 2.0])
        weights = [None if rng.random() < 0.2 * (number % 3) else float(rng.uniform(0.5, 2)) for _ in range(n)]
        theirs = [(left, right, level) for left, right, level, *_ in detect_steps(values.tolist(), weights)]
        assert change_points._pieces(values.tolist(), weights) == theirs
    assert change_points._pieces([1.0] * 5, [None] * 5) == [(0, 5, 1.0)]


def test_pieces_are_the_same_without_the_compiled_part_of_asv(monkeypatch):
    """asv installs without a compiler, too; its distances in Python find the same pieces."""
    detect_steps = asv_steps()
    from asv import step_detect

    values = noisy(2, 1.0, 1.3, 1.1).tolist()
    theirs = [(left, right, level) for left, right, level, *_ in detect_steps(values, [None] * COUNT)]
    monkeypatch.setattr(step_detect, "get_mu_dist", step_detect.L1Dist)
    assert change_points._pieces(values, [None] * COUNT) == theirs
    assert len(theirs) == 3


def test_many_series_are_shared_among_processes_with_the_same_result():
    """A hundred series with steps, by several processes and by one."""
    asv_steps()
    every = [series("a.b", noisy(i, 1.0, 1.0 + i / 100), variant=f"v{i}") for i in range(4, 104)]
    shared = change_points.find(every)
    assert shared == [change_points.find([one])[0] for one in every]
    assert all(shared)
