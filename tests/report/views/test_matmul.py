"""The matrix product: its rate over n, below the peak."""

from __future__ import annotations

from hwbench.record.model import Run
from hwbench.report.views.computing import view as computing
from made_up.page import column, dataset, figure, record, run_of


def test_the_matrix_product_is_told_in_operations() -> None:
    """The curve is GFLOP/s although bytes are counted too, under the dotted peak of the most threads."""
    products = [
        record("peak.matmul", "numpy", 2 * n**3 / 4e10, {"flops": 2.0 * n**3, "bytes": 24.0 * n * n},
               params={"n": n, "dtype": "f8", "threads": 1}, facts={"threads": 1})
        for n in (64, 256)
    ]  # fmt: skip
    peak = record("peak.fma", "512", 1e-3, {"flops": 5e7}, params={"dtype": "f8", "threads": 1}, facts={"threads": 1})
    shown = figure(computing(dataset(run_of(*products, peak))))
    assert [mark["value"] for mark in shown.panels[0].spec["datasets"]["marks"]] == [40, 40]
    assert shown.panels[0].spec["datasets"]["peak-ink-2"] == [{"value": 50}]
    assert column(shown.table, "of the peak") == ["80%", "80%"]


def test_each_machine_has_its_own_peak() -> None:
    """Two machines with peaks of 100 and 50 GFLOP/s: a dotted line each, in the colour of the machine's products."""

    def run(peak: float) -> Run:
        products = [
            record("peak.matmul", "numpy", 2 * n**3 / 4e10, {"flops": 2.0 * n**3},
                   params={"n": n, "dtype": "f8", "threads": 1}, facts={"threads": 1})
            for n in (64, 256)
        ]  # fmt: skip
        best = record("peak.fma", "512", 1e-3, {"flops": peak * 1e6},
                      params={"dtype": "f8", "threads": 1}, facts={"threads": 1})  # fmt: skip
        return run_of(*products, best)

    panel = figure(computing(dataset(run(100), run(50)))).panels[0]
    data = panel.spec["datasets"]
    assert (data["peak-c1"], data["peak-c2"]) == ([{"value": 100}], [{"value": 50}])
