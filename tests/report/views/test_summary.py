"""The summary: the same figures as the headline, on the first screen."""

from __future__ import annotations

import pytest

from hwbench.record import text
from hwbench.record.model import Run
from hwbench.report.sections import Figure, Hero, Section
from hwbench.report.views.summary import below_the_roofs
from hwbench.report.views.summary import view as summary
from made_up.page import dataset
from made_up.sample import LAPTOP, only_skipped, replace, sample_run


@pytest.fixture(scope="module")
def run() -> Run:
    return sample_run(every_status=False)


def hero(section: Section | None) -> Hero:
    assert section is not None
    return next(block for block in section.blocks if isinstance(block, Hero))


def test_levels_are_the_headline_figures(run: Run) -> None:
    """Each cell of the table is a headline quantity, a doubtful one with its mark."""
    runs = dataset(run)
    [table] = hero(summary(runs)).tables
    assert [row[0].partition("1)")[0].strip() for row in table.rows] == ["L1", "L2", "L3", "DRAM"]
    found = runs.readings[0].get("dram.latency")
    assert found is not None
    assert table.head[1] == "latency, ns"
    assert table.rows[-1][1].rstrip("~") == text.amount(found.value * 1e9)
    assert table.rows[-1][1].endswith("~") == bool(found.doubt)


def test_tiles_tell_compute_and_python(run: Run) -> None:
    """Peaks, matmul, what a loop costs, a call and prange, each with its unit."""
    tiles = {tile.label: tile for tile in hero(summary(dataset(run))).tiles}
    assert {"FP64 peak", "NumPy matmul", "prange"} <= set(tiles)
    assert tiles["FP64 peak"].unit == "GFLOP/s"
    assert all(tile.value and tile.note is not None for tile in tiles.values())


def test_the_badge_says_whether_to_trust_the_run(run: Run) -> None:
    """A word for the badge, and the count of cases and the time beside it."""
    found = hero(summary(dataset(run)))
    assert found.badge in ("quiet", "noisy")
    assert found.verdict.startswith(f"{found.badge}: ")
    assert "check" in found.verdict
    assert "cases in " in found.about


def test_the_roofline_has_four_kinds_and_no_other(run: Run) -> None:
    """NumPy, Numba, prange and matmul, each in its own colour; other variants stay out."""
    section = below_the_roofs(dataset(run))
    assert section is not None
    [figure] = [block for block in section.blocks if isinstance(block, Figure)]
    names = [key.label for key in figure.legend]
    assert set(names) <= {"NumPy", "Numba", "prange", "matmul"}
    assert len({key.colour for key in figure.legend}) == len(names) >= 2
    assert set(figure.panels[0].spec["usermeta"].values()) == set(names)


def test_several_runs_have_their_machines_one_below_the_other(run: Run) -> None:
    """Each with its name and badge; the figures stand side by side in a table of their own."""
    section = summary(dataset(run, sample_run(LAPTOP, every_status=False)))
    assert section is not None
    heroes = [block for block in section.blocks if isinstance(block, Hero)]
    assert [bool(one.label) for one in heroes] == [True, True]
    assert not any(one.tables or one.tiles for one in heroes)


@pytest.mark.parametrize("empty", ["no records", "skipped"])
def test_a_run_without_figures_has_its_machine(run: Run, empty: str) -> None:
    """Nothing timed: the machine is named, and there is no table, tile or chart."""
    given = replace(run, records=[]) if empty == "no records" else only_skipped()
    section = summary(dataset(given))
    found = hero(section)
    assert found.machine
    assert not found.badge
    assert not found.tables
    assert not found.tiles
    assert below_the_roofs(dataset(given)) is None
