"""Translation: a line for each layout, and one of lines side by side."""

from __future__ import annotations

from hwbench.record.model import Record
from hwbench.report.views.translation import view
from made_up.page import column, dataset, only_figure, record, run_of


def one(variant: str, n: object, layout: str, seconds: float = 1e-6) -> Record:
    return record("access.translation", variant, seconds, {"hops": 1000}, params={"n": n, "layout": layout})


def test_curves_by_layout_and_one_to_compare_with() -> None:
    """Lines side by side are drawn once, dashed; the table has them for each layout."""
    shown = only_figure(
        view(dataset(run_of(
            *(one(variant, n, layout) for layout in ("huge", "4K") for variant in ("packed", "spread")
              for n in (20, 40, 80)),
        )))
    )  # fmt: skip
    assert [(key.label, key.mark) for key in shown.legend] == [
        ("lines side by side", "dash"), ("a line on each small page", "line"), ("a line on each huge page", "line"),
    ]  # fmt: skip
    marks = shown.panels[0].spec["datasets"]["marks"]
    assert [row["x"] for row in marks] == [20, 40, 80] * 3
    assert {row["value"] for row in marks} == {1.0}
    assert column(shown.table, "lines in use") == ["20", "40", "80"] * 4


def test_what_is_no_number_of_pages_is_left_out() -> None:
    """Two numbers are no curve, whatever else the file holds in their place."""
    strange = (one("spread", n, layout) for n, layout in (("many", "4K"), (80, "gigantic"), (-1, "4K")))
    assert view(dataset(run_of(one("spread", 20, "4K"), one("spread", 40, "4K"), *strange))) is None
