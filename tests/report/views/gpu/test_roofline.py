"""The GPU's roofline on a made-up run."""

from __future__ import annotations

import pytest

from hwbench.record import text
from hwbench.report.views.gpu.roofline import view as gpu_roofline
from made_up.gpu_sample import gpu_run
from made_up.page import column, dataset, figures_by_title, only_figure
from made_up.sample import replace

RUN = gpu_run()


def test_the_roofline_has_a_ceiling_for_each_precision_and_both_slopes():
    """Peaks of fused multiply-adds and of products of matrices in TFLOP/s, L2 and memory in GB/s; no CPU's case."""
    [figure] = figures_by_title(gpu_roofline, RUN).values()
    note = figure.panels[0].note
    assert "HBM 3050 GB/s" in note and "fp32 50.0" in note and "bf16 779" in note
    assert {row[1] for row in figure.table.rows} == {"device.stream", "dsp.dot", "offload.breakeven", "roof"}
    names = [row["label"] for row in figure.panels[0].spec["datasets"]["ceilings"]]
    assert len(names) == len(set(names))
    shares = [float(row[7].rstrip("%")) for row in figure.table.rows if row[1] == "device.stream"]
    assert all(share == pytest.approx(95, abs=6) for share in shares)


def test_the_roof_of_each_case_is_the_readings():
    """Each case has the limit of its own level and precision, and a share above it has its mark."""
    runs = dataset(RUN)
    shown = only_figure(gpu_roofline(runs)).table
    timed = [record for record in RUN.records if record.timed]
    shares = {text.NOTHING if one is None else one.text for one in map(runs.readings[0].roof, timed)}
    assert set(column(shown, "of the roof")) - {""} <= shares
    slow = next(r for r in RUN.records if r.variant == "resident")
    fast = replace(slow, counts={name: 1e4 * count for name, count in slow.counts.items()})
    table = only_figure(gpu_roofline(dataset(replace(RUN, records=[*RUN.records, fast])))).table
    assert any(cell.endswith("%~") for cell in column(table, "of the roof"))
