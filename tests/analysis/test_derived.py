"""What is derived of a record when it is read: its leading metric, and its share of the limit."""

from __future__ import annotations

import json

import pytest

from doubles.scripted import SIZES, record, run_of, scripted_bench
from hwbench.analysis.derived import as_json, in_unit, leading_metric, performance
from hwbench.analysis.limits import measured
from hwbench.record.model import BANDWIDTH, FLOP_RATE, HOP_TIME
from made_up.declared import DECLARED, described

BENCH = scripted_bench({"a": 1.0}, limit="load")
PEAK = record("simd", samples=(1.0,) * 3, bench="stream.load", params={"size": "L1"}, counts={"bytes": 100e9})
MINE = record("a", samples=(2.0,) * 3, counts={"bytes": 50e9, "items": 4.0}, facts={"footprint": SIZES["L1"]})


def test_a_metric_is_told_in_its_unit():
    """Bytes over seconds are GB/s, seconds over hops ns; the interval of a rate is turned round."""
    assert in_unit(MINE, BANDWIDTH) == pytest.approx((25.0, 25.0, 25.0))
    chase = record(samples=(1e-6, 2e-6, 4e-6), counts={"hops": 1000.0})
    found = in_unit(chase, HOP_TIME)
    assert found.value == pytest.approx(2.0)
    assert found.low < found.value < found.high


def test_performance_is_the_leading_metric_beside_the_limit():
    """A quarter of what stream.load reached, in GB/s; without a bench there is no limit, without counts seconds."""
    limits = measured([PEAK, MINE], DECLARED)
    found = performance(MINE, BENCH.info, limits, SIZES, None)
    assert (found.metric, found.seconds.value, found.value.value) == (BANDWIDTH, 2.0, pytest.approx(25.0))
    assert found.limit == limits[0]
    assert found.share == pytest.approx(0.25)
    unknown = performance(MINE, None, limits, SIZES, None)
    assert (unknown.limit, unknown.share) == (None, None)
    bare = performance(record("a", samples=(2.0,) * 3, counts={}), BENCH.info, limits, SIZES, None)
    assert (bare.metric, bare.value) == (None, bare.seconds)


def test_a_bench_says_which_count_it_leads_with():
    """A product of matrices counts bytes as well; where the count is missing the first that is there leads."""
    both = record(samples=(1.0,) * 3, counts={"bytes": 1e9, "flops": 2e9})
    info = scripted_bench({"a": 1.0}, leading="flops").info
    assert leading_metric(both, info) is FLOP_RATE
    assert leading_metric(both, None) is leading_metric(MINE, info) is BANDWIDTH
    assert performance(both, info, [], SIZES, None).value.value == pytest.approx(2.0)


def test_a_run_as_json_has_what_is_derived_and_stays_json():
    """Rates with bounds and unit on timed records alone, limits in SI units, levels, noise, and the findings given."""
    run = described(run_of(PEAK, MINE, record("b", (), status="skipped")))
    data = json.loads(json.dumps(as_json(run, {BENCH.name: BENCH}, {"a.b": ["One.", "Two."]})))
    peak, mine, skipped = data["records"]
    assert peak["rates"]["bandwidth"]["value"] == pytest.approx(100.0)
    assert mine["rates"]["median_s"] == mine["rates"]["best_s"] == 2.0
    assert mine["rates"]["n"] == 3
    assert "rates" not in skipped
    [limit] = data["limits"]
    assert (limit["kind"], limit["level"], limit["unit"], limit["value"]) == ("load", "L1", "B/s", 100e9)
    assert set(data["levels"]) == {"caches", "memory", "translation", "line", "unit"}
    assert data["levels"]["memory"] == {"size": None, "seconds": None}
    assert isinstance(data["noise"]["noisy"], bool)
    assert data["findings"] == {"a.b": ["One.", "Two."]}
