"""`hwbench adopt`: what is written where, and what stays."""

from __future__ import annotations

import sys

import pytest

BENCH = """from hwbench import Bench, Work
bench = Bench("{name}", question="Which?", axes={{"size": ("L1",)}}, baseline="a")
bench.reference(lambda: 3)
bench.variant("a")(lambda: Work(lambda: 3))
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A directory with a file of benches, in which commands run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "adopt_mine.py").write_text(BENCH.format(name="mine.scan"))
    return tmp_path


def files(project):
    return sorted(str(path.relative_to(project)) for path in project.rglob("*.py") if path.name != "adopt_mine.py")


def test_both_suites_are_written_and_written_again(benches, command, project):
    """With what they need beside them; a file there of the user's own that is only needed stays as it is."""
    (project / "benchmarks").mkdir()
    (project / "benchmarks" / "__init__.py").write_text("MINE = 1\n")
    done = command("adopt", "adopt_mine.py")
    assert (done.code, done.err) == (0, "")
    assert files(project) == ["benchmarks/__init__.py", "benchmarks/mine.py", "tests/perf/conftest.py",
                              "tests/perf/test_adopt_mine.py"]  # fmt: skip
    assert "written: benchmarks/mine.py\n" in done.out
    assert "__init__" not in done.out
    assert (project / "benchmarks" / "__init__.py").read_text() == "MINE = 1\n"
    assert command("adopt", "adopt_mine.py").code == 0


def test_one_suite_alone_and_elsewhere(benches, command, project):
    """Paths in the files lead from there to the benches."""
    assert command("adopt", "adopt_mine.py", "--no-asv", "--pytest", "deep/perf").code == 0
    assert files(project) == ["deep/perf/conftest.py", "deep/perf/test_adopt_mine.py"]
    assert 'perf.cases("../../adopt_mine.py", __file__)' in (project / "deep/perf/test_adopt_mine.py").read_text()
    assert command("adopt", "adopt_mine.py", "--no-pytest", "--asv", "asv").code == 0
    assert 'source = "../adopt_mine.py"' in (project / "asv/mine.py").read_text()


@pytest.mark.parametrize(
    ("source", "told"),
    [("stream.load", "no bench matches"), ("access.steps", "access.steps: names benches of hwbench"),
     ("none.py", "none.py: there is no such file")],
)  # fmt: skip
def test_what_has_no_benches_of_one_s_own_is_refused(benches, command, project, source, told):
    """In one line; nothing is written."""
    done = command("adopt", source)
    assert done.code == 2
    assert told in done.err
    assert files(project) == []


def test_a_file_of_the_user_s_is_not_replaced(benches, command, project):
    """Nor is any other written then."""
    (project / "benchmarks").mkdir()
    (project / "benchmarks" / "mine.py").write_text("MINE = 1\n")
    done = command("adopt", "adopt_mine.py")
    assert done.code == 2
    assert "benchmarks/mine.py: is there, and `hwbench adopt` has not made it" in done.err
    assert files(project) == ["benchmarks/mine.py"]
