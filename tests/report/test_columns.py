"""One list of columns: the table, the marks and their tooltips all say the same."""

from __future__ import annotations

import pytest

from hwbench.record.estimate import Estimate
from hwbench.report import columns
from hwbench.report.columns import STATUS, VARIANT, Column, Columns, Measured, axis, of_points, worded
from hwbench.report.dataset import Point, Runs
from made_up.page import column, dataset, record, run_of
from made_up.sample import LAPTOP, replace, sample_run

WHERE = {"params": {"size": "L1", "dtype": "f8", "threads": 2}}


@pytest.fixture
def runs() -> Runs:
    """A baseline of 1 GB/s and a variant of half of that."""
    slow = record("stream.copy", "numba", 2e-3, {"bytes": 1e6}, **WHERE)
    return dataset(run_of(record("stream.copy", "simd", 1e-3, {"bytes": 1e6}, **WHERE), slow))


def made(runs: Runs, more: str = "") -> Columns[Point]:
    return of_points(
        runs, (VARIANT, axis("size", "level"), worded("dtype"), Measured("GB/s", lambda point: point.value), STATUS),
        more=more,
    )  # fmt: skip


def test_a_measured_column_is_two_in_the_table(runs: Runs) -> None:
    """The median, and its interval beside it, a dash where all samples agree; text columns are one each."""
    table = made(runs).table("Every case", runs.points)
    assert table.head == ("variant", "level", "dtype", "GB/s", "95% interval", "status")
    assert table.rows == [
        ("simd", "L1", "float64", "1.00", "–", "ok"), ("numba", "L1", "float64", "0.500", "–", "ok"),
    ]  # fmt: skip


def test_a_mark_draws_the_measured_column_and_repeats_another(runs: Runs) -> None:
    """Value, unit and colour are the point's; `more` is the cell of the repeated column, under its name in tooltips."""
    shown = made(runs, more="level")
    mark = shown.mark(runs.points[1], x=3.0)
    assert (mark.value, mark.unit, mark.series, mark.more, mark.x) == (0.5, "GB/s", "numba", "L1", 3.0)
    assert mark.colour == runs.colours["numba"]
    assert (shown.title, shown.more) == ("GB/s", "level")
    assert made(runs).more == made(runs).mark(runs.points[0]).more == ""
    named = of_points(
        runs, (Column("level", lambda _: "L1", "in level"), Measured("s", lambda p: p.seconds, "s")), more="level"
    )
    assert (named.more, named.mark(runs.points[0]).unit) == ("in level", "s")


def test_a_chart_may_draw_what_the_table_states_otherwise(runs: Runs) -> None:
    """`draws` is no column of the table."""
    shown = of_points(runs, (VARIANT,), draws=Measured("%", lambda point: Estimate(50.0, 40.0, 60.0), "%"))
    assert shown.table("", runs.points).head == ("variant",)
    assert (shown.title, shown.mark(runs.points[0]).value) == ("%", 50.0)


def test_items_may_stand_for_points(runs: Runs) -> None:
    """A pair of a point and a number has the point's run, case and colour."""
    pairs: Columns[tuple[Point, int]] = Columns(
        runs,
        lambda pair: pair[0],
        (Column("twice", lambda pair: str(2 * pair[1])), Measured("s", lambda p: p[0].seconds)),
    )
    assert column(pairs.table("", [(runs.points[0], 21)]), "twice") == ["42"]
    assert pairs.mark((runs.points[0], 1)).series == "simd"


def test_several_runs_are_named(runs: Runs) -> None:
    """The table names the run of each row; charts are made for each run that has items."""
    two = dataset(runs[0], replace(sample_run(LAPTOP, benches=()), records=runs[0].records), sample_run(benches=()))
    shown = made(two)
    table = shown.table("", two.points)
    assert table.head[0] == "run"
    assert list(dict.fromkeys(column(table, "run"))) == two.labels[:2]
    assert [(index, label, len(here)) for index, label, here in shown.by_run(two.points)] == [
        (0, two.labels[0], 2), (1, two.labels[1], 2),
    ]  # fmt: skip
    [(_, label, _)] = made(runs).by_run(runs.points)
    assert label == ""


def test_comparisons_with_the_baseline(runs: Runs) -> None:
    """In words beside a bar and in the table, where the baseline has a dash."""
    base, slow = runs.points
    assert [columns.beside(runs, point) for point in (base, slow)] == ["baseline", "2.00× slower"]
    against = columns.against_baseline(runs, "against simd")
    assert [against.cell(point) for point in (base, slow)] == ["–", "2.00× slower"]
