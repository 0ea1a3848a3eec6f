"""Hyper-threading, on made-up topologies: who works beside whom, what is skipped and why, and that all work is done."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from hwbench.analysis.findings import BenchResults
from hwbench.bench import Skip
from hwbench.benches.parallel import smt
from hwbench.benches.parallel.smt import CHAINS, HOPS, STEPS, bench, pairs
from hwbench.devices.cpu import CpuDevice
from hwbench.host.system import Host
from hwbench.kernels import cpu_features
from hwbench.kernels.simd import Registers
from inspection.answers import reading, verdict, work_of
from inspection.machine_code import needs_x86, simple_loops
from inspection.told import STOLEN, doubt, said, spread

WORKS = ("compute", "latency")


def made_up(cores: dict[int, tuple[int, int]], allowed: tuple[int, ...] | None = None) -> CpuDevice:
    """A device of these logical CPUs. Threads on CPUs that are not there run wherever there is room."""
    return CpuDevice(Host(allowed=allowed or tuple(cores), online=tuple(cores), cores=cores))


@pytest.fixture
def hyper_threaded() -> Iterator[CpuDevice]:
    """Two cores of two CPUs each, numbered as Intel does: cores first."""
    made = made_up({0: (0, 0), 1: (0, 1), 2: (0, 0), 3: (0, 1)})
    yield made
    made.close()


@pytest.mark.parametrize("work", WORKS)
@pytest.mark.parametrize("variant", bench.variants)
def test_each_thread_does_the_work(hyper_threaded: CpuDevice, variant: str, work: str) -> None:
    """The answer is right for one thread, siblings and cores."""
    if work == "compute" and not cpu_features.has_fma():
        pytest.skip("this CPU has no fused multiply-add")
    assert verdict(bench, variant, {"work": work, "device": hyper_threaded}) == ""


@pytest.mark.parametrize(
    ("cores", "siblings", "apart"),
    [
        ({0: (0, 0), 1: (0, 1), 2: (0, 0), 3: (0, 1)}, (0, 2), (0, 1)),  # Intel: cores first
        ({0: (0, 0), 1: (0, 0), 2: (0, 1), 3: (0, 1)}, (0, 1), (0, 2)),  # AMD under some kernels: siblings first
        ({0: (0, 0), 1: (0, 0), 2: (0, 1), 3: (0, 2)}, (0, 1), (0, 2)),  # P cores with SMT, E cores without
        ({4: (0, 0), 5: (1, 0), 6: (0, 0), 7: (1, 0)}, (4, 6), (4, 5)),  # two sockets whose cores are numbered alike
    ],
)
def test_siblings_and_cores_are_found(
    cores: dict[int, tuple[int, int]], siblings: tuple[int, ...], apart: tuple[int, ...]
) -> None:
    """Ranks stand for the CPUs they are to, however the system numbers them."""
    device = made_up(cores)
    order = device.host.order
    found = {who: tuple(order[rank] for rank in ranks) for who, ranks in pairs(device).items()}
    assert found == {"alone": siblings[:1], "siblings": siblings, "cores": apart}


@pytest.mark.parametrize(
    ("device", "why"),
    [
        (made_up({0: (0, 0), 1: (0, 1)}), "each core shows one CPU here"),
        (made_up({0: (0, 0), 1: (0, 1), 2: (0, 0), 3: (0, 1)}, allowed=(0, 1)), "only one CPU of each core may be"),
    ],
)
def test_without_siblings_the_reason_is_told(device: CpuDevice, why: str) -> None:
    """A machine without SMT is told from one whose siblings may not be used."""
    with pytest.raises(Skip, match=f"needs SMT: {why}"):
        work_of(bench, "siblings", {"work": "latency", "device": device})


def test_one_core_has_no_second() -> None:
    """Two siblings of the only core are measured; two cores are not to be had."""
    device = made_up({0: (0, 0), 1: (0, 0)})
    try:
        assert verdict(bench, "siblings", {"work": "latency", "device": device}) == ""
        with pytest.raises(Skip, match="needs 2 cores"):
            work_of(bench, "cores", {"work": "latency", "device": device})
    finally:
        device.close()


def test_a_thread_that_is_wrong_is_caught(hyper_threaded: CpuDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    """One hop or one step too few, in one thread of two, is no answer."""
    real, calls = smt.chase, []

    def short(address: int, hops: int, gate: int) -> int:
        calls.append(hops)
        return real(address, hops - 4 if hops == HOPS and len(calls) > 3 else hops, gate)

    monkeypatch.setattr(smt, "chase", short)
    assert "differs" in verdict(bench, "siblings", {"work": "latency", "device": hyper_threaded})


def test_the_ring_is_one() -> None:
    """Following as many hops as there are lines leads back, and no fewer do."""
    device: Any = CpuDevice()
    lines = np.random.default_rng(1).permutation(smt.RING // smt.LINE)
    run, answer, free = smt.chasing(lines, device)
    start = answer()
    seen = []
    for _ in range(len(lines) * 4 // HOPS):
        run(1, 0)
        seen.append(answer())
    assert start == lines[0]
    assert seen.index(start) + 1 == len(lines) // np.gcd(len(lines), HOPS)
    free()


@needs_x86
def test_chains_stay_in_registers() -> None:
    """The loop is two multiply-adds for each chain and its own three instructions: nothing is loaded or left out."""
    if not cpu_features.has_fma() or cpu_features.stream_width() < 512:
        pytest.skip("twelve chains and their factors need 14 registers and more")
    room = np.ones(512)
    place = room.ctypes.data // 64 * 64 + 64
    loops = simple_loops(smt.accumulate, Registers("f8", cpu_features.stream_width(), CHAINS), place, 0.5, 0.5, 2, 1)
    longest = max(loops, key=len)
    assert sum("fmadd" in line and "(" not in line for line in longest) == 2 * CHAINS
    assert len(longest) == 2 * CHAINS + 3, longest


@needs_x86
def test_the_chase_is_a_chain_of_loads() -> None:
    """Each load's address is what the load before it brought."""
    word = np.zeros(1, dtype=np.int64)
    word[0] = word.ctypes.data
    loops = simple_loops(smt.chase, word.ctypes.data, 4)
    longest = max(loops, key=len)
    assert sum(line.startswith("movq") and "(" in line for line in longest) == 4
    assert len(longest) <= 8, longest


def test_counts() -> None:
    """The work of one thread: it is the same for each variant."""
    assert bench.count({"work": "latency"}) == {"items": HOPS}
    assert bench.count({"work": "compute"}) == {"items": STEPS * CHAINS}


def together(siblings: bool = True, cores: bool = True) -> BenchResults:
    """Twice the threads in the same time is twice the work; in twice the time it is the same work."""
    times = {"compute": (1.0, 2.0, 1.0), "latency": (1.0, 1.0, 1.0)}
    rows: list[tuple[str, dict[str, Any], float]] = [
        (who, {"work": work}, seconds)
        for work, each in times.items()
        for who, seconds in zip(("alone", "siblings", "cores"), each, strict=True)
        if {"siblings": siblings, "cores": cores}.get(who, True)
    ]
    return spread(reading(bench, rows, {}))


def test_the_finding() -> None:
    """The throughput of two threads on one core and on two; what waits for memory gains most and comes first."""
    assert said(together()) == [
        "Throughput of 2 threads (latency-bound) against 1 thread: 2.00× (…) on one core and 2.00× (…) on two cores.",
        "Throughput of 2 threads (compute-bound) against 1 thread: 1.00× (…) on one core and 2.00× (…) on two cores.",
    ]
    assert all(one.endswith(STOLEN) for one in said(doubt(together(), "alone")))


def test_one_place_alone_and_none() -> None:
    """Without a second core the sentence ends with the first; without siblings there is none."""
    assert said(together(cores=False))[0].endswith("against 1 thread: 2.00× (…) on one core.")
    assert said(together(siblings=False)) == []
    assert said(reading(bench, [], {})) == []
