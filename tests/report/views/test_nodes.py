"""NUMA nodes: a map of latency and one of bandwidth."""

from __future__ import annotations

from typing import Any

import pytest

from hwbench.record.model import Record
from hwbench.report.views.nodes import view
from made_up.page import column, dataset, figures, record, run_of


def one(what: str, variant: str, between: Any) -> Record:
    params = {"what": what, "size": "DRAM", "pages": "huge"}
    count = {"hops": 1024.0} if what == "latency" else {"bytes": 1e9}
    return record("numa.matrix", variant, 1e-4, count, params=params, facts={"between": between})


def test_a_map_of_each_quantity() -> None:
    """Rows are CPUs, columns memory; the means of remote and local pairs are set against each other."""
    run = run_of(
        one("latency", "local", [[0, 0, 100e-9], [2, 2, 100e-9]]),
        one("latency", "remote", [[0, 2, 150e-9], [2, 0, 250e-9]]),
        one("bandwidth", "local", [[0, 0, 100e9], [2, 2, 100e9]]),
        one("bandwidth", "remote", [[0, 2, 50e9], [2, 0, 50e9]]),
    )  # fmt: skip
    latency, bandwidth = figures(view(dataset(run)))
    assert (latency.title, bandwidth.title) == ("Latency by node", "Bandwidth by node")
    cells = {(row["row"], row["column"]): row["label"] for row in latency.panels[0].spec["datasets"]["marks"]}
    assert cells == {(0, 0): "100", (0, 2): "150", (2, 0): "250", (2, 2): "100"}
    assert latency.text.startswith("Remote over local latency, means of the best rounds: 2.00.")
    assert bandwidth.text.startswith("Remote over local bandwidth, means of the best rounds: 0.500.")
    assert column(bandwidth.table, "GB/s") == ["100", "50.0", "50.0", "100"]


@pytest.mark.parametrize(
    "between", [None, "x", [[0, 0, 1e-7]], [[0, 0, 1e-7], [1, 1]], [[0, 0, 1e-7], ["a", 1, 1e-7], [1, 1, -1.0]]]
)
def test_what_is_no_pair_is_left_out(between: Any) -> None:
    """A file may hold anything in the facts; one node alone is no map."""
    assert view(dataset(run_of(one("latency", "local", between)))) is None


def test_maps_of_several_runs_are_named() -> None:
    """Each run has its own."""
    run = run_of(one("latency", "local", [[0, 0, 1e-7], [1, 1, 1e-7]]))
    titles = [shown.title for shown in figures(view(dataset(run, run)))]
    assert len(titles) == len(set(titles)) == 2
    assert figures(view(dataset(run)))[0].text == "Stronger colour is slower."
