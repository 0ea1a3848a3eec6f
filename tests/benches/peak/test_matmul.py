"""The matrix product: exact whatever the order, every element checked, threads set and put back."""

from types import SimpleNamespace

import msgspec
import numpy as np
import pytest

from hwbench.bench import Skip
from hwbench.benches.peak import matmul
from hwbench.devices.cpu import CpuDevice
from hwbench.record.reasons import because
from inspection.answers import reading, verdict, work_of
from inspection.told import STOLEN, doubt, said, spread

BENCH = matmul.bench


@pytest.fixture(scope="module")
def device():
    made = CpuDevice()
    yield made
    made.close()


def values(device, n, dtype="f8", threads=1):
    return {"device": device, "n": n, "dtype": np.dtype(dtype), "threads": threads}


@pytest.mark.parametrize("dtype", ["f8", "f4"])
@pytest.mark.parametrize("n", [1, 2, 7, 64, 257])
def test_the_product_is_exact(device, n, dtype):
    """Both projections agree to the last bit, for every size and precision."""
    assert verdict(BENCH, "numpy", values(device, n, dtype)) == ""


def test_one_wrong_element_is_caught(device, monkeypatch):
    """A product that is off by one in a single element has another projection."""
    right = np.matmul

    def off(a, b, out):
        right(a, b, out=out)
        out[3, 5] += 1

    monkeypatch.setattr(matmul.np, "matmul", off)
    assert "part 0" in verdict(BENCH, "numpy", values(device, 32))


def test_an_unwritten_product_is_caught(device, monkeypatch):
    """A product that was never written is no answer."""
    monkeypatch.setattr(matmul.np, "matmul", lambda a, b, out: None)
    assert "differs" in verdict(BENCH, "numpy", values(device, 16))


def test_sums_fit_float32():
    """The largest possible element of the largest product has fewer than 24 bits."""
    largest = max(BENCH.presets["full"]["n"])
    assert largest * (matmul.LARGEST - 1) ** 2 < 2**24


def test_counts_are_two_operations_for_each_pair():
    """2n³ operations and three matrices."""
    assert BENCH.count(values(None, 100, "f4")) == {"flops": 2e6, "bytes": 3 * 100 * 100 * 4}


def test_the_threads_are_those_asked_for_and_put_back(device):
    """Inside a call BLAS has the threads of the case, outside as many as before."""
    from threadpoolctl import threadpool_info

    def count():
        return {one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"}

    before = count()
    if not before:
        pytest.skip("threadpoolctl knows no BLAS here")
    seen = []
    device.blas(lambda: seen.append(count()), 1).call()
    assert seen == [{1}]
    assert count() == before


def test_too_many_threads_are_skipped_with_the_number(device):
    """Where BLAS gives fewer threads than asked for, the case is skipped and says how many."""
    with pytest.raises(Skip, match=r"needs 100000 threads of BLAS, which gives \d+"):
        device.blas(lambda: None, 100_000)


def test_the_library_is_named(device):
    """The record says which BLAS it was, and which kernel that chose."""
    work, _ = work_of(BENCH, "numpy", values(device, 8))
    assert work.facts["threads"] == 1
    assert work.facts["blas"]


def products(threads=(1,), dtype="f8"):
    """A reading of 1, 6 and 10 GFLOP/s a thread at three sizes; `all` are four threads."""
    rows = [
        ("numpy", {"n": n, "dtype": dtype, "threads": who}, 1e9 / (rate * (4 if who == "all" else 1)))
        for who in threads
        for n, rate in ((16, 1e9), (64, 6e9), (256, 1e10))
    ]
    read = spread(reading(BENCH, rows, {"flops": 1e9}))
    read.records = [
        msgspec.structs.replace(r, facts={"threads": 4 if r.params["threads"] == "all" else 1}) for r in read.records
    ]
    return read


def test_the_finding_tells_rate_and_half_rate():
    """The best rate with its n, and the smallest n with half of it, on one thread and on all."""
    one = "10.0 GFLOP/s (…) on 1 thread (best at n = 256; half of that rate from n = 64 on)"
    assert said(products()) == [f"NumPy's matrix product in float64: {one}."]
    read = products((1, "all"), "f4")
    every = "40.0 GFLOP/s (…) on 4 threads (best at n = 256; half of that rate from n = 64 on)"
    assert said(read) == [f"NumPy's matrix product in float32: {one} and {every}."]
    assert said(doubt(read, n=256, threads="all"))[0].endswith(STOLEN)
    assert said(reading(BENCH, [], {})) == []


def test_what_cannot_be_true_is_not_the_best():
    """An implausible rate is told only where there is no other, as in the headline."""
    read, refused = products(), [because("implausible", "1.5 times the limit")]
    read.records = [
        msgspec.structs.replace(r, status="suspect", reasons=refused) if r.params["n"] == 256 else r
        for r in read.records
    ]
    assert "6.00 GFLOP/s (…) on 1 thread (best at n = 64)" in said(read)[0]
    read.records = read.records[-1:]
    assert "10.0 GFLOP/s (…) on 1 thread (best at n = 256)" in said(read)[0]


def test_a_share_above_the_peak_is_marked():
    """Within the tolerance it is a share, above it is suspect."""
    read = products()
    read.share = lambda *_, **__: SimpleNamespace(value=0.88, doubt=())
    assert "(best at n = 256, 88% of peak; half" in said(read)[0]
    read.share = lambda *_, **__: SimpleNamespace(value=1.2, doubt=("above_limit",))
    assert "120% of peak (suspect: above the limit); half" in said(read)[0]
