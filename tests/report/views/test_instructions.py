"""The instruction table: cycles by the additions beside, published figures with their sources, and hostile facts."""

from __future__ import annotations

from hwbench.record.model import Record
from hwbench.report.sections import Figure
from hwbench.report.views.computing import view as computing
from made_up.page import column, dataset, figure, record, run_of


def timed(operation: str, variant: str, cycles: float, **facts: object) -> Record:
    return record("instruction.table", variant, cycles * 1e-6, {"items": 1000}, params={"operation": operation},
                  facts={"threads": 1, "instruction": "VDIVPD ymm", **facts})  # fmt: skip


def shown(*records: Record) -> Figure:
    return figure(computing(dataset(run_of(*records))))


def test_cycles_are_times_over_additions() -> None:
    """Latency and throughput of an instruction in a row, with what is published of both."""
    zen = {"published": {"Zen 4": 13.2}, "sources": {"Zen 4": "a table"}}
    found = shown(
        timed("divide-f8", "cycle", 1.0), timed("divide-f8", "latency", 13.0, **zen),
        timed("divide-f8", "throughput", 5.0, published={"Zen 4": 5.0}),
        timed("pause", "cycle", 1.0), timed("pause", "throughput", 90.0),
    )  # fmt: skip
    assert column(found.table, "latency, cycles") == ["13.0", "–"]
    assert column(found.table, "throughput, cycles") == ["5.00", "90.0"]
    assert column(found.table, "Zen 4") == ["13.2 / 5.00", "–"]
    assert "Zen 4: a table." in found.text
    marks = found.panels[0].spec["datasets"]["marks"]
    assert [(mark["group"], mark["value"]) for mark in marks] == [("divide-f8", 13), ("divide-f8", 5), ("pause", 90)]


def test_what_a_file_holds_instead_of_figures_is_left_out() -> None:
    """No published figures but words, none finite, no dictionary; without additions there are no cycles."""
    odd = {"published": {"Zen 4": "fast", "Zen 5": float("inf"), "x": True}, "sources": ["?"]}
    found = shown(timed("load", "cycle", 1.0), timed("load", "latency", 4.0, **odd))
    assert [head for head in found.table.head if head.startswith(("Zen", "x"))] == []
    assert "Sources" not in found.text
    assert computing(dataset(run_of(timed("load", "latency", 4.0)))) is None
