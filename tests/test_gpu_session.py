"""What a session on a GPU machine does (tests/gpu), on the made-up GPU whose kernels compute on fibers.

A slip in it would else be found by whoever has a GPU for half an hour.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest

import gpu_on_cpu
from gpu_sample import CARD, gpu_run

pytestmark = pytest.mark.skipif(bool(gpu_on_cpu.on_cpu.lacking()), reason=gpu_on_cpu.on_cpu.lacking() or "-")


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A module of tests/gpu by its name, as pytest has it there; those that it imports stay loaded for it."""

    def load(name: str) -> ModuleType:
        path = Path(__file__).parent / "gpu" / f"{name}.py"
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        made = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, made)
        spec.loader.exec_module(made)
        return made

    return load


@pytest.fixture
def targets(module: Any) -> ModuleType:
    return module("targets")


@pytest.fixture
def session(module: Any, targets: ModuleType) -> ModuleType:
    """The tests themselves, with samples of two launches."""
    beside = module("beside_nvcc")
    beside.SAMPLE_S, beside.ROUNDS = 2 * gpu_on_cpu.SECONDS, 3
    return module("test_on_a_gpu")


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    gpu_on_cpu.shrink(monkeypatch)
    return gpu_on_cpu.computing_gpu(monkeypatch, tmp_path, capability=(12, 0))


def by_fibers(topic: str) -> Any:
    """In the place of what nvcc would have built."""
    import nvcc

    return nvcc.Native(nvcc.build_on_cpu(topic))


def test_kernels_arguments_and_answers_are_checked(session, device):
    """The tests pass on a GPU that does what kernels say."""
    session.test_kernels_load_and_spill_nothing(device, "device_sync")
    session.test_arguments_arrive_as_they_were_given(device)
    session.test_answers_are_numpys(device, "device.sync")


@pytest.mark.parametrize("name", ["device.sync", "device.atomics"])
def test_each_kernel_is_set_beside_nvccs_once(session, targets, device, name):
    """Each kernel that a bench launches has a line; ours take a hundredth of what the made-up runtime counts."""
    compared: set[tuple[str, str]] = set()
    session.test_kernels_are_as_fast_as_nvccs(device, by_fibers, compared, name)
    assert compared
    assert len(targets.TOLD) == len(compared)
    assert all(line.startswith("reached      device_") and " 100.000 (" in line for line in targets.TOLD)
    session.test_kernels_are_as_fast_as_nvccs(device, by_fibers, compared, name)
    assert len(targets.TOLD) == len(compared)


def test_a_kernel_that_is_slower_than_nvccs_is_named(session, targets, device, monkeypatch):
    """Ours at twice what the made-up runtime counts: the test fails with the ratio and its interval."""
    monkeypatch.setattr(gpu_on_cpu, "SECONDS", 2e-3)
    with pytest.raises(AssertionError, match=r"barriers_block: 0\.500 \(0\.500–0\.500\)"):
        session.test_kernels_are_as_fast_as_nvccs(device, by_fibers, set(), "device.sync")
    assert targets.TOLD[0].startswith("NOT REACHED  device_sync/")


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
