"""The floating-point peak: every operation shows in the answer, and all widths do the same operations."""

import msgspec
import numpy as np
import pytest

from hwbench.benches.peak import fma
from hwbench.devices.choices import Choice, Choices
from hwbench.devices.cpu import CpuDevice
from hwbench.kernels import cpu_features
from hwbench.kernels.simd import Registers
from hwbench.measurement.verify_output import mismatch
from hwbench.record.reasons import told
from inspection import arm, listing
from inspection.answers import reading
from inspection.told import STOLEN, doubt, said, spread


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
@pytest.mark.parametrize("chains", [1, 12, "best"])
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


@pytest.mark.parametrize("variant", ["scalar", "128", "256", "512"])
def test_whatever_is_chosen_does_the_same_operations(device, monkeypatch, variant):
    """Each candidate gives the same answer to the bit, for the same count of operations; the facts name it."""
    values = values_of(device, chains="best")
    if reason := fma.bench.lacks(variant, values):
        pytest.skip(str(reason))
    inputs, found = fma.bench.make_inputs(values), fma.candidates()
    assert fma.bench.count(values, inputs)["flops"] == 2 * fma.STEPS * 48 * 8
    assert found[0] == 12
    for chains in found:
        monkeypatch.setattr(Choices, "get", lambda *given, chains=chains: Choice(str(chains)))
        assert verdict(variant, values) == ""
        work = fma.bench.build(variant, values, inputs)
        assert work.facts["chains"] == chains
        work.close()


def test_every_candidate_that_fits_the_registers_takes_the_same_numbers(monkeypatch):
    """16 registers hold 12 chains and the two factors; 32 hold 24. All of them divide what there is to compute."""
    for registers, fitting in ((16, [12]), (32, [12, 16, 24])):
        monkeypatch.setattr(fma, "vector_registers", lambda registers=registers: registers)
        assert fma.candidates() == fitting
    assert all(fma.COMMON % chains == 0 for chains in fma.CANDIDATES)
    assert fma.bench.axes["chains"] == ("best",)
    assert {"best", *fma.CANDIDATES} <= set(fma.bench.presets["full"]["chains"])


def test_a_real_probe_chooses_for_each_width_and_number_of_threads(device, monkeypatch):
    """What is asked of the device names precision, width and threads; the clock chooses one of the candidates."""
    asked = {}

    def get(_self, name, among, probe):
        asked[name] = (among, probe())
        return Choice(asked[name][1], contradicted="8")

    monkeypatch.setattr(Choices, "get", get)
    values = values_of(device, "f4", chains="best")
    if reason := fma.bench.lacks("128", values):
        pytest.skip(str(reason))
    assert verdict("128", values) == ""
    [(name, (among, found))] = asked.items()
    assert name == "peak.fma f4 128 1"
    assert found in among
    assert among == [str(chains) for chains in fma.candidates()]


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
    "half of the steps": lambda r, t, s, n, a, b, count, *rest: RIGHT(r, t, s, n, a, b, count // 2, *rest),
    "the last four steps": lambda r, t, s, n, a, b, count, *rest: RIGHT(r, t, s, n, a, b, count - 4, *rest),
    "the last block": lambda r, t, s, n, a, b, count, *rest: RIGHT(r, t, s, n - r.nbytes, a, b, count, *rest),
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
        ({"avx2", "fma"}, 256, 16, "needs 18 vector registers (16 chains, a and b); this CPU has 16"),
        ({"avx2", "fma", "avx512f", "avx512vl"}, 256, 16, ""),
        ({"avx"}, 128, 1, "this CPU has no fused multiply-add"),
    ):
        monkeypatch.setattr(cpu_features, "features", lambda have=have: frozenset(have))
        assert told(filter(None, [fma.lacking(bits)(chains)])) == reason


def peaks(variants=("256",), threads=(1, "all"), chains=(1, 8, 12)):
    """A reading of a CPU with 4 cycles of latency and two 256-bit units at 4 GHz; scalar code has a quarter."""
    rows, lanes = [], {"512": 8, "256": 4, "128": 2, "scalar": 1}
    for variant in variants:
        for dtype in ("f8", "f4"):
            for who in threads:
                for chain in chains:
                    units = min(12 if chain == "best" else chain, 8)
                    rate = 2e9 * min(lanes[variant], 4) * units * (2 if dtype == "f4" else 1)
                    params = {"dtype": dtype, "threads": who, "chains": chain}
                    rows.append((variant, params, 1e9 / (rate * (2 if who == "all" else 1))))
    read = spread(reading(fma.bench, rows, {"flops": 1e9}))
    read.records = [
        msgspec.structs.replace(
            r, facts={"lanes": lanes[r.variant], "threads": 2 if r.params["threads"] == "all" else 1}
        )
        for r in read.records
    ]
    return read


def test_findings_tell_peak_and_latency():
    """The sentences name the peak in both precisions, the gain over scalars, and the latency that one chain shows."""
    read = peaks(("256", "scalar"))
    assert said(read) == [
        "Peak in float64: 64.0 GFLOP/s (…) on 1 thread (256-bit) and 128 GFLOP/s (…) on 2 threads (256-bit); on 1 "
        "thread 4.00× faster than scalar code (…).",
        "Peak in float32: 128 GFLOP/s (…) on 1 thread (256-bit) and 256 GFLOP/s (…) on 2 threads (256-bit); on 1 "
        "thread 4.00× faster than scalar code (…).",
        "Latency of a 256-bit multiply-add: 1.00 ns (…); 1 thread starts an independent one every 125 ps (…), so 8.00 "
        "are in flight.",
    ]
    assert [one.endswith(STOLEN) for one in said(doubt(read, "256", dtype="f4"))] == [False, True, False]


def test_the_peak_is_the_fastest_number_of_chains():
    """The finding tells the record that the headline takes: of all widths and numbers of chains the fastest."""
    read = peaks(("256", "scalar"), threads=(1,), chains=(12, 16))
    read.records = [
        msgspec.structs.replace(r, samples=[one / 1.1 for one in r.samples])
        if (r.variant, r.params["chains"]) == ("256", 16) else r for r in read.records
    ]  # fmt: skip
    assert said(read)[0] == (
        "Peak in float64: 70.4 GFLOP/s (…) on 1 thread (256-bit); on 1 thread 4.40× faster than scalar code (…)."
    )
    assert said(peaks(("scalar",), threads=(1,)))[0] == "Peak in float64: 16.0 GFLOP/s (…) on 1 thread (scalar)."


def test_vectors_gain_over_the_scalar_code_there_is():
    """Where no scalar case has as many chains, the fastest one stands in, for as many operations."""
    read = peaks(("256", "scalar"), threads=(1,), chains=(8, 16))
    read.records = [
        msgspec.structs.replace(r, samples=[one * 2 / 1.1 for one in r.samples], counts={"flops": 2e9})
        if r.params["chains"] == 16 else r for r in read.records if (r.variant, r.params["chains"]) != ("scalar", 16)
    ]  # fmt: skip
    assert said(read)[0] == (
        "Peak in float64: 70.4 GFLOP/s (…) on 1 thread (256-bit); on 1 thread 4.40× faster than scalar code (…)."
    )


def test_the_latency_is_set_against_the_chosen_number_of_chains():
    """Without 8, 12 or 16 chains, as in the standard set on a CPU with few registers, the chosen number is the peak."""
    found = said(peaks(threads=(1,), chains=(1, "best")))
    assert found[-1].endswith("1 thread starts an independent one every 125 ps (…), so 8.00 are in flight.")
    assert found[0] == "Peak in float64: 64.0 GFLOP/s (…) on 1 thread (256-bit)."


def test_one_number_of_threads_and_one_of_chains():
    """Without a second value the list has one; without a single chain there is no latency; without records nothing."""
    assert said(peaks(threads=(1,), chains=(12,))) == [
        "Peak in float64: 64.0 GFLOP/s (…) on 1 thread (256-bit).",
        "Peak in float32: 128 GFLOP/s (…) on 1 thread (256-bit).",
    ]
    assert said(reading(fma.bench, [], {})) == []


# --- machine code -----------------------------------------------------------------------------------------------------

STEPS = (listing.INT, listing.INT, listing.INT, listing.FLOAT, listing.FLOAT, listing.INT, listing.INT, listing.INT)


@listing.needs_x86
@pytest.mark.parametrize("dtype", ["f8", "f4"])
@pytest.mark.parametrize("bits", [0, *listing.NAMES])
@pytest.mark.parametrize("chains", [1, *fma.CANDIDATES])
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


@arm.needs_qemu
@pytest.mark.parametrize(("dtype", "bits", "chains"), [("f8", 128, 12), ("f4", 128, 3), ("f8", 0, 2)])
def test_arm_steps_give_the_closed_form(dtype, bits, chains, tmp_path):
    """Run on AArch64 every fused multiply-add counts in the answer, which is exact."""
    values = {"dtype": np.dtype(dtype), "chains": chains, "rng": np.random.default_rng(7)}
    x = fma.numbers(values["rng"], values["dtype"], chains)
    memory = np.concatenate([x.view(np.uint8), np.zeros(x.nbytes, np.uint8)])
    places = [arm.at(x.nbytes), arm.at(0)]
    registers = Registers(dtype, bits or 8 * x.itemsize, chains)
    _, after = arm.run(fma.steps, registers, [*places, x.nbytes, fma.A, fma.B, fma.STEPS, 1, 0], memory, tmp_path)
    assert after[x.nbytes :].view(dtype).tolist() == fma.closed_form(x, 1)[0].tolist()


@pytest.mark.parametrize("bits", [0, 128])
@pytest.mark.parametrize("chains", [1, *fma.CANDIDATES])
def test_arm_steps_keep_all_chains_in_registers(chains, bits):
    """On AArch64 each step of a chain is one fused multiply-add; nothing touches memory in the loop."""
    body = listing.hot_loop(listing.for_arm(fma.steps, Registers("f8", bits or 64, chains), STEPS))
    assert listing.count(body, r"^fmla\s+v\d+\.2d|^fmadd\s+d\d+") == 4 * chains
    assert len(body) == 4 * chains + 3, body
    assert listing.count(body, r"\[(sp|x)") == 0
