"""STREAM: every element of every thread is checked, what is counted was moved, and what is said was measured."""

import itertools

import msgspec
import numba
import numpy as np
import pytest

from hwbench.bench import Skip
from hwbench.benches import _partitions
from hwbench.benches.stream import _arrays, _kernels, stream
from hwbench.devices import selection
from hwbench.devices.cpu import CpuDevice
from hwbench.kernels.compiling import compiled
from hwbench.kernels.simd import clobber, fence, fill, load, store, total, width
from hwbench.measurement import cases as measure_cases
from hwbench.measurement.verify_output import mismatch
from hwbench.record.reasons import because
from inspection.answers import reading
from inspection.told import STOLEN, doubt, said, spread

ROWS = (stream.LOAD, stream.STORE, stream.COPY, stream.SCALE_BY, stream.ADD, stream.TRIAD)
BENCHES = (
    stream.load_bench, stream.store_bench, stream.copy_bench, stream.scale_bench, stream.add_bench, stream.triad_bench,
)  # fmt: skip
SIZE = 9 * 1024 + 700  # not a multiple of anything


@pytest.fixture(scope="module")
def device():
    made = CpuDevice()
    yield made
    made.close()


def values_of(device, threads=1, dtype="f8", size=SIZE, pages="4K"):
    rng = np.random.default_rng(7)
    return {"device": device, "threads": threads, "dtype": np.dtype(dtype), "size": size, "pages": pages, "rng": rng}


def verdict(bench, variant, values):
    """What the check says of a variant after one call."""
    inputs = bench.make_inputs(values)
    work = bench.build(variant, values, inputs)
    try:
        output = work.call()
        output = output if work.output is None else work.output()
        return mismatch(output, bench.ask("reference", values, inputs), values, 1.0)
    finally:
        work.close()


def cases():
    for bench in BENCHES:
        for name in bench.variants:
            for dtype in ("f8", "f4"):
                for threads in (1, 2):
                    yield pytest.param(bench, name, dtype, threads, id=f"{bench.name}-{name}-{dtype}-{threads}")


@pytest.mark.parametrize(("bench", "variant", "dtype", "threads"), list(cases()))
def test_every_variant_gives_the_answer(device, bench, variant, dtype, threads):
    """Each variant gives exactly the reference answer, in both precisions, on one thread and two."""
    if threads > device.host.usable:
        pytest.skip("one CPU may be used")
    values = values_of(device, threads, dtype)
    if reason := bench.lacks(variant, values):
        pytest.skip(str(reason))
    assert verdict(bench, variant, values) == ""


# Kernels with one mistake each, in place of the right one.


@compiled
def first_block_only(r, a, b, c, nbytes, passes, gate=0):
    for _ in range(passes):
        store(a, load(r, b))
        clobber()
    fence()


@compiled
def shifted(r, a, b, c, nbytes, passes, gate=0):
    step = width(r)
    for _ in range(passes):
        i = 0
        while i + step < nbytes:
            store(a + i, load(r, b + i + step))
            i += step
        store(a + i, load(r, b))
        clobber()
    fence()


@compiled
def one_block_too_few(r, a, b, c, nbytes, passes, gate=0):
    sums = fill(r, 0)
    found = 0
    i = width(r)
    while i < nbytes:
        found += total(load(r, a + i))
        i += width(r)
    return found + total(sums)


@compiled
def nothing(r, a, b, c, nbytes, passes, gate=0):
    fence()


@pytest.mark.parametrize(
    ("bench", "kernel"),
    [
        (stream.copy_bench, first_block_only),
        (stream.copy_bench, shifted),
        (stream.copy_bench, nothing),
        (stream.store_bench, nothing),
        (stream.scale_bench, _kernels.simd_copy),
        (stream.add_bench, _kernels.simd_copy),
        (stream.add_bench, _kernels.simd_triad),
        (stream.triad_bench, _kernels.simd_copy),
        (stream.load_bench, one_block_too_few),
        (stream.load_bench, nothing),
    ],
)
def test_a_mistaken_kernel_is_caught(device, monkeypatch, bench, kernel):
    """A kernel that leaves out a block, the addition or everything, or moves blocks, does not pass the check."""
    row = ROWS[BENCHES.index(bench)]
    values = values_of(device)
    assert verdict(bench, "simd", values) == ""
    monkeypatch.setitem(row.__dict__, "simd", kernel)  # frozen, so past its own door
    assert "differs from the reference" in verdict(bench, "simd", values)


@pytest.mark.parametrize("bench", BENCHES)
def test_a_mistake_of_the_second_thread_is_caught(device, monkeypatch, bench):
    """The check sees each thread's output: it fails where the second thread alone does nothing."""
    if device.host.usable < 2:
        pytest.skip("one CPU may be used")
    values = values_of(device, threads=2)
    crew = device.crew(2)
    right = crew.work
    monkeypatch.setattr(crew, "work", lambda jobs, **rest: right([jobs[0], lambda loops, gate: None], **rest))
    assert "differs from the reference" in verdict(bench, "simd", values)


def test_load_counts_every_pass(device):
    """Each pass leaves something in the load kernels' sum, so that one left out would show."""
    words = np.random.default_rng(1).integers(-(2**62), 2**62, 128)
    memory = np.zeros(2048, np.uint8)
    start = -memory.ctypes.data % 64
    there = memory[start : start + 1024].view(np.int64)
    there[:] = words
    registers = stream.Registers("i8", 128, 8)
    assert _kernels.simd_load(registers, there.ctypes.data, 0, 0, 1024, 1) == there.sum()
    assert _kernels.simd_load(registers, there.ctypes.data, 0, 0, 1024, 5) == there.sum() + (there[-16:] * 4).sum()
    assert _kernels.simd_load_streams(registers, there.ctypes.data, 0, 0, 1024, 5) == (there * 5).sum()


@pytest.mark.parametrize("part", [10**6, 8000])
@pytest.mark.parametrize(("bench", "variant", "dtype", "threads"), list(cases()))
def test_answers_hold_where_data_repeats(device, monkeypatch, bench, variant, dtype, threads, part):
    """Arrays of several periods and a part of one give the reference answer, whole and in parts that take turns."""
    monkeypatch.setattr(stream, "PERIOD", 151)
    monkeypatch.setattr(_partitions, "PART", part)
    values = values_of(device, threads, dtype, size=60_000)
    if threads > device.host.usable or bench.lacks(variant, values):
        pytest.skip("see above")
    assert verdict(bench, variant, values) == ""


@pytest.mark.parametrize("variant", ["simd", "numba", "numpy"])
def test_a_call_goes_through_one_part(device, monkeypatch, variant):
    """A call of a copy in parts writes the part whose turn it is, of as many bytes as are counted."""
    monkeypatch.setattr(_partitions, "PART", 8000)
    values = values_of(device, size=60_000)
    inputs = stream.copy_bench.make_inputs(values)
    buffers = []
    make = device.buffer
    monkeypatch.setattr(device, "buffer", lambda *args, **more: buffers.append(make(*args, **more)) or buffers[-1])
    work = stream.copy_bench.build(variant, values, inputs)
    [buffer] = buffers
    counted = int(stream.copy_bench.count(values)["bytes"]) // 2
    target = buffer.array[: counted * 7].view(np.int64).reshape(7, -1)
    assert work.facts["parts"] == 7
    for turn in range(7):
        assert (target != -1).all(axis=1).tolist() == [part < turn for part in range(7)]
        work.call()
    assert (target != -1).all()
    work.close()


@pytest.mark.parametrize("bench", BENCHES[1:])
def test_non_temporal_stores_are_for_memory(device, bench):
    """The standard set has them at DRAM alone, in one contrast with the others; the full one at every level."""

    def sizes(preset):
        spread = selection.spread({"cpu": device})
        groups = measure_cases.groups([bench], preset=preset, devices={"cpu": "cpu"}, spread=spread)
        found = {one.cases[0].params["size"]: {case.variant for case in one.cases} for one in groups}
        return [size for size, variants in found.items() if {"simd", "simd-nt", "numba"} <= variants]

    assert sizes("standard") == ["DRAM"]
    assert sizes("full") == ["L1", "L2", "L3", "DRAM"]


@pytest.mark.parametrize("bench", BENCHES)
def test_variants_take_turns_on_the_same_arrays(device, monkeypatch, bench):
    """Pinned threads share memory, prange loops and NumPy share another; none finds another's answer in it."""
    monkeypatch.setattr(_partitions, "PART", 8000)
    values = values_of(device, size=60_000)
    inputs = bench.make_inputs(values)
    buffers = []
    make = device.buffer
    monkeypatch.setattr(device, "buffer", lambda *args, **more: buffers.append(make(*args, **more)) or buffers[-1])
    works = []
    for name in bench.variants:
        work = bench.build(name, values, inputs)
        if bench is not stream.load_bench:
            made = inputs[1].get(("loop" if name in ("numba", "numpy") else "crew", 1, "4K"), None)
            arrays = made if isinstance(made, _arrays.Arrays) else made[0]
            assert (arrays.words[0][: arrays.checked] == -1).all()
        output = work.call()
        output = output if work.output is None else work.output()
        assert mismatch(output, bench.ask("reference", values, inputs), values, 1.0) == ""
        works.append(work)
    assert len(buffers) == 2
    for work in works:
        work.close()


@pytest.mark.parametrize("row", [stream.COPY, stream.TRIAD])
@pytest.mark.parametrize("nbytes", [512, 4096, 7680, 2**20, 2**25])
def test_arrays_do_not_alias(row, nbytes):
    """Arrays lie apart, on lines of their own, and no two of them at the same distance from a 4 KiB boundary."""
    starts = _arrays.places(row, nbytes)
    assert all(b - a >= nbytes for a, b in itertools.pairwise(starts))
    assert all(start % 64 == 0 for start in starts)
    distances = [(b - a) % 4096 for i, a in enumerate(starts) for b in starts[i + 1 :]]
    assert all(1024 <= distance <= 3072 for distance in distances)


def test_size_is_the_footprint_of_all_arrays():
    """The arrays of one thread take at most `size` bytes together, and less than a block each below it."""
    for row in ROWS:
        for size in (4096, SIZE, 1_000_000):
            taken = row.arrays * _arrays.array_bytes(row, size)
            assert size - row.arrays * _arrays.GRANULE < taken <= size


def test_too_small_a_size_is_skipped():
    """A size that holds no block is refused with the numbers."""
    with pytest.raises(Skip, match="1000 bytes are too few: 3 arrays of at least 1024"):
        _arrays.array_bytes(stream.TRIAD, 1000)


def test_bytes_are_those_of_stream(device):
    """A copy counts two arrays and a triad three, for all threads."""
    values = values_of(device, threads=1, size=3 * 1024)
    expected = dict(zip(BENCHES, ((1, 0), (1, 0), (2, 0), (2, 128), (3, 128), (3, 256)), strict=True))
    for bench, (arrays, flops) in expected.items():
        nbytes = 3 * 1024 // arrays // 1024 * 1024
        assert bench.count(values) == {"bytes": arrays * nbytes, "flops": flops}
        assert bench.count(values | {"threads": 5})["bytes"] == 5 * arrays * nbytes
        work = bench.build("simd", values, bench.make_inputs(values))
        assert work.facts["elements"] == nbytes // 8
        work.close()


@pytest.mark.parametrize("parts", [1, 9])
def test_traffic_is_what_crosses_to_memory(device, monkeypatch, parts):
    """Plain stores read their lines first, NumPy's triad passes twice, and of its copy nobody can tell."""
    monkeypatch.setattr(stream, "in_memory", lambda device, size, threads: True)
    monkeypatch.setattr(_partitions, "PART", 2**12 if parts > 1 else 2**20)
    values = values_of(device, threads=1, size=9 * 4096)
    moved = {
        "load": (1, None, 1, 1), "store": (2, 1, 2, 2), "copy": (3, 2, 3, None),
        "scale": (3, 2, 3, 3), "add": (4, 3, 4, 4), "triad": (4, 3, 4, 6),
    }  # fmt: skip
    for bench in BENCHES:
        inputs = bench.make_inputs(values)
        call = bench.count(values)["bytes"]
        arrays = moved[bench.name.removeprefix("stream.")][0] - ("load" not in bench.name)
        for variant, factor in zip(("simd", "simd-nt", "numba", "numpy"), moved[bench.name[7:]], strict=True):
            if variant in bench.variants:
                work = bench.build(variant, values, inputs)
                assert work.facts["parts"] == parts
                assert work.past_caches == (variant == "simd-nt")
                assert work.facts.get("traffic_bytes") == (None if factor is None else factor * call // arrays)
                work.close()


def test_in_a_cache_no_traffic_is_told(device):
    """What lies in a cache does not cross to memory: only arrays of four times the last level have traffic."""
    cached = device.host.last_level_total()
    if cached is None:
        pytest.skip("this machine tells of no last-level cache")
    assert stream.in_memory(device, 4 * cached, 1)
    assert stream.in_memory(device, 2 * cached, 2)
    assert not stream.in_memory(device, 2 * cached, 1)
    values = values_of(device, threads=1)
    work = stream.copy_bench.build("simd", values, stream.copy_bench.make_inputs(values))
    assert "traffic_bytes" not in work.facts
    work.close()


def test_numba_threads_are_restored(device):
    """The prange variant takes as many of Numba's threads as asked for, and gives the setting back at the end."""
    before = numba.get_num_threads()
    values = values_of(device, threads=1)
    work = stream.copy_bench.build("numba", values, stream.copy_bench.make_inputs(values))
    assert numba.get_num_threads() == 1
    work.close()
    assert numba.get_num_threads() == before


def test_what_cannot_run_says_why():
    """NumPy has one thread, and Numba no more than it was started with."""
    assert str(stream.copy_bench.lacks("numpy", {"threads": 2})) == "NumPy runs on one thread"
    assert "NUMBA_NUM_THREADS" in str(stream.copy_bench.lacks("numba", {"threads": numba.config.NUMBA_NUM_THREADS + 1}))


def streamed(bench, rates, threads=2, traffic=None):
    """A reading of GB/s by variant, level and threads (1 or `all`, which are `threads`)."""
    rows = [
        (variant, {"size": size, "dtype": "f8", "threads": who, "pages": "huge"}, 1e9 / rate / 1e9)
        for (variant, size, who), rate in rates.items()
    ]
    read = spread(reading(bench, rows, {"bytes": 1e9}))
    moved = traffic or {}
    read.records = [
        msgspec.structs.replace(
            one,
            facts={"threads": threads if one.params["threads"] == "all" else 1}
            | ({"traffic_bytes": moved[one.variant] * 1e9} if one.variant in moved else {}),
        )
        for one in read.records
    ]
    return read


RATES = {
    ("simd", "DRAM", 1): 25, ("simd-nt", "DRAM", 1): 37.5, ("simd", "DRAM", "all"): 40, ("simd-nt", "DRAM", "all"): 60,
    ("simd", "L1", 1): 200, ("simd-nt", "L1", 1): 10, ("numba", "DRAM", "all"): 42, ("numpy", "DRAM", 1): 26,
}  # fmt: skip


def test_findings_tell_the_numbers():
    """Memory on one thread and on all, L1, what non-temporal stores gain, and Python's part, each with its interval."""
    read = streamed(stream.copy_bench, RATES, traffic={"simd": 1.5, "simd-nt": 1})
    assert said(read) == [
        "Copy bandwidth: 37.5 GB/s (…) in memory on 1 thread (simd-nt), 60.0 GB/s (…) in memory on 2 threads (simd-nt) "
        "and 200 GB/s (…) in L1 on 1 thread (simd).",
        "Copy in memory with non-temporal stores on 2 threads is 1.50× faster than with plain stores (…): 60.0 GB/s "
        "(…) moved; plain stores move 60.0 GB/s (…), 33% of it write-allocate reads.",
        "Copy in memory: Numba's prange on 2 threads is 1.43× slower than simd-nt (…) and NumPy on 1 thread is 1.44× "
        "slower than simd-nt (…).",
    ]
    assert [one.endswith(STOLEN) for one in said(doubt(read, "numpy"))] == [False, False, True]
    slow = streamed(stream.copy_bench, RATES | {("numpy", "DRAM", 1): 10})
    assert said(slow)[1].startswith("Copy in memory: Numba's prange"), "the largest effect comes first"


def test_a_value_of_one_place_alone_is_told():
    """L1 alone; on a machine of one thread, all are no second value; without simd-nt nothing of stores."""
    assert said(streamed(stream.load_bench, {("simd", "L1", 1): 200})) == [
        "Load bandwidth: 200 GB/s (…) in L1 on 1 thread (simd)."
    ]
    [alone] = said(streamed(stream.load_bench, {("simd", "DRAM", 1): 20, ("simd", "DRAM", "all"): 20}, threads=1))
    assert alone == "Load bandwidth: 20.0 GB/s (…) in memory on 1 thread (simd)."


def test_stores_that_gain_nothing_are_told_without_traffic():
    """Where the interval holds 1 there is no gain to explain; the fastest variant is told, Numba's too."""
    even = {("simd", "DRAM", "all"): 40, ("simd-nt", "DRAM", "all"): 40, ("numba", "DRAM", "all"): 44}
    sentences = said(streamed(stream.store_bench, even, threads=4, traffic={"simd": 2, "simd-nt": 1}))
    assert sentences == [
        "Store bandwidth: 44.0 GB/s (…) in memory on 4 threads (numba).",
        "Store in memory: Numba's prange on 4 threads is 1.10× faster than simd (…).",
        "Store in memory with non-temporal stores on 4 threads is as fast as with plain stores (…).",
    ]


def test_what_cannot_be_true_is_no_bandwidth():
    """An implausible record gives the value only where there is no other, and then with its mark."""
    read = streamed(stream.load_bench, {("simd", "DRAM", 1): 20, ("simd-streams", "DRAM", 1): 90})
    read.records[1] = msgspec.structs.replace(
        read.records[1], status="suspect", reasons=[because("implausible", "faster than L1")]
    )
    assert said(read) == ["Load bandwidth: 20.0 GB/s (…) in memory on 1 thread (simd)."]
    read.records = read.records[1:]
    assert said(read) == [
        "Load bandwidth: 90.0 GB/s (…) in memory on 1 thread (simd-streams) (suspect: cannot be true)."
    ]


@pytest.mark.parametrize("bench", BENCHES)
def test_without_records_nothing_is_said(bench):
    """Where nothing was measured there is no sentence, and no error."""
    assert said(reading(bench, [], {})) == []
