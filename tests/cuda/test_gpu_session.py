"""What a session on a GPU machine does (tests/gpu), on the made-up GPU whose kernels compute on fibers.

A slip in it would else be found by whoever has a GPU for half an hour.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest

from doubles import gpu_on_cpu
from hwbench import catalog
from hwbench.devices import selection
from hwbench.devices.absent import AbsentGpu
from hwbench.devices.cpu import CpuDevice
from hwbench.measurement import cases, planning, policy
from hwbench.record import store
from hwbench.record.model import Run, key
from hwbench.record.reasons import Reason, because
from made_up import sample_lecture
from made_up.gpu_records import record
from made_up.gpu_sample import CARD, gpu_run

pytestmark = pytest.mark.skipif(bool(gpu_on_cpu.on_cpu.lacking()), reason=gpu_on_cpu.on_cpu.lacking() or "-")


@pytest.fixture(autouse=True)
def without_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    """The made-up run's simulated array would be compiled for these tests alone, which do not look at it."""
    monkeypatch.setattr(sample_lecture, "_example", dict)


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A module of tests/gpu by its name, loaded anew; those that it imports stay loaded for it."""
    import gpu

    def load(name: str) -> ModuleType:
        path = Path(__file__).parents[1] / "gpu" / f"{name}.py"
        spec = importlib.util.spec_from_file_location(f"gpu.{name}", path)
        assert spec is not None
        assert spec.loader is not None
        made = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, f"gpu.{name}", made)
        monkeypatch.setattr(gpu, name, made, raising=False)
        spec.loader.exec_module(made)
        return made

    return load


@pytest.fixture
def targets(module: Any) -> ModuleType:
    return module("targets")


@pytest.fixture
def session(module: Any, targets: ModuleType) -> ModuleType:
    """The tests themselves, with samples of one launch."""
    beside = module("beside_nvcc")
    beside.SAMPLE_S, beside.ROUNDS = gpu_on_cpu.SECONDS, 3
    module("kernels")
    return module("test_on_a_gpu")


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    gpu_on_cpu.shrink(monkeypatch)
    return gpu_on_cpu.computing_gpu(monkeypatch, tmp_path, capability=(12, 0))


def by_fibers(topic: str) -> Any:
    """In the place of what nvcc would have built."""
    from inspection import nvcc

    return nvcc.Native(nvcc.build_on_cpu(topic))


def test_kernels_arguments_and_answers_are_checked(session, device):
    """The tests pass on a GPU that does what kernels say."""
    session.test_kernels_load_and_spill_nothing(device, "device.sync")
    session.test_arguments_arrive_as_they_were_given(device)
    session.test_answers_are_numpys(device, "device.sync")


@pytest.fixture
def cpu() -> Iterator[CpuDevice]:
    made = CpuDevice()
    yield made
    made.close()


@pytest.mark.slow
def test_every_kernel_is_built_checked_and_set_beside_nvccs(session, targets, device, cpu):
    """Each has a case that launches it, and a line; ours take a hundredth of what the made-up runtime counts."""
    session.test_every_kernel_is_compared()
    session.SMALL = True
    # Of those that take seconds each on fibers one is compared, the others are launched.
    alike = {("device.tensor", f"mma_{precision}") for precision in ("bf16", "tf32", "fp8", "int8", "f16_sums")}
    alike |= {("device.peak", f"fma_f2_{chains}") for chains in (2, 4, 8)}
    for kernel in session.kernels.SHOWN:
        if kernel in alike:
            with session.kernels.built(device, cpu, kernel, small=True) as (_, launch):
                assert launch is not None
        else:
            session.test_a_kernel_is_as_fast_as_nvccs(device, cpu, by_fibers, kernel)
    assert len(targets.TOLD) == len(session.kernels.SHOWN) - len(alike)
    assert all(line.startswith("reached      ") and " 100.000 (" in line for line in targets.TOLD)


def test_a_kernel_that_is_slower_than_nvccs_is_named(session, targets, device, cpu, monkeypatch):
    """Ours at twice what the made-up runtime counts: the test fails with the ratio and its interval."""
    monkeypatch.setattr(gpu_on_cpu, "SECONDS", 2e-3)
    with pytest.raises(AssertionError, match=r"device.sync/barriers_block: 0\.500 \(0\.500–0\.500\)"):
        session.test_a_kernel_is_as_fast_as_nvccs(device, cpu, by_fibers, ("device.sync", "barriers_block"))
    assert targets.TOLD[0].startswith("NOT REACHED  device.sync/")


def test_a_kernel_that_the_card_has_not_is_named_too(session, targets, monkeypatch, tmp_path, cpu):
    """Hopper has no fp8 in the instruction of one warp: a skip with the reason, and a line."""
    gpu_on_cpu.shrink(monkeypatch)
    hopper = gpu_on_cpu.computing_gpu(monkeypatch, tmp_path, capability=(9, 0))
    with pytest.raises(pytest.skip.Exception, match="wgmma"):
        session.test_a_kernel_is_as_fast_as_nvccs(hopper, cpu, by_fibers, ("device.tensor", "mma_fp8"))
    assert targets.TOLD[0].startswith("left out     device.tensor/mma_fp8: ")


def test_what_compute_sanitizer_watches_launches_the_kernels_of_its_topic(session, device, monkeypatch):
    """The script that it runs, in this process: it passes here, and fails where a kernel answers wrongly."""
    monkeypatch.setattr(selection, "gpus", lambda which: {which: device})
    monkeypatch.setattr(sys, "argv", ["-c", "device.coalescing"])
    exec(session.CHECKED, {})
    monkeypatch.setattr(gpu_on_cpu.on_cpu.Module, "launch", lambda *_, **__: None)
    with pytest.raises(AssertionError, match="wrong"):
        exec(session.CHECKED, {})


@pytest.mark.parametrize("direction", ["h2d", "d2h"])
def test_copies_are_set_beside_a_loop_of_memcpy_async(session, targets, device, direction, monkeypatch):
    """256 MiB at the made-up link's 1 GB/s are slower than a runtime that takes a millisecond for all of them."""
    with pytest.raises(AssertionError):
        session.test_copies_are_as_fast_as_a_loop_of_memcpy_async(device, by_fibers, direction)
    assert f"pinned {direction} of a loop of cudaMemcpyAsync" in targets.TOLD[0]


def test_targets_are_read_off_a_run(targets):
    """Each by itself: what the made-up run reaches, what it does not, what it did not measure."""
    run = gpu_run(spread=0.0, suspect=False)
    told = {target.what: target for target in targets.targets(run)}
    assert told["device copy"].line == "NOT REACHED  device copy: 2.9 TB/s, at least 3 TB/s"
    assert told["bf16 product of matrices"].met
    assert told["a queued launch"].line == "NOT REACHED  a queued launch: not measured, at most 3 µs"
    assert told["a load from L2"].reached is None
    assert "pinned h2d over PCIe 5 x16" not in told  # nobody knows the link of this card
    link = msgspec.structs.replace(CARD, pcie={"max_generation": 5, "max_width": 16})
    wide = msgspec.structs.replace(run, machine=msgspec.structs.replace(run.machine, gpus=[link]))
    told = {target.what: target for target in targets.targets(wide)}
    assert told["pinned h2d over PCIe 5 x16"].line.startswith("reached      pinned h2d over PCIe 5 x16: 52 GB/s")


def test_boost_and_sustained_are_targets_apart_and_latency_is_told_in_both_units(targets):
    """What a card keeps up after 30 s is another figure than ten milliseconds of it; a cycle is no nanosecond."""
    run = gpu_run(spread=0.0, suspect=False)
    held = record(
        "device.clock", "load", {"work": "product", "seconds": 30}, 1.0, counts={"flops": 700e12},
        facts={"sustained_call_s": 1.05},
    )  # fmt: skip
    hop = record(
        "device.latency", "l2", {"size": "HBM"}, 8192 * 340e-9, counts={"hops": 8192}, facts={"cycles_per_hop": 660}
    )
    told = {one.what: one for one in targets.targets(msgspec.structs.replace(run, records=[*run.records, held, hop]))}
    assert told["bf16 product after 30 s"].line == (
        "NOT REACHED  bf16 product after 30 s: 667 TFLOP/s, at least 680 TFLOP/s"
    )
    assert told["a load from HBM"].line == "reached      a load from HBM: 660 cycles, near 650 cycles"
    assert told["a load from HBM in time"].line == "reached      a load from HBM in time: 340 ns, near 328 ns"


def test_the_peak_is_held_against_the_clock_of_its_own_rounds(targets):
    """50 TFLOP/s are 0.957 of 132 x 128 units at 1.545 GHz, and less of them at 1.98 GHz."""
    run = gpu_run(spread=0.0, suspect=False)

    def share(clock: float) -> Any:
        records = [
            msgspec.structs.replace(record, telemetry={"gpu_clock_hz": [clock] * 10})
            if record.bench == "device.peak" else record
            for record in run.records
        ]  # fmt: skip
        found = targets.targets(msgspec.structs.replace(run, records=records))
        return next(target for target in found if target.what.startswith("float32 multiply-adds"))

    assert share(1.545e9).met
    assert share(1.545e9).reached == pytest.approx(50e12 / (132 * 128 * 2 * 1.545e9))
    assert not share(1.98e9).met


def test_targets_that_are_near_may_be_off_by_a_seventh_either_way(targets):
    """Cycles depend on which half of L2 a line lies in."""
    near = [targets.Target("x", reached, 265, "cycles", "near").met for reached in (220, 230, 265, 300, 310)]
    assert near == [False, True, True, True, False]


# --- first contact ----------------------------------------------------------------------------------------------------


@pytest.fixture
def first_contact() -> Iterator[ModuleType]:
    """The script, on benches that fibers do in a moment."""
    path = Path(__file__).parents[2] / "scripts/first_contact.py"
    spec = importlib.util.spec_from_file_location("first_contact", path)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules["first_contact"] = made  # dataclasses look their module up
    spec.loader.exec_module(made)
    yield made
    del sys.modules["first_contact"]


def test_first_contact_is_rehearsed_whole(first_contact, session, device, command, monkeypatch, tmp_path):
    """Each step in this process: hwbench measures on the GPU that computes, one kernel loses the context.

    The folder reads as one from a card: runs that hwbench reads, targets of an H100, what failed and what did not.
    """
    monkeypatch.setattr(selection, "devices", lambda which, **_: {which: device})
    monkeypatch.setattr(selection, "gpus", lambda which="gpu", **_: {"gpu:0": device})
    monkeypatch.setattr(gpu_on_cpu, "SECONDS", 5e-3)  # so that a sample is two launches
    short = msgspec.structs.replace(policy.POLICIES["quick"], rounds=2, max_rounds=2, warmup_s=0.0)
    monkeypatch.setattr(policy, "POLICIES", policy.POLICIES | {"quick": short, "standard": short})
    monkeypatch.setattr("hwbench.measurement.session.POLICIES", policy.POLICIES)
    monkeypatch.setattr(
        first_contact, "GOALS",
        (("device.launch", "--variant", "queued"), ("device.atomics", "--param", "addresses=1"),
         ("transfer.copy", "--param", "memory=pinned", "--param", "size=64KiB", "--variant", "raw")),
    )  # fmt: skip
    monkeypatch.setattr(first_contact, "WHOLE", ("device.banks",))
    lost = sys.modules["cupy"].cuda.runtime.CUDARuntimeError(700, "cudaErrorIllegalAddress: an illegal address")
    launch, broken = gpu_on_cpu.on_cpu.Module.launch, {"atomic_shared"}

    def launched(self: Any, kernel: str, *rest: Any, **more: Any) -> None:
        if kernel in broken:
            raise lost
        launch(self, kernel, *rest, **more)

    monkeypatch.setattr(gpu_on_cpu.on_cpu.Module, "launch", launched)

    def run(arguments: Any, limit_s: float) -> Any:
        if "-k" in arguments:
            if "load_and_spill" in arguments[-1]:
                session.test_kernels_load_and_spill_nothing(device, "device.sync")
                session.test_arguments_arrive_as_they_were_given(device)
            else:
                session.test_answers_are_numpys(device, "device.sync")
            return first_contact.Ended(0, "passed")
        done = command(*arguments[3:])
        return first_contact.Ended(done.code, done.out + done.err)

    chosen = [step for step in first_contact.steps() if step.name != "nvidia-smi"]
    assert first_contact.contact(tmp_path, chosen, run, lambda line: None) == 1
    steps = (tmp_path / "steps.txt").read_text().splitlines()
    assert [line.partition(": ")[2].partition(" in ")[0] for line in steps] == ["done"] * 2 + ["1"] + ["done"] * 4
    goals = store.read(tmp_path / "goals.json")
    found = {(one.bench, one.variant): one.status for one in goals.records}
    assert found["device.launch", "queued"] in ("ok", "suspect")
    assert found["device.atomics", "shared"] == "error"
    assert ("device.atomics", "warp") not in found, "it is yet to be measured"
    assert found["transfer.copy", "raw"] in ("ok", "suspect")
    assert goals.machine.gpus[0].uuid.startswith("GPU-")
    assert {one.bench for one in store.read(tmp_path / "run.json").records} == {"device.banks"}
    told = (tmp_path / "targets.txt").read_text()
    assert "a queued launch: 5e+03 µs, at most 3 µs" in told
    assert "NVIDIA H100 80GB HBM3" in (tmp_path / "machine.txt").read_text()


# --- the whole set ----------------------------------------------------------------------------------------------------


@pytest.fixture
def commands(session, command, monkeypatch) -> list[planning.Request]:
    """The plans of what the session runs: their records are those of the made-up run, skipped where it has none."""
    plans, sample = [], gpu_run(spread=0.0, suspect=False)
    kinds = {"cpu": {"cpu": "cpu"}, "gpu:0": {"gpu:0": "gpu"}, "all": {"cpu": "cpu", "gpu:0": "gpu"}}

    def named(bench: str, variant: str, device: str, params: Mapping[str, Any]) -> tuple[object, ...]:
        return bench, variant, device, *((axis, value) for axis, value in params.items() if axis != "pages")

    known = {named(one.bench, one.variant, one.device, one.params): one for one in sample.records}

    def execute(plan: planning.Request, observer: Any, stop: Any, **_more: Any) -> tuple[Run, Path | None]:
        plans.append(plan)
        chosen = catalog.select(plan.select, plan.preset)
        groups = cases.groups(
            chosen,
            params=plan.params,
            devices=kinds[plan.device],
            spread=lambda value: AbsentGpu(Reason("needs_gpu")).spread(value),
        )
        records = [
            known.get(named(case.bench, case.variant, case.device, case.params))
            or planning.skipped(group, case, because("other", "nobody made it up"))
            for group in groups for case in group.cases
        ]  # fmt: skip
        return msgspec.structs.replace(sample, records=records), None

    monkeypatch.setattr("hwbench.measurement.session.execute", execute)

    def run(arguments: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        done = command(*arguments[3:])
        return subprocess.CompletedProcess(arguments, done.code, done.out, done.err)

    monkeypatch.setattr(session.subprocess, "run", run)
    return plans


def test_the_whole_set_and_the_cpu_beside_it_are_one_run(session, targets, commands, tmp_path):
    """First the GPU alone, which is timed; then what its views set beside it, of which each shows all."""
    session.test_the_whole_set(tmp_path / "run.json")
    assert {record.device for record in store.read(tmp_path / "run.json").records} == {"gpu:0"}
    assert "reached      bf16 product of matrices: 780 TFLOP/s, at least 718 TFLOP/s" in targets.TOLD
    session.test_the_cpu_beside_it(tmp_path / "run.json")
    assert [(plan.device, plan.params) for plan in commands] == [
        ("gpu:0", {}), ("all", {}), ("all", {"size": ["DRAM"]}), ("all", {})
    ]  # fmt: skip
    run = store.read(tmp_path / "run.json")
    assert len({key(record) for record in run.records}) == len(run.records)
    found = {(record.bench, record.device, record.params.get("size")) for record in run.records}
    assert {place for place in found if place[0] in ("stream.copy", "latency.chase", "vectorize.add")} == {
        ("stream.copy", "cpu", "DRAM"), ("latency.chase", "cpu", "DRAM"),
        ("vectorize.add", "cpu", None), ("vectorize.add", "gpu:0", None),
    }  # fmt: skip


def test_a_run_whose_views_lack_the_cpu_is_noticed(session, commands, tmp_path):
    """Without the host's memory the map has no such arrow."""
    session.test_the_whole_set(tmp_path / "run.json")
    session.BESIDE = session.BESIDE[:1]
    with pytest.raises(AssertionError, match=r"lacks {'Host memory – CPU'}"):
        session.test_the_cpu_beside_it(tmp_path / "run.json")


def test_a_set_that_takes_too_long_is_noticed(session, commands, monkeypatch, tmp_path):
    """Its run is written all the same."""
    monkeypatch.setattr(session, "LONGEST_S", 0)
    with pytest.raises(AssertionError, match="the set took"):
        session.test_the_whole_set(tmp_path / "run.json")
    assert store.read(tmp_path / "run.json").records
