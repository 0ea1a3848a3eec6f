"""The floating-point peak: every operation shows in the answer, and all widths do the same operations."""

from types import SimpleNamespace

import numpy as np
import pytest

from hwbench.benches.peak import fma
from hwbench.devices.cpu import CpuDevice
from hwbench.kernels import cpu_features
from hwbench.kernels.simd import Registers
from hwbench.measurement.verify_output import mismatch
from hwbench.record.estimate import Estimate
from hwbench.record.reasons import told
from inspection import listing


@pytest.fixture(scope="module")
def device():
    made = CpuDevice()
    yield made
    made.close()


def values_of(device, dtype="f8", threads=1, chains=3):
    rng = np.random.default_rng(7)
    return {"device": device, "dtype": np.dtype(dtype), "threads": threads, "chains": chains, "rng": rng}


def verdict(variant, values):
    """What the check says of a variant after one call."""
    inputs = fma.bench.make_inputs(values)
    work = fma.bench.build(variant, values, inputs)
    try:
        work.call()
        answer = fma.bench.ask("reference", values, inputs)
        return mismatch(work.output(), answer, values, fma.bench.count(values, inputs)["flops"], fma.bench.tolerance)
    finally:
        work.close()


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("chains", [1, 3, 12])
@pytest.mark.parametrize("dtype", ["f8", "f4"])
@pytest.mark.parametrize("variant", ["scalar", "128", "256", "512"])
def test_every_width_gives_the_closed_form_exactly(device, variant, dtype, chains, threads):
    """Each width gives x₀ + n·a·b to the last bit, for every lane of every chain of every thread."""
    values = values_of(device, dtype, threads, chains)
    if threads > device.host.usable:
        pytest.skip("one CPU may be used")
    if reason := fma.bench.lacks(variant, values):
        pytest.skip(str(reason))
    assert verdict(variant, values) == ""


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_closed_form_is_exact(dtype):
    """Adding a·b step by step in either precision never rounds: it ends on the closed form, bit by bit."""
    x = fma.numbers(np.random.default_rng(0), np.dtype(dtype), 2)
    expected = fma.closed_form(x, 1)[0]
    for _ in range(fma.STEPS):
        x = x + dtype(fma.A) * dtype(fma.B)
        assert x.dtype == dtype
    assert x.tolist() == expected.tolist()


RIGHT = fma.steps
MISTAKES = {
    "half of the steps": lambda r, t, s, n, a, b, count, passes: RIGHT(r, t, s, n, a, b, count // 2, passes),
    "the last four steps": lambda r, t, s, n, a, b, count, passes: RIGHT(r, t, s, n, a, b, count - 4, passes),
    "the last block": lambda r, t, s, n, a, b, count, passes: RIGHT(r, t, s, n - r.nbytes, a, b, count, passes),
    "everything": lambda *arguments: None,
}


@pytest.mark.parametrize("left_out", MISTAKES)
def test_operations_left_out_are_caught(device, monkeypatch, left_out):
    """A kernel that leaves out half of the steps, the last of them, some numbers or everything, fails the check."""
    values = values_of(device)
    if reason := fma.bench.lacks("128", values):
        pytest.skip(str(reason))
    assert verdict("128", values) == ""
    monkeypatch.setattr(fma, "steps", MISTAKES[left_out])
    assert "differs from the reference" in verdict("128", values)


def test_flops_are_two_a_step():
    """A call counts two operations for each step of each number of each thread."""
    values = values_of(None, "f4", threads=3, chains=5)
    x = fma.bench.make_inputs(values)
    assert x[0].size == 5 * 16
    assert fma.bench.count(values, x)["flops"] == 2 * fma.STEPS * 5 * 16 * 3


def test_widths_that_are_not_there_say_so(monkeypatch):
    """Wider registers than the CPU has, more chains than it has registers, and no FMA at all are each told."""
    monkeypatch.setattr(cpu_features.platform, "machine", lambda: "x86_64")
    for have, bits, chains, reason in (
        ({"avx2", "fma"}, 512, 12, "this CPU's vector registers have 256 bits"),
        ({"avx2", "fma"}, 256, 12, ""),
        ({"avx2", "fma"}, 256, 16, "16 chains, a and b need 18 registers of 16"),
        ({"avx2", "fma", "avx512f", "avx512vl"}, 256, 16, ""),
        ({"avx"}, 128, 1, "this CPU has no fused multiply-add"),
    ):
        monkeypatch.setattr(cpu_features, "features", lambda have=have: frozenset(have))
        monkeypatch.setattr(fma, "features", cpu_features.features)
        assert told(filter(None, [fma.lacking(bits)(chains)])) == reason


class Told:
    """Records of a CPU with 4 cycles of latency and two 256-bit units at 4 GHz, no AVX-512."""

    def find(self, variant, **params):
        return SimpleNamespace(facts={"lanes": 4}) if variant == "256" else None

    def rate(self, variant, count, dtype, threads, chains):
        if variant != "256":
            return None
        rate = 8e9 * min(chains, 8) * (2 if dtype == "f4" else 1) * (2 if threads == "all" else 1)
        return Estimate(rate, rate, rate)

    def ratio(self, variant, over, **params):
        return Estimate(4.0, 4.0, 4.0)


def test_findings_tell_peak_and_latency():
    """The sentences name the peak in both precisions, the gain over scalars, and the latency that one chain shows."""
    assert list(fma.bench.hooks["finding"](Told())) == [
        "In float64 one thread does 64.0 GFLOP/s with 256-bit vectors, 4.00× scalar code, on all threads 128 GFLOP/s.",
        "In float32 one thread does 128 GFLOP/s with 256-bit vectors, 4.00× scalar code, on all threads 256 GFLOP/s.",
        "A 256-bit multiply-add that waits for the one before takes 1.00 ns; with enough independent ones one is done "
        "every 125 ps, 8.00× as many.",
    ]


# --- machine code -----------------------------------------------------------------------------------------------------

STEPS = (listing.INT, listing.INT, listing.INT, listing.FLOAT, listing.FLOAT, listing.INT, listing.INT)


@listing.needs_x86
@pytest.mark.parametrize("dtype", ["f8", "f4"])
@pytest.mark.parametrize("bits", [0, *listing.NAMES])
@pytest.mark.parametrize("chains", [1, 12, 16])
def test_steps_keep_all_chains_in_registers(chains, bits, dtype):
    """Four steps of each chain are four fused multiply-adds between registers; nothing touches memory in the loop."""
    if bits:
        listing.needs_width(bits)
    if reason := fma.lacking(bits)(chains):
        pytest.skip(str(reason))
    scalar = np.dtype(dtype).itemsize * 8
    body = listing.hot_loop(listing.assembly(fma.steps, Registers(dtype, bits or scalar, chains), STEPS))
    suffix = ("p" if bits else "s") + ("d" if dtype == "f8" else "s")
    assert listing.count(body, rf"^vfmadd\d+{suffix}\s+%{listing.NAMES[bits or 128]}") == 4 * chains
    assert listing.count(body, r"\(") == 0, "a spill or a load"
    assert len(body) <= 4 * chains + 3, body


@pytest.mark.parametrize("bits", [0, 128])
@pytest.mark.parametrize("chains", [1, 12, 16])
def test_arm_steps_keep_all_chains_in_registers(chains, bits):
    """On AArch64 each step of a chain is one fused multiply-add; nothing touches memory in the loop."""
    body = listing.hot_loop(listing.for_arm(fma.steps, Registers("f8", bits or 64, chains), STEPS))
    assert listing.count(body, r"^fmla\s+v\d+\.2d|^fmadd\s+d\d+") == 4 * chains
    assert len(body) == 4 * chains + 3, body
    assert listing.count(body, r"\[(sp|x)") == 0
