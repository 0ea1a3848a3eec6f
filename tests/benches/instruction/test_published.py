"""Published figures: each core has a source, each row an operation, and what is not published is left out."""

from __future__ import annotations

import pytest

from hwbench.benches.instruction._operations import OPERATIONS
from hwbench.benches.instruction._published import CORES, ROWS, SOURCES, UOPS_INFO, published


def test_rows_are_of_operations_and_cores_have_sources():
    """Nobody reads a figure without knowing whose it is."""
    assert set(ROWS) | set(UOPS_INFO) <= set(OPERATIONS)
    assert all(len(row) == len(SOURCES) - 1 for row in ROWS.values())
    assert {column for columns in CORES.values() for column in columns} == {*SOURCES}
    *first, last = SOURCES.values()
    assert all("InstLatx64" in source for source in first)
    assert last.startswith("uops.info")


def test_two_sources_of_a_core_agree():
    """Figures of Zen 4 that are more than a rounding apart are of other instructions."""
    for operation, figures in UOPS_INFO.items():
        for here, there in zip(figures, ROWS.get(operation, [(None, None)])[0], strict=True):
            assert here is None or there is None or abs(here / there - 1) < 0.025, operation


@pytest.mark.parametrize("name", ROWS)
def test_figures_are_cycles(name):
    """Above 0; a throughput is no longer than the latency but where the chain of the source bounds it."""
    for latency, throughput in ROWS[name]:
        assert all(figure is None or 0.1 < figure < 500 for figure in (latency, throughput))
        assert latency is None or throughput is None or throughput <= latency * 1.2


def test_figures_are_told_by_core():
    """Latency and throughput apart; nothing of what nobody published."""
    assert published("divide-f8", "latency") == {
        "Zen 4": 13.2, "Zen 5": 12.93, "Ice Lake": 14.0, "Golden Cove": 13.94, "Zen 4 (uops.info)": 13.0,
    }  # fmt: skip
    assert published("pause", "latency") == {}
    assert published("divide-f8", "throughput")["Zen 4"] == 5.0
    assert (published("root-f8", "throughput")["Zen 4"], published("fma-f8", "throughput")["Zen 4"]) == (8.42, 0.5)
    assert published("swap", "latency") == {"Golden Cove": 19.0}
    assert published("swap-shared", "throughput") == {}


@pytest.mark.parametrize(
    ("operation", "way"),
    [("gather", "latency"), ("gather", "throughput"), ("store-renamed", "latency"), ("pause", "throughput")],
)
def test_what_measures_something_else_there_is_left_out(operation, way):
    """An empty mask, a register handed on without memory, a time that firmware sets: no difference of the core."""
    assert published(operation, way) == {}
    assert "Zen 4" not in published("divide-i8", "throughput")
