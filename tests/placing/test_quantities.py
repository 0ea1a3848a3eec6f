"""The cases of a check and of the roofs."""

from __future__ import annotations

from pathlib import Path

from hwbench import catalog
from hwbench.analysis.bars import MEASURED
from hwbench.devices import selection
from hwbench.measurement import planning
from hwbench.placing import quantities, roofs
from hwbench.record.model import Policy


def cases(names=MEASURED):
    """The cases of these quantities here."""
    asked = quantities.request(Path(), None, names)
    known = selection.devices("cpu")
    plan = planning.plan(asked, asked.preset, catalog.select(asked.select), known)
    return [case for group in plan.groups for case in group.cases]


def test_a_check_has_few_cases_and_one_at_least_for_each_quantity():
    """Vectors at labelled sizes; streams and non-temporal stores where memory is the limit; no sweep."""
    found = cases()
    assert len(found) < 60
    assert {case.bench for case in found} == {
        "stream.load", "stream.copy", "stream.triad", "latency.chase", "peak.fma",
    }  # fmt: skip
    assert {case.variant for case in found if case.bench != "peak.fma"} == {
        "simd", "simd-nt", "simd-streams", "follow",
    }  # fmt: skip
    assert {case.params["size"] for case in found if case.variant in quantities.MEMORY_ONLY} == {"DRAM"}
    assert {case.params["size"] for case in found if "size" in case.params} == {"L1", "L2", "L3", "DRAM"}
    assert {case.params["order"] for case in found if case.bench == "latency.chase"} == {"random"}


def test_what_is_measured_again_is_what_was_in_doubt():
    """The cases of one quantity, and no others."""
    assert {(case.bench, case.params["size"], case.params["threads"]) for case in cases(["dram.copy.all"])} == {
        ("stream.copy", "DRAM", "all")
    }


def test_roofs_are_a_check_without_latency_and_with_stores():
    """Twelve seconds of samples at most: few cases, of 80 ms each."""
    found = cases(roofs.NAMES)
    assert {case.bench for case in found} == {
        "stream.load", "stream.store", "stream.copy", "stream.triad", "peak.fma",
    }  # fmt: skip
    assert len(found) * quantities.POLICY.case_s < 6


def test_sizes_between_levels_are_records_of_one_thread_and_of_all(monkeypatch):
    """Of stores through the caches alone; on all threads no more than memory takes; nothing without sizes."""
    brief = Policy(preset="check", min_sample_s=1e-6, case_s=1e-3, warmup_s=0.0, rounds=1, max_rounds=1)
    monkeypatch.setattr(quantities, "POLICY", brief)
    devices = selection.devices("cpu")
    found = quantities.measure(devices, [2**16, 2**17], ["copy"], 2**16)
    assert {(one.bench, one.variant, one.params["threads"]) for one in found} == {
        ("stream.copy", "simd", 1), ("stream.copy", "simd", "all"),
    }  # fmt: skip
    assert [(one.params["threads"], one.timed) for one in found if roofs._lies(one, 2**17)] == [(1, True)]
    assert quantities.measure(devices, [], ["copy"], 0) == []
