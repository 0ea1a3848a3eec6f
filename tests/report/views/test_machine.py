"""The machine card: headlines, machines side by side, what disturbs."""

from __future__ import annotations

import msgspec

from hwbench.record.reasons import Reason
from hwbench.report.sections import Facts, Table, Tiles
from hwbench.report.views.machine import view as machine
from made_up.page import column, dataset, record, run_of
from made_up.sample import LAPTOP, Model, replace, sample_run


def test_headlines_are_the_best_undisturbed_samples() -> None:
    """A suspect figure heads the page only where there is no other."""
    fast = record("stream.load", "simd", 1e-6, {"bytes": 9e4}, params={"size": "DRAM", "dtype": "f8", "threads": 1})
    slow = record("stream.copy", "simd", 1e-6, {"bytes": 2e4}, params={"size": "DRAM", "dtype": "f8", "threads": 1})
    doubtful = msgspec.structs.replace(fast, status="suspect", reasons=[Reason("clock_drift", "5.0%")])
    for records_, value in (([fast, slow], "90.0"), ([doubtful, slow], "20.0"), ([doubtful], "90.0")):
        section = machine(dataset(run_of(*records_)))
        tiles = next(block for block in section.blocks if isinstance(block, Tiles))
        assert [tile.value for tile in tiles.tiles] == [value]


def test_machines_side_by_side_have_a_column_each() -> None:
    """Of several runs the limits become one table, beside the lecture's column."""
    section = machine(dataset(sample_run(), sample_run(LAPTOP)))
    table = next(block for block in section.blocks if isinstance(block, Table))
    assert list(table.head) == ["limit", "zen-vm, 2026-11-22", "laptop, 2026-11-22", "lecture"]
    assert column(table, "lecture") == ["30", "0.5", "7", "100", "–", "0.15"]


def test_the_machine_card_names_what_disturbs() -> None:
    """A virtual machine with a quota, siblings and no huge pages is told so in a sentence each."""
    run = sample_run(Model(cpus=4))
    cpu = msgspec.structs.replace(run.machine.cpu, quota=1.5, smt=2)
    memory = msgspec.structs.replace(run.machine.memory, huge_pages="never")
    section = machine(dataset(replace(run, machine=msgspec.structs.replace(run.machine, cpu=cpu, memory=memory))))
    told = " ".join(sentence for block in section.blocks for sentence in getattr(block, "sentences", ()))
    assert all(word in told for word in ("virtual", "1.50 CPUs", "share a core", "huge pages"))
    assert any(isinstance(block, Facts) for block in section.blocks)
