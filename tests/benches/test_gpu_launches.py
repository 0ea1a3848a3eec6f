"""What GPU benches count and launch, in numbers that stand here: FLOPs, bytes, grids, streams, cold caches.

An answer does not show them: a grid of half the blocks gives it too where threads take turns, and a count of twice the
FLOPs is only a rate of twice the card's.
"""

from __future__ import annotations

import shutil
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from doubles.fake_cupy import FakeGpu, FakeNvml, install
from gpu.beside_nvcc import recorded
from hwbench import catalog
from hwbench.benches.device import latency
from hwbench.measurement.cases import Group
from hwbench.measurement.engine import Engine
from hwbench.record.model import Case, Policy
from made_up import trees

SM, RESIDENT = 132, 4  # of the made-up card
MIB = 2**20
STUB: Any = SimpleNamespace(
    properties=SimpleNamespace(sm=3, l2=MIB), resident=lambda topic, kernel, block: 4, bandwidth_size=lambda size: size
)
CHAIN = 2 * (2 * 1024 + 1) * 16  # FLOPs of a chain of device.peak: 16 passes of 1024 pairs and one operation more
WARPS = 3 * 4 * 8  # of one wave of blocks of 256 on STUB
COUNTS = [
    ("device.atomics", {"addresses": 1}, (), {"items": 2**20 * 128}),
    ("device.atomics", {"addresses": 1024}, (), {"items": 2**20 * 1024}),
    ("device.banks", {"stride": 1}, (), {"items": 4096 * 256 * 4 * 3}),
    *(("device.cache", {"variant": name}, (), {"bytes": 16 * 4 * 4099 * 256 * 3 * 4}) for name in ("l1", "shared")),
    ("device.clock", {"work": "fma"}, (), {"flops": CHAIN * 8 * 3 * 4 * 256}),
    ("device.clock", {"work": "copy"}, (), {"bytes": 2**30}),
    ("device.clock", {"work": "product"}, (), {"flops": 2 * 8192**3}),
    ("device.coalescing", {}, (np.zeros(4096, "f4"),), {"items": 4096, "bytes": 32768}),
    ("device.divergence", {"paths": 4}, (np.zeros(MIB, "f4"),), {"items": 64 * MIB, "flops": 64 * 64 * MIB}),
    ("device.graph", {"n": 1024}, (), {"calls": 100}),
    ("device.latency", {"size": "L2"}, (), {"hops": 8192}),
    ("device.launch", {}, (), {"calls": 100}),
    ("device.layout", {"fields": 4}, (np.zeros((8, 4), "f4"),), {"items": 32, "bytes": 160, "flops": 32}),
    ("device.matmul", {"n": 64, "precision": "bf16"}, (), {"flops": 2 * 64**3, "items": 64 * 64}),
    ("device.occupancy", {"work": "fma", "threads": 2**17, "chains": 2}, (), {"flops": 2 * CHAIN * 2 * 2**17}),
    ("device.occupancy", {"work": "copy", "threads": 32, "chains": 1}, (), {"bytes": 2 * 32 * 65536}),
    ("device.peak", {"dtype": np.dtype("f4"), "chains": 8}, (), {"flops": CHAIN * 8 * 3 * 4 * 256}),
    ("device.peak", {"dtype": np.dtype("f2"), "chains": 1}, (), {"flops": 2 * CHAIN * 3 * 4 * 256}),
    ("device.peak", {"dtype": np.dtype("i4"), "chains": 2}, (), {"ops": 2 * CHAIN * 3 * 4 * 256}),
    ("device.roofline", {"size": 48 * MIB, "dtype": np.dtype("f4"), "fmas": 16}, (),
     {"bytes": 48 * MIB, "flops": 2 * 16 * 6 * MIB}),
    *(("device.stream", {"size": 48 * MIB, "kernel": kernel, "variant": "bytes16"}, (), {"bytes": 48 * MIB, "flops": f})
      for kernel, f in (("copy", 0), ("triad", 8 * MIB), ("read", 0), ("write", 0))),
    ("device.stream", {"size": MIB, "kernel": "copy", "variant": "bytes16"}, (), {"bytes": 512 * MIB, "flops": 0}),
    ("device.stream", {"size": MIB, "kernel": "copy", "variant": "cupy"}, (), {"bytes": MIB, "flops": 0}),
    *(("device.sync", {"block": 64, "variant": variant}, (), {"calls": calls})
      for variant, calls in (("block", 16384), ("grid", 256), ("launch", 256))),
    *(("device.tensor", {"precision": name}, (), {"flops": 2 * 16 * 8 * k * 64 * 128 * WARPS})
      for name, k in (("tf32", 8), ("f16", 16), ("bf16", 16), ("fp8", 32), ("int8", 32), ("f16_sums", 16))),
    ("transfer.chunks", {"size": MIB, "pieces": 4}, (), {"bytes": MIB, "calls": 1}),
    *(("transfer.engines", {"size": MIB, "direction": way}, (), {"bytes": MIB * (1 + (way == "d2d")), "calls": 1})
      for way in ("d2d", "h2d", "d2h")),
    *(("transfer.peer", {"size": MIB, "direction": way}, (), {"bytes": MIB * (1 + (way == "both")), "calls": 1})
      for way in ("to", "from", "both")),
    ("transfer.latency", {}, (), {"hops": 2048}),
    ("transfer.mailbox", {}, (), {"calls": 100}),
    ("transfer.managed", {"size": MIB}, (), {"bytes": MIB, "calls": 1}),
    *(("transfer.copy", {"size": MIB, "direction": way}, (), {"bytes": MIB * (1 + (way == "both")), "calls": 1})
      for way in ("h2d", "d2h", "both")),
    *(("transfer.overlap", {"stage": stage, "streams": 1}, (np.zeros(1024, "f4"),),
       {"bytes": ways * 4096, "flops": flops, "items": 1024})
      for stage, ways, flops in (("all", 2, 2 * 1024 * 1024), ("h2d", 1, 0), ("kernel", 0, 2 * 1024 * 1024))),
]  # fmt: skip


@pytest.mark.parametrize(("name", "params", "inputs", "counted"), COUNTS, ids=lambda value: str(value)[:40])
def test_a_call_counts_what_its_kernels_do(
    name: str, params: dict[str, Any], inputs: tuple[Any, ...], counted: dict[str, float]
) -> None:
    """By the sizes of the kernels and the shape of the card, worked out by hand."""
    bench = catalog.benches()[name]
    assert bench.count({"device": STUB, "variant": bench.baseline, **params}, inputs) == pytest.approx(counted)


def test_a_ring_is_in_random_order() -> None:
    """In order the next line would often lie beside the last, which memory and prefetchers make cheap."""
    lines = latency.ring(np.random.default_rng(0), 4096 * latency.LINE)
    assert sorted(lines) == list(range(4096))
    steps = np.abs(np.diff(lines))
    assert (steps == 1).mean() < 0.01
    assert np.median(steps) > 500


# --- launches ---------------------------------------------------------------------------------------------------------


class Durations(dict[str, float]):
    """Each kernel takes a microsecond."""

    def __missing__(self, name: str) -> float:
        return 1e-6


@pytest.fixture
def gpu() -> FakeGpu:
    made = FakeGpu(count=2)
    made.kernels = Durations()
    made.attributes[38] = MIB
    return made


@pytest.fixture
def device(gpu: FakeGpu, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Any:
    install(monkeypatch, gpu, FakeNvml())
    from hwbench.devices.gpu import GpuDevice

    trees.write(tmp_path, {"proc/meminfo": "MemAvailable: 67108864 kB"})
    return GpuDevice(0, root=tmp_path)


def built(device: Any, name: str, variant: str, params: dict[str, Any]) -> tuple[Any, list[Any]]:
    """The work of a case, and the launches that its builder asked for; its answer is not looked at."""
    bench = catalog.benches()[name]
    case = Case(name, variant, "gpu:0", params)
    with recorded(device) as launches, Engine({"gpu:0": device}, Policy()).prepared(Group(bench, (case,))) as [trial]:
        assert trial.status != "error" or "disagree" in trial.why, trial.why
        assert trial.work is not None
        if trial.work.timer is not None:
            trial.work.timer(2)
        return trial.work, list(launches)


WAVE = SM * RESIDENT
GRIDS = [
    ("device.atomics", "global", {"addresses": 32}, "atomic_global", 4096),
    ("device.banks", "shared", {"stride": 1}, "banks", 4 * SM),
    *(("device.cache", name, {}, f"read_{name}", WAVE) for name in ("l1", "shared")),
    ("device.coalescing", "contiguous", {"n": 2**12}, "pick", 4),
    ("device.divergence", "uniform", {"paths": 2}, "paths", 4096),
    *(("device.graph", name, {"n": n}, kernel, grid) for n, grid in ((1000, 4), (2**20, WAVE))
      for name, kernel in (("queued", "advance"), ("persistent", "advance_all"))),
    ("device.latency", "l2", {"size": "8KiB"}, "warm", 1),
    ("device.occupancy", "kernel", {"work": "copy", "threads": 2048, "chains": 1}, "copy_1", 16),
    ("device.occupancy", "kernel", {"work": "fma", "threads": 2048, "chains": 1}, "fma_f4_1", 16),
    ("device.peak", "fma", {"dtype": "f4", "chains": 8}, "fma_f4_8", WAVE),
    *(("device.roofline", "fused", {"dtype": "f8", "fmas": fmas, "size": "16MiB"}, f"fused_f8_{body}", 1024)
      for fmas, body in ((4, 1), (48, 8), (128, 32))),
    ("device.stream", "bytes16", {"kernel": "copy", "size": "2MiB"}, "copy16_again", WAVE),
    ("device.stream", "bytes16", {"kernel": "read", "size": "16MiB"}, "read16", WAVE),
    ("device.stream", "bytes16", {"kernel": "copy", "size": "16MiB"}, "copy16", 2048),
    ("device.sync", "block", {"block": 64}, "barriers_block", SM),
    ("device.sync", "grid", {"block": 64}, "barriers_grid", SM),
    ("device.sync", "launch", {"block": 64}, "step", SM),
    ("device.tensor", "mma", {"precision": "bf16"}, "mma_bf16", WAVE),
    *(("transfer.copy", "raw", {"direction": way, "memory": kind, "size": "16MiB"}, "move16", 8 * SM)
      for way in ("h2d", "d2h") for kind in ("mapped", "managed")),
    *(("transfer.engines", "kernel", {"direction": way, "size": "16MiB"}, kernel, grid)
      for way, kernel, grid in (("d2d", "copy16", 4096), ("h2d", "move16", 8 * SM))),
    *(("transfer.managed", "touch", {"direction": way, "size": "16MiB"}, "move16", 8 * SM) for way in ("h2d", "d2h")),
    *(("transfer.latency", "load", {"memory": memory}, "chase_cg", 1) for memory in ("host", "peer")),
    ("transfer.peer", "kernel", {"direction": "both", "peer": 1, "size": "16MiB"}, "move16", 8 * SM),
    ("transfer.overlap", "pipeline", {"stage": "kernel", "streams": 2, "size": "1MiB"}, "chain", 64),
]  # fmt: skip
needs_compiler = pytest.mark.skipif(shutil.which("g++") is None, reason="needs g++, which .ci/run installs")


@needs_compiler
@pytest.mark.parametrize(("name", "variant", "params", "kernel", "grid"), GRIDS, ids=lambda value: str(value)[:40])
def test_a_launch_has_blocks_for_all_multiprocessors(
    device: Any, name: str, variant: str, params: dict[str, Any], kernel: str, grid: int
) -> None:
    """Multiprocessors x what one holds where blocks take turns, all of the array where each has a part of its own."""
    work, launches = built(device, name, variant, params)
    assert {one.grid for one in launches if one.kernel == kernel} == {(grid,)}
    assert {one.cooperative for one in launches if one.kernel == kernel} == {kernel in ("barriers_grid", "advance_all")}
    assert work.facts.get("l2") == ("flushed" if name == "device.coalescing" or params.get("work") == "copy" else None)


@needs_compiler
@pytest.mark.parametrize("variant", ["uniform", "divergent"])
def test_elements_are_handed_out_as_the_variant_says(device: Any, variant: str) -> None:
    """`across`, by which a warp's threads get elements of one way, is 1 for uniform warps alone."""
    _, [launch] = built(device, "device.divergence", variant, {"paths": 32})
    assert launch.arguments[3] == (variant == "uniform")


@needs_compiler
@pytest.mark.parametrize("memory", ["pinned", "mapped"])
def test_both_directions_go_at_once(device: Any, gpu: FakeGpu, memory: str) -> None:
    """On a stream each, which start together; on one stream the second would wait for the first."""
    work, _ = built(device, "transfer.copy", "raw", {"direction": "both", "memory": memory, "size": "1MiB"})
    ran = gpu.ran("copy" if memory == "pinned" else "move16")[-2:]
    assert len({stream for *_, stream in ran}) == 2
    assert ran[0][1] == pytest.approx(ran[1][1], abs=1e-4)
    assert len(work.facts["stream_s"]) == 2


@needs_compiler
def test_pieces_take_turns_on_their_streams(device: Any, gpu: FakeGpu) -> None:
    """Copy there, kernel and copy back of a piece on one stream, of the next piece on the next stream."""
    work, _ = built(device, "transfer.overlap", "pipeline", {"stage": "all", "streams": 4, "size": "1MiB"})
    assert len(work.facts["stream_s"]) == 4
    kernels, copies = gpu.ran("chain")[-16:], gpu.ran("copy")[-32:]
    assert len({stream for *_, stream in kernels}) == len({stream for *_, stream in copies}) == 4
    assert sorted(stream for *_, stream in kernels * 2) == sorted(stream for *_, stream in copies)


@needs_compiler
@pytest.mark.parametrize(("size", "cold"), [("64KiB", False), ("4MiB", True)])
@pytest.mark.parametrize("variant", ["raw", "cupy"])
def test_pageable_copies_start_from_memory(
    device: Any, monkeypatch: pytest.MonkeyPatch, variant: str, size: str, cold: bool
) -> None:
    """From 1 MiB on, two calls a sample with the host's caches filled between them."""
    monkeypatch.setattr("hwbench.devices.gpu_timing.MOST_EVICTING", MIB)
    params = {"direction": "h2d", "memory": "pageable", "size": size}
    work, _ = built(device, "transfer.copy", variant, params)
    assert (work.facts["cold"], work.most) == (cold, 2 if cold else None)
