"""Controls: whether a change is the machine's, between two sides and over a history."""

from __future__ import annotations

import math

import numpy as np

from doubles.scripted import record, run_of
from hwbench.tracking.controls import CONTROLS
from hwbench.tracking.readers import runs
from hwbench.tracking.sides import Entry, Measurement, Side
from hwbench.tracking.verdicts import compare, compare_sides


def limits(factor):
    """Records of the three controls, all slower by a factor."""
    return [record("simd", (factor, factor * 1.001, factor * 0.999) * 4, bench=bench, params={"size": "L1"})
            for bench in ("stream.load", "latency.chase", "peak.fma")]  # fmt: skip


def test_what_the_limits_share_is_the_machine_s():
    """Everything slower by 8%, limits too: nobody's code; a case slower by half besides is accused all the same."""
    base = run_of(*limits(1.0), record("a", (1.0, 1.001, 0.999) * 4), record("b", (1.0, 1.001, 0.999) * 4))
    new = run_of(*limits(1.08), record("a", (1.08, 1.081, 1.079) * 4), record("b", (1.5, 1.501, 1.499) * 4))
    report = compare_sides(runs.side([base]), runs.side([new]))
    found = {one.variant: one for one in report.cases if one.bench == "test.bench"}
    assert found["a"].verdict == "ambiguous"
    assert found["a"].reason == "the machine's own limits moved alike (×1.080)"
    assert found["b"].verdict == "slower"
    assert "moved together" in report.remarks[0]


def test_controls_that_hardly_moved_excuse_nobody():
    """A case slower by 3% is not the machine's because the limits moved by 1%, which is less than what matters."""
    base = run_of(*limits(1.0), record("a", (1.0, 1.0001, 0.9999) * 4))
    new = run_of(*limits(1.01), record("a", (1.03, 1.0301, 1.0299) * 4))
    report = compare_sides(runs.side([base] * 6), runs.side([new] * 6))
    assert [one.verdict for one in report.cases if one.bench == "test.bench"] == ["slower"]


def test_a_control_that_moves_alone_is_code():
    """stream.load slower while chase and peak stay: its kernel changed."""
    base, new = run_of(*limits(1.0)), run_of(*limits(1.2)[:1], *limits(1.0)[1:])
    assert {one.bench: one.verdict for one in compare(base, new)} == {
        "stream.load": "slower", "latency.chase": "same", "peak.fma": "same",
    }  # fmt: skip


def together(shift, controls=()):
    """Forty cases that moved by a shift and 0.3% each, one of them by a tenth more; controls moved by the shift."""
    rng = np.random.default_rng(3)
    names = [f"c{i}" for i in range(40)]
    logs = rng.normal(0, 0.003, 40) + math.log1p(shift) + math.log1p(0.1) * (np.arange(40) == 7)
    sides = []
    for medians, moved in ((np.ones(40), 1.0), (np.exp(logs), 1 + shift)):
        entries = [
            Entry("made.up", name, "cpu", {}, measurements=[Measurement(float(x), 5e-4)])
            for name, x in zip(names, medians, strict=True)
        ]
        entries += [Entry(name, "v", "cpu", {}, measurements=[Measurement(moved, 5e-4)]) for name in controls]
        sides.append(Side("made up", "box", {}, entries))
    return compare_sides(*sides)


def test_controls_tell_what_all_cases_share():
    """With two controls that moved alike it is the machine; with two that did not, the code's, whatever all did."""
    moved = together(0.05, CONTROLS)
    assert moved.cases[0].reason.startswith("the machine's own limits moved alike")
    assert not [line for line in moved.remarks if line.startswith("the cases moved")]
