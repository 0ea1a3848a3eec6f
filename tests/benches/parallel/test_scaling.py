"""Scaling: the three loops give NumPy's answers at any thread count, and the finding says what the times mean."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numba
import numpy as np
import pytest

from hwbench.analysis.findings import BenchResults
from hwbench.analysis.limits import Limit
from hwbench.benches.parallel import scaling as benches_parallel_scaling
from hwbench.benches.parallel.scaling import even_parts, full_length, length, scaling_bench, serial_fraction
from hwbench.devices.cpu import CpuDevice
from hwbench.measurement.verify_output import mismatch
from hwbench.record.model import BANDWIDTH
from inspection.answers import reading, verdict, work_of
from inspection.assembly import assembly
from inspection.told import STOLEN, doubt, said, spread

WORKS = ("triad", "polynomial", "uneven")


@pytest.fixture(scope="module")
def device() -> Iterator[CpuDevice]:
    made = CpuDevice()
    yield made
    made.close()


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lengths that are odd, no multiple of a block, and quick."""
    sizes = {"triad": 10_007, "polynomial": 5_003, "uneven": 1_009}
    monkeypatch.setattr(benches_parallel_scaling, "full_length", lambda work, device: sizes[work])


def values(work: str, scaling: str, threads: int, device: CpuDevice) -> dict[str, Any]:
    return {"work": work, "scaling": scaling, "threads": threads, "device": device}


@pytest.mark.parametrize("scaling", ["strong", "weak"])
@pytest.mark.parametrize("work", WORKS)
def test_the_answer_is_numpys(device: CpuDevice, work: str, scaling: str) -> None:
    """Each loop agrees with NumPy, with one thread and with all."""
    for threads in {1, device.host.usable}:
        assert verdict(scaling_bench, "prange", values(work, scaling, threads, device)) == ""


@pytest.mark.parametrize("work", WORKS)
def test_a_kernel_that_leaves_one_out_is_caught(device: CpuDevice, monkeypatch: pytest.MonkeyPatch, work: str) -> None:
    """The output is shared by all thread counts, yet what another one left there is no answer."""
    given = {**values(work, "strong", 1, device), "rng": np.random.default_rng(7)}
    inputs = scaling_bench.make_inputs(given)
    right = scaling_bench.build("prange", given, inputs)
    right.call()
    real = benches_parallel_scaling.KERNELS[work]
    monkeypatch.setitem(benches_parallel_scaling.KERNELS, work, lambda x, y, out: real(x[:-1], y[:-1], out[:-1]))
    wrong = scaling_bench.build("prange", given, inputs)
    wrong.call()
    assert wrong.output is not None
    assert work == "triad" or np.isnan(wrong.output()[-1])
    assert "differs" in verdict(scaling_bench, "prange", given)


def test_the_pool_is_put_back(device: CpuDevice) -> None:
    """After a call Numba has as many threads as before."""
    before = numba.get_num_threads()
    work, _ = work_of(scaling_bench, "prange", values("triad", "strong", 1, device))
    work.call()
    assert numba.get_num_threads() == before
    assert work.facts["threads"] == 1


def test_strong_keeps_the_work_and_weak_shares_it() -> None:
    """Weak scaling gives each thread the same work: in the uneven loop that is a length by the square root."""

    class Eight:
        class host:
            usable = 8

    eight: Any = Eight()
    full = {work: benches_parallel_scaling.full_length(work, eight) for work in WORKS}
    for work in WORKS:
        assert length(work, "strong", 2, eight) == full[work]
        assert length(work, "weak", 8, eight) == full[work]
    assert length("triad", "weak", 2, eight) == pytest.approx(full["triad"] / 4, abs=1)
    work_of_two, work_of_all = length("uneven", "weak", 2, eight) ** 2, full["uneven"] ** 2
    assert work_of_two / work_of_all == pytest.approx(2 / 8, rel=0.01)


def test_counts(device: CpuDevice) -> None:
    """The uneven loop does 1 + 2 + … + n multiply-adds, the polynomial 256 operations an element, the triad 2."""
    n = {work: benches_parallel_scaling.full_length(work, device) for work in WORKS}
    flops = {work: scaling_bench.count(values(work, "strong", 1, device))["flops"] for work in WORKS}
    assert flops["triad"] == 2 * n["triad"]
    assert flops["uneven"] == 2 * sum(range(1, n["uneven"] + 1))
    assert flops["polynomial"] == 256 * n["polynomial"]
    assert benches_parallel_scaling.POLYNOMIAL_FLOPS == 256


def test_the_triad_is_beyond_the_caches() -> None:
    """In full length the three arrays take what the device calls memory."""

    class Device:
        def size(self, label: str) -> int:
            return {"DRAM": 24_000_000}[label]

    assert full_length("triad", Device()) == 1_000_000


def test_the_polynomial_computes_on_vectors(device: CpuDevice) -> None:
    """Horner's rule is unrolled and vectorised: else the loop would wait for one operation at a time."""
    if platform.machine() not in ("x86_64", "AMD64"):
        pytest.skip("reads x86 assembly")
    text = assembly(benches_parallel_scaling.sines, np.zeros(8))
    packed = [line for line in text.splitlines() if ("vfmadd" in line and "pd" in line) or "mulpd" in line]
    assert len(packed) >= 7


@pytest.mark.parametrize(
    "change", [{"ROUNDS": 15}, {"SINE": benches_parallel_scaling.SINE[1:], "LOWER": benches_parallel_scaling.SINE[2:]}]
)
def test_each_term_and_each_round_shows(
    device: CpuDevice, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    """A polynomial with less work than its count says gives another answer: the operations cannot be saved unseen."""
    given = {**values("polynomial", "strong", 1, device), "rng": np.random.default_rng(7)}
    (x, _, _) = inputs = scaling_bench.make_inputs(given)
    right = scaling_bench.ask("reference", given, inputs)
    for name, value in change.items():
        monkeypatch.setattr(benches_parallel_scaling, name, value)
    part = x.copy()
    benches_parallel_scaling.sines.py_func(part)
    assert mismatch(part, right, given, benches_parallel_scaling.POLYNOMIAL_FLOPS * len(x)) != ""


def test_serial_fraction() -> None:
    """Amdahl's law and Karp & Flatt's metric are inverse to one another."""
    for serial in (0.0, 0.1, 0.5, 1.0):
        speedup = 1 / (serial + (1 - serial) / 8)
        assert serial_fraction(speedup, 8) == pytest.approx(serial)


@pytest.mark.parametrize("threads", [1, 2, 5, 64])
def test_even_parts(threads: int) -> None:
    """The best speed-up of uneven items in equal parts is what counting the items of the last part gives."""
    n = 64_000
    last = sum(range(n - n // threads + 1, n + 1))
    assert even_parts(threads) == pytest.approx(sum(range(1, n + 1)) / last, rel=1e-3)


def scaled(times: Mapping[str, Sequence[float]], threads: Sequence[int] = (1, 2, 4)) -> BenchResults:
    """A reading of both scalings: seconds by work and threads; weak, 25% more at the most threads."""
    rows = [
        ("prange", {"work": work, "scaling": scaling, "threads": count}, seconds)
        for work, each in times.items()
        for scaling in ("strong", "weak")
        for count, seconds in zip(
            threads, each if scaling == "strong" else [1.0] * (len(threads) - 1) + [1.25], strict=True
        )
    ]
    return spread(reading(scaling_bench, rows, {"bytes": 24e9}))


def test_the_finding() -> None:
    """Speed-up, efficiency and serial fraction are those of the largest thread count; the largest speed-up first."""
    read = scaled({"triad": (1.0, 0.8, 0.8), "polynomial": (1.0, 0.5, 0.25), "uneven": (1.0, 0.75, 0.5)})
    assert said(read) == [
        "Compute-bound loop on 4 threads: 4.00× faster than on 1 (…), 100% of the ideal 4×, a serial fraction of "
        "<0.01%; 80% of the ideal in weak scaling.",
        "Loop with uneven items in equal parts on 4 threads: 2.00× faster than on 1 (…), 50% of the ideal 4×; equal "
        "parts allow at most 2.29×; 80% of the ideal in weak scaling.",
        "Memory-bound loop (triad) on 4 threads: 1.25× faster than on 1 (…), 31% of the ideal 4×; 80% of the ideal in "
        "weak scaling.",
    ]
    assert [one.endswith(STOLEN) for one in said(doubt(read, work="triad"))] == [False, False, True]


def test_more_threads_that_are_slower_have_no_serial_fraction() -> None:
    """Nothing is explained by a serial part where threads lose; above the ideal the share is marked."""
    [slow] = said(scaled({"polynomial": (1.0, 1.25)}, (1, 2)))
    assert slow.startswith("Compute-bound loop on 2 threads: 1.25× slower than on 1 (…), 40% of the ideal 2×; ")
    [fast] = said(scaled({"polynomial": (1.0, 0.4)}, (1, 2)))
    assert "125% of the ideal 2× (suspect: above the limit)" in fast


def test_one_thread_finds_nothing() -> None:
    """On a machine of one thread there is nothing to compare."""
    assert said(scaled({"triad": (1.0,)}, (1,))) == []


@pytest.mark.parametrize(
    ("limit", "told"),
    [
        (
            20e9,
            ", 30% of the ideal 4×; 1 thread draws 15.0 GB/s and the limit (best sample of a triad on 4 threads) "
            "is 20.0 GB/s, which allows 1.33×.",
        ),
        (80e9, ", 30% of the ideal 4×."),
        (10e9, ", 30% of the ideal 4×."),
    ],
)
def test_what_one_thread_draws_bounds_the_rest(limit: float, told: str) -> None:
    """Where one thread draws 15 of 20 GB/s, more can bring a third; a limit that bounds nothing is left out."""
    rows = [
        ("prange", {"work": "triad", "scaling": "strong", "threads": threads}, 24e9 / rate)
        for threads, rate in ((1, 15e9), (4, 18e9))
    ]
    read = reading(scaling_bench, rows, {"bytes": 24e9})
    bound = Limit("triad", "DRAM", 4, "f8", limit, BANDWIDTH, "simd-nt")
    read.limit = lambda *_: bound  # type: ignore[method-assign]
    assert said(read) == [f"Memory-bound loop (triad) on 4 threads: 1.20× faster than on 1{told}"]
    read.limit = lambda *_: replace(bound, level="L3")  # type: ignore[method-assign]
    assert said(read)[0].endswith(", 30% of the ideal 4×.")
    read.limit = lambda *_: replace(bound, suspect="disturbed")  # type: ignore[method-assign]
    assert said(read)[0].endswith(told.replace(" GB/s, which", " GB/s (suspect limit), which"))
