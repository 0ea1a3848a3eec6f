"""Verdicts on two runs: what is slower, faster, the same, and what cannot be said."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from doubles.scripted import record, run_of
from hwbench.record import text
from hwbench.record.reasons import Reason
from hwbench.tracking import controls, differences, variance, verdicts
from hwbench.tracking.readers import runs
from hwbench.tracking.rules import Rule, Rules
from hwbench.tracking.sides import Entry, Measurement, Side
from hwbench.tracking.verdicts import THRESHOLD, compare, compare_sides
from made_up.declared import DECLARED
from made_up.histories import scattered

OPPOSITE = {"slower": "faster", "faster": "slower"} | {one: one for one in ("same", "no change", "ambiguous")}


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
    """The same samples are the same or ambiguous, and no interval is stated around their ratio of 1."""
    run = run_of(record(samples=samples))
    [one] = compare(run, run)
    assert one.verdict in ("same", "ambiguous")
    assert (one.low, one.ratio, one.high) == (1.0, 1.0, 1.0)


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


WRONG = record(status="wrong", samples=(), reasons=[Reason("wrong_answer", "differs")])


@pytest.mark.parametrize(
    ("old", "new", "verdict", "reason"),
    [
        (record(), None, "gone", "not in new"),
        (record(), record(status="skipped", samples=()), "gone", "skipped in new"),
        (None, record(), "new", "not in base"),
        (record(), WRONG, "failed", "wrong in new: differs"),
        (None, WRONG, "failed", "wrong in new: differs"),
        (WRONG, WRONG, "not measured", "wrong in base: differs"),
        (WRONG, record(), "new", "wrong in base: differs"),
        (record(status="skipped", samples=()), record(), "new", "skipped in base"),
        (record(), record(version=2), "not measured", "version 1 in base, 2 in new, which time different things"),
        (record(counts={"bytes": 1e6}), record(counts={"bytes": 2e6}), "not measured",
         "the work of a call differs: 10⁶ bytes in base, 2\u202f000\u202f000 bytes in new; "
         "give the size in bytes"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_says_why(old, new, verdict, reason):
    """New, gone, failed, of another version, or of another size under the same label: told, never slower or faster."""
    assert verdict_of(old, new) == (verdict, reason)


def test_a_disturbed_figure_accuses_nobody():
    """Ten times slower under steal is ambiguous; the same under steal is the same."""
    noisy = record(samples=(10.0,) * 5, status="suspect", reasons=[Reason("steal")])
    assert verdict_of(record(samples=(1.0,) * 5), noisy) == ("ambiguous", f"new: {Reason('steal')}")
    assert verdict_of(record(samples=(10.0,) * 5), noisy) == ("same", f"new: {Reason('steal')}")


def test_few_samples_are_ambiguous_and_can_be_written():
    """An endless interval has no upper end in JSON."""
    [one] = compare(run_of(record(samples=(1.0,))), run_of(record(samples=(9.0,))))
    assert (one.verdict, one.low, one.high) == ("ambiguous", 0.0, None)


def test_cases_are_matched_by_key_in_the_base_s_order():
    """Parameters in another order are the same case; new cases come last."""
    base = run_of(record("b", params={"n": 1, "size": "L1"}), record("a"))
    new = run_of(record("c"), record("a"), record("b", params={"size": "L1", "n": 1}))
    assert [(x.variant, x.verdict) for x in compare(base, new)] == [("b", "same"), ("a", "same"), ("c", "new")]


@pytest.mark.parametrize("spread", [0.0, 0.01, 0.05, 0.2])
def test_nobody_is_accused_where_nothing_changed(spread):
    """Whatever medians stray by from run to run, 100 cases tell by their scatter: ≤ 1% slower."""
    rng = np.random.default_rng(7)
    found = [
        one.verdict for _ in range(20) for one in compare(scattered(rng, 100, spread), scattered(rng, 100, spread))
    ]
    assert found.count("slower") <= len(found) / 100
    assert found.count("faster") <= len(found) / 100


def test_few_that_changed_are_found_among_many():
    """Five cases slower by a fifth are found among a hundred that stray by half a percent, and no others."""
    rng = np.random.default_rng(3)
    changed = dict.fromkeys(range(0, 100, 20), 1.2)
    told = compare(scattered(rng, 100, 0.005), scattered(rng, 100, 0.005, changed))
    assert [one.variant for one in told if one.verdict == "slower"] == [f"v{i}" for i in changed]


def test_the_steady_are_not_judged_by_the_unsteady():
    """Half the cases repeat within 0.1%, half stray by 10% and are unsteady within a run too: the steady are `same`.

    And hardly anybody is accused: neither the unsteady by the steady, nor the other way round.
    """
    rng = np.random.default_rng(11)

    def run():
        medians = [math.exp(rng.normal(0, 0.1 if i % 2 else 0.001)) for i in range(100)]
        return run_of(*(
            record(f"v{i}", (m * rng.normal(1, 0.1 if i % 2 else 0.002, 12)).tolist()) for i, m in enumerate(medians)
        ))  # fmt: skip

    told = [compare(run(), run()) for _ in range(5)]
    steady = [one.verdict for cases in told for one in cases[::2]]
    unsteady = [one.verdict for cases in told for one in cases[1::2]]
    assert steady.count("same") > 0.9 * len(steady)
    assert unsteady.count("ambiguous") > 0.9 * len(unsteady)
    assert (steady + unsteady).count("slower") <= 0.01 * len(steady + unsteady)


def test_cases_of_one_sample_judge_nobody():
    """Sixty medians of which nothing is known do not make the noise of the others, which stray by 5%, look small."""
    rng = np.random.default_rng(13)

    def run():
        known = [
            record(f"v{i}", (math.exp(rng.normal(0, 0.05)) * rng.normal(1, 0.002, 12)).tolist()) for i in range(25)
        ]
        return run_of(*known, *(record(f"w{i}", [math.exp(rng.normal(0, 0.05))]) for i in range(60)))

    told = [one for _ in range(8) for one in compare(run(), run())]
    assert sum(one.verdict == "slower" for one in told) <= 0.01 * len(told)
    assert {one.verdict for one in told if one.variant.startswith("w")} == {"ambiguous"}


def test_several_runs_a_side_show_their_own_noise():
    """Ten runs each that stray by 4%: a tenth is found; two single runs of them could not tell."""
    rng = np.random.default_rng(5)
    olds, news = ([scattered(rng, 1, 0.04, {0: factor}) for _ in range(10)] for factor in (1.0, 1.1))
    [one] = compare_sides(runs.side(olds), runs.side(news)).cases
    assert one.verdict == "slower"
    assert one.ratio == pytest.approx(1.1, rel=0.05)
    [alone] = compare_sides(runs.side(olds[:1], olds), runs.side(news[:1], olds)).cases
    assert alone.verdict == "ambiguous"


def boxed(rng, cases, level=1.0, spread=0.0, noise=0.0, factors=None):
    """A run of the controls and so many cases on a box of some level, which suits each case more or less."""

    def samples(value):
        return (value * math.exp(rng.normal(0, noise)) * rng.normal(1, 0.0005, 12)).tolist()

    controls = [
        record("simd", samples(level), bench=bench, params={"size": "L1"}, counts={"bytes": 1e6})
        for bench in ("stream.load", "latency.chase", "peak.fma")
    ]
    return run_of(*controls, *(
        record(f"v{i}", samples(level * math.exp(rng.normal(0, spread)) * (factors or {}).get(i, 1.0)),
               counts={"items": 1.0})
        for i in range(cases)
    ))  # fmt: skip


def test_what_is_slow_on_another_box_is_found_among_what_differs():
    """A box 1.5 times as slow that suits cases by ±10%: the case that takes three times as long is slower there."""
    rng = np.random.default_rng(1)
    old, new = boxed(rng, 60), boxed(rng, 60, 1.5, 0.1, factors={7: 3.0})
    cases = {
        one.variant: one
        for one in compare_sides(runs.side([old]), runs.side([new]), across=True, benches=DECLARED).cases
    }
    assert cases["v7"].verdict == "slower"
    assert cases["v7"].normalised == pytest.approx(3.0, rel=0.4)
    assert sum(one.verdict == "ambiguous" for one in cases.values()) < 60


def test_machines_that_are_alike_accuse_nobody():
    """Medians that stray by 2%, the controls' too: what is taken out brings its own error along."""
    rng = np.random.default_rng(2)
    for cases in (10, 60):
        told = [
            one.verdict
            for _ in range(20)
            for one in compare_sides(
                runs.side([boxed(rng, cases, noise=0.02)]), runs.side([boxed(rng, cases, 1.3, noise=0.02)]),
                across=True, benches=DECLARED,
            ).cases
        ]  # fmt: skip
        assert told.count("slower") <= 0.01 * len(told)


def test_with_controls_nothing_is_excused_as_what_all_share():
    """On one machine and across two: the one case that takes half the time is faster."""
    old, new = boxed(np.random.default_rng(4), 12), boxed(np.random.default_rng(5), 12, factors={7: 0.5})
    for across in (False, True):
        told = compare_sides(runs.side([old]), runs.side([new]), across=across, benches=DECLARED)
        assert [one.variant for one in told.cases if one.verdict == "faster"] == ["v7"]
        assert told.remarks == []
    old, slower = (
        boxed(np.random.default_rng(6), 30, factors=dict.fromkeys(range(30), factor)) for factor in (1.0, 1.1)
    )
    told = compare_sides(runs.side([old]), runs.side([slower]), benches=DECLARED)
    assert [one.verdict for one in told.cases if one.variant.startswith("v")] == ["slower"] * 30


def test_a_box_that_is_slower_throughout_has_no_slower_case():
    """Across machines by the ratio of their limits; on one machine it is the machine that changed, and said so."""
    old, new = boxed(np.random.default_rng(4), 12), boxed(np.random.default_rng(5), 12, 1.5)
    told = compare_sides(runs.side([old]), runs.side([new]), across=True, benches=DECLARED)
    assert not [one for one in told.cases if one.verdict in ("slower", "faster")]
    told = compare_sides(runs.side([old]), runs.side([new]), benches=DECLARED)
    reasons = {one.reason for one in told.cases if one.variant.startswith("v")}
    assert reasons == {"the machine's own limits changed as much (1.50× slower)"}


def test_the_same_file_twice_is_remarked_upon():
    """Sides that have nothing in common are not."""
    a, b = (runs.side([run_of(record(name))]) for name in ("a", "b"))
    assert compare_sides(a, a).remarks == ["base and new are the same measurements"]
    assert compare_sides(a, b).remarks == []


def together(shift, controls=()):
    """Forty cases that moved by a shift and 0.3% each, one of them by a tenth more; controls moved by the shift."""
    rng = np.random.default_rng(3)
    names = [f"c{i}" for i in range(40)]
    logs = rng.normal(0, 0.003, 40) + math.log1p(shift) + math.log1p(0.1) * (np.arange(40) == 7)
    sides = []
    for medians, moved in ((np.ones(40), 1.0), (np.exp(logs), 1 + shift)):
        entries = [
            Entry("made.up", name, "cpu", {}, measurements=[Measurement(float(x), 5e-4)])
            for name, x in zip(names, medians, strict=True)
        ]
        entries += [Entry(name, "v", "cpu", {}, measurements=[Measurement(moved, 5e-4)]) for name in controls]
        sides.append(Side("made up", "box", {}, entries))
    return compare_sides(*sides, benches=DECLARED)


def test_what_all_cases_share_accuses_nobody():
    """A run that is 5% slower throughout: the one case that fell by more is found, and that all moved is said."""
    told = together(0.05)
    assert [one.variant for one in told.cases if one.verdict == "slower"] == ["c7"]
    assert told.cases[0].verdict == "ambiguous"
    assert told.cases[0].reason == f"moved with everything else ({text.ratio(math.exp(told.noise.together))})"
    assert [line for line in told.remarks if line.startswith("everything moved together by 1.0")]
    assert not together(0.0).remarks


def test_one_bench_that_moves_by_a_half_is_slower():
    """All cases of one bench slower by a half: that is its code, whatever their number."""
    told = together(0.5)
    assert {one.verdict for one in told.cases} == {"slower"}


def sides_of(values, kind="pytest-benchmark", machines=("box", "box"), **more):
    """Two sides: for each bench its values on both, with the relative error of a median."""
    made = []
    for which, machine in enumerate(machines):
        entries = [
            Entry(bench, "", "cpu", {}, measurements=[Measurement(both[which], 5e-4 * abs(both[which]))], **more)
            for bench, both in values.items()
        ]
        made.append(Side("made up", machine, {}, entries, kind=kind))
    return made


def test_everything_that_moves_together_is_the_machine_s():
    """Twelve benches slower by 1.4 within 1%: said once, and no verdict on any but the one that moved by twice that."""
    rng = np.random.default_rng(2)
    values = {f"b{i}": (1.0, 1.4 * float(np.exp(rng.normal(0, 0.005)))) for i in range(12)} | {"b3": (1.0, 2.8)}
    told = compare_sides(*sides_of(values))
    assert [one.bench for one in told.cases if one.verdict == "slower"] == ["b3"]
    assert len(told.remarks) == 1
    assert told.remarks[0].startswith("everything moved together by 1.40× slower")
    assert told.cases[0].reason == "moved with everything else (1.40× slower)"


def test_four_cases_of_two_hosted_runners_tell_little():
    """Faster by 8% each from one runner to the next: ambiguous, though single medians are known within 0.05%."""
    values = {f"b{i}": (1.0, 0.92) for i in range(4)}
    told = compare_sides(*sides_of(values, machines=("fv-az1-1", "fv-az2-2")))
    assert {one.verdict for one in told.cases} == {"ambiguous"}
    assert {one.verdict for one in compare_sides(*sides_of(values, kind="run")).cases} == {"faster"}


def test_memory_is_judged_by_its_own_noise():
    """A peak that repeats within 0.1% over eleven commits and rises by 9.9% is more, beside times that stray by 20%."""
    rng = np.random.default_rng(5)
    past = [1e8 * (1 + float(x)) for x in rng.uniform(-5e-4, 5e-4, 11)]
    made = []
    for which in (0, 1):
        times = [
            Entry("t", str(i), "cpu", {}, measurements=[Measurement(float(np.exp(rng.normal(0, 0.2))), 1e-3)])
            for i in range(40)
        ]
        peak = Measurement((1e8, 1.099e8)[which], 0.0)
        made.append(Side("x", "box", {}, [
            *times, Entry("peakmem", "", "cpu", {}, measurements=[peak], earlier=past, unit="bytes", trend=past)
        ], kind="asv"))  # fmt: skip
    told = compare_sides(*made)
    [one] = [case for case in told.cases if case.bench == "peakmem"]
    assert (one.verdict, one.change, one.base, one.new, one.held) == ("slower", "more", 1e8, 1.099e8, 11)
    assert (one.low, one.high) == (pytest.approx(1.099, rel=0.01), pytest.approx(1.099, rel=0.01))
    assert set(told.noises) == {"time", "memory"}
    assert not [case for case in told.cases if case.bench == "t" and case.verdict in ("slower", "faster")]


@pytest.mark.parametrize(
    ("old", "new", "higher", "verdict", "change", "by"),
    [
        (0.0, 5.0, False, "slower", "more", 5.0),
        (5.0, 0.0, False, "faster", "less", -5.0),
        (-10.0, -5.0, True, "faster", "more", 5.0),
        (-10.0, -5.0, False, "slower", "more", 5.0),
        (0.0, 0.0, False, "same", "", 0.0),
    ],
)
def test_values_without_a_ratio_are_judged_by_their_difference(old, new, higher, verdict, change, by):
    """Errors that begin, scores below zero: what has no logarithm is not dropped."""
    [one] = compare_sides(*sides_of({"x": (old, new)}, kind="asv", unit="", higher=higher)).cases
    assert (one.verdict, one.change, one.difference, one.ratio) == (verdict, change, by, None)
    assert (one.base, one.new) == (old, new)


def test_an_interval_around_one_shows_no_change():
    """Within a tenth it is told above what; a comparison says what it would have found."""
    rng = np.random.default_rng(8)
    told = compare_sides(*(runs.side([scattered(rng, 100, 0.01)]) for _ in range(2)))
    found = [one for one in told.cases if one.verdict == "no change"]
    assert len(found) >= 70
    assert all(one.reason.startswith("no change above ") and one.low < 1.005 and one.high > 0.995 for one in found)
    assert all(0.02 < one.sees < 0.2 for one in told.cases)


def test_an_ambiguous_case_says_why_and_what_settles_it():
    """One round, rounds that scatter, two modes, and run-to-run deviation."""
    steady = [1.0 + i / 1e4 for i in range(12)]
    modes = [1.0 + i / 1e4 for i in range(6)] + [1.5 + i / 1e4 for i in range(6)]
    for old, new, said in (
        (steady, [1.1], "one round on a side; measure 3 at least"),
        (steady, [0.8, 0.9, 1.3, 1.0, 1.2, 0.7, 1.4], "rounds scatter"),
        (steady, modes, "bimodal in new, 50% apart"),
    ):
        assert verdict_of(record(samples=old), record(samples=new))[1].startswith(said)


def test_thresholds_of_single_benchmarks():
    """A rule for a glob stands over the threshold of all."""
    values = {"io.read": (1.0, 1.1), "sum": (1.0, 1.1)}
    told = compare_sides(*sides_of(values, kind="run"), rules=Rules(rules=[Rule("io.*", 0.2)]))
    assert [(one.bench, one.verdict) for one in told.cases] == [("io.read", "same"), ("sum", "slower")]


# --- rules by themselves ----------------------------------------------------------------------------------------------

ONE = Entry("b", "", "cpu", {}, measurements=[Measurement(1.0, 1e-3)])
TWO = Entry("b", "", "cpu", {}, measurements=[Measurement(1.1, 1e-3)])


def pair(shift=0.1, doubt=0.01, machine=None, **more):
    """A case with this shift, judged by it alone."""
    known = {"old": ONE, "new": TWO, "shift": shift, "error": 0.02, "judged": shift, "doubt": doubt, "machine": machine,
             "dofs": (10.0, 10.0), "together": 0.0, "edge": 0.02, "within": 1e-3, "between": 0.005}  # fmt: skip
    return verdicts._Pair(**known | more)


def moved(*logs, unit="s", benches=None):
    """A pair of entries for each log ratio, each of a bench of its own or of so many."""
    return [
        tuple(
            Entry(f"b{i % (benches or len(logs))}", str(i), "cpu", {}, measurements=[Measurement(value, 1e-3)],
                  unit=unit)
            for value in (1.0, math.exp(log))
        )
        for i, log in enumerate(logs)
    ]  # fmt: skip


def test_the_p_value_is_the_tail_beyond_threshold_and_what_all_share():
    """Slower by its own degrees of freedom, faster by its own; what all share excuses one direction."""
    from scipy.special import stdtr

    one = pair(0.3, 0.1, dofs=(3.0, 30.0), together=0.05)
    assert verdicts._p(one, 1) == pytest.approx(stdtr(3, -(0.3 - 0.05 - 0.02) / 0.1))
    assert verdicts._p(one, -1) == pytest.approx(stdtr(30, (0.3 + 0.02) / 0.1))
    other = pair(-0.3, 0.1, dofs=(3.0, 30.0), together=-0.05)
    assert verdicts._p(other, -1) == pytest.approx(stdtr(30, -(0.3 - 0.05 - 0.02) / 0.1))
    assert verdicts._p(pair(doubt=math.inf), 1) == 1.0


@pytest.mark.parametrize("factor", [1.05, 0.95])
def test_a_single_case_s_p_value_goes_with_its_interval(factor):
    """Of one case there is nothing to correct: the p-value follows from ratio, interval and threshold."""
    from scipy.special import stdtr, stdtrit

    [one] = compare_sides(*sides_of({"b": (1.0, factor)}, kind="run")).cases
    doubt = math.log(one.high / one.ratio) / stdtrit(variance.PRIOR, 0.975)
    beyond = abs(math.log(factor)) - math.log(1.02)
    assert one.p == pytest.approx(stdtr(variance.PRIOR, -beyond / doubt))


@pytest.mark.parametrize(
    ("one", "slower", "faster", "verdict"),
    [
        (pair(), 0.025, 1.0, "slower"),
        (pair(-0.1), 1.0, 0.025, "faster"),
        (pair(), 0.026, 1.0, "ambiguous"),
        (pair(0.02, 0.0), 1.0, 1.0, "same"),
        (pair(-0.02, 0.0), 1.0, 1.0, "same"),
        (pair(0.005, 0.0, edge=0.001), 1.0, 1.0, "no change"),
        (pair(0.006, 1e-9, edge=0.001), 1.0, 1.0, "ambiguous"),
        (pair(0.0, 0.05), 1.0, 1.0, "ambiguous"),
        (pair(0.0, 0.03), 1.0, 1.0, "no change"),
        (pair(0.3, 0.01, machine=0.3), 0.0, 1.0, "ambiguous"),
    ],
)
def test_verdicts_at_their_bounds(one, slower, faster, verdict):
    """p-values of 2.5% are enough; an interval that ends at the threshold is within it."""
    assert verdicts._judged(one, slower, faster, across=False, cases=1).verdict == verdict


def test_what_a_verdict_states():
    """The ratio with its 95% interval, the machine's shift, what remains without it, and what would be seen."""
    from scipy.special import stdtrit

    q, power = stdtrit(10, 0.975), stdtrit(10, 0.8)
    one = verdicts._judged(pair(0.3, machine=0.05), 0.0, 1.0, across=False, cases=1)
    assert (one.ratio, one.low, one.high) == pytest.approx([math.exp(0.3 + x * q * 0.02) for x in (0, -1, 1)])
    assert (one.machine, one.normalised) == pytest.approx((math.exp(0.05), math.exp(0.25)))
    assert one.sees == pytest.approx(math.expm1(0.02 + (q + power) * 0.01))
    assert (one.p, one.change) == (0.0, "slower")
    assert verdicts._judged(pair(-0.3), 1.0, 0.0, across=False, cases=1).change == "faster"


def test_bounds_beyond_which_nothing_is_stated():
    """Three decades of a ratio, and of what would be seen."""
    for factor, high in ((999.5, pytest.approx(999.5)), (1000.5, None)):
        told = verdicts._judged(pair(math.log(factor), error=0.0), 0.0, 1.0, across=False, cases=1)
        assert told.high == high
    for edge, sees in ((6.5, pytest.approx(math.expm1(6.5))), (7.0, None), (7.5, None)):
        assert verdicts._judged(pair(0.0, 0.0, edge=edge), 1.0, 1.0, across=False, cases=1).sees == sees
    assert (verdicts._exp(699.5), verdicts._exp(700.0), verdicts._exp(700.5)) == (math.exp(699.5), math.inf, math.inf)


def test_reasons_of_what_is_not_clear():
    """What all share, what is clear alone, and the first measurement's doubt; of a sound case none."""

    def told(one, cases=1):
        return verdicts._judged(one, 0.03, 1.0, across=False, cases=cases).reason

    assert told(pair(0.1, 0.01, together=0.08)) == "moved with everything else (1.08× slower)"
    assert told(pair(0.1, 0.01), cases=40).startswith("clear alone, but not among 40 cases")
    assert told(pair(-0.1, 0.01), cases=40).startswith("clear alone, but not among 40 cases")
    assert told(pair(0.1, 0.01, together=-0.08)).startswith("clear alone")
    assert told(pair(0.04, 0.05)).startswith("medians differ from run to run by 0.50%")
    assert told(pair(-0.04, 0.025)).startswith("medians differ")
    assert told(pair(0.1, 0.05, together=0.08)).startswith("medians differ")
    assert told(pair(-0.01, 0.03)) == "no change above 8.0%"
    twice = Entry("b", "", "cpu", {}, measurements=[Measurement(1.0, 1e-3), Measurement(1.0, 1e-3, "steal")])
    assert told(pair(0.0, 0.0, old=twice)) == ""
    assert verdicts._judged(pair(), 0.0, 1.0, across=False, cases=1).reason == ""
    assert verdicts._judged(pair(), 0.0, 1.0, across=True, cases=1).reason == (
        "not normalised: the limits of the machines were not measured; "
        "compared by seconds a call: the work of a call is not known"
    )


def test_only_all_measurements_together_are_the_same():
    """The same number of them, each with the same median, error and samples."""
    other = Measurement(1.0, 1e-3, samples=(1.0, 2.0))
    entries = [Entry("b", "", "cpu", {}, measurements=made) for made in (
        [Measurement(1.0, 1e-3)], [Measurement(1.0, 1e-3)] * 2, [other], [Measurement(1.0, 2e-3)])]  # fmt: skip
    assert [verdicts._identical(pair(old=ONE, new=one)) for one in entries] == [True, False, False, False]


@pytest.mark.parametrize(
    ("fit", "noise", "shift"),
    [
        (moved(*[0.06] * 5), 0.0, 0.06),
        (moved(*[-0.06] * 5), 0.0, -0.06),
        (moved(*[0.06] * 8, benches=4), 0.0, 0.03),
        (moved(*[0.04] * 5), 0.0, 0.03),
        (moved(*[0.06] * 5), 0.03, 0.06),  # 4 × 3% / √5 = 5.4%
        (moved(*[0.06] * 5), 0.035, 0.03),  # 6.3%
        (moved(0.06, 0.06, 0.06, 0.06, 0.01), 0.0, 0.06),
        (moved(0.06, 0.06, 0.06, 0.06, 0.01, 0.01), 0.0, 0.03),
        (moved(0.06, 0.06, 0.06, 0.06, -0.06, -0.06), 0.0, 0.03),
        (moved(0.0, 0.0, 0.0, 0.0, 0.0), 0.0, 0.03),
    ],
)
def test_what_moved_together(fit, noise, shift):
    """Four of five cases of five benches, each by a third of the middle and all clearly; else what the noise says."""
    other = moved(*[3.0] * 20, unit="bytes")
    noises = {"time": variance.Noise(noise, "", together=0.03)}
    assert verdicts._together([*other, *fit], noises) == pytest.approx(shift)


def test_a_middle_at_four_standard_errors_is_clear():
    """Of sixteen cases, one deviation."""
    fit = moved(*[0.06] * 16)
    middle = controls.shift(*fit[0])
    assert verdicts._together(fit, {"time": variance.Noise(middle, "", together=0.03)}) == middle


def test_what_the_noise_says_all_share_is_a_tenth_at_most():
    """Either way; nothing where no times are compared."""
    for together, shift in ((0.5, 0.1), (-0.5, -0.1), (-0.03, -0.03)):
        noises = {"time": variance.Noise(0.0, "", together=together)}
        assert verdicts._together(moved(0.0), noises) == shift
    assert verdicts._together([], {}) == 0.0
    assert [len(list(verdicts._moved(one))) for one in (0.02, -0.02, 0.019, 0.0)] == [1, 1, 0, 0]


def test_memory_does_not_share_what_times_do():
    """Twelve benches slower by 1.4 excuse no peak that grew."""
    times = sides_of({f"b{i}": (1.0, 1.4) for i in range(12)})
    memory = sides_of({"peak": (1e8, 1.4e8), "less": (1e8, 0.6e8)}, unit="bytes")
    for time, more in zip(times, memory, strict=True):
        time.entries = [*more.entries, *time.entries]
    told = compare_sides(*times)
    assert [one.verdict for one in told.cases[:2]] == ["slower", "faster"]
    assert {one.verdict for one in told.cases[2:]} == {"ambiguous"}
    assert told.noise is told.noises["time"]


@pytest.mark.parametrize(
    ("kinds", "machines", "time"),
    [
        (("run", "run"), ("a", "a"), variance.ASSUMED),
        (("run", "run"), ("a", "b"), variance.ASSUMED),
        (("run", "asv"), ("a", "a"), variance.BY_KIND["time"]),
        (("asv", "asv"), ("a", "b"), variance.BY_KIND["time"]),
        (("pytest-benchmark",) * 2, ("a", "a"), variance.BY_KIND["time"]),
        (("pytest-benchmark",) * 2, ("a", "b"), variance.HOSTED),
        (("run", "run"), ("a", "fv-az1-1"), variance.HOSTED),
    ],
)
def test_the_noise_assumed_of_times(kinds, machines, time):
    """By who measured them and where."""
    sides = [Side("x", machine, {}, [], kind=kind) for kind, machine in zip(kinds, machines, strict=True)]
    assert verdicts._assumed(*sides) == {**variance.BY_KIND, "time": time}


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.3, 0.5, "slower"),
        (-0.5, -0.3, "faster"),
        (-0.25, 0.25, "same"),
        (-0.5, 0.5, "no change"),
        (0.0, 0.5, "no change"),
        (-0.5, 0.0, "no change"),
        (-0.5, 0.1, "no change"),
        (-1.0, 0.5, "no change"),
        (-1.5, 0.5, "ambiguous"),
        (-0.5, 1.5, "ambiguous"),
        (0.25, 0.5, "ambiguous"),
        (-0.5, -0.25, "ambiguous"),
    ],
)
@pytest.mark.parametrize("higher", [False, True])
def test_differences_at_their_bounds(monkeypatch, low, high, verdict, higher):
    """Of values around 10 a quarter is the threshold here, and 1 is narrow; more is worse unless higher is better."""
    ends = (-high, -low) if higher else (low, high)
    found = differences.Difference(sum(ends) / 2, *ends, 10.0)
    monkeypatch.setattr(verdicts.differences, "difference", lambda *_: found)
    entry = Entry("b", "", "cpu", {}, measurements=[Measurement(-10.0, 0.0)], unit="", higher=higher,
                  trend=[-10.0, -8.3, -8.7, -8.6])  # fmt: skip
    monkeypatch.setattr(verdicts.math, "expm1", lambda _: 0.025)
    told = verdicts._by_difference(entry, entry, 0.0247)
    assert (told.verdict, told.held) == (verdict, 2)
    assert bool(told.reason) == (verdict == "ambiguous")
    assert (told.difference, told.low, told.high) == found[:3]
    if verdict in ("slower", "faster"):
        assert told.change == ("more" if (verdict == "slower") != higher else "less")


@pytest.mark.parametrize(
    ("machine", "shift", "whose"),
    [
        (0.1, 0.1, True),
        (-0.1, 0.1, False),
        (None, 0.1, False),
        (None, 1.0, False),
        (None, -1.0, False),
        (0.01, 0.01, False),
        (0.02, 0.02, True),
        (0.02, 0.0, False),
        (0.02, 0.04, True),
        (-0.02, 0.0, False),
        (0.2, 0.3, True),
        (0.19, 0.3, False),
        (-0.02, -0.04, True),
    ],
)
def test_whose_a_shift_is(machine, shift, whose):
    """The machine's, where its controls moved the same way, noticeably, and explain two thirds of it."""
    assert verdicts._machines(pair(shift, machine=machine), 0.02) is whose


def test_what_a_ratio_between_machines_lacks():
    """A rate has its work in it; a time needs a count."""
    counted, rate = (Entry("b", "", "cpu", {}, measurements=[Measurement(1.0, 0.0)], **more)
                     for more in ({"counts": {"bytes": 1.0}}, {"higher": True}))  # fmt: skip
    for entry, said in ((counted, 0), (rate, 0), (ONE, 1)):
        assert len(list(verdicts._raw(pair(old=entry, new=entry, machine=0.0)))) == said
        assert len(list(verdicts._raw(pair(old=entry, new=entry)))) == said + 1
