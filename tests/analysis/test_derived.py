"""A run as JSON, with what is derived of it when it is read."""

from __future__ import annotations

import json

import pytest

from doubles.scripted import SIZES, record, run_of, scripted_bench
from hwbench.analysis.derived import _levels, as_json
from hwbench.analysis.hierarchy import Hierarchy
from hwbench.analysis.reading import Reading
from hwbench.analysis.staircase import Level
from hwbench.record.estimate import Estimate
from made_up.declared import described

BENCH = scripted_bench({"a": 1.0}, limit="load")
PEAK = record(
    "simd",
    samples=(1.0,) * 3,
    bench="stream.load",
    params={"size": "L1", "dtype": "f8", "threads": 1},
    counts={"bytes": 100e9},
)
MINE = record("a", samples=(2.0,) * 3, counts={"bytes": 50e9, "items": 4.0}, facts={"footprint": SIZES["L1"]})


def test_a_run_as_json_has_what_is_derived_and_stays_json():
    """Rates with bounds and unit on timed records alone, limits in SI units, levels, noise, and the findings given."""
    run = described(run_of(PEAK, MINE, record("b", (), status="skipped")))
    data = json.loads(json.dumps(as_json(Reading(run, {BENCH.name: BENCH}), {"a.b": ["One.", "Two."]})))
    peak, mine, skipped = data["records"]
    assert peak["rates"]["bandwidth"]["value"] == pytest.approx(100.0)
    assert mine["rates"]["median_s"] == mine["rates"]["best_s"] == 2.0
    assert mine["rates"]["n"] == 3
    assert mine["rates"]["limit"] == {"name": "L1 load, 1 thread", "share": pytest.approx(0.25), "doubt": []}
    assert [(one["name"], one["value"], one["doubt"]) for one in data["headline"]] == [("l1.read.one", 100e9, None)]
    assert "rates" not in skipped
    [limit] = data["limits"]
    assert (limit["kind"], limit["level"], limit["unit"], limit["value"]) == ("load", "L1", "B/s", 100e9)
    assert set(data["levels"]) == {"caches", "memory", "translation", "line", "unit"}
    assert data["levels"]["memory"] == {"size": None, "plateau_seconds": None, "first": None, "last": None}
    assert isinstance(data["noise"]["noisy"], bool)
    assert data["findings"] == {"a.b": ["One.", "Two."]}


def test_a_level_of_the_sweep_is_no_second_latency():
    """Its time is a plateau over a range of footprints, and says so; the headline has the latency at the label."""
    level = Level(Estimate(1.7e-7, 1.6e-7, 1.8e-7), 2**28, 2**30, None)
    found = _levels(Hierarchy([], level, [], None, None, {}))["memory"]
    assert found == {
        "size": None, "plateau_seconds": {"value": 1.7e-7, "low": 1.6e-7, "high": 1.8e-7}, "first": 2**28,
        "last": 2**30,
    }  # fmt: skip
