"""The machine card: headlines, machines side by side, what disturbs."""

from __future__ import annotations

import msgspec

from hwbench.record.model import Record
from hwbench.record.reasons import Reason
from hwbench.report.sections import Facts, Table, Tiles
from hwbench.report.views.machine import view as machine
from made_up.page import dataset, record, run_of
from made_up.sample import LAPTOP, Model, replace, sample_run


def read(variant: str, rate: float, threads: int | str, **more: object) -> Record:
    """Reading memory at so many GB/s."""
    params = {"size": "DRAM", "dtype": "f8", "threads": threads}
    facts = {"threads": 2 if threads == "all" else threads}
    return replace(record("stream.load", variant, 1e-6, {"bytes": rate * 1e3}, params=params, facts=facts), **more)


def peak(dtype: str, rate: float, threads: int | str) -> Record:
    """Multiply-adds at so many GFLOP/s."""
    params, facts = {"dtype": dtype, "threads": threads}, {"threads": 2 if threads == "all" else threads}
    return record("peak.fma", "512", 1e-6, {"flops": rate * 1e3}, params=params, facts=facts)


def tiles_of(*records: Record) -> list[tuple[str, str, str]]:
    section = machine(dataset(run_of(*records)))
    assert section is not None
    found = [block for block in section.blocks if isinstance(block, Tiles)]
    return [(tile.label, tile.value, tile.note) for one in found for tile in one.tiles]


def test_headlines_are_medians_on_stated_threads() -> None:
    """A doubtful value is shown with its mark; a copy never stands in for it."""
    copied = replace(read("simd", 80, 1), bench="stream.copy")
    assert tiles_of(read("simd", 90, 1), copied) == [("Memory bandwidth", "90.0", "reading, 1 thread")]
    doubtful = read("simd", 90, 1, status="suspect", reasons=[Reason("clock_drift", "5.0%")])
    marked = "reading, 1 thread, suspect (the clock drifted)"
    assert tiles_of(doubtful, copied) == [("Memory bandwidth", "90.0", marked)]
    assert tiles_of(copied) == []


def test_all_headlines_are_on_the_same_threads() -> None:
    """Where one figure was measured on all threads, one of a single thread does not stand beside it."""
    shown = tiles_of(peak("f8", 50, 1), peak("f8", 100, "all"), peak("f4", 100, 1), peak("f4", 200, "all"))
    assert shown == [
        ("FP64 peak", "100", "fused multiply-add, 2 threads"),
        ("FP32 peak", "200", "fused multiply-add, 2 threads"),
    ]
    assert [label for label, *_ in tiles_of(peak("f8", 100, "all"), peak("f4", 100, 1))] == ["FP64 peak"]
    assert len(tiles_of(peak("f8", 50, 1), peak("f4", 100, 1))) == 2


def test_machines_side_by_side_have_a_column_each() -> None:
    """Of several runs the figures become one table, on like threads, beside the lecture's column."""
    section = machine(dataset(sample_run(), sample_run(LAPTOP)))
    table = next(block for block in section.blocks if isinstance(block, Table))
    assert list(table.head) == ["figure", "zen-vm, 2026-11-22", "laptop, 2026-11-22", "lecture"]
    rows = {row[0]: row[1:] for row in table.rows}
    assert rows["FP64 peak on one thread, GFLOP/s"][-1] == "–"
    assert rows["FP32 peak on all threads, GFLOP/s"][-1] == "150"
    assert all("threads)" in cell for name, row in rows.items() if "all threads" in name for cell in row[:-1])
    assert rows["Memory latency, ns"][-1] == "100"


def test_the_machine_card_names_what_disturbs() -> None:
    """A virtual machine with a quota, siblings and no huge pages is told so in a sentence each."""
    run = sample_run(Model(cpus=4))
    cpu = msgspec.structs.replace(run.machine.cpu, quota=1.5, smt=2)
    memory = msgspec.structs.replace(run.machine.memory, huge_pages="never")
    section = machine(dataset(replace(run, machine=msgspec.structs.replace(run.machine, cpu=cpu, memory=memory))))
    told = " ".join(sentence for block in section.blocks for sentence in getattr(block, "sentences", ()))
    assert all(word in told for word in ("virtual", "1.50 CPUs", "share a core", "huge pages"))
    assert any(isinstance(block, Facts) for block in section.blocks)
