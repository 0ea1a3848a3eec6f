"""Branches: the curve at the largest n."""

from __future__ import annotations

from hwbench.report.views.computing import view as computing
from made_up.page import column, dataset, figure, record, run_of


def test_branches_are_drawn_at_the_largest_n() -> None:
    """The curve is of one n, the largest; the table has them all, sorted before shuffled."""
    run = run_of(
        *(
            record("branch.prediction", variant, n * 1e-9, {"items": float(n)}, params={"share": share, "n": n})
            for variant in ("shuffled", "sorted")
            for share in (0.0, 0.5)
            for n in (1024, 4096)
        )
    )
    shown = figure(computing(dataset(run)))
    assert len(shown.panels[0].spec["datasets"]["marks"]) == 4
    assert column(shown.table, "variant") == ["sorted"] * 4 + ["shuffled"] * 4
