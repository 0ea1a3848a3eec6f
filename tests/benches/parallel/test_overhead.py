"""The price of a prange: each layer in a process of its own that answers rightly, and ends when nobody needs it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import psutil
import pytest

from hwbench.analysis.findings import BenchResults
from hwbench.bench import Skip
from hwbench.benches.parallel import overhead
from hwbench.benches.parallel.overhead import Layer, bench
from hwbench.devices.cpu import CpuDevice
from hwbench.host.system import Host
from inspection.answers import reading, verdict, work_of
from inspection.told import STOLEN, doubt, said, spread


@pytest.fixture(scope="module")
def device() -> Iterator[CpuDevice]:
    made = CpuDevice()
    yield made
    made.close()


@pytest.fixture(autouse=True)
def two_cpus(device: CpuDevice) -> None:
    if device.host.usable < 2:
        pytest.skip("one CPU may be used here, where nothing runs in parallel")


def test_every_layer_that_can_be_had_is_right(device: CpuDevice) -> None:
    """The sum of what each process computed is the reference; a layer that is missing says which and why."""
    assert verdict(bench, "serial", {"n": 1000, "device": device}) == ""
    assert verdict(bench, "workqueue", {"n": 1000, "device": device}) == ""
    for variant in ("omp", "tbb"):
        try:
            assert verdict(bench, variant, {"n": 1000, "device": device}) == ""
        except Skip as skip:
            assert f"cannot load the threading layer {variant}: " in str(skip)


def test_an_unknown_layer_is_a_skip_with_numbas_reason(device: CpuDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    """What keeps a layer from loading is told, and no process stays behind; told again, no other is started."""
    monkeypatch.setattr(Layer, "missing", {})
    before = children()
    with pytest.raises(Skip, match="cannot load the threading layer none"):
        Layer.of("none", 2, device)
    assert children() == before
    assert "none" not in Layer.running
    monkeypatch.setattr(overhead.subprocess, "Popen", None)  # it is asked no second time
    with pytest.raises(Skip, match="cannot load the threading layer none"):
        Layer.of("none", 2, device)


def children() -> set[int]:
    """This process's own children that are alive."""
    return {child.pid for child in psutil.Process().children()}


def test_lengths_share_a_process_which_ends_with_the_last(device: CpuDevice) -> None:
    """Two lengths of one layer are timed in one process; closed one after the other, the last ends it."""
    before = children()
    first, _ = work_of(bench, "workqueue", {"n": 100, "device": device})
    second, _ = work_of(bench, "workqueue", {"n": 200, "device": device})
    assert len(children() - before) == 1
    assert first.timer is not None
    assert second.close is not None
    assert first.close is not None
    assert first.timer(3) > 0
    second.close()
    assert first.timer(1) > 0
    first.close()
    assert children() == before
    assert Layer.running == {}


def test_a_process_that_died_is_an_error_in_words(device: CpuDevice) -> None:
    """Its end is told as what it is; closing it afterwards is no trouble."""
    work, _ = work_of(bench, "workqueue", {"n": 100, "device": device})
    layer = Layer.running["workqueue"]
    layer.process.kill()
    layer.process.wait()
    with pytest.raises((RuntimeError, OSError), match=r"has ended|Broken pipe"):
        work.call()
    assert work.close is not None
    work.close()


def test_a_wrong_sum_is_caught(device: CpuDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    """An element that was not written makes the sum no number."""
    real = overhead.add_alone
    monkeypatch.setattr(overhead, "add_alone", lambda a, b, c: real(a[:-1], b[:-1], c[:-1]))
    assert "differs" in verdict(bench, "serial", {"n": 100, "device": device})


def test_a_childs_time_is_our_own(device: CpuDevice) -> None:
    """What an adopted process takes counts as ours while it lives, and not once it is forgotten."""
    forget = device.adopt(os.getpid())  # any process will do, and this one has worked
    with_child = device.counters()["own_s"]
    forget()
    assert with_child - device.counters()["own_s"] > 0.5 * time.process_time()
    forget()


def test_one_cpu_has_no_overhead() -> None:
    """Where one CPU may be used there is nothing to cut into parts."""
    alone: Any = CpuDevice(Host(allowed=(0,), online=(0,)))
    with pytest.raises(Skip, match="needs 2 CPUs"):
        work_of(bench, "workqueue", {"n": 100, "device": alone})


def forked(layers: Sequence[str], lengths: Sequence[int] = (100, 10**4, 10**6), each: float = 5e-11) -> BenchResults:
    """A reading of these layers on two threads."""
    cost = {"serial": (0.0, 1e-10), "workqueue": (1e-5, each), "omp": (1e-6, each), "tbb": (1e-6, each)}
    rows = [(name, {"n": n}, cost[name][0] + cost[name][1] * n) for name in ("serial", *layers) for n in lengths]
    read = spread(reading(bench, rows, {"calls": 1, "items": 10**6}))
    read.records = [
        msgspec.structs.replace(r, facts={"threads": 1 if r.variant == "serial" else 2}) for r in read.records
    ]
    return read


def test_the_finding() -> None:
    """The price of a call, what one core would do meanwhile, and where each layer begins to win."""
    read = forked(("workqueue", "omp"))
    sentences = said(read)
    assert sentences[0] == (
        "A prange over 100 elements on 2 threads takes 10.0 µs (…) with workqueue and 1.00 µs (…) with OpenMP; 1 "
        "thread adds 10\u202f000 elements in 1.00 µs."
    )
    assert sentences[1].startswith("prange with OpenMP on 2 threads beats the serial loop from n ≈ ")
    assert sentences[1].endswith("; at n = 10⁶: 1.96× faster (…).")
    assert sentences[2].startswith("prange with workqueue on 2 threads beats the serial loop from n ≈ ")
    assert said(doubt(read, "omp"))[1].endswith(STOLEN)
    assert said(reading(bench, [], {})) == []


@pytest.mark.parametrize(
    ("layers", "listed"),
    [
        (("omp",), "takes 1.00 µs (…) with OpenMP; "),
        (("workqueue", "omp", "tbb"), "with OpenMP and 1.00 µs (…) with TBB; "),
    ],
)
def test_layers_are_listed(layers: tuple[str, ...], listed: str) -> None:
    """One layer and three read well; a layer that never wins says so."""
    sentences = said(forked(layers))
    assert listed in sentences[0]
    assert len(sentences) == 1 + min(2, len(layers))
    slow = said(forked(("omp",), each=2e-10))[1]
    assert slow == (
        "prange with OpenMP on 2 threads is not faster than the serial loop up to n = 10⁶; at n = 10⁶: 2.01× slower "
        "(…)."
    )
