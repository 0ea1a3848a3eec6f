"""Latency on the device, told beside the host's."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from msgspec.structs import replace

from doubles import gpu_on_cpu
from hwbench.bench import Work
from hwbench.benches.device import latency
from made_up.gpu_records import record, said, suspect


def chased(variant, size, seconds, cycles):
    facts = {"cycles_per_hop": cycles, "sm_clock_hz": cycles / seconds}
    return record("device.latency", variant, {"size": size}, 8192 * seconds, counts={"hops": 8192}, facts=facts)


def hosts():
    return [
        record("latency.chase", "follow", {"size": size, "pages": pages, "order": order}, ns * 1e-9, device="cpu",
               counts={"hops": 1})
        for size, pages, order, ns in (
            ("DRAM", "4K", "page-local", 20), ("L3", "huge", "random", 10), ("DRAM", "4K", "random", 150),
            ("DRAM", "huge", "random", 100),
        )
    ]  # fmt: skip


def test_a_load_is_told_beside_the_hosts_in_random_order():
    """What prefetchers guessed is no latency, and small pages are not told where there are huge ones."""
    far = chased("l2", "HBM", 600e-9, 900)
    level, host = said(latency.bench, far, *hosts())
    assert level == (
        "Latency of a dependent load (1 thread, random order): 600.0 ns (599.4–600.6) from memory (900 cycles)."
    )
    assert host == (
        "A load from GPU memory is 6.000× slower than a load from this CPU's memory (5.991–6.009); thousands of "
        "threads must have loads in flight to hide it."
    )
    *_, told = said(latency.bench, far, *(one for one in hosts() if one.params["pages"] == "4K"))
    assert told.startswith("A load from GPU memory is 4.00")
    assert len(said(latency.bench, far, *hosts()[:2])) == 1
    assert said(latency.bench, chased("l2", "HBM", 100e-9, 150), *hosts())[1].endswith(
        "is as fast as a load from this CPU's memory (0.999–1.002)."
    )


def test_each_level_has_its_cycles():
    """Two and four levels are a list; a record without cycles is left out."""
    two = [chased("l1", "16KiB", 20e-9, 36), chased("l2", "16KiB", 150e-9, 277)]
    [told] = said(latency.bench, *two)
    assert " from L1 (36 cycles) and 150" in told
    four, _ = said(latency.bench, *two, chased("l2", "L2", 200e-9, 400), chased("l2", "HBM", 350e-9, 689))
    assert " from L2 near (277 cycles), 200" in four
    assert " from L2 half full (400 cycles) and 350" in four
    assert said(latency.bench, record("device.latency", "l1", {"size": "16KiB"}, 1.0, counts={"hops": 1})) == []


def test_cycles_of_another_measurement_are_not_told():
    """Version 1 counted them in a run of their own: 287 ns and 403 cycles are 1.4 GHz, where other rings gave 1.98."""
    old = chased("l2", "L2", 287e-9, 403)
    old = replace(old, facts={"cycles_per_hop": 403})
    [told] = said(latency.bench, old)
    assert told.endswith(" from L2 half full.")


def test_a_ring_that_half_of_l2_does_not_hold_is_told():
    """287 ns where a small ring takes 140; a few percent are no level of their own."""
    small = chased("l2", "16KiB", 140e-9, 277)
    _, told = said(latency.bench, small, suspect(chased("l2", "L2", 287e-9, 568), "bimodal"))
    assert told.startswith("A ring that fills L2 to half is 2.0")
    assert "slower than a ring of 16 KiB (" in told
    assert "part of it is probably in the far half of L2 or in memory (suspect: " in told
    assert len(said(latency.bench, small, chased("l2", "L2", 143e-9, 283))) == 1


def test_disturbed_loads_are_marked():
    """The level, and what is compared with the host."""
    level, host = said(latency.bench, suspect(chased("l2", "HBM", 600e-9, 900), "gpu_low_clock"), *hosts())
    assert level.endswith("(900 cycles) (suspect: the GPU's clock was low).")
    assert " than a load from this CPU's memory (5.991–6.009) (suspect: the GPU's clock was low); " in host


def test_cycles_and_clock_are_those_of_the_samples():
    """The median over samples, once there is one; nothing is read while the work is being built."""
    cycles = iter([latency.HOPS * 600, latency.HOPS * 300, latency.HOPS * 310])
    plain = Work(call=lambda: None, timer=lambda loops: loops * latency.HOPS * 150e-9, facts={"line": 128})
    work = latency.with_cycles(plain, lambda: next(cycles))
    assert dict(work.facts) == {"line": 128}
    for loops in (1, 2, 3):
        assert work.timer(loops) == plain.timer(loops)
    assert work.facts["cycles_per_hop"] == 310
    assert work.facts["sm_clock_hz"] == pytest.approx(310 / 150e-9)


@pytest.mark.skipif(bool(gpu_on_cpu.on_cpu.lacking()), reason=gpu_on_cpu.on_cpu.lacking() or "-")
@pytest.mark.parametrize("variant", ["l1", "l2"])
def test_the_ring_is_loaded_whole_before_each_sample_and_never_walked_before(monkeypatch, tmp_path, variant):
    """What the other variant left in the cache is gone; a walk before `settle` would be timed at an idle clock."""
    gpu_on_cpu.shrink(monkeypatch)
    device = gpu_on_cpu.computing_gpu(monkeypatch, tmp_path)
    gpu = sys.modules["cupy"].gpu
    lines = device.put(np.random.default_rng(1).permutation(40))
    work = latency.bench.variants[variant].build(device, lines)
    chase = {"l1": "chase_ca", "l2": "chase_cg"}[variant]
    device.synchronize()
    assert [entry[0] for entry in gpu.log] == ["link", "warm"]
    work.timer(1)
    gpu.log.clear()
    work.timer(2)
    names = [entry[0] for entry in gpu.log if entry[0] not in ("gate", "stamp")]
    assert names == ["warm", "record", chase, chase, "record", "record"]
    assert work.facts["cycles_per_hop"] > 0
