"""The integer peak: a panel for each number of threads, bars by operation and width."""

from __future__ import annotations

from hwbench.report.views.computing import view as computing
from made_up.page import column, dataset, figure, record, run_of


def one(operation: str, variant: str, threads: int | str, rate: float) -> object:
    params = {"operation": operation, "threads": threads}
    return record("peak.integer", variant, 1e9 / rate, {"ops": 1e9}, params=params,
                  facts={"threads": 2 if threads == "all" else 1, "instruction": "vpaddd {a}, {x}, {x}"})  # fmt: skip


def test_bars_stand_by_operation_and_width() -> None:
    """Rates in GOP/s; dots on a logarithmic scale where they span more than 30; the table has the instruction."""
    records = [one("add-int32", "scalar", 1, 1e10), one("add-int32", "512", 1, 1e11), one("dot-int8", "512", 1, 5e11),
               one("add-int32", "512", "all", 2e11)]  # fmt: skip
    shown = figure(computing(dataset(run_of(*records))))  # type: ignore[arg-type]
    assert shown.title == "Integer peak"
    assert [panel.title for panel in shown.panels] == ["1 thread", "all 2 threads"]
    marks = shown.panels[0].spec["datasets"]["marks"]
    assert [(mark["group"], mark["value"]) for mark in marks] == [
        ("add-int32", 10), ("add-int32", 100), ("dot-int8", 500),
    ]  # fmt: skip
    assert column(shown.table, "GOP/s") == ["10.0", "100", "500", "200"]
    assert column(shown.table, "instruction")[0] == "vpaddd {a}, {x}, {x}"
