"""What findings say of OpenCL devices, and on a machine with a driver that every OpenCL variant gives the answer."""

from __future__ import annotations

import re

import msgspec
import numpy as np
import pytest

from doubles.opencl import SMALL, answer, opencl_device
from hwbench import catalog
from hwbench.analysis.findings import BenchResults
from hwbench.bench import Skip
from hwbench.benches import _opencl as opencl
from hwbench.benches import _partitions
from hwbench.benches.device import coalescing, divergence, latency, launch, occupancy, peak, stream
from hwbench.benches.dsp.dot import dot
from hwbench.benches.offload import breakeven
from hwbench.benches.peak import fma
from hwbench.benches.stream import stream as cpu_stream
from hwbench.benches.transfer import copy
from hwbench.kernels import cuda
from hwbench.kernels import opencl as sources
from hwbench.measurement.verify_output import mismatch
from hwbench.record.model import Gpu, Record
from made_up.stability_records import run_of

CPU = Gpu(name="pthread (this CPU)", state={"this_cpu": True})
CARD = Gpu(name="gfx1100", state={"this_cpu": False})
VALUES = {
    "device.stream": [
        {"kernel": kernel, "size": size} for kernel in ("copy", "triad", "read", "write") for size in ("HBM", "192KiB")
    ],
    "device.peak": [
        {"dtype": kind, "chains": chains} for kind, chains in (("f4", 1), ("f4", 8), ("f8", 2), ("f2", 4), ("i4", 4))
    ],
    "device.occupancy": [
        {"work": "fma", "threads": 64, "chains": 2}, {"work": "fma", "threads": 32, "chains": 8},
        {"work": "copy", "threads": 64, "chains": 2}, {"work": "copy", "threads": 96, "chains": 8},
    ],
    "device.latency": [{"size": "16KiB"}, {"size": "2MiB"}],
    "device.launch": [{}],
    "transfer.copy": [
        {"direction": way, "memory": kind, "size": "16KiB"}
        for way in ("h2d", "d2h")
        for kind in ("pinned", "pageable", "mapped")
    ],
    "vectorize.add": [{"n": 1}, {"n": 1000}],
    "offload.breakeven": [
        {"work": work, "n": n} for work in ("add", "sum", "matmul", "fft") for n in (1024, 4**7)
    ],
    "device.coalescing": [{"n": 4096}],
    "device.divergence": [{"paths": 1}, {"paths": 32}],
    "dsp.dot": [{"size": "192KiB", "dtype": "f8"}, {"size": "1000", "dtype": "f4"}, {"size": "16", "dtype": "f4"}],
}  # fmt: skip


def record(bench, variant, seconds, params, device="opencl:0", counts=None, **facts):
    """A record with ten equal samples."""
    return Record(
        bench=bench.name, version=bench.version, variant=variant, device=device, params=params, status="ok", loops=1,
        samples=[seconds] * 10, counts=counts or {}, facts=facts,
    )  # fmt: skip


def told(bench, *records, devices=(CPU,), beside=()):
    """The finding of a bench."""
    run = run_of([*records])
    benches = {one.name: one.info for one in (bench, *beside)}
    machine = msgspec.structs.replace(run.machine, opencl=[*devices])
    run = msgspec.structs.replace(run, machine=machine, benches=benches)
    return list(bench.ask("finding", {}, (BenchResults(bench, run),)))


def test_every_bench_with_opencl_is_tested_here():
    """And none of a CPU's figures comes of one: records have the device's name."""
    with_opencl = {name for name, bench in catalog.benches().items() if "opencl" in bench.kinds}
    assert with_opencl == set(VALUES)


@pytest.mark.parametrize("name", VALUES)
def test_every_variant_gives_the_answer(name):
    """In the sizes that tests have; a second call, timed, gives it too, or goes on where the first ended."""
    device, bench = opencl_device(), catalog.benches()[name]
    for params in VALUES[name]:
        for variant in (one for one in bench.variants.values() if one.on == "opencl"):
            try:
                work, counts, output, wanted = answer(device, bench, variant.name, **params)
            except Skip as skip:
                assert "needs halves" in str(skip) or "needs doubles" in str(skip), skip
                continue
            values = {**device.resolve(params), "device": device}
            reason = mismatch(output, wanted, values, counts.get("flops", 0.0), bench.tolerance)
            assert not reason, f"{name}/{variant.name} {params}: {reason}"
            assert device.time(work, 2) > 0
            assert counts
            assert work.facts["timed_by"] in ("host", "events", "events of this CPU")


@pytest.mark.parametrize(
    ("name", "params", "kernels"),
    [
        ("device.stream", {"kernel": "copy", "size": "HBM"}, ["copy"]),
        ("device.latency", {"size": "16KiB"}, ["warm", "chase"]),
    ],
)
def test_a_sample_launches_what_it_says(monkeypatch, name, params, kernels):
    """All groups that the device takes at once; the ring is warm before each walk."""
    device, bench, called = opencl_device(), catalog.benches()[name], []
    launcher = type(device).launcher

    def spy(self, topic, kernel, groups, *more):
        launch = launcher(self, topic, kernel, groups, *more)

        def launched(*given):
            called.append((kernel, groups))
            return launch(*given)

        return launched

    monkeypatch.setattr(type(device), "launcher", spy)
    variant = next(one.name for one in bench.variants.values() if one.on == "opencl")
    work, *_ = answer(device, bench, variant, **params)
    called.clear()
    device.time(work, 1)
    assert [kernel for kernel, _ in called] == kernels
    if "groups" in work.facts:
        assert called[0][1] == work.facts["groups"] == device.groups


def as_a_gpu(group):
    """The device with groups of so many work-items, as a GPU has them."""
    device = opencl_device()
    about = msgspec.structs.replace(device.about, type="GPU", group=group, widths={})
    device = type(device)(0, about)
    device._sizes.update(SMALL)
    return device


def right(device, bench, variant, **params):
    """Whether a variant's answer is right on a device."""
    work, counts, output, wanted = answer(device, bench, variant, **params)
    values = {**device.resolve(params), "device": device}
    return work, not mismatch(output, wanted, values, counts.get("flops", 0.0), bench.tolerance)


@pytest.mark.parametrize("group", [1, 48])
def test_dot_products_are_taken_part_by_part_and_by_groups_of_any_size(monkeypatch, group):
    """The part whose turn it is, which is what is counted; a group's sum takes all its work-items."""
    monkeypatch.setattr(_partitions, "PART", 1 << 14)
    given = {"size": "64KiB", "dtype": "f8"}
    work, good = right(as_a_gpu(group), dot, "opencl", **given)
    assert (good, work.facts["parts"]) == (True, 5)
    monkeypatch.setattr(_partitions.Partitions, "take", lambda self: 0)
    assert not right(as_a_gpu(group), dot, "opencl", **given)[1]


def test_a_dot_product_by_opencl_stands_beside_the_cpus_own_reads():
    """GFLOP/s, the bytes read, and what it gets of the CPU's own bandwidth where the device is that CPU."""
    at = {"size": "HBM", "dtype": "f8"}
    ours = record(dot, "opencl", 0.04, at, counts={"flops": 1e8, "bytes": 1e9})
    own = record(
        cpu_stream.load_bench, "simd", 0.02, {"size": "DRAM", "dtype": "f8", "threads": "all", "pages": "4K"}, "cpu",
        {"bytes": 1e9}, threads=2, footprint=2**30,
    )  # fmt: skip
    head = "Dot product (float64) by OpenCL of data in the memory of"
    assert told(dot, ours, own, beside=[cpu_stream.load_bench]) == [
        f"{head} pthread (this CPU), opencl:0: 2.50 GFLOP/s, 25.0 GB/s read; 50% of this CPU's own read from memory "
        "(50.0 GB/s on 2 threads)."
    ]
    assert told(dot, ours, devices=[CARD]) == [f"{head} gfx1100, opencl:0: 2.50 GFLOP/s, 25.0 GB/s read."]


@pytest.mark.parametrize(("work", "n"), [("matmul", 36), ("fft", 2048)])
def test_work_that_the_kernels_do_not_take_is_a_skip(work, n):
    """Sides that are no whole number of blocks, and lengths that are no power of 4."""
    with pytest.raises(Skip, match=r"takes (sides that are multiples of 8 and \d+, not 6|powers of 4, not 2048)"):
        answer(opencl_device(), breakeven.bench, "opencl", work=work, n=n)


def test_each_device_has_its_own_break_even():
    """Against the fastest variant of the CPU; the way there and back, and without."""
    records = []
    for n in (1024, 65536):
        at, flops = {"work": "add", "n": n}, {"flops": float(n)}
        records.append(record(breakeven.bench, "numpy", n * 1e-9, at, "cpu", flops))
        records.append(record(breakeven.bench, "opencl", 1.0, at, "opencl:0", flops))
        records.append(record(breakeven.bench, "opencl", n * 1e-10, at, "opencl:1", flops))
        records.append(record(breakeven.bench, "opencl-resident", n * 1e-11, at, "opencl:1", flops))
    told_of = told(breakeven.bench, *records, devices=[CPU, CARD])
    assert [one.replace("against the fastest CPU variant, ", "") for one in told_of] == [
        "OpenCL on pthread (this CPU), opencl:0, transfers included: adding two arrays not faster up to "
        "n = 65\u202f536.",
        "OpenCL on gfx1100, opencl:1, transfers included: adding two arrays faster at every n from 1024.",
        "OpenCL on gfx1100, opencl:1, data already on the device: adding two arrays faster at every n from 1024.",
    ]


def test_strides_and_random_reads_are_told_of_each_device():
    """Against contiguous reads; reads by an index against those in order."""
    seconds = {"contiguous": 1, "stride-2": 2, "stride-32": 8, "misaligned": 1, "indexed": 2, "gather": 12}
    records = [
        record(coalescing.bench, f"opencl-{name}", 1e-3 * s, {"n": 4096}, counts={"bytes": 1e6})
        for name, s in seconds.items()
    ]
    assert told(coalescing.bench, *records) == [
        "Reads by OpenCL on pthread (this CPU), opencl:0, against contiguous ones: 2.00× slower (stride 2), 8.00× "
        "slower (stride 32), no difference (one element off a cache line) and 6.00× slower (an index in random order "
        "against one in order)."
    ]


def test_divergence_is_told_of_each_device():
    """At the most paths that were measured; and the paths are those of the kernel in CUDA C++."""
    records = [
        record(divergence.bench, f"opencl-{name}", seconds, {"paths": paths}, counts={"items": 1e6})
        for name, paths, seconds in (("uniform", 8, 1e-3), ("divergent", 8, 5e-3), ("divergent", 1, 1e-3))
    ]
    assert told(divergence.bench, *records) == [
        "Neighbouring work-items on 8 paths, by OpenCL on pthread (this CPU), opencl:0, are 5.00× slower than 64 "
        "neighbours on one path."
    ]
    ways = [re.findall(r"WAY\(\d+, 0x[0-9a-f]{4}\)", one.source("device.divergence")) for one in (sources, cuda)]
    assert ways[0] == ways[1]


def test_more_chains_than_the_kernels_have_are_refused():
    """As by the kernels of a GPU; and threads that are no whole number of groups."""
    for bench, more in ((peak.peak, {"dtype": "f4"}), (occupancy.bench, {"work": "fma", "threads": 64})):
        with pytest.raises(Skip, match="the kernels have 1, 2, 4 or 8 chains, not 3"):
            answer(opencl_device(), bench, "opencl", chains=3, **more)
    with pytest.raises(Skip, match=r"65 threads are no whole number of groups of \d+"):
        answer(as_a_gpu(64), occupancy.bench, "opencl", work="copy", threads=65, chains=1)


@pytest.mark.parametrize("work", ["fma", "copy"])
def test_threads_are_work_items_of_a_gpu_and_lanes_of_a_cpu(work):
    """A GPU has groups of 128 at most; the loads or chains in flight are those that were asked for."""
    made, good = right(as_a_gpu(256), occupancy.bench, "opencl", work=work, threads=256, chains=2)
    assert (good, made.facts["group"], made.facts["groups"]) == (True, 128, 2)
    device = opencl_device()
    lanes = device.width("f4")
    made, good = right(device, occupancy.bench, "opencl", work=work, threads=256, chains=1)
    assert (good, made.facts["group"]) == (True, 1)
    each = lanes if work == "fma" else max(4, lanes) // 4
    assert (made.facts["groups"], made.facts["item_threads"]) == (256 // each, each)


def test_each_device_has_its_own_occupancy():
    """The rates of one say nothing of another's; neither does CUDA's of the same numbers of threads."""
    records = []
    for device, variant, most in (("opencl:0", "opencl", 64), ("opencl:1", "opencl", 8192), ("gpu:0", "kernel", 512)):
        for threads in (32, 64, 512, 2048, 8192):
            at = {"work": "fma", "threads": threads, "chains": 4}
            records.append(
                record(occupancy.bench, variant, 1e-3, at, device, {"flops": 1e6 * min(threads, most)}, resident=None)
            )
    assert told(occupancy.bench, *records, devices=[CPU, CARD]) == [
        "90% of the best multiply-add rate by OpenCL on pthread (this CPU), opencl:0 takes 56 threads with 4 chains "
        "each.",
        "32 threads reach 50% of the best multiply-add rate with 4 chains per thread by OpenCL on pthread (this CPU), "
        "opencl:0.",
        "90% of the best multiply-add rate by OpenCL on gfx1100, opencl:1 takes 6810 threads with 4 chains each.",
        "32 threads reach 0.39% of the best multiply-add rate with 4 chains per thread by OpenCL on gfx1100, opencl:1.",
        "90% of the best multiply-add rate takes 404 threads with 4 chains each.",
        "A single warp reaches 6.2% of the best multiply-add rate with 4 chains per thread.",
    ]


def test_multiply_adds_of_whole_numbers_are_told_in_operations():
    """Beside those of floats, which they are no limit of."""
    of_floats = record(peak.peak, "opencl", 0.01, {"dtype": "f4", "chains": 8}, counts={"flops": 1e9}, width=16)
    whole = record(peak.peak, "opencl", 0.01, {"dtype": "i4", "chains": 4}, counts={"ops": 5e8}, width=16)
    head = "Multiply-adds by OpenCL on gfx1100, opencl:0: 100 GFLOP/s in float32 (8 chains of vectors of 16)"
    assert told(peak.peak, of_floats, whole, devices=[CARD]) == [
        f"{head} and 50.0 GOP/s in int32 (4 chains of vectors of 16)."
    ]
    cuda_whole = record(peak.peak, "fma", 1e-6, {"dtype": "i4", "chains": 8}, "gpu:0", {"ops": 3e7})
    assert told(peak.peak, cuda_whole) == ["Multiply-adds of int32 from registers: 30.0 TOP/s."]


def test_a_device_that_is_this_cpu_stands_beside_the_cpus_own_peak():
    """Its name says what it is, and its rate is a share of the CPU's own, on the threads of that."""
    flops = {"flops": 1e9}
    ours = record(peak.peak, "opencl", 0.01, {"dtype": "f4", "chains": 8}, counts=flops, width=16)
    slower = record(peak.peak, "opencl", 0.02, {"dtype": "f4", "chains": 1}, counts=flops, width=16)
    own = record(fma.bench, "512", 0.008, {"dtype": "f4", "threads": "all", "chains": 12}, "cpu", flops, threads=2)
    [said] = told(peak.peak, ours, slower, own, beside=[fma.bench])
    assert said == (
        "Multiply-adds by OpenCL on pthread (this CPU), opencl:0: 100 GFLOP/s in float32 (8 chains of vectors of 16); "
        "80% of this CPU's own fma in float32 (125 GFLOP/s on 2 threads)."
    )
    [faster] = told(peak.peak, ours, msgspec.structs.replace(own, samples=[0.02] * 9 + [0.005]), beside=[fma.bench])
    assert faster.endswith(
        "; 2.00× this CPU's own fma in float32 (50.0 GFLOP/s on 2 threads)."
    )  # medians, as elsewhere
    [alone] = told(peak.peak, ours, own, devices=[CARD], beside=[fma.bench])
    assert alone.endswith("on gfx1100, opencl:0: 100 GFLOP/s in float32 (8 chains of vectors of 16).")


def test_stores_that_opencl_has_not_are_the_reason_that_is_given():
    """The CPU's own best copy from memory goes past the caches."""
    moved, at = {"bytes": 1e9}, {"size": "DRAM", "dtype": "f8", "threads": "all", "pages": "4K"}
    ours = record(stream.bench, "opencl64", 0.04, {"kernel": "copy", "size": "HBM"}, counts=moved, access=64)
    own = record(cpu_stream.copy_bench, "simd-nt", 0.02, at, "cpu", moved, threads=2, footprint=2**30)
    [said] = told(stream.bench, ours, own, beside=[cpu_stream.copy_bench])
    assert said.endswith(
        "; 50% of this CPU's own copy from memory (50.0 GB/s on 2 threads), which has non-temporal stores, as OpenCL C "
        "has not."
    )


def test_each_device_has_its_own_sentence():
    """Of memory, latency and launches."""
    moved = {"bytes": 1e9}
    records = [
        record(stream.bench, f"opencl{width}", seconds, {"kernel": "copy", "size": "HBM"}, device, moved, access=width)
        for device, width, seconds in (("opencl:0", 4, 0.1), ("opencl:0", 64, 0.05), ("opencl:1", 16, 0.002))
    ]
    assert told(stream.bench, *records, devices=[CPU, CARD]) == [
        "Memory bandwidth by OpenCL on pthread (this CPU), opencl:0: copy 20.0 GB/s (accesses of 64 bytes).",
        "Memory bandwidth by OpenCL on gfx1100, opencl:1: copy 500 GB/s (accesses of 16 bytes).",
    ]
    near = record(latency.bench, "opencl", 1e-5, {"size": "16KiB"}, counts={"hops": 1e4})
    assert told(latency.bench, near) == [
        "Latency of a dependent load by OpenCL on pthread (this CPU), opencl:0 (1 work-item): 1.00 ns from 16 KiB."
    ]
    queued = record(launch.launch_bench, "opencl", 1e-4, {}, counts={"calls": 100})
    waited = record(launch.launch_bench, "opencl-sync", 1e-3, {}, counts={"calls": 100})
    assert told(launch.launch_bench, waited, queued) == [
        "Cost of an empty kernel by OpenCL on pthread (this CPU), opencl:0: 1.00 µs queued and 10.0 µs with a wait "
        "after each launch."
    ]


def test_copies_within_memory_are_told_as_such():
    """A device that is this CPU has no link; the fastest of each direction counts."""
    params = {"direction": "h2d", "memory": "pageable", "size": "1MiB"}
    slow = record(copy.copy_bench, "opencl", 0.1, params, counts={"bytes": 1e6})
    fast = record(copy.copy_bench, "opencl", 0.001, {**params, "memory": "mapped"}, counts={"bytes": 1e6})
    told_of_cpu, told_of_card = (told(copy.copy_bench, slow, fast, devices=[one]) for one in (CPU, CARD))
    rate = "1.00 GB/s to it (mapped memory, 977 KiB)."
    assert told_of_cpu == [
        "Fastest copies by OpenCL on pthread (this CPU), opencl:0, which has no link: they stay within this machine's "
        f"memory: {rate}"
    ]
    assert told_of_card == [f"Fastest copies by OpenCL on gfx1100, opencl:0: {rate}"]


@pytest.mark.parametrize(
    "params", [{"direction": "both", "memory": "pinned"}, {"direction": "h2d", "memory": "managed"}]
)
def test_copies_that_opencl_has_not_are_skips(params):
    """Both ways at once, and memory that CUDA alone has."""
    with pytest.raises(Skip, match=r"two copies never run at once|has no managed host memory"):
        answer(opencl_device(), copy.copy_bench, "opencl", size="1KiB", **params)


def test_a_device_that_the_run_says_nothing_of_has_its_number():
    """Of an older file, say."""
    results = BenchResults(peak.peak, run_of([]))
    assert opencl.name(results, "opencl:3") == "opencl:3"
    assert opencl.rate(record(peak.peak, "opencl", 1.0, {}), "flops") == 0.0
    assert np.isfinite(opencl.each(record(peak.peak, "opencl", 1.0, {}, counts={"calls": 2.0}), "calls").value)
