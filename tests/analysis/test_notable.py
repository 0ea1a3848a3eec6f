"""What is notable: how findings are ranked, and what gives one."""

from __future__ import annotations

import math
from pathlib import Path

import msgspec
import pytest

from doubles.scripted import record, run_of
from hwbench.analysis import notable as module
from hwbench.analysis.notable import Notable, notable
from hwbench.analysis.reading import Reading
from hwbench.analysis.usual import Seen, Usual
from hwbench.record import store, text
from hwbench.record.model import Disturbance
from hwbench.record.reasons import Reason
from made_up.sample import sample_run

INTEL = next((Path(__file__).parents[2] / "reports" / "runs" / "intel-xeon-2cpu").glob("*.json"))


def unusual(words, value, remedy="", doubtful=False):
    """A quantity of which up to 1 s is usual."""
    seen = Seen(value, text.seconds(value), "test.bench", doubtful)
    return Usual(words + " takes {}", lambda _reading: seen, None, 1.0, text.seconds, remedy)


def found(monkeypatch, *entries, run=None):
    """What is notable where these entries alone are compared."""
    monkeypatch.setattr(module, "MEASURED", entries)
    return notable(Reading(run or run_of(record())))


def test_a_finding_weighs_more_with_a_remedy_and_less_with_a_doubt():
    """The logarithm of the distance counts twice with a remedy, half with a doubt."""
    plain = Notable("", "", 4.0)
    assert plain.weight == pytest.approx(math.log(4))
    assert Notable("", "Do it.", 4.0).weight == pytest.approx(2 * plain.weight)
    assert Notable("", "Do it.", 4.0, doubtful=True).weight == pytest.approx(plain.weight)
    assert Notable("", "", 0.5).weight == 0


def test_findings_are_ranked_by_distance_and_by_what_can_be_done(monkeypatch):
    """A factor of 3 with a remedy comes before a factor of 8 without one; a usual value is no finding."""
    ranked = found(
        monkeypatch, unusual("b", 8.0), unusual("a", 3.0, "Stop it."), unusual("c", 8.0, "Stop it.", doubtful=True),
        unusual("usual", 0.9, "Stop it."), unusual("noise", 1.04, "Stop it."),
    )  # fmt: skip
    assert [one.said.partition(" ")[0] for one in ranked] == ["a", "b", "c"]
    assert ranked[0].said == "a takes 3.00 s (usual: up to 1.00 s)."
    assert ranked[0].bench == "test.bench"


def test_wrong_results_come_first(monkeypatch):
    """What is wrong is more than unusual, however far that may be."""
    wrong = record("bad", status="wrong", samples=(), reasons=[Reason("wrong_answer", "differs from 42")])
    ranked = found(monkeypatch, unusual("a", 1e9, "Stop it."), run=run_of(record(), wrong))
    assert ranked[0].said == "1 case gave no valid result; the first is test.bench/bad []: differs from 42."
    assert ranked[0].remedy


def test_a_small_cache_is_notable_with_its_factor_and_noted():
    """480 MiB are reported of which 64 MiB can be used: a factor of 7.5, and a note of the summary says so, too."""
    [cache] = [one for one in notable(Reading(store.read(INTEL))) if one.noted]
    assert cache.said == "L3: 480 MiB are reported, about 64 MiB can be used."
    assert cache.distance == pytest.approx(7.5)
    assert "other guests" in cache.remedy


def test_a_variable_that_leaves_cpus_idle_is_notable(monkeypatch):
    """By the factor of CPUs over threads."""
    [one] = found(monkeypatch, run=run_of(record(), variables={"OMP_NUM_THREADS": "1"}))
    assert one.said == "OMP_NUM_THREADS=1 is set: OpenMP leaves 1 of 2 CPUs unused."
    assert one.distance == 2.0


def test_warnings_are_notable_unless_the_checks_judge_them(monkeypatch):
    """Load beside a run is in its checks; notes and checked warnings give no finding."""
    disturbances = [
        Disturbance("battery", "discharging", "everything is slower", "plug it in"),
        Disturbance("busy neighbours", "3 threads", "work is slower", "stop it"),
        Disturbance("SMT", "2 threads", "gains little", "none", "note"),
    ]
    [one] = found(monkeypatch, run=run_of(record(), disturbances=disturbances))
    assert (one.said, one.remedy) == ("Battery: discharging; everything is slower.", "Plug it in.")


def test_nothing_is_notable_of_an_empty_run():
    """No records, no findings, no failure."""
    assert notable(Reading(msgspec.structs.replace(sample_run(), records=[]))) == []
