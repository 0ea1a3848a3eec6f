"""The view of the systolic array: what it shows comes from the records, and no record can break it."""

import msgspec
import pytest

from hwbench.benches.systolic import matmul
from hwbench.report.sections import Figure, Steps, Table
from hwbench.report.views.applications.systolic import view as systolic_view
from made_up.applications import ODD, blocks, run_of, simulated
from made_up.page import dataset


def test_utilisation_and_cycles_stand_in_the_tables():
    """Every array and batch is a row of the chart's table; counted cycles stand beside the closed form's."""
    section = systolic_view(dataset(run_of(simulated("8x8", "16x16x4"), simulated("16x16", "16x16x4"))))
    busy, _ = blocks(section, Figure)
    assert len(busy.table.rows) == 2 * len(matmul.BATCHES)
    (table,) = blocks(section, Table)
    assert all(row[3] == row[4] for row in table.rows)
    assert not blocks(section, Steps)


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize(
    "fact", ["frames", "w", "x", "y", "rows", "cycles", "batches", "cycles_by_batch", "utilisation", "words_per_cycle"]
)
def test_odd_facts_of_a_systolic_record_break_nothing(fact, odd):
    """A record may lose its place in the section, never the page."""
    good = simulated("3x3", "3x3x2")
    bad = msgspec.structs.replace(good, facts=good.facts | {fact: odd})
    section = systolic_view(dataset(run_of(bad, simulated("8x8", "16x16x4"))))
    assert section is not None


def test_a_run_without_this_bench_has_no_section():
    """None, and the page has no heading for nothing."""
    assert systolic_view(dataset(run_of())) is None
