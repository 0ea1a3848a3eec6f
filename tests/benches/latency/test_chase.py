"""The pointer chase: one ring through all lines, in the order asked for, followed hop by hop."""

import ctypes
import re
from itertools import pairwise

import numpy as np
import pytest

from doubles.scripted import ScriptedDevice
from hwbench.bench import Skip
from hwbench.benches.latency import chase
from hwbench.devices.cpu import CpuDevice
from hwbench.kernels import gate
from hwbench.measurement.verify_output import mismatch
from inspection import arm, listing
from inspection.answers import reading
from inspection.told import STOLEN, doubt, said, spread


@pytest.fixture(scope="module")
def device():
    made = CpuDevice()
    yield made
    made.close()


def lines_of(size, order="random", seed=3):
    return chase.ring(np.random.default_rng(seed), size, order, ScriptedDevice())


@pytest.mark.parametrize("order", ["random", "page-local"])
@pytest.mark.parametrize("size", [128, 4096, 7 * 64, 2**18 - 64, 2**18, 2**18 + 64, 2**20 + 4096])
def test_the_order_holds_every_line_once(size, order):
    """Each line of the memory comes once, whatever remains of the last group."""
    lines = lines_of(size, order)
    assert sorted(lines.tolist()) == list(range(size // 64))


def test_page_local_order_stays_in_its_group():
    """Page-local order takes groups of 64 pages in sequence and is random within each; random order is not so."""
    lines = lines_of(2**20, "page-local")
    groups = lines // chase.GROUP
    assert (np.diff(groups) >= 0).all()
    assert (np.diff(lines) == 1).mean() < 0.01
    assert (np.diff(lines_of(2**20) // chase.GROUP) < 0).any()


@pytest.mark.parametrize("lines", [64, 384, 1000, 2**14, 3 * 2**15])
def test_random_order_is_as_random_as_a_shuffle(lines):
    """No step is more frequent than in NumPy's shuffles, and a line says nothing about where the next one lies."""

    def told(order):
        steps = np.diff(order)
        return np.unique(steps, return_counts=True)[1].max(), abs(np.corrcoef(order[:-1], order[1:])[0, 1])

    ours = np.array([told(lines_of(64 * lines, seed=seed)) for seed in range(50)])
    shuffles = np.array([told(np.random.default_rng(seed).permutation(lines)) for seed in range(50)])
    assert (ours.mean(axis=0) < 1.5 * shuffles.mean(axis=0)).all()


def test_the_same_seed_gives_the_same_ring():
    """Rings are drawn from the generator alone."""
    assert (lines_of(2**16) == lines_of(2**16)).all()
    assert (lines_of(2**16) != lines_of(2**16, seed=4)).any()


@pytest.mark.parametrize("pages", ["4K", "huge"])
@pytest.mark.parametrize("order", ["random", "page-local"])
@pytest.mark.parametrize("size", [128, 4096, 2**18 + 64])
def test_the_chase_ends_where_the_order_says(device, size, order, pages):
    """After one call, and after more, the chase is on the line that walking the order gives."""
    lines = lines_of(size, order)
    try:
        work = chase.follow_pointers(device, lines, pages)
    except Skip as reason:
        pytest.skip(str(reason))
    work.call()
    assert mismatch(work.output(), chase.last_line(lines), {}, 0.0) == ""
    work.timer(3)
    assert work.output() == lines[4 * chase.HOPS % len(lines)]
    work.close()


@pytest.mark.parametrize("wrong", [1, 15, 16])
def test_too_many_or_too_few_hops_are_caught(device, monkeypatch, wrong):
    """A chase that ends some hops early or late is not on the right line."""
    right = chase.chase
    monkeypatch.setattr(chase, "chase", lambda address, hops, gate: follow_on(right(address, hops, gate), wrong))
    lines = lines_of(2**16)
    work = chase.follow_pointers(device, lines, "4K")
    work.call()
    assert "differs" in mismatch(work.output(), chase.last_line(lines), {}, 0.0)
    work.close()


def follow_on(address, hops):
    """So many hops more, one by one, by reading the process's own memory."""
    for _ in range(hops):
        address = ctypes.c_int64.from_address(address).value
    return address


def test_two_rings_are_refused(device, monkeypatch):
    """Where the memory falls into two rings the builder stops: two parts do not end where the next one begins."""

    def two(base, memory, lines):
        half = len(lines) // 2
        words = memory.view(np.int64)[:: chase.LINE // 8]
        for part in (lines[:half], lines[half:]):
            words[part] = base + chase.LINE * np.roll(part, -1)

    monkeypatch.setattr(chase, "link", two)
    with pytest.raises(AssertionError, match="the ring of 1024 lines breaks in 2 of 16 parts"):
        chase.follow_pointers(device, lines_of(2**16), "4K")


def test_too_small_a_ring_is_skipped():
    """One line is no ring."""
    with pytest.raises(Skip, match="100 bytes are too few"):
        lines_of(100)


def sweep(huge=(), small=(), local=None):
    """A reading of nanoseconds by level on huge and on small pages, and within groups of pages."""
    rows = [("follow", {"size": size, "pages": "huge", "order": "random"}, ns * 1e-9) for size, ns in huge]
    rows += [("follow", {"size": size, "pages": "4K", "order": "random"}, ns * 1e-9) for size, ns in small]
    if local:
        rows.append(("follow", {"size": "DRAM", "pages": "4K", "order": "page-local"}, local * 1e-9))
    read = spread(reading(chase.bench, rows, {"hops": 1}))
    read.levels = lambda: ("Where the levels end.", "How far the TLB reaches.")
    return read


@pytest.mark.parametrize(
    ("levels", "told"),
    [
        ([("L2", 4)], "4.00 ns (…) in L2"),
        ([("L1", 1), ("L2", 4)], "1.00 ns (…) in L1 and 4.00 ns (…) in L2"),
        ([("L1", 1), ("L2", 4), ("DRAM", 100)], "1.00 ns (…) in L1, 4.00 ns (…) in L2 and 100 ns (…) in memory"),
    ],
)
def test_findings_tell_each_level(levels, told):
    """One, two and three levels read well; the hierarchy's own sentences follow."""
    read = sweep(levels)
    latency = f"Load latency (random order, huge pages, 1 thread): {told}."
    assert said(read) == [latency, "How far the TLB reaches.", "Where the levels end."]
    assert said(doubt(read))[0].endswith(STOLEN)


def test_small_pages_are_set_against_huge_ones():
    """What translation costs in memory, and what remains within the pages that a TLB covers."""
    read = sweep([("DRAM", 100)], [("DRAM", 120)], 90)
    assert said(read)[1] == (
        "Memory latency on 4 KiB pages (1 thread): 120 ns (…), 1.20× slower than on huge pages (…); 90.0 ns (…) when "
        "it stays within 64 pages at a time. How far the TLB reaches."
    )
    assert len(said(read)) == 3
    alone = said(sweep([("DRAM", 100)], [("DRAM", 120)]))[1]
    assert alone.endswith("slower than on huge pages (…). How far the TLB reaches.")


def test_findings_without_huge_pages_tell_the_small_ones():
    """Where no huge pages can be had, the levels are told on 4K pages and nothing is compared with them."""
    alone = "Load latency (random order, 4 KiB pages, 1 thread): 120 ns (…) in memory."
    rest = ["How far the TLB reaches.", "Where the levels end."]
    assert said(sweep(small=[("DRAM", 120)])) == [alone, *rest]
    assert said(sweep(small=[("DRAM", 120)], local=90))[1] == (
        "Memory latency on 4 KiB pages (1 thread): 120 ns (…); 90.0 ns (…) when it stays within 64 pages at a time. "
        "How far the TLB reaches."
    )
    assert said(sweep()) == rest


# --- machine code -----------------------------------------------------------------------------------------------------


@listing.needs_x86
def test_chase_is_sixteen_dependent_loads():
    """Sixteen loads, each from the address that the one before brought, and subtract or add, compare, jump."""
    body = listing.hot_loop(listing.assembly(chase.chase, None, (listing.INT,) * 3))
    loads = [re.fullmatch(r"movq\s+\((%r\w+)\), (%r\w+)", line) for line in body]
    pairs = [found.groups() for found in loads if found]
    assert all(before[1] == after[0] for before, after in pairwise([*pairs, pairs[0]]))
    assert listing.count(body, r"\(") == 16
    assert len(body) <= 16 + 4, body


def test_arm_chase_is_sixteen_loads():
    """On AArch64 the chase is sixteen loads an iteration."""
    body = listing.hot_loop(listing.for_arm(chase.chase, None, (listing.INT,) * 3))
    assert listing.count(body, r"^ldr\s+x\d+, \[x\d+\]$") == 16


@arm.needs_qemu
def test_arm_chase_follows_the_ring(tmp_path):
    """Run on AArch64 the chase ends where the ring says, and the gate has the stamps of its start and end."""
    lines = lines_of(4096)
    memory = np.zeros(4096 + 128, np.uint8)
    chase.point(memory.view("i8"), arm.at(0), lines)
    start = arm.at(64 * int(lines[0]))
    returned, after = arm.run(chase.chase, None, [start, 32, arm.at(4096)], memory, tmp_path)
    assert np.frombuffer(returned, "i8")[0] == arm.at(64 * int(lines[32]))
    began, ended = after[4096:].view("i8")[[gate.START, gate.END]]
    assert 0 < began <= ended


def test_follow_reads_the_pointer():
    """Following a pair of pointers to each other comes back after sixteen hops."""
    pair = (ctypes.c_int64 * 2)()
    first = ctypes.addressof(pair)
    pair[0], pair[1] = first + 8, first
    assert chase.chase(first, 16) == first
