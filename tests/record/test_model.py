"""The words as data: labels, keys, and metrics derived from counts."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from doubles.scripted import record, run_of
from hwbench.record.model import (
    BANDWIDTH,
    CALL_TIME,
    FLOP_RATE,
    HOP_TIME,
    METRICS,
    STATUSES,
    Case,
    as_measured,
    contrast_key,
    key,
    metrics,
)
from hwbench.record.reasons import Reason


def test_a_case_is_labelled_for_people():
    """The label names bench, variant and values in the axes' order."""
    assert Case("stream.load", "simd", "cpu", {"size": "L1", "threads": 2}).label == "stream.load/simd [L1, 2]"


def test_a_record_has_the_key_of_its_case_whatever_the_order_of_its_params():
    """Records read from a file find their case; the variant tells cases apart, and is no part of a contrast."""
    one = record("a", params={"size": "L1", "n": 3})
    assert key(one) == key(Case("test.bench", "a", "cpu", {"n": 3, "size": "L1"})) == key(one.case)
    other = record("b", params={"n": 3, "size": "L1"})
    assert key(one) != key(other)
    assert contrast_key(one) == contrast_key(other)
    assert contrast_key(one) != contrast_key(record("a", params={"size": "L1", "n": 4}))


@pytest.mark.parametrize("status", STATUSES)
def test_only_ok_and_suspect_records_are_timed(status):
    """A wrong, skipped or failed record is never read as a time, nor is one without samples."""
    assert record(status=status).timed == (status in ("ok", "suspect"))
    assert not record(status=status, samples=()).timed


def test_records_are_frozen():
    """Right of the record we only read."""
    with pytest.raises(AttributeError):
        record().status = "ok"


@pytest.mark.parametrize(
    ("metric", "count", "seconds", "value"),
    [
        (BANDWIDTH, 2e9, 0.5, 4.0),
        (FLOP_RATE, 1e9, 0.01, 100.0),
        (HOP_TIME, 1000, 1e-6, 1.0),
        (CALL_TIME, 10, 1e-3, 100.0),
    ],
)
def test_metrics_scale_si_units(metric, count, seconds, value):
    """GB/s and GFLOP/s are 10⁹ a second; a latency is ns a hop, a call's time µs."""
    assert metric.value(seconds, {metric.count: count}) == pytest.approx(value)


def test_a_metric_without_its_count_is_a_key_error():
    """A rate is never made up."""
    with pytest.raises(KeyError):
        BANDWIDTH.value(1.0, {"flops": 3.0})


@given(st.floats(1e-9, 1e3), st.floats(1, 1e12), st.sampled_from(METRICS))
def test_a_shorter_time_is_always_the_better_metric(seconds, amount, metric):
    """Half the time is a better figure, whichever direction is better."""
    now, faster = (metric.value(s, {metric.count: amount}) for s in (seconds, seconds / 2))
    assert (faster > now) == metric.higher


def test_the_most_telling_metric_comes_first():
    """A chase is told in ns a hop, a stream in GB/s before FLOP/s, and a count of 0 makes no metric."""
    assert metrics(record(counts={"calls": 1.0, "hops": 5.0}))[0] is HOP_TIME
    assert metrics(record(counts={"flops": 1.0, "bytes": 5.0})) == (BANDWIDTH, FLOP_RATE)
    assert metrics(record(counts={"bytes": 0.0})) == ()


def test_a_record_survives_json():
    """What is written is what is read."""
    one = record(
        counts={"bytes": 1e9},
        facts={"cpus": [0, 1], "why": None},
        telemetry={"wall_s": [0.1]},
        reasons=[Reason("error", "é\u2028")],
    )
    assert msgspec.json.decode(msgspec.json.encode(one), type=type(one)) == one


def test_a_skipped_record_stays_skipped_whatever_its_reasons():
    """A conclusion is taken from a suspect record alone: a file may hold it anywhere."""
    odd = record(samples=(), status="skipped", reasons=[Reason("twins")])
    assert as_measured(odd) == odd
    assert as_measured(record(status="suspect", reasons=[Reason("twins")])).status == "ok"


def test_records_and_runs_have_a_short_repr():
    """A list of a thousand records is to be read, not their samples."""
    one = record(params={"size": "L1"}, samples=[2e-6, 1e-6, 3e-6])
    skipped = record(status="skipped", samples=[])
    assert repr([one, skipped]) == "[<Record test.bench/a [L1]: ok, 2.00 µs>, <Record test.bench/a []: skipped>]"
    assert repr(run_of(one)) == "<Run box-20261122T180000Z-abcdef: 1 cases of 1 bench>"
