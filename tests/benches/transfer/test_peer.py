"""Copies from GPU to GPU: which pairs are told, and both ways on streams of their own."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from doubles.fake_cupy import FakeGpu, FakeNvml, install
from hwbench.bench import Skip
from hwbench.benches.transfer import peer
from made_up.gpu_records import record, said, suspect


def pair(own: int, other: int, rate: float, way: str = "to", variant: str = "engine", **facts: Any) -> Any:
    params = {"direction": way, "peer": other - own, "size": "256MiB"}
    amount = 2**28 * (1 + (way == "both"))
    counts, told = {"bytes": amount, "calls": 1}, {"peer": f"gpu:{other}", "direct": True} | facts
    return record(
        "transfer.peer", variant, params, amount / rate, device=f"gpu:{own}", counts=counts, facts=told
    )  # fmt: skip


def test_each_way_is_told_by_its_fastest_pair():
    """And how a kernel that reads compares."""
    rows = [pair(0, 1, 3e11), pair(0, 1, 2.5e11, "from"), pair(0, 1, 5e11, "both"), pair(0, 1, 2e11, "from", "kernel")]
    first, second = said(peer.bench, *rows)
    assert first == (
        "An engine copies 256 MiB from GPU to GPU at 300 GB/s to another, 250 GB/s from another and 500 GB/s to and "
        "from another."
    )
    assert second.startswith("A kernel that reads is 1.25")
    assert "slower than an engine" in second


def test_pairs_that_are_slower_and_those_by_way_of_the_host_are_named():
    """With the least of them."""
    rows = [pair(0, 1, 3e11), pair(0, 2, 5e10), suspect(pair(1, 2, 2e10, direct=False))]
    _, slow, staged = said(peer.bench, *rows)
    assert slow == (
        "2 pairs of GPUs reach less, the least 20.0 GB/s (gpu:1 to gpu:2) "
        "(suspect: the GPU was held back by its power limit)."
    )
    assert staged.startswith("gpu:1 and gpu:2 do not reach each other's memory: their copies go through the host")


def test_without_a_pair_nothing_is_told():
    """Nor of a direction that there is not."""
    assert said(peer.bench) == []
    with pytest.raises(Skip, match="a copy goes to, from, both; not 'up'"):
        peer.copied(SimpleNamespace(), np.zeros(16, np.uint8), "up", 1, peer.by_an_engine)  # type: ignore[arg-type]


@pytest.mark.parametrize(("variant", "names"), [
    ("engine", ("copy 0 to 1", "copy 1 to 0")), ("kernel", ("move16", "move16")),
])  # fmt: skip
def test_both_ways_start_together(monkeypatch, variant, names):
    """Each on its stream; on one the second would wait for the first."""
    gpu = FakeGpu({"move16": 1e-3}, count=2)
    install(monkeypatch, gpu, FakeNvml())
    from hwbench.devices.gpu import GpuDevice

    work = peer.bench.variants[variant].build(GpuDevice(0), np.ones(2**20, np.uint8), "both", 1)
    work.timer(1)
    there, back = [one for one in gpu.log if one[0] in names][-2:]
    assert there[3] != back[3]
    assert there[1] == pytest.approx(back[1], abs=1e-5)
    assert work.facts["peer"] == "gpu:1" and work.facts["direct"]
    assert variant == "kernel" or all((one == 1).all() for one in work.output())
