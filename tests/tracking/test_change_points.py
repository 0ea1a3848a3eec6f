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
    for level in (0.0, 1.0):
        assert change_points._pieces([level] * 5, [None] * 5) == [(0, 5, level)]


def test_pieces_are_merged_and_moved_as_asv_does():
    """From any pieces, for rising penalties: small whole numbers, where many costs are equal, and long pieces."""
    asv_steps()
    from asv import step_detect

    rng = np.random.default_rng(6)
    for number in range(100):
        n = int(rng.choice([2, 5, 12, 30, 70]))
        values = (rng.integers(0, 4, n) + 3 * (np.arange(n) > rng.integers(0, n))).astype(float).tolist()
        fit = step_detect.get_mu_dist(values, [1.0] * n)
        cuts = rng.choice(n - 1, min(n - 1, int(rng.choice([1, 3, 30]))), replace=False) + 1
        pieces, moved = [*sorted(cuts.tolist()), n], {}
        for gamma in (0.0, 0.5, 1.0, 3.0, 10.0, 100.0)[number % 2 :: 2]:
            theirs, _, _ = step_detect.merge_pieces(gamma, pieces, values, [], fit, change_points.LONGEST_PIECE)
            assert change_points._merged(pieces, gamma, fit.dist, moved) == theirs


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


def test_what_a_child_could_not_do_is_done_here(monkeypatch):
    """It was killed, or did not start: its share is computed in this process."""
    asv_steps()
    monkeypatch.setattr(change_points.sys, "executable", "/bin/false")
    monkeypatch.setattr(change_points.os, "sched_getaffinity", lambda _: {0, 1}, raising=False)
    work = [([1.0, 1.0, 2.0 + i], [None] * 3) for i in range(80)]
    assert change_points._shared(work) == change_points._detected(work)


# --- rules by themselves ----------------------------------------------------------------------------------------------


def alternating(*levels, noise=0.01, length=10):
    """Logs that lie so far above and below levels in turn: their scatter by neighbours is known to the digit."""
    signs = np.resize([1.0, -1.0], len(levels) * length)
    return np.repeat(levels, length) + noise * signs


def test_the_factor_of_a_step():
    """The new level over the old; values of which one is not positive have none."""
    none = slice(0, 0)
    assert change_points.Step(0, 1, 0.5, 0.25, none, none).factor == 0.5
    for old, new in ((0.0, 1.0), (1.0, 0.0), (-0.5, 1.0), (1.0, -0.5), (-1.0, -2.0)):
        assert math.isnan(change_points.Step(0, 1, old, new, none, none).factor)


def test_without_asv_or_series_no_steps_are_found(monkeypatch):
    """A list for each series all the same."""
    assert change_points.find([]) == []
    monkeypatch.setattr(change_points, "available", lambda: False)
    assert change_points.find([series("a.b", noisy(1, 1.0, 2.0))] * 2) == [[], []]


def test_small_steps_are_found_where_they_are_asked_for():
    """3.4% under noise of 1.5%, of which asv finds none; not where values have no logarithm."""
    pytest.importorskip("asv", reason="asv is not installed: pip install '.[asv]'")
    values = np.exp(alternating(0.0, 0.034, noise=0.015, length=30))
    flat = np.exp(alternating(0.0, 0.0, noise=0.015, length=30))
    every = [series("a.b", one) for one in (values, flat, -flat, -flat / 2, flat * 0, values[:0])]
    assert change_points.find(every) == [[]] * 6
    with np.errstate(all="raise"):
        [one], *others = change_points.find(every, small=True)
    assert (one.last, one.first, one.before, one.after) == (29, 30, slice(0, 30), slice(30, 60))
    assert (one.old, one.new) == (pytest.approx(1.0), pytest.approx(math.exp(0.034)))
    assert others == [[]] * 5


@pytest.mark.parametrize(
    ("logs", "place"),
    [
        (alternating(0.0, 0.1, length=6), 6),
        (alternating(0.0, 0.1, length=6)[1:], 0),  # fewer than six on a side
        (alternating(0.0, 0.1, length=8), 8),
        (np.concatenate([np.zeros(6), np.full(20, 0.1)]) + alternating(0.0, length=26), 6),
        (np.concatenate([np.zeros(20), np.full(6, 0.1)]) + alternating(0.0, length=26), 20),
        (np.concatenate([np.zeros(5), np.full(15, 0.1)]) + alternating(0.0, length=20), 6),
        (np.concatenate([np.zeros(15), np.full(5, 0.1)]) + alternating(0.0, length=20), 14),
        (alternating(0.0, 0.0, length=10), 0),
        (alternating(-1.0, -1.1, length=10), 10),
        (np.linspace(0.0, 0.1, 40) + alternating(0.0, length=40), 20),
    ],
)
def test_where_a_series_is_split_in_two(logs, place):
    """Where the means differ most in standard errors, with six values on a side at least."""
    assert change_points.split(logs) == place


def test_a_series_is_split_from_four_and_a_half_standard_errors():
    """The noise is the root mean square of that of neighbours and that within the parts."""
    noise = math.hypot(1.4826 * 0.02 / math.sqrt(2), 1.4826 * 0.01) / math.sqrt(2)
    least = 4.5 * noise * math.sqrt(2 / 10)
    assert change_points.split(alternating(0.0, 1.001 * least)) == 10
    assert change_points.split(alternating(0.0, 0.999 * least)) == 0


def test_the_scatter_of_a_series_is_that_of_neighbours():
    """Of eight values on; of fewer none is known."""
    assert change_points._scatter(alternating(0.0, length=8)) == pytest.approx(1.4826 * 0.02 / math.sqrt(2))
    assert change_points._scatter(alternating(0.0, length=7)) == 0.0


def steps(old, new, *, count=10, noise=0.0, there=None):
    """The steps between two levels of so many values each."""
    values = (
        np.exp(alternating(math.log(old), math.log(new), noise=noise, length=count))
        if old > 0
        else (np.repeat([old, new], count))
    )
    at = np.arange(2 * count, dtype=np.int32) if there is None else there
    return change_points._steps(at, [(0, count, old), (count, 2 * count, new)], values)


@pytest.mark.parametrize(
    ("old", "new", "more", "found"),
    [
        (1.0, 1.0201, {"count": 100}, 1),
        (1.0, 1.0199, {"count": 100}, 0),
        (1.0201, 1.0, {"count": 100}, 1),
        (1.0, math.exp(0.0708), {"count": 1}, 1),  # 5% × √2
        (1.0, math.exp(0.0706), {"count": 1}, 0),
        (1.0, math.exp(0.0501), {"count": 2}, 1),
        (1.0, math.exp(0.0499), {"count": 2}, 0),
        (1.0, math.exp(0.0564), {"noise": 0.02}, 1),  # 3 × 1.4826 × 4% / √2 × √(1/5)
        (1.0, math.exp(0.0561), {"noise": 0.02}, 0),
        (-10.0, -10.21, {}, 1),
        (-10.0, -10.20, {}, 0),
        (0.0, 1.0, {}, 1),
    ],
)
def test_steps_exceed_two_percent_and_what_is_doubtful(old, new, more, found):
    """A level of one value is known within 5%, of several by their scatter; without a logarithm by the difference."""
    assert len(steps(old, new, **more)) == found


@pytest.mark.parametrize(("second", "third"), [(0.0410, 0.0440), (0.0405, 0.0440), (0.0410, 0.0430)])
def test_each_step_is_held_against_its_own_two_pieces(second, third):
    """Six, two and four values: 5% × √(1/6 + 1/2) = 4.08%, 5% × √(1/2 + 1/4) = 4.33%."""
    logs = np.repeat([0.0, second, second + third], [6, 2, 4])
    levels = np.exp([0.0, second, second + third]).tolist()
    pieces = list(zip([0, 6, 8], [6, 8, 12], levels, strict=True))
    found = change_points._steps(np.arange(12, dtype=np.int32), pieces, np.exp(logs))
    assert [one.first for one in found] == [at for at, step, least in ((6, second, 0.0408), (8, third, 0.0433))
                                            if step > least]  # fmt: skip


def test_a_step_lies_between_the_commits_that_were_measured():
    """Of a series with gaps: the last commit of the old level, the first of the new one, and what either holds over."""
    [one] = steps(1.0, 2.0, count=3, there=np.array([1, 4, 5, 9, 11, 12], dtype=np.int32))
    assert (one.last, one.first, one.before, one.after) == (5, 9, slice(1, 6), slice(9, 13))


def test_asv_s_weights_are_the_inverse_of_half_intervals():
    """None where it is unknown or empty."""
    made = series("a.b", [1.0, 2.0, np.nan, 4.0, 5.0])
    made.low, made.high = np.array([0.5, 2.0, np.nan, -np.inf, 4.0]), np.array([1.0, 2.0, np.nan, 9.0, 8.0])
    assert change_points._weights(made, np.array([0, 1, 3, 4])) == [4.0, None, None, 0.5]


def test_series_that_asv_is_asked_about():
    """Short ones always, long ones where they may have a step, those without a logarithm unless they are flat."""
    flat, stepped = np.ones(20), np.repeat([1.0, 2.0], 10)
    every = [flat[:2], flat[:3], flat, stepped, -flat, -stepped, flat * 0, np.linspace(-0.5, 0.5, 20), flat[:0],
             stepped * 0.1, stepped[5:18]]  # fmt: skip
    assert change_points._suspects(every) == [1, 3, 5, 7, 9, 10]


@pytest.mark.parametrize(
    ("levels", "length", "yes"),
    [
        ((0.0, 0.0), 6, True),
        ((0.0,), 13, False),
        ((0.0, 0.0), 7, False),
        ((5.0, 5.0), 7, False),
        ((0.0, 0.005, 0.0), 16, False),
        ((0.0, 0.0098), 8, False),  # a half of a step of two percent
        ((0.0, 0.0100), 8, True),
        ((0.0, 0.0100), 16, True),
        ((0.0, 0.0100), 128, True),
    ],
)
def test_what_may_hold_a_step(levels, length, yes):
    """Twelve commits always; more where neighbouring segments differ by half of the smallest step."""
    assert change_points.suspicious(np.exp([alternating(*levels, noise=1e-9, length=length)])).tolist() == [yes]


@pytest.mark.parametrize(
    ("width", "place", "deviations", "yes"),
    [
        (1, 20, 5.1, True),
        (1, 20, 4.9, False),
        (1, 40, 3.6, True),
        (1, 40, 3.4, False),
        (2, 20, 5.1, True),
        (2, 20, 4.9, False),
        (2, 39, 3.6, True),
        (4, 20, 3.51, True),
        (4, 20, 3.4, False),
        (8, 20, 3.51, True),
        (8, 20, 3.4, False),
        (16, 20, 3.51, True),
    ],
)
def test_by_how_many_deviations_segments_differ(width, place, deviations, yes):
    """3.5, and 5 for one or two commits, unless they are the last: a lone outlier is no level."""
    logs = alternating(0.0, length=41)
    unit = 1.4826 * 0.02 / math.sqrt(2) * math.sqrt(2 / width)
    logs[place : place + width] += deviations * unit - (0.02 if width == 1 else 0.0)
    assert change_points.suspicious(np.exp(logs[np.newaxis])).tolist() == [yes]


def test_two_halves_are_the_widest_segments():
    """A step in the middle that shows over eight values alone, of sixteen."""
    least = 3.51 * 1.4826 * 0.02 / math.sqrt(2) * math.sqrt(2 / 8)
    assert change_points.suspicious(np.exp([alternating(0.0, least, length=8)])).all()
