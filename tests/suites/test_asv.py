"""What asv is given of a bench of one's own."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from doubles.scripted import record
from hwbench import api, catalog
from hwbench.record.reasons import because
from hwbench.suites.asv import Suite

BENCH = """from hwbench import Bench, Work
bench = Bench("mine.asv", question="Which?", axes={"size": ("L1", "L2"), "pages": ("4K",)}, baseline="a")
bench.reference(lambda: 3)
bench.variant("a")(lambda: Work(lambda: 3))
"""


@pytest.fixture
def suite(benches, tmp_path, monkeypatch):
    """A class in a module that lies in a directory beside the file of its bench."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "asv_mine.py").write_text(BENCH)
    module = ModuleType("asv_written")
    module.__file__ = str(tmp_path / "benchmarks" / "mine.py")
    monkeypatch.setitem(sys.modules, "asv_written", module)

    class Mine(Suite):
        source, bench, version = "../asv_mine.py", "mine.asv", 1
        param_names = ("variant", "size")
        params = (("a", "gone"), ("L1", "L2"))

    Mine.__module__ = "asv_written"
    return Mine()


def test_the_cases_of_the_bench_are_measured(suite, monkeypatch):
    """By variant and axes; what it does not have is n/a, and a second GPU is none of it."""
    asked = {}

    def measure(bench, **more):
        asked.update(more, bench=bench)
        at = {"size": "L1", "pages": "4K"}
        return [record(params=at, loops=7), record(params=at, device="gpu:1")]

    monkeypatch.setattr(api, "measure", measure)
    found = suite.measure()
    assert asked == {
        "bench": catalog.benches()["mine.asv"],
        "preset": "quick",
        "variants": ("a",),
        "size": ("L1", "L2"),
    }
    assert set(found) == {(), ("a", "L1")}
    assert suite.track_seconds(found, "a", "L1") == {"samples": [1.0, 1.0, 1.0], "number": 7}
    suite.setup(found, "a", "L1")
    with pytest.raises(NotImplementedError, match="this commit has no such case"):
        suite.setup(found, "gone", "L1")


def test_a_bench_that_has_changed_or_is_missing_is_not_available(suite):
    """In one line that says what it has, or why it cannot be had."""
    type(suite).params = (("gone",), ("L1",))
    assert "it has the axes size, pages and the variants a" in suite.measure()[()]["reason"]
    type(suite).source = "../none.py"
    assert "none.py: there is no such file" in suite.measure()[()]["reason"]


def test_a_wrong_answer_fails_and_a_doubt_is_told(suite, capsys):
    """asv shows the first as failed, and the second beside the figure."""
    wrong, doubtful = because("wrong_answer", "3, not 4"), because("steal")
    records = {
        ("a",): {"status": "wrong", "reason": str(wrong), "samples": [], "loops": 0, "codes": [wrong.code]},
        ("b",): {"status": "suspect", "reason": str(doubtful), "samples": [1.0], "loops": 2, "codes": ["steal"]},
    }
    with pytest.raises(RuntimeError, match=r"^wrong: .*3, not 4"):
        suite.track_seconds(records, "a")
    assert suite.track_seconds(records, "b")["number"] == 2
    assert capsys.readouterr().err.startswith("suspect (steal): ")
