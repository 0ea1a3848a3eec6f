"""The engine on a scripted device: what is timed, how often, in which order, and what is said of it."""

from __future__ import annotations

import gc
import itertools
import math
import os
import time

import numpy as np
import pytest

from doubles.scripted import ScriptedDevice, group, scripted_bench, scripted_work
from hwbench.bench import Bench, Skip, Work
from hwbench.measurement.cases import Group
from hwbench.measurement.engine import PARTS, Engine
from hwbench.record.model import Case, Policy
from hwbench.record.reasons import because

POLICY = Policy(min_sample_s=0.01, rounds=10, max_rounds=100, case_s=1.0, warmup_s=0.5, precision=0.01)
MS = 1e-3


def measure(bench: Bench, device: ScriptedDevice | None = None, policy: Policy = POLICY, seconds=math.inf, **params):
    device = device or ScriptedDevice()
    engine = Engine({device.name: device}, policy, device.clock)
    return {r.variant: r for r in engine.measure(group(bench, **params), seconds)}


def gauged() -> ScriptedDevice:
    """A device whose gauges are read after each round: whatever was in the caches before is warmed again."""
    return ScriptedDevice(gauge=lambda _: {"clock_hz": 3e9})


def noisy(sample: int) -> float:
    """Samples that never settle: 1, 1.3, 1.1, 1.4, 1.2 ms and over again, in no two heaps."""
    return MS * (1 + (sample * 3 % 5) / 10)


# --- calibration and warm-up ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("each", "loops"), [(3e-3, 4), (1e-2, 1), (0.5, 1), (1e-6, 10_000), (2.0**-7, 2), (1e-9, 10**7)]
)
def test_a_sample_is_as_many_calls_as_fill_ten_milliseconds(each, loops):
    """Loops × seconds a call is the first to reach the least sample; a longer call is a sample by itself."""
    record = measure(scripted_bench({"a": each}))["a"]
    assert record.loops == pytest.approx(loops, abs=1 if loops > 100 else 0)
    assert record.samples == pytest.approx([each] * 10)


def test_loops_grow_tenfold_at_most():
    """A first call that is too short to be measured is no forecast: 1, 10, 100 … until one is long enough."""
    device = ScriptedDevice()
    measure(scripted_bench({"a": 1e-5}), device)
    calibration = [loops for _, loops in device.timed]
    assert calibration[:4] == [1, 10, 100, 1000]
    assert set(calibration[4:]) <= {1000, 1001, 1000 // PARTS}


def test_a_slow_first_call_does_not_fool_the_calibration():
    """A call that compiles for 5 s and then takes 1 ms is measured with 10 calls a sample, without the 5 s."""
    policy = Policy(min_sample_s=0.01, rounds=10, max_rounds=10, warmup_s=10.0)
    record = measure(scripted_bench({"a": [5.0, MS]}), policy=policy)["a"]
    assert record.loops == 10
    assert record.samples == pytest.approx([MS] * 10)


def test_warm_up_ends_with_three_samples_that_agree():
    """A ramp of 5% a sample is warmed through; the first three within 2% of one another are the last of the warm-up."""
    ramp = [0.02 * 0.95**i for i in range(6)]
    device = ScriptedDevice()
    record = measure(scripted_bench({"a": [*ramp, 0.01, 0.01, 0.01]}), device)["a"]
    assert len(device.timed) == 6 + 3 + 10
    assert record.samples == [0.01] * 10


def test_warm_up_ends_at_its_time():
    """Samples that get ever faster are warmed up for `warmup_s` and no longer."""
    device = ScriptedDevice()
    policy = Policy(warmup_s=0.105, rounds=10, max_rounds=10)
    measure(scripted_bench({"a": lambda i: 0.02 * 0.95**i}), device, policy)
    assert len(device.timed) - 10 == 6  # 0.09 s after the fifth, 0.106 s after the sixth
    assert device.settled == [2.0]


def test_a_device_is_settled_once():
    """The clock is brought up before the first contrast, not before each."""
    device = ScriptedDevice()
    engine = Engine({"cpu": device}, POLICY, device.clock)
    for _ in range(3):
        engine.measure(group(scripted_bench({"a": MS})))
    assert device.settled == [2.0]


# --- stopping ---------------------------------------------------------------------------------------------------------


def test_steady_samples_stop_after_the_least_rounds():
    """Ten rounds whose interval is a point are enough."""
    assert len(measure(scripted_bench({"a": MS}))["a"].samples) == 10


def test_sampling_stops_when_every_median_is_known_well_enough():
    """Rounds go on while one variant's interval is wider than 1%, for the others as well, so that all stay paired."""

    def late(sample):  # warm-up takes four samples: one call, and three of ten that agree
        return MS * (1.2 if 4 <= sample < 14 and sample % 2 else 1.0)

    records = measure(scripted_bench({"steady": MS, "late": late}), gauged())
    assert len(records["steady"].samples) == len(records["late"].samples)
    assert len(records["late"].samples) == 22  # looked at after 10, 13, 17 and 22 rounds


def test_sampling_stops_at_the_budget():
    """Noise without end is sampled for `case_s` a case: 2 cases × 0.5 s, rounds of 20 ms, two parts before each."""
    device = ScriptedDevice()
    policy = Policy(case_s=0.5, max_rounds=10_000)
    records = measure(scripted_bench({"a": noisy, "b": noisy}), device, policy)
    spent = sum(sum(r.samples) * r.loops for r in records.values())
    longest = max(r.loops * 1.4 * MS for r in records.values()) * 2
    assert 1.0 / (1 + 2 / PARTS) <= spent < 1.0 + longest
    assert len(records["a"].samples) == len(records["b"].samples)


def test_the_runs_budget_bounds_the_rounds_too():
    """`seconds` is what the run has left for the group."""
    records = measure(scripted_bench({"a": noisy}), policy=Policy(case_s=5.0, max_rounds=10_000), seconds=0.3)
    assert 0.3 / (1 + 2 / PARTS) <= sum(records["a"].samples) * records["a"].loops < 0.32


def test_at_least_ten_rounds_whatever_the_budget():
    """Calls of 10 s on a budget of 0.2 s still give ten samples."""
    assert len(measure(scripted_bench({"a": 10.0}), policy=Policy(case_s=0.2))["a"].samples) == 10


def test_samples_are_as_long_as_a_work_needs():
    """Longer than the preset's where those would fit between the stops of a quota."""

    def build():
        """A millisecond a call."""
        return scripted_work(1e-3, least_s=0.25)

    record = measure(scripted_bench({"a": build, "b": 1e-3}), policy=Policy(case_s=0.2, min_sample_s=0.003))
    assert (record["a"].loops, record["b"].loops) == (250, 3)


def test_what_disturbed_a_load_before_the_samples_is_a_reason_as_well():
    """Once for each code, though both counters say so."""

    def build():
        """Facts as a bench of sustained load gives them."""
        return scripted_work(1e-3, facts={"load_taken": 0.0, "load_telemetry": {"wall_s": 60.0, "throttled_s": 30.0}})

    record = measure(scripted_bench({"a": build}))["a"]
    assert (record.status, record.codes) == ("suspect", ["quota"])
    device = ScriptedDevice(rates={"wall_s": 1.0, "throttled_s": 0.5})
    assert measure(scripted_bench({"a": build}), device)["a"].codes == ["quota"]


def test_at_most_max_rounds():
    """Noise ends there, however large the budget."""
    policy = Policy(max_rounds=25, case_s=1e9)
    assert len(measure(scripted_bench({"a": noisy}), policy=policy)["a"].samples) == 25


# --- order, pairing, seeds --------------------------------------------------------------------------------------------


def order_of(seed: int, params: dict) -> list[str]:
    device = ScriptedDevice()
    bench = scripted_bench({"a": 0.01, "b": 0.01, "c": 0.01}, axes={"n": (1,)})
    measure(bench, device, Policy(seed=seed), **params)
    return [who for who, _ in device.timed][-30:]


def test_each_round_times_every_variant_once():
    """Rounds of three: whoever is timed, nobody is timed twice before all were."""
    order = order_of(0, {"n": 1})
    assert all(sorted(order[i : i + 3]) == ["a", "b", "c"] for i in range(0, 30, 3))


def test_the_same_seed_gives_the_same_order():
    """A run can be repeated; another seed or contrast is another order."""
    assert order_of(1, {"n": 1}) == order_of(1, {"n": 1})
    assert order_of(1, {"n": 1}) != order_of(2, {"n": 1})
    assert order_of(1, {"n": 1}) != order_of(1, {"n": 2})


def test_samples_pair_by_position():
    """A disturbance of one round is in the same place of every variant's samples."""
    device = ScriptedDevice()

    def slow_round(factor):
        return lambda _i: 0.01 * factor * (3.0 if device.rounds == 3 else 1.0)

    records = measure(scripted_bench({"a": slow_round(1), "b": slow_round(2), "c": slow_round(5)}), device)
    for record, factor in zip(records.values(), (1, 2, 5), strict=True):
        assert record.samples == pytest.approx(
            [0.01 * factor * (3 if i == 3 else 1) for i in range(len(record.samples))]
        )


@pytest.mark.parametrize(("each", "primed"), [(1e-4, True), (0.01 / 4, True), (0.01 / 3, False), (0.01, False)])
def test_an_eighth_of_a_sample_of_many_calls_is_run_before_it(each, primed):
    """Untimed, where the caches turn out to be warm; a sample of few calls is not lengthened by one."""
    asked = []

    def timer(loops):
        asked.append(loops)
        return each * loops

    def build():
        return Work(lambda: 42, timer=timer)

    record = measure(scripted_bench({"a": build}), gauged())["a"]
    assert record.samples == pytest.approx([each] * 10)
    part = max(1, record.loops // PARTS)
    assert asked[-20:] == [part, record.loops] * 10 if primed else asked[-10:] == [record.loops] * 10


@pytest.mark.parametrize("nt", [False, True])
def test_a_call_is_run_between_plain_and_non_temporal_stores(nt):
    """Untimed, so that neither pays for the dirty lines of the other, or is spared its own."""
    asked = []

    def variant(name, past_caches):
        def timer(loops):
            asked.append(name)
            return 0.01 * loops

        def build():
            return Work(lambda: 42, timer=timer, past_caches=past_caches)

        return build

    measure(scripted_bench({"a": variant("a", False), "b": variant("b", nt)}), gauged())
    warm_up, *turns = [len(list(calls)) for _, calls in itertools.groupby(asked)]
    assert warm_up > 1
    assert set(turns[1:]) <= ({2, 3} if nt else {1, 2})  # one more where a variant ends a round and begins the next


def test_caches_that_nothing_has_used_meanwhile_are_not_warmed_again():
    """A variant alone, after no reading of gauges: its own sample was the last."""
    asked = []

    def timer(loops):
        asked.append(loops)
        return 1e-4 * loops

    def build():
        return Work(lambda: 42, timer=timer)

    record = measure(scripted_bench({"a": build}))["a"]
    assert asked[-11:] == [record.loops // PARTS, *[record.loops] * 10]


def test_samples_begin_with_warm_caches():
    """What another variant has evicted comes back over several passes: no sample holds one of these."""
    cold, warm, passes = 5e-5, 1e-5, 200

    def work(name, left):
        def timer(loops):
            if left["last"] != name:
                left.update(last=name, cold=passes)
            slow = min(loops, left["cold"])
            left["cold"] -= slow
            return slow * cold + (loops - slow) * warm

        def build():
            return Work(lambda: 42, timer=timer)

        return build

    state = {"last": "", "cold": 0}
    records = measure(scripted_bench({"a": work("a", state), "b": work("b", state)}))
    assert records["a"].loops > 2 * passes
    for record in records.values():
        assert record.samples == pytest.approx([warm] * 10)


def test_caches_that_get_no_warmer_cost_a_quarter_of_a_sample():
    """On a machine that has become slow the parts are all alike, and the second is the last."""
    asked = []

    def timer(loops):
        asked.append(loops)
        return loops * (2e-5 if len(asked) > 8 else 1e-5)

    def build():
        return Work(lambda: 42, timer=timer)

    record = measure(scripted_bench({"a": build}), gauged())["a"]
    part = record.loops // PARTS
    assert asked[-3:] == [part, part, record.loops]


def leaving(seconds: float):
    """A builder of work that takes 10 ms and leaves threads that go on for so long."""

    def build():
        return scripted_work(10 * MS, "pool", facts={"leaves": seconds})

    return build


@pytest.mark.parametrize("left", [0.004, 0.030])
def test_what_a_variant_leaves_behind_does_not_slow_the_next(left):
    """A sample waits until the threads of the variant before it have stopped spinning: 10 ms stay 10 ms, all `ok`."""
    records = measure(scripted_bench({"after": 10 * MS, "pool": leaving(left), "other": 10 * MS}))
    for record in records.values():
        assert record.samples == pytest.approx([10 * MS] * len(record.samples))
        assert (record.status, record.reasons) == ("ok", [])


def test_threads_that_never_stop_are_a_doubt():
    """Where they go on, each case sampled beside them says so, once."""
    records = measure(scripted_bench({"after": 10 * MS, "pool": leaving(1e9)}))
    assert records["after"].status == "suspect"
    assert records["after"].reasons == [because("busy_threads")]


def test_a_contrast_whose_cpus_moved_is_sampled_once_more():
    """Handovers in two states disturb several threads' samples; the second samples count where they are undisturbed."""

    def gauge(round_):
        return {"handover_s": 150e-9 if round_ in (3, 4) else 30e-9}

    def build():
        return scripted_work(10 * MS, facts={"threads": 2})

    records = measure(scripted_bench({"a": build}), ScriptedDevice(rates={"wall_s": 1.0}, gauge=gauge))
    assert records["a"].status == "ok"
    assert "moved" in records["a"].facts["repeated"]


def test_a_core_that_was_shared_is_a_doubt_with_its_readings():
    """A sample that took longer beside another thread: both contrasts do, so the first counts."""
    device = ScriptedDevice(rates={"wall_s": 1.0}, share=lambda sample: 0.5 if sample % 4 else 1.0)

    def build():
        return scripted_work(lambda _sample: (15 if len(device.timed) % 4 != 1 else 10) * MS)

    records = measure(scripted_bench({"a": build}), device)
    assert records["a"].reasons[0].code == "core_shared"
    assert len(records["a"].telemetry["core_share"]) == len(records["a"].samples)
    assert set(records["a"].telemetry["core_share"]) == {0.5, 1.0}


def test_a_contrast_is_measured_again_by_readings_of_its_core_alone():
    """Most of the first samples were beside another thread and none of the second: these count, though no shorter."""
    shares = itertools.chain([0.5] * 10, itertools.repeat(1.0))
    device = ScriptedDevice(rates={"wall_s": 1.0}, share=lambda _sample: next(shares))
    records = measure(scripted_bench({"a": 10 * MS}), device)
    assert records["a"].status == "ok"
    assert "same core" in records["a"].facts["repeated"]


def test_a_reading_of_the_core_that_fails_costs_no_sample():
    """A thread that cannot be started is none of the case's."""

    def fail(_sample):
        raise RuntimeError("can't start new thread")

    records = measure(scripted_bench({"a": 10 * MS}), ScriptedDevice(share=fail))
    assert records["a"].status == "ok"
    assert "core_share" not in records["a"].telemetry


# --- inputs and the check ---------------------------------------------------------------------------------------------


def test_inputs_are_made_once_for_what_they_depend_on():
    """`together` cases share the arrays that depend on their common axes alone, and the reference answer with them."""
    made, asked = [], []
    bench = Bench("a.b", question="?", axes={"size": ("L1",), "threads": (1, 2)}, baseline="x", together=("threads",))
    bench.inputs(lambda rng, size: made.append(size) or np.full(size // 8, rng.random()))
    bench.reference(lambda a: asked.append(1) or a.sum())
    bench.counts(lambda a: {"bytes": a.nbytes})
    seen = []
    for name in ("x", "y"):
        bench.variant(name)(lambda a: seen.append(a) or scripted_work(0.01, output=a.sum()))
    cases = tuple(Case("a.b", v, "cpu", {"size": "L1", "threads": t}) for t in (1, 2) for v in ("x", "y"))
    device = ScriptedDevice()
    records = Engine({"cpu": device}, POLICY, device.clock).measure(Group(bench, cases))
    assert [r.status for r in records] == ["ok"] * 4
    assert made == [16384]
    assert len(asked) == 1
    assert all(a is seen[0] for a in seen)
    assert [r.facts["threads"] for r in records] == [1, 1, 2, 2]
    assert {len(r.samples) for r in records} == {10}


def test_inputs_that_depend_on_an_axis_are_made_for_each_value():
    """Nothing is shared that differs."""
    made = []
    bench = Bench("a.b", question="?", axes={"n": (1, 2)}, baseline="x", together=("n",))
    bench.inputs(lambda n: made.append(n) or n)
    bench.reference(lambda a: a)
    bench.variant("x")(lambda a: scripted_work(0.01, output=a))
    cases = tuple(Case("a.b", "x", "cpu", {"n": n}) for n in (1, 2))
    device = ScriptedDevice()
    records = Engine({"cpu": device}, POLICY, device.clock).measure(Group(bench, cases))
    assert made == [1, 2]
    assert [r.status for r in records] == ["ok", "ok"]


def test_inputs_come_from_the_seed_and_the_contrast():
    """The same seed gives the same arrays, another contrast or seed others; every builder gets a fresh generator."""

    def drawn(seed, n):
        seen = []
        bench = Bench("a.b", question="?", axes={"n": (1,)}, baseline="x")
        bench.inputs(lambda rng, n: rng.random())
        bench.reference(lambda a: 1)
        for name in ("x", "y"):
            bench.variant(name)(lambda a, rng: seen.append((a, rng.random())) or scripted_work(0.01, output=1))
        measure(bench, policy=Policy(seed=seed), n=n)
        return seen

    first = drawn(0, 1)
    assert first == drawn(0, 1)
    assert first[0] == first[1]
    assert len({drawn(0, 1)[0], drawn(1, 1)[0], drawn(0, 2)[0]}) == 3


def test_a_wrong_answer_is_a_record_without_a_time():
    """A mutated kernel ends as `wrong` with what it gave, is never timed, and costs the others nothing."""
    device = ScriptedDevice()

    def build_mutant():
        return scripted_work(0.01, "mutant", output=41, facts={"footprint": 8})

    records = measure(scripted_bench({"right": 0.01, "mutant": build_mutant}), device)
    wrong = records["mutant"]
    assert (wrong.status, wrong.samples, wrong.loops, wrong.telemetry) == ("wrong", [], 0, {})
    assert wrong.why == "differs from the reference at element 0: 41 instead of 42"
    assert "mutant" not in {who for who, _ in device.timed}
    assert records["right"].status == "ok"
    assert len(records["right"].samples) == 10


def test_the_output_is_fetched_after_the_call():
    """`output` is asked after `call` has run, and is what is compared."""
    steps = []

    def build():
        return Work(lambda: steps.append("call") or 41, output=lambda: steps.append("output") or 42,
                    timer=lambda loops: 0.01 * loops)  # fmt: skip

    assert measure(scripted_bench({"a": build}))["a"].status == "ok"
    assert steps == ["call", "output"]


def test_a_bench_without_a_reference_is_never_ok():
    """Unchecked never counts as checked."""
    bench = Bench("a.b", question="?", axes={}, baseline="x")
    bench.variant("x")(lambda: scripted_work(0.01))
    record = measure(bench)["x"]
    assert (record.status, record.why) == ("error", "TypeError: a.b has no @reference")


# --- trouble ----------------------------------------------------------------------------------------------------------


def raising(error):
    def build():
        raise error

    return build


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (Skip("needs_smt"), "skipped", "needs SMT"),
        (ValueError("two\nlines"), "error", "ValueError: two lines"),
        (MemoryError("Unable to allocate"), "error", "MemoryError: Unable to allocate"),
        (OSError(2, "no such file", "\udcff"), "error", r"FileNotFoundError: [Errno 2] no such file: '\udcff'"),
    ],
)
def test_trouble_in_a_builder_is_a_record(error, status, reason):
    """Skips and failures have one line as their reason, and the contrast goes on without them."""
    records = measure(scripted_bench({"good": 0.01, "bad": raising(error)}))
    assert (records["bad"].status, records["bad"].why) == (status, reason)
    assert records["bad"].samples == []
    assert records["good"].status == "ok"


def test_trouble_in_the_call_of_the_check_is_a_record():
    """A kernel that raises when first called ends as `error`."""

    def build():
        return Work(lambda: 1 / 0)

    assert measure(scripted_bench({"a": build}))["a"].why == "ZeroDivisionError: division by zero"


def test_trouble_while_timing_drops_the_samples_of_that_case_alone():
    """A case that fails in its eighth sample has no samples; the other goes on to ten."""

    def failing(sample):
        if sample == 8:
            raise RuntimeError("the crew is gone")
        return 0.01

    records = measure(scripted_bench({"good": 0.01, "bad": failing}))
    assert (records["bad"].status, records["bad"].why) == ("error", "RuntimeError: the crew is gone")
    assert (records["bad"].samples, records["bad"].loops) == ([], 0)
    assert len(records["good"].samples) == 10


def test_sampling_ends_when_nothing_is_left_to_time():
    """Once every case has failed no further round is run."""

    def failing(sample):
        if sample == 8:
            raise RuntimeError("gone")
        return 0.01

    device = ScriptedDevice()
    measure(scripted_bench({"bad": failing}), device)
    assert device.rounds == 9 - 3


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
def test_a_timer_that_says_nonsense_is_an_error(bad):
    """No sample is zero, negative or endless."""
    record = measure(scripted_bench({"a": bad}))["a"]
    assert record.status == "error"
    assert record.why.startswith("RuntimeError: the timer said")


def test_what_the_machine_lacks_is_told_before_anything_is_built():
    """`needs` and levels that are not there skip a case unbuilt."""
    bench = scripted_bench({"a": 0.01}, axes={"size": ("L1",)})
    bench.variant("b", needs=lambda size: because("too_small", f"needs more than {size}"))(
        raising(AssertionError("was built"))
    )
    records = measure(bench, size="L1")
    assert (records["b"].status, records["b"].why) == ("skipped", "needs more than 16384")
    assert measure(bench, size="L3")["a"].why == "this machine has no L3"


def test_facts_become_plain_data():
    """NumPy's scalars and arrays become numbers and lists; a fact that is no data is an error, not a lost run."""

    def build_good():
        return scripted_work(
            0.01, facts={"n": np.int64(3), "x": np.float64(0.5), "on": np.bool_(True), "a": np.arange(2)}
        )

    def build_bad():
        return scripted_work(0.01, facts={"array": object()})

    records = measure(scripted_bench({"good": build_good, "bad": build_bad}))
    assert records["good"].facts == {"who": "", "n": 3, "x": 0.5, "on": True, "a": [0, 1]}
    assert [type(records["good"].facts[name]) for name in ("n", "x", "on")] == [int, float, bool]
    assert records["bad"].why == "TypeError: a fact is no plain data but object"


def test_what_was_asked_for_and_not_had_is_a_reason(monkeypatch):
    """Threads that the system did not pin make a record suspect, with a remedy, where the system could have."""
    monkeypatch.setattr(os, "sched_setaffinity", lambda _pid, _mask: None, raising=False)

    def build_refused():
        return scripted_work(0.01, facts={"pinned": False})

    def build_had():
        return scripted_work(0.01, facts={"pinned": True})

    records = measure(scripted_bench({"refused": build_refused, "had": build_had}))
    assert (records["had"].status, records["refused"].status) == ("ok", "suspect")
    assert records["refused"].codes == ["not_pinned"]


def test_facts_that_a_timer_adds_are_kept():
    """What the timer finds out while it is timed is in the record; what it finds that is no data ends the case."""

    def finding_out(found):
        facts = {"moved": 0, "fixed": 1}

        def timer(loops):
            facts["moved"] = found
            return 0.01 * loops

        return Work(lambda: 42, timer=timer, facts=facts)

    def build_good():
        return finding_out(7)

    def build_bad():
        return finding_out(object())

    records = measure(scripted_bench({"good": build_good, "bad": build_bad}))
    assert records["good"].facts == {"moved": 7, "fixed": 1}
    assert (records["bad"].status, len(records["bad"].samples)) == ("suspect", 10)
    assert records["bad"].why == "failed after measuring: TypeError: a fact is no plain data but object"


def test_a_close_that_fails_leaves_the_samples():
    """What was measured is measured; it is suspect, and the others are closed and read as ever."""
    closed = []

    def build_bad():
        return scripted_work(0.01, close=lambda: 1 / 0)

    def build_good():
        return scripted_work(0.01, close=lambda: closed.append(1))

    records = measure(scripted_bench({"bad": build_bad, "good": build_good}))
    assert (records["bad"].status, len(records["bad"].samples)) == ("suspect", 10)
    assert records["bad"].why == "failed after measuring: ZeroDivisionError: division by zero"
    assert (records["good"].status, closed) == ("ok", [1])


def test_a_close_that_fails_changes_no_verdict():
    """A wrong answer stays wrong, for what it gave."""

    def build_wrong():
        return scripted_work(0.01, output=41, close=lambda: 1 / 0)

    record = measure(scripted_bench({"wrong": build_wrong}))["wrong"]
    assert (record.status, record.samples) == ("wrong", [])
    assert "41 instead of 42" in record.why


class Failing(ScriptedDevice):
    """A device of which one method fails from some call on."""

    def __init__(self, method: str, after: int = 0, **more) -> None:
        super().__init__(**more)
        real, calls = getattr(self, method), itertools.count()

        def fail(*given):
            if next(calls) >= after:
                raise OSError(5, "Input/output error")
            return real(*given)

        setattr(self, method, fail)


@pytest.mark.parametrize(
    ("method", "after"),
    [("settle", 0), ("free_memory", 0), ("counters", 0), ("counters", 7), ("gauges", 0), ("gauges", 3)],
)
def test_a_device_that_fails_costs_its_cases_and_not_the_run(method, after):
    """Telemetry out of a file that is gone, a crew that cannot be started: each case has the reason, nothing raises."""
    records = measure(scripted_bench({"a": 0.01, "b": 0.01}), Failing(method, after))
    for record in records.values():
        assert (record.status, record.samples, record.telemetry) == ("error", [], {})
        assert record.why == "OSError: [Errno 5] Input/output error"


def test_memory_that_cannot_be_taken_back_leaves_the_samples():
    """`reclaim` fails when all is measured."""
    records = measure(scripted_bench({"a": 0.01, "b": 0.01}), Failing("reclaim"))
    assert [(one.status, len(one.samples)) for one in records.values()] == [("suspect", 10)] * 2
    assert records["a"].why == "failed after measuring: OSError: [Errno 5] Input/output error"


def test_of_two_devices_one_that_fails_costs_its_own_cases():
    """The GPU's driver is gone: what the CPU does is measured all the same."""
    good = ScriptedDevice()
    bad = Failing("gauges", 2, name="gpu:0")
    bad.clock = good.clock
    bench = scripted_bench({"a": 0.01})
    bench.variant("b", on="gpu")(lambda: scripted_work(0.01))
    cases = (Case(bench.name, "a", "cpu", {}), Case(bench.name, "b", "gpu:0", {}))
    one, other = Engine({"cpu": good, "gpu:0": bad}, POLICY, good.clock).measure(Group(bench, cases))
    assert (one.status, len(one.samples)) == ("ok", 10)
    assert (other.status, other.samples) == ("error", [])


def test_what_fails_when_it_is_sampled_once_more_keeps_what_it_had():
    """The first pass was disturbed, in the second one variant fails: both keep the first, and say why."""

    def failing(sample):
        if sample == 15:
            raise RuntimeError("the crew is gone")
        return 0.01

    device = ScriptedDevice()
    device.counters = lambda: {"wall_s": device.clock.now, "steal_s": min(device.clock.now, 1.0)}
    engine = Engine({"cpu": device}, POLICY, device.clock)
    engine._started -= 100
    records = {one.variant: one for one in engine.measure(group(scripted_bench({"good": 0.01, "bad": failing})))}
    assert [(one.status, len(one.samples)) for one in records.values()] == [("suspect", 10)] * 2
    assert records["bad"].why.endswith("failed when sampled once more: RuntimeError: the crew is gone")
    assert "once more" not in records["good"].why
    assert "repeated" not in records["good"].facts


def test_samples_are_plain_floats():
    """A timer that counts in NumPy's floats still gives a run that can be written."""
    assert {type(x) for x in measure(scripted_bench({"a": lambda i: np.float64(0.01)}))["a"].samples} == {float}


# --- memory -----------------------------------------------------------------------------------------------------------


def test_a_group_beyond_its_share_of_memory_is_skipped_with_both_numbers():
    """Two variants and one more for the reference need 3 × 16 MiB; 60% of 64 MiB may be taken."""
    bench = scripted_bench({"a": raising(AssertionError("was built")), "b": 0.01}, axes={"size": ("16MiB",)})
    records = measure(bench, ScriptedDevice(free=64 * 2**20), size="16MiB")
    for record in records.values():
        assert record.status == "skipped"
        assert record.why == "needs 48 MiB for 2 variants; 60% of the 64 MiB free may be taken"
    assert measure(
        scripted_bench({"b": 0.01}, axes={"size": ("16MiB",)}), ScriptedDevice(free=64 * 2**20), size="16MiB"
    )["b"].timed


def test_memory_that_a_contrast_shares_is_counted_once():
    """One memory of 16 MiB and its like for the reference fit into 60% of 64 MiB; one a variant does not."""
    device = ScriptedDevice(free=64 * 2**20)
    scripts = {"a": 0.01, "b": 0.01}
    apart = measure(scripted_bench(scripts, axes={"size": ("16MiB",)}), device, size="16MiB")
    together = measure(scripted_bench(scripts, axes={"size": ("16MiB",)}, shared=True), device, size="16MiB")
    assert {record.status for record in apart.values()} == {"skipped"}
    assert all(record.timed for record in together.values())


def test_memory_is_what_the_bench_says_times_nothing_else():
    """A `memory` hook is taken at its word; `size` counts for each thread."""
    device = ScriptedDevice(free=100)
    bench = scripted_bench({"a": 0.01}, axes={"size": ("40B",), "threads": (1, 2)})
    assert measure(bench, device, size="20B", threads=1)["a"].timed
    record = measure(bench, device, size="20B", threads=2)["a"]
    assert record.why == "needs 80 B for 1 variants; 60% of the 100 B free may be taken"
    assert record.facts == {"threads": 2, "footprint": 20}
    bench.memory(lambda size: 5)
    assert measure(bench, device, size="20B", threads=2)["a"].timed


def test_a_failing_memory_hook_is_told_even_where_memory_lacks():
    """An error stays an error: it is not painted over as a skip."""
    bench = scripted_bench({"a": 0.01, "b": 0.01}, axes={"n": (1,)})
    calls = []
    bench.memory(lambda n: calls.append(n) or (1 / 0 if len(calls) == 1 else 10**9))
    records = measure(bench, ScriptedDevice(free=10), n=1)
    assert (records["a"].status, records["b"].status) == ("error", "skipped")


# --- closing, the collector, interruption -----------------------------------------------------------------------------


def closing(closed, name, call=lambda: 42, close_error=None, timer=lambda loops: 0.01 * loops):
    def close():
        closed.append(name)
        if close_error:
            raise close_error

    def build():
        return Work(call, timer=timer, close=close)

    return build


def test_every_work_is_closed_once():
    """Also that of a wrong answer, of a failure, and after another's `close` failed; what was lent is taken back."""
    closed = []
    device = ScriptedDevice()
    records = measure(
        scripted_bench(
            {
                "bad": closing(closed, "bad", close_error=OSError("busy")),
                "good": closing(closed, "good"),
                "wrong": closing(closed, "wrong", call=lambda: 0),
                "raises": closing(closed, "raises", call=lambda: 1 / 0),
                "nonsense": closing(closed, "nonsense", timer=lambda loops: -1.0),
            }
        ),
        device,
    )
    assert sorted(closed) == ["bad", "good", "nonsense", "raises", "wrong"]
    assert device.reclaimed == 1
    assert records["good"].status == "ok"
    assert (records["bad"].status, records["bad"].why) == ("suspect", "failed after measuring: OSError: busy")


@pytest.mark.parametrize("when", ["build", "check", "timing"])
def test_an_interruption_closes_what_was_built_and_goes_on_up(when):
    """Ctrl-C is no failure of a case: it ends the run, with every buffer freed and the collector back on."""
    closed = []

    def build_stopping():
        def stop(loops=0):
            raise KeyboardInterrupt

        if when == "build":
            stop()
        return Work(stop if when == "check" else lambda: 42, timer=stop, close=lambda: closed.append("second"))

    with pytest.raises(KeyboardInterrupt):
        measure(scripted_bench({"first": closing(closed, "first"), "second": build_stopping}))
    assert closed == (["first"] if when == "build" else ["first", "second"])
    assert gc.isenabled()


@pytest.mark.parametrize("enabled", [True, False])
def test_the_collector_rests_while_sampling_and_is_left_as_it_was(enabled):
    """A collection inside a sample would be ours; whoever had it off keeps it off."""
    states = set()

    def watching(_sample):
        states.add(gc.isenabled())
        return 0.01

    (gc.enable if enabled else gc.disable)()
    try:
        measure(scripted_bench({"a": watching}))
        assert gc.isenabled() == enabled
    finally:
        gc.enable()
    assert states == {False}


# --- telemetry and suspicion ------------------------------------------------------------------------------------------


def test_telemetry_has_an_entry_a_round():
    """Counters are told by their growth, gauges by their reading, to four digits."""
    device = ScriptedDevice(rates={"faults": 1000.0}, gauge=lambda i: {"clock_hz": 3.123456e9 + i})
    record = measure(scripted_bench({"a": 1 / 64}), device)["a"]
    stamps = record.telemetry.pop("at_s")
    assert len(stamps) == 10
    assert np.diff(stamps) == pytest.approx(1 / 64, abs=0.001)  # seconds since the run's start, to the millisecond
    assert record.telemetry.pop("unix_s") == [pytest.approx(time.time(), abs=600)]
    assert record.telemetry == {"wall_s": [0.01562] * 10, "faults": [15.62] * 10, "clock_hz": [3.123e9] * 10}


@pytest.mark.parametrize(
    ("rates", "reason"),
    [
        ({"steal_s": 0.2}, "the hypervisor gave the CPU to other guests (steal): 20% of a CPU"),
        ({"others_s": 0.5}, "other processes used the CPUs: 50% of a CPU"),
        ({"throttled_s": 0.01}, "the cgroup's CPU quota stopped hwbench: 1.0% of the time"),
        ({"steal_s": 0.009, "others_s": 0.14, "throttled_s": 0.0009}, ""),
    ],
)
def test_what_disturbed_a_contrast_makes_it_suspect(rates, reason):
    """Steal, other processes and a quota are told with their share; below the thresholds nothing is."""
    record = measure(scripted_bench({"a": 1 / 64}), ScriptedDevice(rates=rates))["a"]
    assert (record.status, record.why) == ("suspect" if reason else "ok", reason)
    assert len(record.samples) == 10


def test_a_little_other_work_is_a_doubt_where_samples_vary():
    """7% of two CPUs' time alone is none."""
    device = ScriptedDevice(rates={"own_s": 1.0, "others_s": 0.14, "idle_s": 0.86})
    records = measure(scripted_bench({"varied": lambda sample: (10 + sample % 5) * MS, "steady": 10 * MS}), device)
    assert records["varied"].codes == ["other_processes"]
    assert records["varied"].why.startswith(
        "other processes used the CPUs: 14% of a CPU, and half of the samples span "
    )
    assert records["steady"].status == "ok"


class Stolen(ScriptedDevice):
    """A machine from which the hypervisor takes half a CPU until some time."""

    def __init__(self, until: float) -> None:
        super().__init__()
        self.until = until

    def counters(self) -> dict[str, float]:
        return {"wall_s": self.clock.now, "steal_s": 0.5 * min(self.clock.now, self.until)}


def test_what_was_disturbed_is_sampled_again_once():
    """After a disturbance that has passed the second samples count, though the first were shorter, and it is told."""
    device = Stolen(until=0.7)
    records = measure(scripted_bench({"a": [1 / 64] * 13 + [1 / 32]}), device)
    assert (records["a"].status, records["a"].why) == ("ok", "")
    assert records["a"].samples == [1 / 32] * 10
    assert records["a"].facts["repeated"].startswith("the hypervisor gave ")
    assert sum(records["a"].telemetry["steal_s"]) == 0


def test_works_whose_answers_are_facts_are_timed_three_times_and_never_again():
    """Without a call to warm up, disturbed or not."""
    taken = []

    def timer(loops):
        taken.append(loops)
        return 1 / 64

    def build():
        return Work(lambda: 42, timer=timer, facts={"static": True})

    record = measure(scripted_bench({"a": build}), Stolen(until=0.7))["a"]
    assert (len(record.samples), len(taken)) == (3, 3)


def test_where_it_is_never_quiet_the_first_samples_count():
    """They are suspect as they were, and nothing says that they were repeated."""
    record = measure(scripted_bench({"a": [1 / 64] * 13 + [1 / 32]}), Stolen(until=1e9))["a"]
    assert (record.status, len(record.samples)) == ("suspect", 10)
    assert record.samples == [1 / 64] * 10
    assert "repeated" not in record.facts


def test_what_events_time_is_not_sampled_again():
    """A GPU's own clock does not count what a hypervisor takes from the host."""
    device = Stolen(until=0.7)

    def build_events() -> Work:
        return scripted_work(1 / 64, "a", facts={"timed_by": "events"})

    record = measure(scripted_bench({"a": build_events}), device)["a"]
    assert (record.status, len(device.timed)) == ("ok", 13)
    assert "repeated" not in record.facts


def test_repeating_takes_a_tenth_of_the_time_at_most():
    """On a machine that is never quiet most contrasts are sampled once."""
    device = Stolen(until=1e9)
    engine = Engine({"cpu": device}, POLICY, device.clock)
    for _ in range(100):
        engine.measure(group(scripted_bench({"a": 1 / 64})))
    once = 100 * 13
    assert once < len(device.timed) < 1.15 * once


def test_cpus_that_were_moved_make_figures_of_several_threads_suspect():
    """What one thread did is the same wherever its neighbour is."""
    moving = ScriptedDevice(gauge=lambda i: {"handover_s": 163e-9 if i % 3 == 0 else 42e-9})

    def build_pair() -> Work:
        return scripted_work(1 / 64, "pair", facts={"threads": 2})

    records = measure(scripted_bench({"alone": 1 / 64, "pair": build_pair}), moving)
    assert records["alone"].status == "ok"
    assert records["pair"].status == "suspect"
    assert "in 42.0 ns in 6 rounds and in 163 ns in 4" in records["pair"].why


def test_a_drifting_clock_is_kept_and_makes_nothing_suspect():
    """A clock that falls by a tenth over the contrast is telemetry: as a reason it marked half of all records."""
    falling = ScriptedDevice(gauge=lambda i: {"clock_hz": 3e9 * (1 - i / 90)})
    record = measure(scripted_bench({"a": 0.01}), falling)["a"]
    assert (record.status, record.telemetry["clock_hz"][0]) == ("ok", 3e9)


def test_two_heaps_make_one_case_suspect_and_not_the_other():
    """A case whose samples fall into two heaps is told; its neighbour of the same rounds is not."""
    device = ScriptedDevice()

    def heaps(_sample):
        return 0.01 * (1.5 if device.rounds % 2 else 1.0)

    records = measure(scripted_bench({"calm": 0.01, "torn": heaps}), device, Policy(max_rounds=20))
    assert (records["torn"].status, records["torn"].why) == ("suspect", "the samples are bimodal: 50% apart")
    assert records["calm"].status == "ok"


def test_phases_tell_where_the_time_went():
    """Warm-up, samples and the rest add up to the clock's time."""
    device = ScriptedDevice(overhead=1 / 128)
    engine = Engine({"cpu": device}, POLICY, device.clock)
    engine.measure(group(scripted_bench({"a": 1 / 64})))
    assert engine.phases.seconds["sample"] == 10 * (1 / 64 + 1 / 128)
    assert engine.phases.seconds["warm-up"] == 0.5 + 3 * (1 / 64 + 1 / 128)
    assert sum(engine.phases.seconds.values()) == device.clock.now
    assert set(engine.phases.seconds) >= {"resolve", "inputs", "build", "check", "telemetry", "judge"}
