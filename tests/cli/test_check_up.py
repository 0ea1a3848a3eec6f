"""What a check measures, and one real check of this machine."""

from __future__ import annotations

import os

from hwbench import catalog
from hwbench.analysis.bars import MEASURED, bars
from hwbench.cli import check_up
from hwbench.cli.check import Quiet
from hwbench.devices import selection
from hwbench.measurement import planning
from hwbench.record import store


def cases(names=MEASURED):
    """The cases of a check of these quantities here."""
    asked = check_up.request(store.Path(), None, names)
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
    assert {case.params["size"] for case in found if case.variant in check_up.MEMORY_ONLY} == {"DRAM"}
    assert {case.params["size"] for case in found if "size" in case.params} == {"L1", "L2", "L3", "DRAM"}
    assert {case.params["order"] for case in found if case.bench == "latency.chase"} == {"random"}


def test_what_is_measured_again_is_what_was_in_doubt():
    """The cases of one quantity, and no others."""
    assert {(case.bench, case.params["size"], case.params["threads"]) for case in cases(["dram.copy.all"])} == {
        ("stream.copy", "DRAM", "all")
    }


def test_a_real_check_by_a_bar(tmp_path, monkeypatch):
    """This machine reads its cache and does a multiplication; the file is a run like any other."""
    monkeypatch.setattr(check_up, "MEASURED", ("l1.read.one", "peak.f8.one"))
    asked = check_up.request
    monkeypatch.setattr(check_up, "request", lambda out, name, names=check_up.MEASURED: asked(out, name, names))
    wanted = bars(["l1.read.one=1MB/s", "peak.f8.one=1MFLOP/s"], ["l1.read.one=1PB/s"])
    found = check_up.run(tmp_path, "here", wanted, 0.1, Quiet(), lambda: None)
    assert found.verdict == "pass"
    assert [one.state for one in found.barred] == ["good"] * 3
    run = store.read(found.path)
    assert os.path.commonpath([found.path, tmp_path / "checks" / "here"]) == str(tmp_path / "checks" / "here")
    assert run.finished
    assert {record.bench for record in run.records if record.timed} == {"stream.load", "peak.fma"}
