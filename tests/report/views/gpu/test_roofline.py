"""The GPU's roofline on a made-up run."""

from __future__ import annotations

import pytest

from hwbench.report.views.gpu.roofline import view as gpu_roofline
from made_up.gpu_sample import gpu_run
from made_up.page import figures_by_title

RUN = gpu_run()


def test_the_roofline_has_a_ceiling_for_each_precision_and_both_slopes():
    """Peaks of fused multiply-adds and of products of matrices in TFLOP/s, L2 and memory in GB/s; no CPU's case."""
    [figure] = figures_by_title(gpu_roofline, RUN).values()
    note = figure.panels[0].note
    assert "HBM 3050 GB/s" in note and "fp32 50.0" in note and "bf16 779" in note
    assert {row[1] for row in figure.table.rows} == {"device.stream", "dsp.dot", "offload.breakeven", "roof"}
    names = [row["label"] for row in figure.panels[0].spec["datasets"]["ceilings"]]
    assert len(names) == len(set(names))
    shares = [float(row[6].rstrip("%")) for row in figure.table.rows if row[1] == "device.stream"]
    assert all(share == pytest.approx(95, abs=6) for share in shares)
