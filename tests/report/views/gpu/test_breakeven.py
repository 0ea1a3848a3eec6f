"""Break-even on made-up runs: where the lines cross."""

from __future__ import annotations

import pytest

from hwbench.report.views.gpu.breakeven import view as breakeven
from made_up.gpu_sample import gpu_run
from made_up.page import column, figures_by_title
from made_up.sample import replace

RUN = gpu_run()


def test_the_break_even_is_marked_where_the_lines_cross():
    """With transfers an addition never pays; resident it does, at the size where the made-up times are equal."""
    [figure] = figures_by_title(breakeven, RUN).values()
    panels = {panel.title.split(",")[0]: panel for panel in figure.panels}
    add = panels["adding two arrays"]
    assert "With the transfers it never wins" in add.note
    [rule] = add.spec["datasets"]["solid"]
    # 1 µs + 0.4 ns · n on the CPU against 6 µs on the GPU
    assert rule["x"] == pytest.approx(12_500, rel=0.1) and rule["label"] == "R"
    assert {row["label"] for row in panels["a product of matrices"].spec["datasets"]["solid"]} == {"T", "R"}
    assert set(column(figure, "way")) == {"best of the CPU", "GPU with transfers", "GPU, data resident"}


def test_an_interval_of_a_decade_is_no_crossover():
    """Where the GPU's samples scatter by orders of magnitude, no line is drawn, and the note names the interval."""
    spread = (0.05, 0.05, 0.05, 0.05, 0.05, 0.2, 1, 1, 1, 5, 20, 20, 20, 20, 20)
    records = [
        replace(r, samples=[r.samples[0] * factor for factor in spread])
        if r.bench == "offload.breakeven" and r.variant == "resident" else r
        for r in RUN.records
    ]  # fmt: skip
    [figure] = figures_by_title(breakeven, replace(RUN, records=records)).values()
    add = next(panel for panel in figure.panels if panel.title.startswith("adding"))
    assert "with the data there there is no clear crossover: the interval spans a decade (" in add.note
    assert not add.spec["datasets"].get("solid")


def test_a_wide_interval_is_drawn_too():
    """Where the samples scatter, dashed lines stand at the ends of the crossing's interval."""
    [figure] = figures_by_title(breakeven, gpu_run(spread=0.6)).values()
    assert any(panel.spec["datasets"].get("dashed") for panel in figure.panels)
