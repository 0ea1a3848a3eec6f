"""What GPU benches say of made-up records, what they bound one another by, and what their counts are."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hwbench import catalog
from hwbench.analysis import limits, plausibility
from hwbench.analysis.findings import BenchResults, findings
from hwbench.benches.device import _formats, coalescing, divergence, matmul, occupancy, peak, stream
from hwbench.benches.device import latency as benches_device_latency
from hwbench.benches.offload import breakeven
from hwbench.benches.transfer import chunks, copy, overlap
from hwbench.record.model import Cpu, Machine, Memory, Record, Run
from inspection.answers import reading
from made_up.gpu_sample import gpu_run, without_gpu
from made_up.sample import sample_run

GPU = "gpu:0"
L2 = 50 * 2**20
BENCHES = [bench for bench in catalog.benches().values() if "gpu" in bench.kinds]


def record(bench: str, variant: str, params: Mapping[str, Any], seconds: float, **more: Any) -> Record:
    """A record with ten samples around `seconds`."""
    samples = [seconds * (1 + 0.001 * (i % 3 - 1)) for i in range(10)]
    given = {"device": GPU, "version": 1, "status": "ok", "loops": 1, "samples": samples} | more
    return Record(bench=bench, variant=variant, params=dict(params), **given)


def said(bench: Any, *records: Record) -> list[str]:
    """What the bench says of these records."""
    box = Machine(
        name="box", cpu=Cpu(model="Made Up", arch="x86_64", logical=4, physical=4), memory=Memory(total=2**34)
    )
    run = Run(id="box-1", started="2026-01-01T00:00:00Z", machine=box, records=list(records))
    return list(bench.hooks["finding"](BenchResults(bench, run)))


@pytest.mark.parametrize("bench", BENCHES, ids=lambda bench: bench.name)
def test_without_records_nothing_is_said(bench):
    """Where nothing was measured there is no sentence, and no error."""
    assert list(bench.hooks["finding"](reading(bench, [], {}))) == []


@pytest.mark.parametrize("bench", BENCHES, ids=lambda bench: bench.name)
def test_a_skipped_case_is_no_figure(bench):
    """Where there is no GPU each case is skipped, and nothing is said of it."""
    params = {axis: values[0] for axis, values in bench.axes.items()}
    skipped = record(bench.name, bench.baseline, params, 1.0, status="skipped", samples=[], device="gpu")
    assert said(bench, skipped) == []


def copies(variant: str, direction: str, memory: str, latency: float, bandwidth: float) -> list[Record]:
    sizes = {"64KiB": 2**16, "1MiB": 2**20, "16MiB": 2**24, "256MiB": 2**28}
    ways = 1 + (direction == "both")
    return [
        record("transfer.copy", variant, {"direction": direction, "memory": memory, "size": label},
               latency + size / bandwidth, counts={"bytes": ways * size, "calls": 1})
        for label, size in sizes.items()
    ]  # fmt: skip


def test_transfers_tell_latency_bandwidth_and_the_remedy():
    """A link of 8 µs and 50 GB/s is told as such, with the half-bandwidth size and how Python gets what it lacks."""
    records = [
        *copies("raw", "h2d", "pinned", 8e-6, 50e9),
        *copies("raw", "both", "pinned", 8e-6, 40e9),
        *copies("cupy", "h2d", "pageable", 20e-6, 10e9),
        *copies("raw", "h2d", "mapped", 5e-6, 25e9),
    ]
    first, both, remedy, mapped = said(copy.copy_bench, *records)
    assert first.startswith("Copies to the GPU reach 49.9 GB/s from pinned memory; each costs 8 µs (")
    assert "391 KiB at once" in first
    assert both == "Both ways at once the link moves 79.9 GB/s, 1.60× what it moves one way."
    assert remedy.startswith("An ordinary array sent by cupy.asarray gets 20% of that (9.99 GB/s, 256MiB); keep ")
    assert mapped == "Mapped memory is read at 25 GB/s, 50% of pinned memory's."


def test_pieces_cost_their_slope():
    """Each piece of 5 µs is told, and how much longer many take than one."""
    records = [
        record("transfer.chunks", "each", {"direction": "h2d", "size": "64MiB", "pieces": pieces}, 1e-3 + 5e-6 * pieces,
               counts={"bytes": 2**26, "calls": 1}, facts={"piece_bytes": 2**26 // pieces})
        for pieces in (1, 64, 4096)
    ]  # fmt: skip
    cost, ratio = said(chunks.chunks_bench, *records)
    assert cost == "Each further piece of a copy costs 5 µs waited for."
    assert ratio.startswith("64 MiB in 4096 pieces of 16 KiB, each waited for, take 21.4× as long as in one (")


def overlapped(stage: str, streams: int, seconds: float) -> Record:
    return record("transfer.overlap", "pipeline", {"stage": stage, "streams": streams, "size": "64MiB"}, seconds)


def test_overlap_is_told_as_a_share_of_the_ideal():
    """Of 3 ms in turn, of which none can be shorter than 1, two streams at 2 ms have half."""
    parts = [overlapped(stage, 1, 1e-3) for stage in ("h2d", "kernel", "d2h")]
    [text] = said(overlap.overlap_bench, *parts, overlapped("all", 1, 3e-3), overlapped("all", 2, 2e-3))
    assert "on 2 streams is 1.50× as fast as in turn: 50% (" in text


def streamed(variant: str, kernel: str, size: str, footprint: int, rate: float, **more: Any) -> Record:
    facts = {"footprint": footprint, "l2_bytes": L2}
    counts = {"bytes": float(footprint)}
    return record("device.stream", variant, {"kernel": kernel, "size": size}, footprint / rate, counts=counts,
                  facts=facts, **more)  # fmt: skip


def test_streams_tell_memory_cache_and_python():
    """HBM's rate, what narrow accesses cost, CuPy's share, and the L2."""
    records = [
        streamed("bytes16", "copy", "HBM", 2**30, 3e12),
        streamed("bytes4", "copy", "HBM", 2**30, 2.5e12),
        streamed("cupy", "copy", "HBM", 2**30, 2.9e12),
        streamed("bytes16", "copy", "8MiB", 2**23, 6e12),
    ]
    assert said(stream.bench, *records) == [
        "On the device a kernel copies 3000 GB/s. The lecture's Titan X Pascal: 480 GB/s.",
        "With accesses of 4 bytes instead of 16 the copy takes 1.2× as long (1.2–1.2).",
        "CuPy's copy takes 1.03× as long as the kernel.",
        "What fits the L2 of 50 MiB is 2× as fast: the copy reaches 6000 GB/s at 8 MiB.",
    ]


def test_limits_of_a_gpu_are_its_own():
    """The link's and the device's best bound what is measured on the same GPU at the same level, and nothing else."""
    records = [
        streamed("bytes16", "triad", "HBM", 2**30, 3e12),
        streamed("bytes16", "triad", "8MiB", 2**23, 6e12),
        streamed("bytes16", "triad", "64MiB", 2**26, 4e12),  # between the levels: no limit
        *copies("raw", "h2d", "pinned", 8e-6, 50e9),
    ]
    found = limits.measured(records)
    assert {(x.kind, x.level, round(x.value, -9)) for x in found} == {
        ("gpu triad", "HBM", 3003e9), ("gpu triad", "L2", 6006e9), ("h2d", "", 50e9),
    }  # fmt: skip
    assert [x.name for x in found] == ["HBM triad of gpu:0", "L2 triad of gpu:0", "host to GPU of gpu:0"]
    cupy = record("vectorize.add", "cupy", {"n": 10**8}, 1e-3, counts={"bytes": 2.4e9},
                  facts={"footprint": 2.4e9, "l2_bytes": L2})  # fmt: skip
    bound = limits.limit_for(cupy, "triad", found, {})
    assert (bound.kind, bound.level) == ("gpu triad", "HBM")
    assert limits.share(cupy, bound, 1e-3) == pytest.approx(0.8, rel=0.01)
    on_cpu = record("vectorize.add", "numpy", {"n": 10**8}, 1e-3, device="cpu", counts={"bytes": 2.4e9},
                    facts={"footprint": 2.4e9})  # fmt: skip
    assert limits.limit_for(on_cpu, "triad", found, {"L1": 1, "DRAM": 2}) is None
    other = record("transfer.copy", "raw", {"direction": "h2d"}, 1.0, device="gpu:1", counts={"bytes": 1})
    assert limits.limit_for(other, "link", found, {}) is None


def test_a_chunked_copy_beyond_the_link_cannot_be_true():
    """Faster than the best copy of the same direction: refused."""
    fast = record("transfer.chunks", "once", {"direction": "h2d", "size": "64MiB", "pieces": 1}, 2**26 / 80e9,
                  counts={"bytes": 2**26})  # fmt: skip
    records = [*copies("raw", "h2d", "pinned", 8e-6, 50e9), fast]
    [(index, reason)] = plausibility.impossible(records, {"transfer.chunks": "link"}, {}).items()
    assert index == 4
    assert "times the limit it should touch (host to GPU of gpu:0: 50" in reason


def diverged(variant: str, paths: int, seconds: float) -> Record:
    return record("device.divergence", variant, {"paths": paths}, seconds, counts={"items": 1e6})


def test_divergence_is_told_beside_the_cpus_misprediction():
    """Ways that are gone one after the other cost all of one each; half of shuffled branches are mispredicted."""
    ways = [diverged("divergent", paths, 1e-4 * paths) for paths in (1, 2, 32)]
    same = [diverged("uniform", paths, 1e-4) for paths in (1, 2, 32)]
    cpu = [
        record("branch.prediction", name, {"share": share, "n": n}, 1e-9 * n * each, device="cpu", counts={"items": n})
        # A predictor knows a thousand branches by heart, and half of as many as it can't are guessed wrongly.
        for name, share, n, each in (
            ("sorted", 0.5, 1000, 1.0), ("shuffled", 0.5, 1000, 1.1), ("sorted", 0.1, 10**5, 1.0),
            ("shuffled", 0.1, 10**5, 1.6), ("sorted", 0.5, 10**5, 1.0), ("shuffled", 0.5, 10**5, 4.0),
        )
    ]  # fmt: skip
    gpu, guess = said(divergence.bench, *ways, *same, *cpu)
    assert gpu.startswith("A warp whose threads go 32 ways takes 32× as long as warps that each go one (32–32")
    assert gpu.endswith("each further way costs 100% of going one.")
    assert guess == "On this machine's CPU a mispredicted branch costs 5.99 ns, and a predicted one nothing."


def test_a_product_is_told_at_its_largest_n():
    """The rate is that of the largest matrices, whatever was measured first; what smaller ones reach stands beside."""
    records = [
        record("device.matmul", "cublas", {"precision": "bf16", "n": n}, 2 * n**3 / rate, counts={"flops": 2.0 * n**3})
        for n, rate in ((1024, 200e12), (8192, 800e12), (2048, 400e12))
    ]
    assert said(matmul.matmul, *records) == [
        "A product of large matrices reaches 800 TFLOP/s in bf16.",
        "In bf16 shorter matrices reach, of the rate at n = 8192, 25% at n = 1024, 50% at n = 2048.",
    ]


def test_random_order_is_told_against_an_index_in_order():
    """Both read four bytes of index an element, which side by side without an index nobody does."""
    times = {"contiguous": 1.0, "indexed": 1.5, "gather": 6.0}
    told = said(coalescing.bench, *(record("device.coalescing", name, {"n": 2**24}, s) for name, s in times.items()))
    assert told == ["Reading by an index in random order takes 4× as long as by one in order (4–4)."]


def test_a_load_is_told_beside_the_hosts_in_random_order():
    """What prefetchers guessed is no latency, and small pages are not told where there are huge ones."""
    far = record("device.latency", "l2", {"size": "HBM"}, 600e-9, counts={"hops": 1}, facts={"cycles_per_hop": 900})
    host = [
        record("latency.chase", "follow", {"size": size, "pages": pages, "order": order}, ns * 1e-9, device="cpu",
               counts={"hops": 1})
        for size, pages, order, ns in (
            ("DRAM", "4K", "page-local", 20), ("L3", "huge", "random", 10), ("DRAM", "4K", "random", 150),
            ("DRAM", "huge", "random", 100),
        )
    ]  # fmt: skip
    *_, told = said(benches_device_latency.bench, far, *host)
    assert told.startswith("The CPU's own memory answers in 100 ns: a GPU waits 6× as long for one load")
    *_, told = said(benches_device_latency.bench, far, *(one for one in host if one.params["pages"] == "4K"))
    assert told.startswith("The CPU's own memory answers in 150 ns: a GPU waits 4× as long for one load")
    assert len(said(benches_device_latency.bench, far, *host[:2])) == 1


def test_each_way_of_the_kernel_is_another():
    """The ways' bits are read from the source itself: 32, no two alike, so that no compiler can make one of two."""
    ways = divergence.ways()
    assert len(ways) == len(set(ways)) == 32
    assert all(0 < bits < 2**16 for bits in ways)


def test_occupancy_tells_the_threads_that_saturate():
    """Where the rate grows with the threads up to 10⁴, more are needed with one chain than with four."""
    rows = [
        record("device.occupancy", "kernel", {"work": "fma", "threads": threads, "chains": chains},
               threads * chains / min(1e4, threads * chains), counts={"flops": threads * chains},
               facts={"resident": 270336})
        for threads in (32, 128, 512, 2048, 8192, 32768) for chains in (1, 4)
    ]  # fmt: skip
    text, single = said(occupancy.bench, *rows)
    assert text.startswith("To compute at 90% of the best rate takes 15 200 threads with one chain each, 3 800 with 4;")
    assert text.endswith("the card holds 270 300 at a time.")
    assert single == "A single warp gets 0.32% of what all together do when they compute."


def test_peaks_are_told_by_precision():
    """Rates of each precision, and what one chain gets."""
    rows = [
        record("device.peak", "fma", {"dtype": dtype, "chains": chains}, 1.0, counts={"flops": rate})
        for dtype, chains, rate in (("f4", 8, 60e12), ("f4", 1, 30e12), ("f8", 8, 30e12))
    ]
    first, second = said(peak.peak, *rows)
    assert first.startswith("Fused multiply-adds reach 60 TFLOP/s in single, 30 TFLOP/s in double precision.")
    assert second.startswith("One chain a thread reaches 50% of what eight do")


def test_break_even_takes_the_best_of_the_cpu():
    """The GPU has to beat whichever CPU variant is the faster one at each size."""
    rows = []
    for n in (4**5, 4**6, 4**7, 4**8):
        for variant, device, seconds in (
            ("numpy", "cpu", 1e-9 * n), ("parallel", "cpu", 4e-6 + 0.25e-9 * n), ("cupy", GPU, 1e-3 + 1e-9 * n),
            ("resident", GPU, 1e-5 + 1e-12 * n),
        ):  # fmt: skip
            rows.append(record("offload.breakeven", variant, {"work": "add", "n": n}, seconds, device=device))
    [text] = said(breakeven.bench, *rows)
    assert text.startswith("For adding two arrays the GPU never wins with the way there and back, and wins from n ≈ 2")


def test_break_even_says_what_the_cpu_has_where_there_is_no_gpu():
    """Without a GPU the sentence is about all CPUs against NumPy."""
    rows = [
        record("offload.breakeven", variant, {"work": "sum", "n": 4**10}, seconds, device="cpu")
        for variant, seconds in (("numpy", 4e-4), ("parallel", 2e-4))
    ]
    [text] = said(breakeven.bench, *rows)
    assert text == "On the CPU alone, for summing an array of n = 1 000 000 all threads are 2× as fast as NumPy (2–2)."
    rows[1] = record("offload.breakeven", "parallel", {"work": "sum", "n": 4**10}, 8e-4, device="cpu")
    [text] = said(breakeven.bench, *rows)
    assert text.endswith("all threads are 2× as slow as NumPy (2–2).")


@pytest.mark.parametrize(
    ("bench", "values", "counts"),
    [
        ("transfer.copy", {"size": 100, "direction": "h2d"}, {"bytes": 100, "calls": 1}),
        ("transfer.copy", {"size": 100, "direction": "both"}, {"bytes": 200, "calls": 1}),
        ("device.stream", {"size": 2**30, "kernel": "copy"}, {"bytes": 2**30, "flops": 0}),
        ("device.stream", {"size": 2**20, "kernel": "copy"}, {"bytes": 2**29, "flops": 0}),
        ("device.stream", {"size": 2**20, "kernel": "copy", "variant": "cupy"}, {"bytes": 2**20, "flops": 0}),
        ("device.stream", {"size": 2**20, "kernel": "triad"}, {"bytes": 520 * 63 * 2**14, "flops": 520 * 42 * 2**12}),
        ("device.sync", {"block": 64}, {"calls": 16384}),
        ("device.sync", {"block": 64, "variant": "grid"}, {"calls": 256}),
        ("device.occupancy", {"work": "fma", "threads": 32, "chains": 2}, {"flops": 32 * 2 * 2049 * 64}),
        ("device.occupancy", {"work": "fma", "threads": 2**21, "chains": 2}, {"flops": 2 * 2 * 2049 * 2**22}),
        ("device.occupancy", {"work": "copy", "threads": 32, "chains": 2}, {"bytes": 2 * 32 * 65536}),
        ("device.matmul", {"n": 10}, {"flops": 2000, "items": 100}),
        ("offload.breakeven", {"work": "fft", "n": 1024}, {"items": 1024, "flops": 51200, "bytes": 16384}),
    ],
)
def test_counts(bench, values, counts):
    """Bytes as STREAM counts them, two operations for a multiply-add, both directions of a link."""
    made = catalog.benches()[bench]
    given = {"device": SimpleNamespace(properties=SimpleNamespace(l2=L2)), "variant": made.baseline}
    assert made.count(given | values) == counts


@pytest.mark.parametrize("precision", ["f8", "f4", "tf32", "f16", "bf16", "fp8"])
def test_what_units_are_timed_on_uses_all_their_bits(precision):
    """Numbers are finite and below 2, as often negative as not, and each bit of a mantissa is set in half of them."""
    found = _formats.noise(np.random.default_rng(3), 4096, precision)
    bits, mantissa = {"f8": (64, 52), "f16": (16, 10), "bf16": (16, 7), "fp8": (8, 3)}.get(precision, (32, 23))
    assert found.nbytes == 4096 * bits // 8
    words = found.view(f"u{bits // 8}").astype(np.uint64)
    exponents = words >> np.uint64(mantissa) & np.uint64(2 ** (bits - 1 - mantissa) - 1)
    assert exponents.max() <= (7 if precision == "fp8" else 2 ** (bits - 2 - mantissa) - 1)  # below 2
    for bit in (*range(mantissa), bits - 1):
        assert 0.45 < (words >> np.uint64(bit) & np.uint64(1)).mean() < 0.55


def test_only_two_gpu_benches_are_quick():
    """The quick set of 30 seconds has a copy across the link and the device's own bandwidth."""
    assert {bench.name for bench in BENCHES if bench.core} == {"transfer.copy", "device.stream", "vectorize.add"}


def test_numbers_of_the_kernels_round_nothing():
    """What a chain adds in all its pairs is exact in every precision, and stays below 1."""
    from hwbench.benches import _gpu

    for dtype in (np.float16, np.float32, np.float64):
        x = _gpu.starts(np.random.default_rng(1), 500, dtype)
        up, b, down, e = (dtype(value) for value in (_gpu.UP, _gpu.B, _gpu.DOWN, _gpu.E))
        end = x.copy()
        for _ in range(2):
            end = end + dtype(_gpu.BACK)
            for _ in range(_gpu.PAIRS):
                end = end * up + b
                end = end * down + e
            assert end.max() < 1
        assert end.dtype == dtype
        assert (end == x + dtype(2 * _gpu.STEP)).all()


def test_findings_of_the_lectures_systems_name_a_gpu_only_where_one_was_measured():
    """What was skipped is no figure: a run that asked for a GPU in vain says what the CPU's says."""
    chosen = [bench for bench in catalog.benches().values() if bench.topic in ("dsp", "stability", "workload")]
    on_gpu, asked, without = (findings(run, chosen) for run in (gpu_run(), without_gpu(), sample_run()))
    assert asked == without
    for name in ("dsp.dot", "stability.gradients", "stability.initialization", "workload.house_prices"):
        assert any("GPU" in line for line in on_gpu[name])
        assert not any("GPU" in line or "cupy" in line for line in without.get(name, []))
