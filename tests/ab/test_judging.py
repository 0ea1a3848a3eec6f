"""Verdicts from quads: what cancels, what is found, what is never said of nothing."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from hwbench.ab import judging
from hwbench.ab.looks import EARLY, LAST
from hwbench.ab.values import Quad, Value
from hwbench.tracking.rules import Rule, Rules

ORDER = (0, 1, 1, 0)


def quads(count, ratio=1.0, *, drift=0.0, noise=0.0, seed=0, cases=1, **more):
    """Scripted quads: a machine that gets slower by `drift` a process, and strays by `noise`; the first case moves."""
    rng = np.random.default_rng(seed)
    out = []
    for quad in range(count):
        sides = ([], [])
        for step, side in enumerate(ORDER):
            at_side = side ^ (quad % 2)
            level = math.exp(drift * (4 * quad + step))
            times = level * np.exp(rng.normal(0, noise, cases))
            times[0] *= ratio if at_side else 1.0
            sides[at_side].append([Value(bench=f"case{i}", value=float(x), **more) for i, x in enumerate(times)])
        out.append(Quad(*sides))
    return out


def report(found, look=LAST, **more):
    return judging.judged(found, ("base", "new"), judging.THRESHOLD, look, **more)


def verdict(found, look=LAST, **more):
    return report(found, look, **more).cases[0]


def test_two_percent_are_found_though_the_machine_drifts():
    """A machine that loses 1% with every process: the drift cancels to the last digit, 2% are found."""
    case = verdict(quads(6, 1.02, drift=0.01))
    assert case.verdict == "slower"
    assert case.ratio == pytest.approx(1.02, rel=1e-9)
    assert verdict(quads(6, 1.0, drift=0.01)).verdict == "same"


def test_two_percent_in_noise_of_half_a_percent():
    """Found with ten quads; an interval that covers the truth; nothing found where nothing is."""
    found = [verdict(quads(10, 1.02, noise=0.005, seed=seed)) for seed in range(60)]
    assert sum(case.verdict == "slower" for case in found) >= 58
    assert sum(case.low <= 1.02 <= case.high for case in found) >= 54
    nothing = [report(quads(6, noise=0.005, seed=seed, cases=5)) for seed in range(60)]
    assert not [one for told in nothing for one in (*told.cases, told.whole) if one.verdict in ("slower", "faster")]


def test_faster_is_faster_and_more_is_better_where_it_is():
    """The ratio is above 1 where new is worse, whatever the metric is."""
    assert verdict(quads(6, 0.9, noise=0.005)).verdict == "faster"
    rate = verdict(quads(6, 0.8, noise=0.001, unit="GB/s", higher=True))
    assert (rate.verdict, rate.ratio) == ("slower", pytest.approx(1.25, rel=0.01))
    memory = verdict(quads(6, 1.5, unit="bytes"))
    assert (memory.verdict, memory.change) == ("slower", "more")


def test_the_whole_has_its_own_interval_by_quads():
    """A tenth of all in each case is one of the whole; one case in ten is a tenth of it."""
    told = report(quads(8, 1.10, noise=0.001, cases=10))
    assert told.whole.ratio == pytest.approx(1.1**0.1, rel=0.002)
    assert told.whole.low < told.whole.ratio < told.whole.high
    assert report(quads(8)).whole is None


def test_the_more_cases_the_stronger_the_evidence_that_is_asked_for():
    """Holm: what is clear alone is not among a hundred, and the remark says what would be."""
    alone, among = (quads(6, 1.02, noise=0.004, seed=2, cases=cases) for cases in (1, 100))
    assert verdict(alone).verdict == "slower"
    assert verdict(among).verdict == "ambiguous"
    assert verdict(among).sees > verdict(alone).sees
    assert verdict(among).reason.startswith("interval clear, but not at the 0.25% level for all cases; quads differ by")
    assert report(among).notes[0].startswith("only changes above ")


def test_what_would_be_found_is_one_plain_sentence():
    """One case, one figure; what no run would find is above 100%, once."""
    plain = r"only changes above [\d.]+% would be found, by 6 such quads in four of five runs"
    more = plain + r"; about (\d+) quads would find 4\.0%"
    found = [re.fullmatch(more, report(quads(6, noise=0.1, seed=seed)).notes[0]) for seed in range(15)]
    enough = sorted(int(one[1]) for one in found if one)[7]  # six quads alone tell little of the deviation
    assert report(quads(enough, noise=0.1)).cases[0].sees == pytest.approx(0.04, rel=0.3)
    [said] = report(quads(6, noise=0.001)).notes
    assert re.fullmatch(plain, said)
    [said] = report(quads(3, noise=1.0, cases=3)).notes
    assert said.startswith("only changes above 100% would be found, by 3")
    [said] = report(quads(6, 1.0, noise=0.01, cases=9)).notes
    assert re.search(r"above [\d.]+% to [\d.]+%, by case \(half of the cases: [\d.]+% or less\), would be found", said)


def test_cases_that_neither_side_measured_are_one_line():
    """They are no rows; one that a side measured is."""
    skipped = [Value(bench=name, unfit="skipped", why="no GPU") for name in ("a", "b")]
    half = ([Value(bench="c", unfit="skipped", why="odd")], [Value(bench="c", value=1.0)])
    told = report([
        Quad(*([[*values, *skipped, *more] for values in side] for side, more in zip(one.sides, half, strict=True)))
        for one in quads(4)
    ])  # fmt: skip
    assert [(one.bench, one.verdict) for one in told.cases[1:]] == [("c", "new")]
    assert told.notes[-1] == "2 cases measured by neither side (no GPU)"


def test_an_interval_that_leaves_a_change_below_the_threshold_says_so():
    """It excludes 1, and not 5%."""
    rules = Rules(rules=[Rule("case0", threshold=0.05)])
    case = verdict(quads(10, 1.06, noise=0.03), rules=rules)
    assert (case.verdict, case.low > 1) == ("ambiguous", True)
    assert case.reason.startswith("interval excludes 1, but not changes below 5.0%; quads differ by ")


def test_an_early_look_needs_more_evidence():
    """What is slower at the end is not yet at the first look, and its interval is wider."""
    found = quads(5, 1.02, noise=0.004, seed=2)
    assert (verdict(found, EARLY).verdict, verdict(found, LAST).verdict) == ("ambiguous", "slower")
    assert verdict(found, EARLY).high > verdict(found, LAST).high


def test_it_is_clear_where_each_case_is_told():
    """A difference that is found, equality, and an interval within 1%; not a wide one, nor nothing at all."""
    assert judging.clear(report(quads(5, 1.3, noise=0.0005), EARLY), judging.THRESHOLD)
    assert judging.clear(report(quads(5), EARLY), judging.THRESHOLD)
    assert not judging.clear(report(quads(5, noise=0.02), EARLY), judging.THRESHOLD)
    assert not judging.clear(report([]), judging.THRESHOLD)


def side(**more):
    return [[Value(bench="a", **more)], [Value(bench="a", **more)]]


def test_what_cannot_be_compared_is_said():
    """Other work, too few quads, what failed, is new or gone."""
    good = side(value=1.0)
    other = verdict([Quad(good, side(value=1.0, work="version 2"))] * 4)
    assert (other.verdict, "different things" in other.reason) == ("not measured", True)
    assert verdict([Quad(good, good)] * 2).reason == "fewer than 3 quads measured both sides"
    failed = verdict([Quad(good, side(unfit="failed", why="boom"))] * 4)
    assert (failed.verdict, failed.reason, failed.base) == ("failed", "failed in new: boom", 1.0)
    skipped = verdict([Quad(side(unfit="skipped", why="needs SMT"), good)] * 4)
    assert (skipped.verdict, skipped.reason) == ("new", "skipped in base: needs SMT")
    assert verdict([Quad(good, [[], []])] * 4).verdict == "gone"
    both = side(unfit="failed", why="boom")
    assert verdict([Quad(both, both)] * 4).verdict == "not measured"


def slowed(count, slower, new=1.0, share=0.2, **more):
    """Quads of ten cases; a share of the processes is slow as a whole, and new takes so many times as long."""
    rng, out = np.random.default_rng(3), []
    for _ in range(count):
        sides = ([], [])
        for side in ORDER:
            slow = 1 + slower * (rng.random() < share)
            times = slow * np.exp(rng.normal(0, 0.003, 10)) * (new if side else 1.0)
            sides[side].append([Value(bench=f"case{i}", value=float(x), **more) for i, x in enumerate(times)])
        out.append(Quad(*sides))
    return out


def test_a_process_that_was_slow_as_a_whole_does_not_hide_a_change():
    """The better process of each side counts where that scatters much less, and it is said; not of medians."""
    told = report(slowed(10, 0.5, 1.02, statistic="min"))
    assert {one.verdict for one in told.cases} == {"slower"}
    assert all(one.better and one.sees < 0.02 for one in told.cases)
    assert told.notes[:2] == [
        "judged is the fastest round of each process (--statistic)",
        "of every case the better of a side's processes in a quad, or in two, counts, as some processes were slow as a "
        "whole",
    ]
    calm = report(slowed(10, 0.0, statistic="min"))
    assert not any(one.better for one in calm.cases)
    assert not any(one.better for one in report(slowed(10, 0.5, 1.02, statistic="median")).cases)


def test_the_choice_does_not_know_which_side_is_new():
    """Where both sides of two quads change places, every log ratio changes its sign, and nothing else changes."""
    found = slowed(12, 0.5, 1.001)
    swapped = [Quad(one.new, one.base) if at // 2 % 2 else one for at, one in enumerate(found)]
    for mine, others in zip(judging.shifts(found, 0.0, Rules()), judging.shifts(swapped, 0.0, Rules()), strict=True):
        assert (mine.better, mine.folded) == (others.better, others.folded)
        assert np.allclose(np.abs(mine.shifts), np.abs(others.shifts))


def test_a_change_does_not_choose_how_it_is_judged():
    """Twice the time in new: the better processes count as they do without a change."""
    ways = [[one.better for one in judging.shifts(slowed(10, 0.5, new), 0.0, Rules())] for new in (1.0, 2.0)]
    assert ways[0] == ways[1] == [True] * 10


def test_two_quads_are_one_where_many_processes_are_slow():
    """The best of four processes a side; the geometric mean is still of all cases."""
    told = report(slowed(20, 0.5, 1.02, share=0.45, statistic="min"))
    cases = list(judging.shifts(slowed(20, 0.5, share=0.45), 0.0, Rules()))
    assert any(one.folded for one in cases)
    assert judging._whole(cases, 0.0).folded
    assert {one.verdict for one in told.cases} == {"slower"}
    assert (told.whole.verdict, told.whole.ratio) == ("slower", pytest.approx(1.02, rel=0.002))


def test_a_tail_that_became_slower_is_told_beside_the_fastest_rounds():
    """No verdict, since the fastest rounds are judged; `--statistic median` gives one."""

    def side(median):
        return [[Value(bench="a", value=1.0, statistic="min", median=median)]] * 2

    case = verdict([Quad(side(1.1), side(1.3))] * 8)
    assert (case.verdict, case.statistic) == ("same", "min")
    assert re.match(r"its median is 1\.182× slower \(.*\); --statistic median judges that", case.reason)
    assert not verdict([Quad(side(1.1), side(1.1))] * 8).reason


def test_disturbed_processes_are_counted():
    """Of all four in each quad."""
    assert "12 of 12 processes disturbed" in verdict([Quad(*[side(value=1.0, suspect="steal")] * 2)] * 3).reason


def test_a_threshold_of_the_project_is_that_of_its_cases():
    """5% do not matter there."""
    rules = Rules(rules=[Rule("case0", threshold=0.1)])
    assert verdict(quads(6, 1.05), rules=rules).verdict == "same"


def renamed(found):
    """The same quads with the sides' names changed in every second draw of two."""
    return [Quad(one.new, one.base) if at // 2 % 2 else one for at, one in enumerate(found)]


def test_whether_enough_is_seen_does_not_depend_on_the_sides_names():
    """Measuring until then favours no verdict: the numbers stay if base and new change names in some draws."""
    for found in (quads(16, noise=0.01, seed=4, cases=6), slowed(16, 0.5)):
        one, other = ([*judging.shifts(given, 0.005, Rules())] for given in (found, renamed(found)))
        assert [case.noise for case in one] == pytest.approx([case.noise for case in other], rel=1e-9)
    assert any(case.better for case in one)  # also where the better process of each side counts
    assert judging.unseen(quads(16, noise=0.003, cases=6), 0.005, 0.02) == (0, 6)
    assert judging.unseen(quads(16, noise=0.05, cases=6), 0.005, 0.02) == (6, 6)
    assert judging.unseen(quads(2, noise=0.0), 0.005, 0.02) == (0, 0)
    wide = Rules(rules=[Rule("case0", threshold=0.03)])  # 2% do not matter there
    assert judging.unseen(quads(16, noise=0.05, cases=6), 0.005, 0.02, wide) == (5, 5)


def test_a_large_change_does_not_count_as_noise():
    """A case that is 30% slower does not keep a measurement going."""
    assert judging.unseen(quads(16, 1.3, noise=0.003, cases=2), 0.005, 0.02) == (0, 2)
