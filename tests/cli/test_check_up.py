"""One real check of this machine."""

from __future__ import annotations

import os

from hwbench.analysis.bars import bars
from hwbench.cli import check_up
from hwbench.measurement.observer import TroubleOnly
from hwbench.record import store


def test_a_real_check_by_a_bar(tmp_path, monkeypatch):
    """This machine reads its cache and does a multiplication; the file is a run like any other."""
    asked, few = check_up.request, ("l1.read.one", "peak.f8.one")
    monkeypatch.setattr(check_up, "request", lambda out, name, names=few: asked(out, name, names))
    kept = tmp_path / "roofs.json"
    monkeypatch.setattr(check_up.roofs, "file", lambda: kept)
    wanted = bars(["l1.read.one=1MB/s", "l1.read.one=1kB/s", "peak.f8.one=1MFLOP/s"], [])
    found = check_up.run(tmp_path, "here", wanted, 0.1, TroubleOnly(print), lambda: None)
    assert found.verdict == "pass"
    assert [one.state for one in found.barred] == ["good"] * 3
    run = store.read(found.path)
    assert os.path.commonpath([found.path, tmp_path / "checks" / "here"]) == str(tmp_path / "checks" / "here")
    assert run.finished
    assert store.read(kept) == run  # and what it measured are roofs
    assert {record.bench for record in run.records if record.timed} == {"stream.load", "peak.fma"}
