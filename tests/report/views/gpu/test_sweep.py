"""The figure of the measured roofline."""

from __future__ import annotations

from hwbench.report.views.gpu.roofline import view as gpu_roofline
from hwbench.report.views.gpu.sweep import figure as swept
from made_up.gpu_records import L2, record
from made_up.gpu_sample import gpu_run
from made_up.page import column, dataset, figures_by_title
from made_up.sample import replace


def points(dtype="f4", fmas=(2, 64, 512)):
    """A rate of 2 TFLOP/s for each FLOP per byte, up to 20 TFLOP/s."""
    size = int(dtype[1])
    return [
        record("device.roofline", "fused", {"dtype": dtype, "fmas": n, "size": "HBM"},
               2 * n / min(2e12 * n / size, 20e12), counts={"bytes": 2 * size, "flops": 2 * n},
               facts={"footprint": 16 * L2, "l2_bytes": L2})
        for n in fmas
    ]  # fmt: skip


def test_points_stand_below_the_limits_of_the_run():
    """Each at its FLOP per byte, with the bandwidth and the peaks that other benches measured."""
    run = gpu_run(spread=0.0, suspect=False)
    run = replace(run, records=[*run.records, *points(), *points("f8")])
    shown = figures_by_title(gpu_roofline, run)
    assert list(shown) == ["Below the GPU's measured roofs", "The roofline, measured"]
    other, figure = shown.values()
    assert "device.roofline" not in column(other, "bench")
    data = figure.panels[0].spec["datasets"]
    assert [row["x"] for row in data["marks"]] == [0.5, 16, 128, 0.25, 8, 64]
    assert {row["label"] for row in data["ceilings"]} == {"fp32", "fp64"}
    assert [row["label"] for row in data["slopes"]] == ["HBM"]
    assert column(figure, "of its roof")[:2] == ["66%", "41%"]  # of 3.05 TB/s × 0.5, and × 16
    assert [key.label for key in figure.legend] == ["fp32", "fp64"]


def test_without_other_benches_the_roofs_are_those_of_the_points():
    """Their highest bandwidth and rate, and the names say so."""
    run = replace(gpu_run(), records=points())
    [figure] = figures_by_title(gpu_roofline, run).values()
    data = figure.panels[0].spec["datasets"]
    assert [row["label"] for row in data["slopes"]] == ["HBM of these points"]
    assert [(row["label"], row["y"]) for row in data["ceilings"]] == [("fp32 of these points", 20000)]


def test_two_intensities_are_no_roofline():
    """Nor are records without counts."""
    assert swept(dataset(replace(gpu_run(), records=points(fmas=(2, 64))))) is None
    assert swept(dataset(replace(gpu_run(), records=[replace(one, counts={}) for one in points()]))) is None
