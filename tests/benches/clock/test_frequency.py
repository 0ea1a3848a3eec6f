"""The clock under load: every addition and multiply-add in the answer, one thread a core, widths that are not there."""

import re

import msgspec
import numpy as np
import pytest

from doubles.scripted import record
from hwbench.bench import Skip
from hwbench.benches.clock import frequency
from hwbench.devices.cpu import CpuDevice
from hwbench.host.system import Host
from hwbench.kernels import cpu_features, simd
from hwbench.kernels.simd import Registers
from hwbench.record.model import CLOCK
from inspection import listing
from inspection.answers import reading, verdict, work_of
from inspection.told import STOLEN, doubt, said

BENCH = frequency.bench
WIDTHS = {"scalar": 64, "128": 128, "256": 256, "512": 512}


@pytest.fixture(scope="module")
def device():
    made = CpuDevice()
    yield made
    made.close()


@pytest.mark.parametrize("units", frequency.CHAINS)
@pytest.mark.parametrize("variant", WIDTHS)
def test_every_addition_and_multiply_add_counts(device, variant, units):
    """The sum of the chain and the ends of all registers are those of the closed form, to the last bit."""
    if reason := BENCH.lacks(variant, {}):
        pytest.skip(str(reason))
    for threads in {1, device.host.usable}:
        assert verdict(BENCH, variant, {"device": device, "threads": threads, "units": units}) == ""


@pytest.mark.parametrize(("name", "wrong"), [("STEPS", frequency.STEPS - 1), ("CHAIN", frequency.CHAIN + 1)])
def test_a_step_more_or_less_is_caught(device, monkeypatch, name, wrong):
    """A kernel that runs another number of steps, or another chain, does not give the answer of the closed form."""
    if reason := BENCH.lacks("scalar", {}):
        pytest.skip(str(reason))
    work, _inputs = work_of(BENCH, "scalar", {"device": device, "threads": 1, "units": 2})
    work.call()
    monkeypatch.setattr(frequency, name, wrong)
    assert work.output() != frequency.closed_form(1, device) or work.output()[1] != 0
    work.close()


def test_a_cycle_is_an_addition():
    """The counts are cycles, which the metric tells in GHz."""
    counts = BENCH.count({})
    assert counts == {"cycles": 7 * 2048}
    assert CLOCK.value(counts["cycles"] / 3.5e9, counts) == pytest.approx(3.5)


def test_two_threads_of_a_core_run_one(device):
    """On siblings one thread a core runs, since two would delay each other's chain."""
    host = Host(allowed=(0, 1, 2, 3), cores={0: (0, 0), 1: (0, 1), 2: (0, 0), 3: (0, 1)})
    assert CpuDevice(host).cores == 2
    assert frequency.closed_form(4, CpuDevice(host)) == (2 * 7 * 2048, 0.0)


def test_widths_that_are_not_there_are_skipped(monkeypatch):
    """A CPU without 512 bits, or without multiply-add, says so."""
    monkeypatch.setattr(frequency, "widths", lambda: (128, 256))
    monkeypatch.setattr(frequency, "has_fma", lambda: True)
    assert str(BENCH.lacks("512", {})) == "this CPU's vector registers have 256 bits"
    assert BENCH.lacks("256", {}) is None
    monkeypatch.setattr(frequency, "has_fma", lambda: False)
    assert str(BENCH.lacks("scalar", {})) == "this CPU has no fused multiply-add"


def test_results_are_exact_in_float64():
    """All numbers are multiples of 2⁻²⁰ below 8, so that no step rounds."""
    x = frequency.numbers(np.random.default_rng(0))
    assert len(x) * 8 >= max(WIDTHS.values()) // 8 * max(frequency.CHAINS.values())
    assert ((x + frequency.STEPS * frequency.A * frequency.B) < 8).all()
    assert simd.Registers("f8", 512, frequency.CHAINS[2]).nbytes == frequency.BYTES


def test_other_numbers_of_units_are_refused(device):
    """One and two are known; for more the registers would not do."""
    with pytest.raises(Skip, match="units=3: is none of 1, 2"):
        frequency.on_crew(device, np.ones(frequency.BYTES // 8), 1, 3, 64)


def clocks(threads, **hertz):
    """Rows of the widths, w256=3.9e9."""
    named = [(name.removeprefix("w"), hz) for name, hz in hertz.items()]
    return [(name, {"threads": threads, "units": 1}, 1e6 / hz) for name, hz in named]


def test_the_finding_names_the_lowest_clock():
    """The clocks by width, and by how much the lowest is below the highest."""
    read = reading(BENCH, clocks(1, scalar=4e9, w256=3.9e9, w512=3e9), {"cycles": 1e6})
    assert said(read) == [
        "Clock with 1 core busy: 4.00 GHz (scalar), 3.90 GHz (256-bit) and 3.00 GHz (512-bit), 25% lower with 512-bit."
    ]
    assert said(doubt(read, "512"))[0].endswith(STOLEN)


def test_one_clock_two_steady_ones_and_many_cores():
    """A single width is compared with nothing; within 2% clocks are the same; cores are counted."""
    [alone] = said(reading(BENCH, clocks(1, scalar=4e9), {"cycles": 1e6}))
    assert alone == "Clock with 1 core busy: 4.00 GHz (scalar)."
    read = reading(BENCH, clocks("all", scalar=4e9, w512=3.99e9), {"cycles": 1e6})
    read.records = [msgspec.structs.replace(r, facts={"threads": 2}) for r in read.records]
    assert said(read) == ["Clock with 2 cores busy: 4.00 GHz (scalar) and 3.99 GHz (512-bit), the same within 2%."]


@pytest.mark.parametrize(("full", "clock"), [(3.5e9, 3.5e9), (4e9 * 7 / 12, 4e9)])
def test_the_clock_is_that_of_both_units_where_there_are_two(full, clock):
    """Beside two units' load it may be lower; where the chain has to wait for the only unit, that is no clock."""
    rows = [("512", {"threads": 1, "units": units}, 1e6 / hz) for units, hz in ((1, 4e9), (2, full))]
    read = reading(BENCH, rows, {"cycles": 1e6})
    assert frequency.under_load(read, "512", 1) == pytest.approx(clock, rel=2e-3)
    assert frequency.under_load(read, "256", 1) is None


@pytest.mark.parametrize(
    ("per_cycle", "units"), [(0.0, 1), (0.3, 1), (0.99, 1), (1.2, 1), (1.7, 2), (2.4, 2), (3.98, 4)]
)
def test_units_are_whole(per_cycle, units):
    """One, two or four, whatever disturbed the peak or the clock."""
    assert frequency.units_of(per_cycle) == units


@pytest.mark.parametrize("measured", [(1, 2), (1,), (2,)])
def test_the_peak_is_set_against_the_clock(measured):
    """Where the run has the peak, too, it is told as a share of lanes × 2 × units × clock, beside any load."""
    rows = [("512", {"threads": 1, "units": units}, 1e6 / 4e9) for units in measured]
    read = reading(BENCH, rows, {"cycles": 1e6})
    params = {"dtype": "f8", "threads": 1, "chains": 12}
    peak = record("512", (1.0,) * 10, bench="peak.fma", device="cpu", params=params, counts={"flops": 0.99 * 32 * 4e9})
    read.run.records.append(peak)
    whole = "2 units × 8 lanes × 2 flops × 4.00 GHz"
    assert said(read)[1] == f"Float64 peak of each core (512-bit, 1 core busy): 99% of {whole}."
    read.run.records[-1] = msgspec.structs.replace(peak, counts={"flops": 1.2 * 32 * 4e9}, status="suspect")
    assert said(read)[1].endswith(f"120% of {whole} (suspect: above the limit) (suspect: no reason is known).")


# --- machine code -----------------------------------------------------------------------------------------------------

BUSY = (listing.INT, listing.INT, listing.FLOAT, listing.FLOAT, listing.INT, listing.INT, listing.INT, listing.INT)


@listing.needs_x86
@pytest.mark.parametrize("chains", frequency.CHAINS.values())
@pytest.mark.parametrize("bits", [64, *listing.NAMES])
def test_the_clock_chain_is_seven_additions_of_registers(bits, chains):
    """A step is seven additions to one register, 5 or 12 multiply-adds between registers, and nothing from memory."""
    if bits > 64:
        listing.needs_width(bits)
    if not cpu_features.has_fma():
        pytest.skip("this CPU has no fused multiply-add")
    body = listing.hot_loop(listing.assembly(frequency.busy, Registers("f8", bits, chains), BUSY))
    chain = [line for line in body if re.match(r"addq\s+%r", line)]
    assert len(chain) == frequency.CHAIN
    assert len(set(chain)) == 1, "one and the same register is added to"
    suffix = "sd" if bits == 64 else "pd"
    assert listing.count(body, rf"^vfmadd\d+{suffix}\s+%{listing.NAMES[max(bits, 128)]}") == chains
    assert listing.count(body, r"\(") == 0, "a spill or a load"


@pytest.mark.parametrize("chains", frequency.CHAINS.values())
def test_arm_clock_chain_is_seven_additions(chains):
    """On AArch64 a step is seven additions of registers and 5 or 12 fmla."""
    body = listing.hot_loop(listing.for_arm(frequency.busy, Registers("f8", 128, chains), BUSY))
    chain = [line for line in body if re.match(r"add\s+x\d+, x\d+, x\d+$", line)]
    assert len(chain) == frequency.CHAIN
    assert listing.count(body, r"^fmla\s+v\d+\.2d") == chains
    assert listing.count(body, r"\[(sp|x)") == 0
