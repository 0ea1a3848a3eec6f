"""Every GPU bench on a made-up GPU that computes: what its builders launch gives the reference answer.

The kernels are the very CUDA C++ of the package, compiled by g++; grids, arguments and layouts are the benches' own.
Sizes are small, since a thread of the GPU is a fiber here.
"""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from doubles import gpu_on_cpu
from hwbench import catalog
from hwbench.devices.cpu import CpuDevice
from hwbench.measurement.cases import Group
from hwbench.measurement.engine import Engine
from hwbench.record.model import Case, Policy

pytestmark = pytest.mark.skipif(bool(gpu_on_cpu.on_cpu.lacking()), reason=gpu_on_cpu.on_cpu.lacking() or "-")

CASES: list[tuple[str, dict[str, Any]]] = [
    *(("transfer.copy", {"direction": way, "memory": kind, "size": size})
      for way in ("h2d", "d2h") for kind in ("pinned", "pageable", "registered", "mapped", "managed")
      for size in ("64B", "64KiB")),
    ("transfer.copy", {"direction": "both", "memory": "pinned", "size": "1MiB"}),
    ("transfer.copy", {"direction": "both", "memory": "mapped", "size": "64KiB"}),
    *(("transfer.engines", {"direction": way, "size": "64KiB"}) for way in ("d2d", "h2d", "d2h")),
    *(("transfer.peer", {"direction": way, "peer": 1, "size": "64KiB"}) for way in ("to", "from", "both")),
    *(("transfer.managed", {"direction": way, "size": "64KiB"}) for way in ("h2d", "d2h")),
    *(("transfer.latency", {"memory": memory}) for memory in ("host", "peer")),
    ("transfer.mailbox", {}),
    *(("transfer.chunks", {"direction": "h2d", "size": "64KiB", "pieces": pieces}) for pieces in (1, 16)),
    *(("transfer.overlap", {"stage": stage, "streams": streams, "size": "64KiB"})
      for stage, streams in (("all", 1), ("all", 4), ("h2d", 1), ("kernel", 1), ("d2h", 1))),
    *(("device.stream", {"kernel": kernel, "size": size})
      for kernel in ("copy", "triad", "read", "write") for size in ("1MiB", "HBM")),
    *(("device.latency", {"size": size}) for size in ("8KiB", "256KiB")),
    ("device.cache", {}),
    *(("device.roofline", {"dtype": dtype, "fmas": fmas, "size": "HBM"})
      for dtype, fmas in (("f4", 2), ("f8", 48), ("f4", 192))),
    *(("device.clock", {"work": work, "seconds": 0.0002}) for work in ("fma", "copy", "product")),
    ("device.coalescing", {"n": 2**12}),
    *(("device.layout", {"fields": fields}) for fields in (4, 32)),
    *(("device.banks", {"stride": stride}) for stride in (1, 4, 32, 33)),
    *(("device.divergence", {"paths": paths}) for paths in (1, 4, 32)),
    *(("device.occupancy", {"work": work, "threads": threads, "chains": chains})
      for work in ("fma", "copy") for threads in (32, 512) for chains in (1, 4, 8)),
    ("device.launch", {}),
    *(("device.graph", {"n": n}) for n in (40, 300)),
    *(("device.sync", {"block": block}) for block in (64, 256)),
    *(("device.atomics", {"addresses": addresses}) for addresses in (1, 32, 2048)),
    *(("device.peak", {"dtype": dtype, "chains": chains}) for dtype in ("f8", "f4", "f2", "i4") for chains in (1, 8)),
    *(("device.tensor", {"precision": precision}) for precision in ("tf32", "f16", "bf16", "fp8", "int8", "f16_sums")),
    *(("device.matmul", {"precision": precision, "n": 64})
      for precision in ("f8", "f4", "tf32", "f16", "bf16", "int8", "fp8", "fp8_fast")),
    *(("offload.breakeven", {"work": work, "n": 4**5}) for work in ("add", "sum", "matmul", "fft")),
    ("vectorize.add", {"n": 1000}),
    *(("stability.gradients", {"activation": "tanh", "init": "xavier-normal", "dtype": dtype, "remedy": remedy})
      for dtype in ("f8", "f2") for remedy in ("plain", "clipped")),
    ("stability.initialization", {"init": "he", "activation": "relu", "shape": "alternating", "dtype": "f4"}),
    *(("stability.activations", {"activation": "sigmoid", "dtype": dtype, "n": 1000}) for dtype in ("f8", "f4", "f2")),
    ("workload.house_prices", {"data": "ames", "batch": 100, "dtype": "f4", "optimizer": "adam"}),
]  # fmt: skip


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sizes that benches fix for real GPUs, cut to what fibers do in a moment."""
    gpu_on_cpu.shrink(monkeypatch)


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch, tmp_path: Any, small: None) -> Any:
    """A workstation's Blackwell, which has all that kernels ask for."""
    return gpu_on_cpu.computing_gpu(monkeypatch, tmp_path, capability=(12, 0))


@pytest.fixture(scope="module")
def cpu() -> Iterator[CpuDevice]:
    made = CpuDevice()
    yield made
    made.close()


def measured(device: Any, cpu: Any, name: str, params: dict[str, Any]) -> dict[str, Any]:
    """By variant, its trial after building and checking; the GPU's are timed once."""
    bench = catalog.benches()[name]
    cases = tuple(
        Case(name, variant.name, "gpu:0" if variant.on == "gpu" else "cpu", params)
        for variant in bench.variants.values()
        if variant.on != "opencl"
    )
    engine = Engine({"gpu:0": device, "cpu": cpu}, Policy())
    with engine.prepared(Group(bench, cases)) as trials:
        for trial in trials:
            if trial.live and trial.case.device == "gpu:0" and trial.work.timer is not None:
                assert trial.work.timer(2) > 0
        return {trial.case.variant: trial for trial in trials}


@pytest.mark.parametrize(("name", "params"), CASES, ids=lambda value: str(value).replace(" ", ""))
def test_every_variant_gives_the_answer(device: Any, cpu: CpuDevice, name: str, params: dict[str, Any]) -> None:
    """What is launched computes what NumPy does; what cannot be had here says why."""
    lacking = ("CuPy has no call that only reads", "NumPy's product of matrices uses all CPUs already",
               "CuPy waits for each copy", "96 passes", "384 passes")  # fmt: skip
    for variant, trial in measured(device, cpu, name, params).items():
        assert trial.status == "ok" or trial.why.startswith(lacking), f"{variant}: {trial.status}, {trial.why}"
        assert trial.counts
        assert all(value >= 0 for value in trial.counts.values())


@pytest.mark.parametrize(
    ("name", "params"),
    [("device.tensor", {"precision": "bf16"}), *(("device.matmul", {"precision": p, "n": 64}) for p in ("f16", "fp8"))],
    ids=str,
)
def test_random_numbers_are_timed_and_whole_ones_checked(
    device: Any, cpu: CpuDevice, name: str, params: dict[str, Any]
) -> None:
    """The clock never runs on the operands that are compared, and leaves their product as it was."""
    [trial] = measured(device, cpu, name, params).values()
    assert trial.facts["timed_on"] == "random numbers"
    # `measured` has timed it after the check: its product is still that of the whole numbers.
    bench = catalog.benches()[name]
    engine = Engine({"gpu:0": device, "cpu": cpu}, Policy())
    group = Group(bench, (Case(name, bench.baseline, "gpu:0", params),))
    with engine.prepared(group) as [trial]:
        trial.work.call()
        before = np.array(trial.work.output())
        trial.work.timer(2)
        np.testing.assert_array_equal(trial.work.output(), before)
    assert (before == np.rint(before)).all()


def test_every_bench_with_a_gpu_variant_is_here() -> None:
    """A new GPU bench is not left unchecked; those of `dsp` are on CuPy's own libraries, and need a real one."""
    there = {name for name, bench in catalog.benches().items() if "gpu" in bench.kinds and bench.topic != "dsp"}
    assert there <= {name for name, _ in CASES}


def test_every_size_that_is_cut_is_cut_where_it_is_used() -> None:
    """A constant is patched in the module whose functions read it: patched elsewhere, it would cut nothing."""
    for name, values in gpu_on_cpu.SMALL.items():
        module = importlib.import_module(f"hwbench.benches.{name}")
        loaded = {node.id for node in ast.walk(ast.parse(inspect.getsource(module)))
                  if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}  # fmt: skip
        assert set(values) <= loaded, name
