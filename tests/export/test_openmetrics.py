"""OpenMetrics text, as prometheus_client's strict parser reads it."""

from __future__ import annotations

from pathlib import Path

import pytest

from doubles.scripted import record, run_of
from hwbench.analysis.reading import Reading
from hwbench.export import openmetrics
from hwbench.record import store
from hwbench.record.model import BenchInfo
from hwbench.record.reasons import because

RUN = next((Path(__file__).parents[2] / "reports" / "runs" / "h200").glob("*T191708Z-*.json"))

INFO = {"test.load": BenchInfo("How much?", "a", measures="load", variants=["a"])}
MADE = [
    record(bench="test.load", params={"size": "L1", "threads": 1}, samples=[1.0] * 10, counts={"bytes": 1e9}),
    record(bench="test.load", params={"size": "L2", "threads": 1}, samples=[2.0] * 10, counts={"bytes": 1e9},
           status="suspect", reasons=[because("steal")]),
    record(bench="test.load", variant='q"u\\o\nte', params={"a-b é": '"\\\n'}, samples=[3.0], counts={"hops": 3.0}),
    record(bench="test.load", variant="gone", status="error", samples=[], reasons=[because("error", "x")]),
]  # fmt: skip


def families(*runs):
    """The families by name, as both of prometheus_client's parsers read them."""
    openmetrics_parser = pytest.importorskip("prometheus_client.openmetrics.parser")
    from prometheus_client.parser import text_string_to_metric_families

    text = openmetrics.text(Reading(run) for run in runs).decode()
    strict = {one.name: one for one in openmetrics_parser.text_string_to_metric_families(text)}
    plain = {one.name: one for one in text_string_to_metric_families(text)}
    assert {name: one.samples for name, one in plain.items()} == {name: one.samples for name, one in strict.items()}
    assert all(one.type == "gauge" and one.documentation for one in strict.values())
    return strict


def test_cases_are_series_of_gauges_in_base_units():
    """With the parameters as labels; a case without samples has none, and what is suspect says so."""
    found = families(run_of(*MADE, benches=INFO, started="2026-11-22T20:22:40Z"))
    first, second, odd = found["hwbench_case_seconds"].samples
    assert (first.labels, first.value) == (
        {
            "machine": "box",
            "bench": "test.load",
            "variant": "a",
            "device": "cpu",
            "param_size": "L1",
            "param_threads": "1",
        },
        1.0,
    )
    assert [one.value for one in found["hwbench_case_bytes_per_second"].samples] == [1e9, 5e8]
    assert [one.value for one in found["hwbench_case_hop_seconds"].samples] == [1.0]
    assert [one.value for one in found["hwbench_case_suspect"].samples] == [0.0, 1.0, 0.0]
    assert second.value == 2.0
    assert odd.labels == odd.labels | {"variant": r'q"u\o\nte', "param_a_b__": r'"\\n'}  # printable, then escaped
    cases = {one.labels["status"]: one.value for one in found["hwbench_run_cases"].samples}
    assert cases == {"ok": 2, "suspect": 1, "wrong": 0, "skipped": 0, "error": 1}
    assert found["hwbench_run_timestamp_seconds"].samples[0].value == 1795378960.0


def test_headline_quantities_are_found_by_their_names():
    """By unit, since a family has one."""
    found = families(store.read(RUN))
    named = {(one.labels["name"], one.labels["device"]) for name, family in found.items() if "headline" in name
             for one in family.samples}  # fmt: skip
    assert ("h2d.pinned", "gpu:0") in named
    assert all(one.value > 1e9 for one in found["hwbench_headline_bytes_per_second"].samples)


def test_of_several_runs_the_last_counts():
    """A series stands once; a machine of another name has its own."""
    old, new = (run_of(record(samples=[x] * 10), benches={}, started="odd") for x in (1.0, 2.0))
    found = families(old, new)
    assert [one.value for one in found["hwbench_case_seconds"].samples] == [2.0]
    assert "hwbench_run_timestamp_seconds" not in found


def test_the_text_ends_as_the_format_wants():
    """An empty run is a text, too."""
    assert openmetrics.text([]) == b"# EOF\n"
