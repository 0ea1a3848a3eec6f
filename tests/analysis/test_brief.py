"""A bench's main figures in one line."""

from __future__ import annotations

import pytest

from doubles.scripted import record
from hwbench.analysis.brief import brief
from hwbench.analysis.reading import Reading
from hwbench.record.model import BenchInfo
from hwbench.record.reasons import Reason
from made_up.declared import described
from made_up.gpu_sample import gpu_run
from made_up.sample import sample_run


@pytest.fixture(scope="module")
def of():
    """What is said of a bench of a run with a GPU."""
    reading = Reading(gpu_run(suspect=False))

    def said(bench):
        return brief([r for r in reading.records if r.bench == bench], reading.benches[bench])

    return said


def test_bandwidth_is_of_the_level_furthest_out_by_threads(of):
    """Memory, one thread and all."""
    assert of("stream.load").startswith("DRAM ")
    assert of("stream.load").endswith(" GB/s on 1 / 4 threads")


def test_latency_is_told_for_each_level(of):
    """Levels in order; the unit once where it is the same."""
    said = of("latency.chase")
    assert [part.split(" ")[0] for part in said.split(", ")] == ["L1", "L2", "L3", "DRAM"]
    assert said.endswith(" ns")
    assert said.count("ns") == 1


def test_peaks_are_told_for_each_precision(of):
    """`FP64 … / …, FP32 … / … GFLOP/s on 1 / 4 threads`."""
    said = of("peak.fma")
    assert said.startswith("FP64 ")
    assert ", FP32 " in said
    assert said.endswith("FLOP/s on 1 / 4 threads")


def test_of_opencl_on_this_cpu_it_is_said():
    """No GPU is copied to, and its memory is no HBM; a contrast names it beside the variant."""
    at = {"kernel": "read", "size": "HBM"}
    info = BenchInfo("What?", "opencl4", measures="gpu {kernel}")
    own = {"this_cpu": True}
    read = record("opencl64", device="opencl:0", params=at, counts={"bytes": 1e9}, facts=own)
    assert brief([read], info).startswith("memory read ")
    assert brief([read], info).endswith(" GB/s by OpenCL on this CPU")
    way = {"direction": "h2d", "memory": "pinned"}
    sent = record("opencl", device="opencl:0", params=way, counts={"bytes": 1e9})
    assert brief([sent], BenchInfo("What?", "raw", measures="{direction}")).startswith("to the device ")
    slow = [record("numpy", (1.0,) * 5), record("opencl", (9.0,) * 5, device="opencl:0", facts=own)]
    assert brief(slow, BenchInfo("What?", "numpy")).startswith("opencl (this CPU) 9.00× slower than numpy")


def test_scaling_is_a_factor_for_each_work(of):
    """One thread over the most."""
    assert of("parallel.scaling").endswith("× on 4 threads")
    assert of("parallel.scaling").startswith("triad ")


def test_a_python_loop_is_told_at_the_most_elements(of):
    """Not where a call is all the time."""
    assert of("vectorize.add").startswith("loop ")
    assert of("vectorize.add").endswith("slower than numpy (n = 10⁶)")


INFO = BenchInfo("Which?", "slow")


def timed(variant, seconds, **more):
    """Three equal samples."""
    return record(variant, (seconds,) * 3, **{"counts": {"items": 10.0}, "params": {"n": 5}} | more)


def test_contrasts_are_told_by_the_variant_furthest_from_the_baseline():
    """With the values at which that was."""
    rows = [timed("slow", 8.0), timed("fast", 2.0), timed("faster", 1.0)]
    assert brief(rows, INFO) == "faster 8.00× faster than slow (n = 5)"


def test_a_noisy_ratio_has_its_interval():
    """It is paired by round, so that the medians of the two, which findings give, may have another ratio."""
    rows = [record("slow", (8.0, 8.0, 16.0, 8.0, 24.0)), record("fast", (1.0, 2.0, 1.0, 1.0, 2.0))]
    said = brief(rows, INFO)
    assert said.startswith("fast 8.0× faster (")
    assert said.endswith(") than slow")
    steady = [record("slow", (8.0, 8.1, 8.0)), record("fast", (1.0, 1.0, 1.0))]
    assert brief(steady, INFO) == "fast 8.00× faster than slow"


def test_of_levels_the_furthest_counts_in_contrasts():
    """A larger ratio in L1 is not what the bench is about."""
    rows = [
        timed(variant, seconds, params={"size": size})
        for size, times in (("L1", (9.0, 1.0)), ("DRAM", (3.0, 1.5)))
        for variant, seconds in zip(("slow", "fast"), times, strict=True)
    ]
    assert brief(rows, INFO) == "fast 2.00× faster than slow (DRAM)"


def test_without_a_contrast_the_best_rate_is_told_with_its_case():
    """A time per call has the values that say how large the call is."""
    assert brief([timed("slow", 8.0)], INFO) == "slow 800 ms (n = 5)"
    assert brief([timed("slow", 2e-6, counts={"calls": 1.0}, params={"n": 7})], INFO) == "slow 2.00 µs (n = 7)"


def test_counts_stand_before_what_they_count():
    """Axis values are words: 2 097 152 alone may be anything."""
    case = {"counts": {"flops": 6e13}, "params": {"work": "fma", "threads": 2**21, "chains": 8, "n": 64}}
    told = brief([timed("kernel", 1.0, **case)], INFO)
    assert told == "kernel 60.0 TFLOP/s (fma, 2\u202f097\u202f152 threads, 8 chains, n = 64)"


def test_a_doubtful_figure_is_marked():
    """By the mark of the summary."""
    rows = [timed("slow", 8.0, status="suspect", reasons=[Reason("steal")])]
    assert brief(rows, INFO) == "slow 800 ms~ (n = 5)"


def test_where_nothing_was_timed_there_is_nothing_to_say():
    """Skipped cases, cases without counts, none at all."""
    assert brief([], INFO) == ""
    assert brief([record("slow", (), status="skipped")], INFO) == ""
    assert brief([timed("slow", 8.0, counts={})], INFO) == ""


def test_every_bench_of_a_run_has_a_line():
    """One that is neither empty nor longer than a screen is wide."""
    reading = Reading(described(sample_run()))
    for bench in dict.fromkeys(r.bench for r in reading.records if r.timed):
        said = brief([r for r in reading.records if r.bench == bench], reading.benches[bench])
        assert 0 < len(said) < 110


def test_instructions_are_told_in_cycles():
    """By the additions beside them; what has none is left out, and a suspect one is marked."""
    info = BenchInfo("How many cycles?", "cycle", measures="instructions")
    place = {"bench": "instruction.table"}
    records = [
        record(variant, (seconds,) * 5, params={"operation": name}, **place)
        for name, variant, seconds in (
            ("add-f8", "cycle", 1e-6), ("add-f8", "latency", 3e-6), ("add-f8", "throughput", 5e-7),
            ("load", "cycle", 1e-6), ("load", "latency", 4e-6), ("swap", "latency", 9e-6),
        )
    ]  # fmt: skip
    assert brief(records, info) == "cycles: add-f8 3.00, load 4.00"


def test_integer_operations_are_told_by_the_best_rate():
    """The width is no other way to do one work: the fastest operation tells what the machine can."""
    info = BenchInfo("How many?", "scalar", measures="integer operations", leading="ops")
    records = [
        record(
            variant, (1e-3,) * 5, bench="peak.integer", params={"operation": name, "threads": 1}, counts={"ops": ops}
        )
        for name, variant, ops in (("add-int32", "scalar", 1e7), ("add-int32", "512", 1e8), ("dot-int8", "512", 5e8))
    ]
    assert brief(records, info) == "512-bit: 500 GOP/s (dot-int8, 1 thread)"


def test_a_sustained_load_is_told_with_its_clock():
    """What is kept up, not what it begins with; without facts the rate alone, and a suspect one is marked."""
    info = BenchInfo("What lasts?", "load", measures="sustained load", leading="flops")
    facts = {"settled_clock_hz": 3.7e9, "boost_call_s": 0.8, "seconds": 60}
    loaded = record("load", (1.0,) * 5, params={"seconds": 60}, counts={"flops": 1e11}, facts=facts)
    assert brief([loaded], info) == "100 GFLOP/s settled at 3.70 GHz, 125 in the first second (60 s)"
    bare = record("load", (1.0,) * 5, counts={"flops": 1e11}, status="suspect", reasons=[Reason("quota")])
    assert brief([bare], info) == "100~ GFLOP/s settled"
