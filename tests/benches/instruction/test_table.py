"""The instruction table: answers of the loops, cycles from times, the machine code, and the sentences."""

from __future__ import annotations

import msgspec
import pytest

from hwbench.bench import Skip
from hwbench.benches import _chains
from hwbench.benches.instruction import table
from hwbench.benches.instruction._operations import OPERATIONS
from hwbench.devices.cpu import CpuDevice
from hwbench.record.model import Cpu
from inspection import listing
from inspection.answers import reading, verdict, work_of
from inspection.told import STOLEN, doubt, said, spread

BENCH = table.bench
ARGUMENTS = (listing.INT,) * 8
# Of each kind of operand and of memory one, and whether a turn of the loop less shows: the bench itself checks all.
SOME = [
    ("add-f8", "cycle", True), ("root-f8", "latency", False), ("divide-i8", "latency", False),
    ("gather", "throughput", True), ("load", "latency", False), ("swap-shared", "latency", True),
]  # fmt: skip


@pytest.fixture(scope="module")
def device():
    made = CpuDevice()
    yield made
    made.close()


@pytest.mark.parametrize(("operation", "variant", "counts"), SOME)
def test_x_is_what_all_instructions_make_of_it(device, monkeypatch, operation, variant, counts):
    """It is NumPy's; roots and quotients come near a fixed point, where the machine code alone tells their number."""
    if reason := table.lacking(operation):
        pytest.skip(str(reason))
    monkeypatch.setattr(table, "COUNT", 1920)
    values = {"device": device, "operation": operation}
    try:
        assert verdict(BENCH, variant, values) == ""
    except Skip as skipped:
        pytest.skip(str(skipped))
    right = _chains.chains
    monkeypatch.setattr(_chains, "chains", lambda *given: right(*given[:6], given[6] - 1, *given[7:]))
    assert bool(verdict(BENCH, variant, values)) == counts


def test_what_has_no_such_figure_is_skipped(device):
    """Nothing is built for it; with one CPU nobody else wants the line."""
    if table.lacking("pause"):
        pytest.skip("x86 alone")
    with pytest.raises(Skip, match="pause has no latency of its own"):
        work_of(BENCH, "latency", {"device": device, "operation": "pause"})

    class One:
        class host:
            usable = 1

    with pytest.raises(Skip, match="needs 2 CPUs that write the same cache line"):
        work_of(BENCH, "latency", {"device": One, "operation": "swap-shared"})
    assert "there are add-f8" in str(table.lacking("halt"))


@listing.needs_x86
@pytest.mark.parametrize(
    ("operation", "way", "mnemonic"),
    [
        ("fma-f8", "throughput", "vfmadd231pd"),
        ("load", "latency", r"movq\s+\((%r\w+)\), \1$"),
        ("swap", "latency", "lock"),
    ],
)
def test_the_loop_has_the_instructions_and_nothing_else(operation, way, mnemonic):
    """As many as are counted, and the counting of the loop."""
    if reason := table.lacking(operation):
        pytest.skip(str(reason))
    code, turn = OPERATIONS[operation].code(way)
    body = listing.instructions(listing.hot_loop(listing.assembly(_chains.chains, code, ARGUMENTS)))
    assert listing.count(body, f"^{mnemonic}") == turn
    assert len(body) <= turn + 4


def made(times, generation=(0x19, 0x11)):
    """Records by operation and way in cycles of a CPU whose additions take 1 ns; Zen 4 unless told otherwise."""
    rows = []
    for (operation, way), cycles in times.items():
        rows += [("cycle", {"operation": operation}, 1e-6), (way, {"operation": operation}, cycles * 1e-6)]
    read = spread(reading(BENCH, rows, {"items": 1000}), 0.001)
    cpu = Cpu(model="AMD EPYC", arch="x86_64", logical=4, physical=4, vendor="AuthenticAMD", family=generation[0],
              model_number=generation[1])  # fmt: skip
    run = msgspec.structs.replace(read.run, machine=msgspec.structs.replace(read.run.machine, cpu=cpu))
    return type(read)(BENCH, msgspec.structs.replace(run, records=read.records))


def test_findings_tell_cycles_and_the_published_figures_of_this_core():
    """Latencies and throughputs by the additions measured beside, and which of them are others than published."""
    read = made({
        ("add-f8", "latency"): 3.0, ("shuffle", "throughput"): 1.02, ("load", "latency"): 4.0,
        ("gather", "throughput"): 8.0, ("multiply-i8", "throughput"): 1.0,
    })  # fmt: skip
    assert said(read) == [
        "Cycles of latency: add-f8 3.00 and load 4.00.",
        "Cycles of throughput: multiply-i8 1.00, shuffle 1.02 and gather 8.00.",
        "Of 4 figures published for Zen 4, 3 agree within 5.0%; apart is shuffle throughput 1.02 against 0.510 "
        "(InstLatx64, EPYC 9654). "
        "Of 3 figures published for Zen 4, 2 agree within 5.0%; apart is shuffle throughput 1.02 against 0.500 "
        "(uops.info, instructions.xml of 2026-03-29).",
    ]
    assert [one.endswith(STOLEN) for one in said(doubt(read, "throughput"))] == [False, True, True]


def test_of_many_that_are_apart_the_furthest_are_named_and_the_others_counted():
    """Nobody takes six for all."""
    names = ("add-f8", "add-f4", "multiply-f8", "multiply-f4", "fma-f8", "fma-f4", "load", "shuffle")
    told = said(made({(name, "latency"): 8.0 for name in names}))[1]
    assert told.startswith("Of 8 figures published for Zen 4, 0 agree within 5.0%; apart are multiply-f4 latency")
    assert ", add-f8 latency 8.00 against 3.00" in told
    assert " and 2 more (InstLatx64" in told


def test_a_core_without_published_figures_is_compared_with_none():
    """A CPU of another generation; and no records say nothing."""
    assert len(said(made({("add-f8", "latency"): 3.0}, (0x17, 0x31)))) == 1
    assert said(reading(BENCH, [], {})) == []
