"""Several chases on one ring: where each ends, how they are spaced, and what their times say of loads in flight."""

import msgspec
import numpy as np
import pytest

from hwbench.benches.latency import parallel
from hwbench.devices.cpu import CpuDevice
from hwbench.kernels.simd import Registers
from inspection import listing
from inspection.answers import reading, verdict, work_of
from inspection.told import STOLEN, doubt, said, spread

BENCH = parallel.bench


@pytest.fixture(scope="module")
def device():
    made = CpuDevice()
    yield made
    made.close()


def values(device, size=2**16, chains=4):
    return {"device": device, "size": size, "pages": "4K", "chains": chains}


@pytest.mark.parametrize("chains", [1, 2, 3, 16, 20])
@pytest.mark.parametrize("size", [128, 2**16, 2**18 + 64])
def test_every_chase_ends_where_the_order_says(device, size, chains):
    """After a call each chase is on the line that walking the ring from its own start gives."""
    assert verdict(BENCH, "follow", values(device, size, chains)) == ""


def test_more_loops_go_on_from_there(device):
    """Three calls in one are three times the hops."""
    work, (ring,) = work_of(BENCH, "follow", values(device))
    work.timer(3)
    n = len(ring.lines)
    expected = ring.lines[(parallel.starts(n, 4) + 3 * parallel.HOPS) % n]
    assert work.output().tolist() == expected.tolist()
    work.close()


def test_a_hop_too_few_is_caught(device, monkeypatch):
    """A kernel that leaves out four hops gives other lines."""
    right = parallel.chase_all
    monkeypatch.setattr(parallel, "chase_all", lambda r, to, of, hops, gate: right(r, to, of, hops - 4, gate))
    assert "differs" in verdict(BENCH, "follow", values(device))


def test_chases_are_spaced_evenly():
    """No two start together, and each has the same part of the ring before it."""
    assert parallel.starts(1000, 4).tolist() == [0, 250, 500, 750]
    assert len(set(np.diff(parallel.starts(16384, 16)))) == 1


def test_all_numbers_of_chases_share_one_ring():
    """The ring depends on size and pages alone, so that the engine makes it once for a group."""
    assert "chains" not in BENCH.names("inputs")
    assert BENCH.together == ("chains",)


def test_counts_are_those_of_all_chases():
    """Each hop of each chase counts, and brings a line of 64 bytes."""
    assert BENCH.count({"chains": 8}) == {"hops": 8 * 1024, "bytes": 8 * 1024 * 64}


def chases(**levels):
    """A reading of microseconds for 1000 hops of each chase, by level and number of chases."""
    rows = [
        ("follow", {"size": size, "pages": "huge", "chains": chains}, seconds * 1e-6)
        for size, times in levels.items()
        for chains, seconds in times.items()
    ]
    read = spread(reading(BENCH, rows, {}))
    read.records = [msgspec.structs.replace(r, counts={"hops": 1000 * r.params["chains"]}) for r in read.records]
    return read


def test_the_finding_tells_loads_in_flight():
    """Eight chases in twice the time of one are four loads in flight: Little's law."""
    read = chases(DRAM={1: 100, 4: 100, 8: 250})
    [sentence] = said(read)
    assert sentence == (
        "In memory, 1 thread keeps 4.00 (…) loads in flight with 4 independent chases: one load every 25.0 ns instead "
        "of 100 ns, 2.56 GB/s (…) in 64-byte lines."
    )
    assert said(doubt(read, chains=4))[0].endswith(STOLEN)


def test_three_levels_are_told_the_most_loads_first():
    """L1 to memory were measured; the level with fewest loads in flight is left out."""
    read = chases(L1={1: 1, 2: 1.9}, L2={1: 5, 8: 5}, L3={1: 20, 8: 16}, DRAM={1: 100, 8: 200})
    assert [one.split(",")[0] for one in said(read)] == ["In L3", "In L2", "In memory"]


def test_nothing_is_said_without_a_single_chase():
    """Many chases alone show no latency; one chase alone no parallelism."""
    assert said(chases(DRAM={4: 100})) == []
    assert said(chases(DRAM={1: 100})) == []


# --- machine code -----------------------------------------------------------------------------------------------------


@listing.needs_x86
@pytest.mark.parametrize("chains", [1, 2, 8, 14])
def test_each_chase_has_a_register_of_its_own(chains):
    """Four hops of each chase are four loads from the address that the one before brought, none of them the stack."""
    body = listing.hot_loop(listing.assembly(parallel.chase_all, Registers("i8", 64, chains), (listing.INT,) * 4))
    assert listing.count(body, r"^movq\s+\((%r\w+)\), \1$") >= 4 * chains - chains
    assert listing.count(body, r"^movq\s+\(%r(?!sp)\w+\), %r") == 4 * chains
    assert listing.count(body, r"\(%rsp\)") <= 1, "of fourteen chases one may wait on the stack"


@listing.needs_x86
def test_of_sixteen_chases_few_wait_on_the_stack():
    """x86 has too few registers for sixteen: all their loads are there, and at most one move in three is a spill's."""
    body = listing.hot_loop(listing.assembly(parallel.chase_all, Registers("i8", 64, 16), (listing.INT,) * 4))
    assert listing.count(body, r"\(%r(?!sp)\w+\), %r") == 64
    assert listing.count(body, r"\(%rsp\)") <= 32


@pytest.mark.parametrize("chains", [1, 8, 16])
def test_arm_keeps_sixteen_chases_in_registers(chains):
    """AArch64 has registers for sixteen chases: four loads each an iteration, none from the stack."""
    body = listing.hot_loop(listing.for_arm(parallel.chase_all, Registers("i8", 64, chains), (listing.INT,) * 4))
    assert listing.count(body, r"^ldr\s+x\d+, \[x\d+\]$") == 4 * chains
    assert listing.count(body, r"\[sp") == 0
