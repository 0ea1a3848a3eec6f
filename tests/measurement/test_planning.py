"""What a run measures, decided before anything is measured."""

from __future__ import annotations

import math
from pathlib import Path

import msgspec
import pytest

from doubles.scripted import ScriptedDevice, record, run_of, scripted_bench, scripted_work
from hwbench.bench import Bench
from hwbench.devices.absent import AbsentGpu
from hwbench.errors import StoreError, UsageError
from hwbench.measurement import planning
from hwbench.measurement.planning import Request
from hwbench.record.model import BenchInfo, Policy, key
from hwbench.record.reasons import Reason

DEVICES = {"cpu": ScriptedDevice(), "gpu": AbsentGpu(Reason("needs_gpu", "install a driver"))}


def both():
    """A bench of a CPU and a GPU variant, at two values of n."""
    bench = scripted_bench({"numpy": 1.0}, "vectorize.add", {"n": (1, 2)})
    bench.variant("cupy", on="gpu")(lambda: scripted_work(1.0))
    return bench


def planned(*benches, preset="standard", **asked):
    return planning.plan(Request(**asked), preset, benches, DEVICES)


def test_cases_without_their_device_are_skipped_records():
    """They are planned for nothing, and say why; the group keeps the rest."""
    plan = planned(both())
    assert [[case.variant for case in group.cases] for group in plan.groups] == [["numpy"], ["numpy"]]
    assert plan.cases == 2
    assert [(one.variant, one.device, one.status, one.why) for one in plan.absent] == [
        ("cupy", "gpu", "skipped", "install a driver")
    ] * 2


def test_a_request_may_choose_among_the_cases():
    """By a function of the bench and the case; groups of which none is left are gone."""
    plan = planned(both(), only=lambda bench, case: case.params["n"] == 2 and bench.name == "vectorize.add")
    assert [[case.params["n"] for case in group.cases] for group in plan.groups] == [[2]]
    assert [one.params["n"] for one in plan.absent] == [2]


def test_a_policy_of_its_own_needs_no_preset():
    """As that of a check."""
    planning.check(Request(preset="labels", policy=Policy(preset="check")))
    with pytest.raises(UsageError, match="--preset labels: must be one of"):
        planning.check(Request(preset="labels"))


def test_a_question_about_an_absent_device_is_left_out_unless_selected():
    """The CPU variants of a bench about the GPU answer nothing by themselves."""
    bench = both()
    bench.about = "gpu"
    assert not planning.answerable(bench, DEVICES)
    assert {group.bench.name for group in planned(bench, both()).groups} == {"vectorize.add"}
    assert len(planned(bench, both()).groups) == 2
    assert len(planned(bench, select=("vectorize",)).groups) == 2


def test_a_bench_by_name_is_in_no_set():
    """It needs an extra and takes minutes: whoever measures everything did not ask for it."""
    bench = scripted_bench({"slow": 1.0}, "other.slow")
    bench.by_name = True
    assert {group.bench.name for group in planned(bench, both()).groups} == {"vectorize.add"}
    assert {group.bench.name for group in planned(bench, select=("other",)).groups} == {"other.slow"}


@pytest.mark.parametrize("preset", ["quick", "standard", "full"])
def test_a_bench_of_the_full_set_is_in_no_other(preset):
    """The standard set does not grow by it; whoever selects it measures it with any preset."""
    bench = scripted_bench({"long": 1.0}, "other.long")
    bench.full_only = True
    found = {group.bench.name for group in planned(bench, both(), preset=preset).groups}
    assert found == ({"vectorize.add", "other.long"} if preset == "full" else {"vectorize.add"})
    assert {group.bench.name for group in planned(bench, preset=preset, select=("other",)).groups} == {"other.long"}


def test_a_selected_bench_of_which_no_case_is_left_is_named():
    """Its variants or axes have other names; nobody selected the others by name, so they are left out silently."""
    other = scripted_bench({"numpy-row": 1.0}, "access.rows", {"n": (1,)})
    assert planned(both(), other, select=("*",), variants=("numpy",)).without == ["access.rows"]
    assert planned(both(), other, variants=("numpy",)).without == []
    assert planned(both(), other, select=("*",)).without == []


@pytest.mark.parametrize(
    ("more", "said"),
    [({"budget": 0.0}, "--budget 0"), ({"budget": math.nan}, "--budget nan"), ({"preset": "fast"}, "--preset fast")],
)
def test_a_request_that_makes_no_sense_is_refused(more, said):
    """One line that names the option."""
    planning.check(Request(budget=1.0, preset="quick"))
    with pytest.raises(UsageError, match=said):
        planning.check(Request(**more))


def test_a_resumed_run_keeps_its_preset():
    """And an unknown one cannot be gone on with."""
    path, run = Path("x.json"), run_of(policy=Policy(preset="quick"))
    assert planning.preset_of(Request(preset="full"), None) == "full"
    assert planning.preset_of(Request(preset="full"), (path, run)) == "quick"
    with pytest.raises(StoreError, match=r"x\.json: cannot be continued: its preset is none of quick"):
        planning.preset_of(Request(), (path, msgspec.structs.replace(run, policy=Policy(preset="mine"))))


def test_a_group_is_measured_as_a_whole_or_not_at_all():
    """One case that is missing, or of another version, and the group remains."""
    bench = scripted_bench({"a": 1.0, "b": 1.0}, axes={"n": (1, 2, 3)})
    plan = planned(bench)
    have = [("a", 1), ("b", 1), ("a", 2)]
    run = run_of(
        *(record(variant, params={"n": n}) for variant, n in have),
        *(record(variant, params={"n": 3}, version=2) for variant in "ab"),
    )
    done = planning.measured(run, [bench])
    assert done == {key(one) for one in run.records[:3]}
    assert [group.cases[0].params["n"] for group in planning.remaining(plan, done)] == [2, 3]


def test_what_failed_is_measured_again_after_all_else():
    """It may take its device with it once more; wrong answers and skipped cases are done."""
    bench = scripted_bench({"a": 1.0}, axes={"n": (1, 2, 3, 4)})
    statuses = {1: "error", 2: "wrong", 4: "skipped"}
    run = run_of(*(record("a", params={"n": n}, status=status) for n, status in statuses.items()))
    done = planning.measured(run, [bench])
    assert done == {key(one) for one in run.records[1:]}
    failed = {key(run.records[0])}
    assert [one.cases[0].params["n"] for one in planning.remaining(planned(bench), done, failed)] == [3, 1]


def test_new_records_replace_those_of_the_same_cases():
    """The others keep their place; no case is there twice."""
    run = run_of(record("a"), record("b"), record("c"))
    anew = record("b", samples=(2.0,))
    assert planning.merged(run, [anew]).records == [run.records[0], run.records[2], anew]
    assert planning.merged(run, []) == run


def test_a_run_describes_the_benches_that_it_has_or_will_have():
    """What is planned, what an earlier session measured, and what the file said of benches that are gone."""
    bench, other, idle = scripted_bench({"a": 1.0}, limit="load"), scripted_bench({"x": 1.0}, "a.b"), both()
    gone = BenchInfo("Why?", "numpy")
    run = planning.described(
        run_of(record(bench="a.b"), benches={"old.bench": gone}),
        planned(bench),
        {one.name: one for one in (bench, other, idle)},
    )
    assert run.benches == {
        "old.bench": gone,
        "test.bench": BenchInfo("Which script is shorter?", "a", "load", variants=["a"], axes={}),
        "a.b": BenchInfo("Which script is shorter?", "x", variants=["x"], axes={}),
    }


def test_a_bench_that_is_only_skipped_is_described_too():
    """All its cases want an absent GPU: the file is read without the catalogue all the same."""
    bench = Bench("mine.gpu", question="How fast?", axes={"n": (1,)}, baseline="cupy")
    bench.variant("cupy", on="gpu")(lambda: scripted_work(1.0))
    made = planned(bench)
    assert not made.groups
    run = planning.described(run_of(), made, {"mine.gpu": bench})
    assert {one.bench for one in planning.merged(run, made.absent).records} == set(run.benches)
    assert run.benches["mine.gpu"].variants == ["cupy"]


@pytest.mark.parametrize(
    ("budget", "spent", "groups", "seconds"),
    [(None, 5.0, 3, math.inf), (10.0, 4.0, 3, 2.0), (10.0, 10.0, 3, 0.0), (10.0, 11.0, 1, 0.0)],
)
def test_a_budget_is_shared_evenly_by_the_groups_that_are_left(budget, spent, groups, seconds):
    """What one group leaves over is the others'; nothing is left of a spent budget."""
    assert planning.seconds_for(budget, spent, groups) == seconds


def test_a_bench_of_one_s_own_is_told_whose_limit_is_missing():
    """The first bench that measures it; none where it is selected, where there is no limit, or for hwbench's own."""
    mine, other = (
        scripted_bench({"a": 1.0}, f"mine.{name}", limit=limit) for name, limit in (("x", "load"), ("y", None))
    )
    load, again = (
        scripted_bench({"a": 1.0}, name, measures="load", limit="load") for name in ("stream.load", "mine.load")
    )
    known = {bench.name: bench for bench in (load, mine, other, again)}
    assert planning.unbounded([mine, other], [mine, other], known) == [
        "mine.x: no share of its limit is shown, since nothing here measures it; select stream.load as well"
    ]
    assert planning.unbounded([mine, other], [mine, other, load], known) == []
    assert planning.unbounded([], [mine], known) == []
    assert planning.unbounded([mine], [mine], {}) == []
