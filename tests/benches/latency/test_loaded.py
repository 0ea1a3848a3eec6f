"""A chase beside streams: who does what, when the streams end, what they moved, and where it cannot be had."""

import ctypes

import msgspec
import numpy as np
import pytest

from hwbench.bench import Bench
from hwbench.benches.latency import loaded
from hwbench.devices.cpu import CpuDevice
from hwbench.host.system import Host
from hwbench.kernels import cpu_features
from hwbench.kernels.simd import Registers
from hwbench.record.reasons import told
from inspection import listing
from inspection.answers import reading, verdict, work_of
from inspection.told import STOLEN, doubt, said, spread

BENCH: Bench = loaded.bench


@pytest.fixture(scope="module")
def device():
    made = CpuDevice()
    yield made
    made.close()


def values(device, gap, size=2**20):
    if reason := loaded.lacking(device):
        pytest.skip(str(reason))
    return {"device": device, "size": size, "pages": "4K", "gap": gap}


@pytest.mark.parametrize("gap", ["idle", 0, 100])
@pytest.mark.parametrize("variant", ["read", "write"])
def test_the_chase_ends_on_its_line_whatever_the_others_do(device, variant, gap):
    """The chase ends where its ring says, and the streams read as many words as they counted blocks."""
    assert verdict(BENCH, variant, values(device, gap)) == ""


@pytest.mark.parametrize("size", [128, 4096, 2**18])
def test_small_memory_has_room_for_a_block(device, size):
    """However little is asked for, a stream has a page to go through."""
    assert verdict(BENCH, "read", values(device, 0, size)) == ""


def test_streams_run_only_where_they_should(device):
    """Idle moves nothing; streams move something, and the bytes a second become a fact while it is timed."""
    idle, _ = work_of(BENCH, "read", values(device, "idle"))
    assert idle.timer(50) > 0
    assert (idle.facts["streamed"], idle.facts["streaming"]) == (0, 0)
    idle.close()
    busy, _ = work_of(BENCH, "read", values(device, 0))
    assert busy.facts["streamed"] == 0
    busy.timer(2000)
    assert busy.facts["streamed"] > 0
    assert busy.facts["streaming"] == device.cores - 1
    busy.close()


def test_writing_counts_two_lines_for_one(device):
    """A plain store reads its line and has it written back: twice the bytes of the same blocks read."""
    work, (memory,) = work_of(BENCH, "write", values(device, 0))
    memory.streamed[0].array[:] = 0
    written = memory.streamed[0].array.view(np.int64)
    for _ in range(100):  # on a busy machine the writer may get no CPU while the chase lasts
        work.timer(2000)
        if written[0]:
            break
    assert set(np.unique(written)) <= {0, 1}
    assert written[0] == 1
    work.close()


def test_a_failing_chase_does_not_leave_the_streams_running(device, monkeypatch):
    """Where the chase fails the flag is set all the same, the others end, and the error is raised."""

    def broken(address, hops, gate):
        raise RuntimeError("no way")

    monkeypatch.setattr(loaded, "chase", broken)
    work, _ = work_of(BENCH, "read", values(device, 0))
    with pytest.raises(RuntimeError, match="no way"):
        work.timer(1)
    work.close()


def test_a_word_that_was_not_read_is_caught(device, monkeypatch):
    """Streams that count a block which they did not read give another answer."""
    right = loaded.read_until

    def lazy(r, address, nbytes, pause, flag, found, gate):
        right(r, address, nbytes, pause, flag, found, gate)
        ctypes.c_int64.from_address(found).value += 1

    monkeypatch.setattr(loaded, "read_until", lazy)
    assert "part 1" in verdict(BENCH, "read", values(device, 0))


@pytest.mark.parametrize(
    ("cores", "allowed", "quota", "said"),
    [
        ({}, (0,), None, "needs 2 cores, one that waits for memory and one that streams; 1 may be used"),
        (
            {0: (0, 0), 1: (0, 0)},
            (0, 1),
            None,
            "needs 2 cores, one that waits for memory and one that streams; 1 may be used",
        ),
        ({}, (0, 1), 1.5, "needs 2 cores, one that waits for memory and one that streams; 1 may be used"),
        ({}, (0, 1), None, ""),
    ],
)
def test_one_core_cannot_do_both(cores, allowed, quota, said):
    """One CPU, two threads of one core, or a quota below two CPUs: the case is skipped with the number."""
    made = CpuDevice(Host(allowed=allowed, cores=cores, quota=quota))
    lacking = BENCH.lacks("read", {"device": made, "size": 1, "gap": 0, "pages": "4K"})
    assert told(filter(None, [lacking])) == said


def test_a_gap_is_a_number_of_cycles():
    """Any whole number may be asked for; what is none is refused with the text."""
    assert loaded.gap_of("12") == 12
    for text in ("-1", "1.5", "x", "", "٣", "9" * 10):
        with pytest.raises(ValueError, match="is neither idle nor a whole number"):
            loaded.gap_of(text)


def test_the_memory_is_told_as_it_is_taken():
    """The ring and at least 64 MiB for each stream, however many there are."""
    device = CpuDevice(Host(allowed=tuple(range(9))))
    assert BENCH.ask("memory", {"size": 2**27, "device": device}) == 2**27 + 8 * 2**26
    assert BENCH.ask("memory", {"size": 2**30, "device": device}) == 2**30 + 2**29


def under_load(times, cores=1):
    """A reading of both variants: microseconds for 1000 hops by gap, and what the others move."""
    rows = [
        (name, {"size": "DRAM", "pages": "huge", "gap": gap}, seconds * 1e-6)
        for name, each in times.items()
        for gap, seconds in each.items()
    ]
    read = spread(reading(BENCH, rows, {"hops": 1000}))
    streamed = {"idle": 0.0, 16: 20e9, 0: 15e9}
    read.records = [
        msgspec.structs.replace(r, facts={"streamed": streamed[r.params["gap"]], "streaming": cores})
        for r in read.records
    ]
    return read


def test_the_finding_sets_the_busiest_against_the_idle():
    """The ratio is that of the gap at which most was streamed; the larger effect comes first."""
    read = under_load({"read": {"idle": 100, 16: 101, 0: 300}, "write": {"idle": 100, 16: 200}})
    assert said(read) == [
        "Memory latency while 1 other core writes 10.0 GB/s (20.0 GB/s of traffic): 200 ns (…) against 100 ns with "
        "the other cores parked, 2.00× slower (…).",
        "Memory latency while 1 other core reads 20.0 GB/s: 101 ns (…) against 100 ns with the other cores "
        "parked, no difference (…).",
    ]
    assert said(doubt(read, "write"))[0].endswith(STOLEN)


def test_an_idle_figure_above_a_loaded_one_is_compared_with_nothing():
    """Load makes no latency shorter: the idle figure is called doubtful, and no ratio is told."""
    read = under_load({"read": {"idle": 399, 16: 400, 0: 261}})
    assert said(read) == [
        "Memory latency while 1 other core reads 20.0 GB/s: 400 ns (…); 399 ns with the other cores parked is "
        "doubtful, since 261 ns (…) was measured at a gap of 0 cycles (suspect: out of order)."
    ]
    assert said(doubt(read, gap="idle"))[0].endswith(STOLEN.replace(").", "; out of order)."))
    near = said(under_load({"read": {"idle": 100, 16: 150, 0: 98}}))
    assert near[0].endswith("150 ns (…) against 100 ns with the other cores parked, 1.50× slower (…).")


def test_other_cores_are_counted():
    """Three cores read; without an idle case nothing is said."""
    [sentence] = said(under_load({"read": {"idle": 100, 0: 200}}, cores=3))
    assert sentence.startswith("Memory latency while 3 other cores read 15.0 GB/s: ")
    assert said(under_load({"read": {0: 200}})) == []


# --- machine code -----------------------------------------------------------------------------------------------------

UNTIL = (listing.INT,) * 6


@listing.needs_x86
@pytest.mark.parametrize("bits", listing.NAMES)
def test_streams_look_at_the_flag_once_a_block(bits):
    """A block of the streams beside a loaded chase is eight full-width loads or stores, and one look at the flag."""
    listing.needs_width(bits)
    registers = Registers("i8", bits, 8)
    reading = listing.assembly(loaded.read_until, registers, UNTIL)
    assert listing.count(reading, rf"^v?paddq\s.*\(.*%{listing.NAMES[bits]}\d+$") == 8
    wide = cpu_features.stream_width()  # narrower stores of one value LLVM would join
    writing = listing.assembly(loaded.write_until, Registers("i8", wide, 8), UNTIL)
    assert listing.count(writing, rf"^v?mov\w+\s+%{listing.NAMES[wide]}\d+, .*\)$") == 8
    for code in (reading, writing):
        assert listing.count(code, r"^cmpq\s+\$0, \(%r\w+\)$") == 2, "before the first block, and after each"


@listing.needs_x86
@pytest.mark.parametrize("kernel", [loaded.read_until, loaded.write_until])
def test_a_gap_is_a_chain_of_decrements(kernel):
    """The wait between two blocks is a loop of one decrement, a test and a jump: a cycle each, not made a formula."""
    code = listing.assembly(kernel, Registers("i8", cpu_features.stream_width(), 8), UNTIL)
    waits = [listing.instructions(body) for body in listing.loops(code)]
    assert [wait for wait in waits if listing.count(wait, r"^decq|^addq\s+\$-1") == 1 and len(wait) == 3], code


def test_arm_streams_beside_a_loaded_chase():
    """On AArch64 a block is eight pairs of q registers, and the wait is a subtraction and a branch."""
    registers = Registers("i8", 256, 8)
    reading = listing.for_arm(loaded.read_until, registers, UNTIL)
    assert listing.count(reading, r"^ldp\s+q\d+, q\d+") == 8
    assert listing.count(listing.for_arm(loaded.write_until, registers, UNTIL), r"^stp\s+q\d+, q\d+") == 8
    assert any(
        listing.count(body, r"^subs?\s+x\d+, x\d+, #1") == 1 and len(body) <= 3 for body in listing.loops(reading)
    )
