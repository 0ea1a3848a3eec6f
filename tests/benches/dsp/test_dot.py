"""dsp.dot: every variant against float64, threads of BLAS, and what is said of a CPU's and a GPU's products."""

import msgspec
import numpy as np
import pytest

from doubles.scripted import ScriptedDevice, record, run_of
from doubles.strict_cupy import StrictGpu
from hwbench.analysis import plausibility
from hwbench.analysis.findings import BenchResults, findings
from hwbench.benches import _partitions
from hwbench.benches.dsp.dot import dot, vectors
from hwbench.record.reasons import because
from inspection.variants import CPU, built, values_of, verdict
from made_up.declared import DECLARED

VARIANTS = [name for name, one in dot.variants.items() if one.on != "opencl"]  # those are in test_opencl.py


def needs_two_cpus(variant):
    """Skip the variant that has all threads where that is one."""
    if variant == "blas-all" and CPU.host.usable == 1:
        pytest.skip("one CPU may be used")


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("size", [16, 1000, 1 << 20])
def test_dot_products_agree_with_float64(variant, dtype, size):
    """Each way to a dot product gives that of float64 within the rounding of its dtype."""
    needs_two_cpus(variant)
    assert verdict(dot, variant, values_of(dot, size=size, dtype=dtype)) == ""


@pytest.mark.parametrize("variant", VARIANTS)
def test_long_vectors_are_taken_part_by_part(monkeypatch, variant):
    """A call does the part whose turn it is, which is what is counted; the first two are checked."""
    needs_two_cpus(variant)
    monkeypatch.setattr(_partitions, "PART", 1 << 14)
    work, (a, b, partitions) = built(dot, variant, values_of(dot, size=1 << 16))
    assert work.facts["parts"] == partitions.parts == 5
    assert dot.count({}, (a, b, partitions)) == {"bytes": 2 * a.nbytes / 5, "flops": 2 * a.size / 5}
    assert verdict(dot, variant, values_of(dot, size=1 << 16, dtype="f8")) == ""
    monkeypatch.setattr(_partitions.Partitions, "take", lambda self: 0)
    assert verdict(dot, variant, values_of(dot, size=1 << 16, dtype="f8")) != ""


def test_the_product_is_touched_before_the_clock_runs(monkeypatch):
    """All of it is written by the builder: a page's first touch in a guest takes longer than the product itself."""
    monkeypatch.setattr(_partitions, "PART", 1 << 14)
    given = []
    monkeypatch.setattr(CPU, "host_empty", lambda shape, dtype: given.append(np.full(shape, -1, dtype)) or given[-1])
    built(dot, "numpy", values_of(dot, size=1 << 16))
    assert len(given) == 3
    assert all((one >= 0).all() for one in given)


@pytest.mark.parametrize("size", [1 << 14, 1 << 20])
def test_one_thread_and_a_call_from_python_for_each(monkeypatch, size):
    """What is compared with one thread of Numba has one thread of BLAS, and neither repeats itself in compiled code."""
    for variant in ("numpy", "blas", "numba"):
        work, _ = built(dot, variant, values_of(dot, size=size))
        assert work.repeat is None
        assert work.facts.get("threads", 1) == 1
    monkeypatch.setattr(np, "dot", lambda a, b: seen.append(CPU._libraries.info()) or (a * b).sum())
    seen = []
    work, _ = built(dot, "blas", values_of(dot, size=size))
    work.call()
    assert all(library["num_threads"] == 1 for library in seen[0])


def test_all_threads_are_asked_for_where_blas_would_take_them():
    """Below ten thousand elements OpenBLAS takes one thread however many it has: such a case is left out."""
    f8 = np.dtype("f8")
    reason = str(dot.lacks("blas-all", {"size": 1 << 14, "dtype": f8}))
    assert reason == "BLAS uses one thread up to 10 000 elements; there are 1024"
    assert dot.lacks("blas-all", {"size": 1 << 20, "dtype": f8}) is None
    if CPU.host.usable > 1:
        assert built(dot, "blas-all", values_of(dot, size=1 << 20))[0].facts["threads"] == CPU.host.usable


def test_what_a_call_counts():
    """2 n operations and both arrays."""
    rng = np.random.default_rng(0)
    assert dot.count({}, vectors(rng, 1600, np.dtype("f8"), ScriptedDevice())) == {"bytes": 1600, "flops": 200}


def test_a_gpu_is_waited_for_once_a_sample_and_nothing_crosses():
    """CuPy's variant is timed with what it was given on the device, the wait included, and says so."""
    device = StrictGpu()
    work, _ = built(dot, "cupy", values_of(dot, size=4096), device)
    sent = device.sent
    assert dot.variants["cupy"].on == "gpu"
    assert device.synced == ["end"]
    assert work.facts["transfers"] is False
    work.call()
    assert device.waits == 0
    assert work.output() is not None
    assert device.sent == sent


SPREAD = [1e-9 * (1 + 0.002 * (i % 3 - 1)) for i in range(9)]  # seconds for a byte at 1 GB/s


def dots(*rows, **more):
    """Records of dot products: variant, device, size, bytes and GB/s, with some spread; `more` are facts."""
    facts = {"footprint": 2**30, "l2_bytes": 50 * 2**20, **more}
    return [
        record(variant, [bytes_ / rate * part for part in SPREAD], bench="dsp.dot", device=device,
               params={"size": size, "dtype": "f8"}, counts={"bytes": bytes_, "flops": bytes_ / 8}, facts=facts)
        for variant, device, size, bytes_, rate in rows
    ]  # fmt: skip


def copied(rate):
    """A record of the GPU's own copy in its memory."""
    return record(
        "bytes16", (1e9 / (rate * 1e9),) * 10, bench="device.stream", device="gpu:0", counts={"bytes": 1e9},
        params={"kernel": "copy", "size": "HBM"}, facts={"footprint": 2**30, "l2_bytes": 50 * 2**20},
    )  # fmt: skip


def test_the_gpus_dot_product_is_told_beside_a_copy_of_its_own():
    """1500 GB/s are 187.5 GFLOP/s, half of a copy at 3000; without a copy nothing is said of one."""
    mine = dots(("blas", "cpu", "DRAM", 2**29, 20), ("cupy", "gpu:0", "HBM", 2**29, 1500))
    told = findings(run_of(*mine, copied(3000), benches=DECLARED), [dot])["dsp.dot"]
    assert told == [
        "Dot product (float64) of data in memory on 1 thread: blas 2.50 GFLOP/s.",
        "CuPy's dot product (float64) of data in GPU memory: 187.5 GFLOP/s (187.1–187.9), 50% of the bandwidth of a "
        "copy on the GPU.",
    ]
    assert findings(run_of(*mine), [dot])["dsp.dot"][1].endswith("of data in GPU memory: 187.5 GFLOP/s (187.1–187.9).")


def test_a_dot_product_above_a_copy_is_marked():
    """More than 105% of a limit is no share, and a suspect record is marked beside."""
    mine = msgspec.structs.replace(dots(("cupy", "gpu:0", "HBM", 2**29, 3600))[0], status="suspect")
    [told] = findings(run_of(mine, copied(3000), benches=DECLARED), [dot])["dsp.dot"]
    assert (
        "120% of the bandwidth of a copy on the GPU (suspect: above the limit) (suspect: no reason is known)." in told
    )


def test_more_threads_than_one_are_told():
    """Whoever had several says so, that no compiled loop on one thread is taken for slow; the fastest comes first."""
    one = dots(("blas", "cpu", "DRAM", 2**29, 20), ("numba", "cpu", "DRAM", 2**29, 16))
    run = run_of(*one, *dots(("blas-all", "cpu", "DRAM", 2**29, 40), threads=4))
    assert findings(run, [dot])["dsp.dot"] == [
        "Dot product (float64) of data in memory: blas-all 5.00 GFLOP/s on 4 threads, blas 2.50 GFLOP/s on 1 thread "
        "and numba 2.00 GFLOP/s on 1 thread."
    ]


def test_l1_and_the_share_of_a_load_are_told():
    """In L1 the call is part of the figure; from memory a load bounds it, and a disturbed record is marked."""
    near = dots(("numba", "cpu", "L1", 2**14, 80), ("numpy", "cpu", "L1", 2**14, 8))
    far = msgspec.structs.replace(
        dots(("numba", "cpu", "DRAM", 2**29, 16))[0], status="suspect", reasons=[because("clock_drift")]
    )
    load = record("simd", (1.0,) * 10, bench="stream.load", counts={"bytes": 2e10}, facts={"footprint": 2**30},
                  params={"size": "DRAM", "dtype": "f8", "threads": 1})  # fmt: skip
    assert findings(run_of(*near, far, load, benches=DECLARED), [dot])["dsp.dot"] == [
        "Dot product (float64) of data in L1 on 1 thread, the call from Python included: numba 10.0 GFLOP/s and "
        "numpy 1.00 GFLOP/s.",
        "Dot product (float64) of data in memory on 1 thread: numba 2.00 GFLOP/s (suspect: the clock drifted); Numba "
        "reaches 80% of the load bandwidth of 1 thread.",
    ]


def test_a_cpus_load_bounds_no_dot_product_of_a_gpu():
    """A GPU reads faster than any CPU: no figure of its is impossible for that, and none is a share of it."""
    load = record(
        "simd", (1.0,) * 10, bench="stream.load", params={"size": "L2", "dtype": "f8"}, counts={"bytes": 5e10}
    )
    (mine,) = dots(("cupy", "gpu:0", "L2", 2**24, 3000))
    assert plausibility.impossible([load, mine], DECLARED, {}) == {}
    assert BenchResults(dot, run_of(load, mine, benches=DECLARED)).share("cupy", size="L2") is None


def test_a_gpus_l2_is_not_compared_with_a_cpus():
    """The same label stands for other arrays on each, so no ratio is told; the same number of bytes is compared."""
    found = BenchResults(dot, run_of(*dots(("blas", "cpu", "L2", 2**19, 50), ("cupy", "gpu:0", "L2", 2**24, 3000))))
    assert found.ratio("cupy", "blas", size="L2") is None
    found = BenchResults(dot, run_of(*dots(("blas", "cpu", "1MiB", 2**20, 50), ("cupy", "gpu:0", "1MiB", 2**20, 100))))
    assert found.ratio("cupy", "blas").value == pytest.approx(0.5)
