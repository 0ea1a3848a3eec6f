"""Commands: which tool they are of, how a side starts them, and where results go."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwbench.ab import tools
from hwbench.ab.environments import Contender
from hwbench.ab.metrics import metrics
from hwbench.errors import UsageError
from hwbench.measurement.policy import CASE_S
from hwbench.tracking.history import TrackingError


@pytest.fixture
def side(tmp_path):
    """A side with pytest beside its Python."""
    binaries = tmp_path / "environment" / "bin"
    binaries.mkdir(parents=True)
    (binaries / "pytest").touch()
    return Contender("one", str(binaries / "python"), commit="c0ffee")


def words(line, side, **more):
    return tools.argv(tools.command(line.split(), **more), side, Path("/out"))


def test_rounds_of_hwbench_are_short():
    """Quads repeat them; of the full preset they are as long as asked for."""
    assert tools.of_benches(["--preset", "quick"]).variables == {CASE_S: "0.04"}
    assert tools.of_benches(["--preset", "full"]).variables == {}
    assert tools.command(["pytest"]).variables == {}


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("pytest tests", "pytest"), ("python -m pytest tests", "pytest"), ("asv run -b x", "asv"),
        ("hwbench run stream", "hwbench"), ("pyperf timeit x", "pyperf"), ("hyperfine a b", "hyperfine"),
        ("python x.py -o {out}", "file"), ("python x.py", "whole"), ("./x --fast", "whole"),
    ],
)  # fmt: skip
def test_a_tool_is_known_by_its_name(line, kind):
    """Or as a module; `{out}` is a file of anything."""
    assert tools.command(line.split()).kind == kind
    assert tools.command(line.split(), metrics(["x=(.)"])).kind == "metric"
    assert tools.command(line.split()).shown == line.replace("{out}", "'{out}'")


def test_results_of_pytest_go_to_the_process_wherever_the_user_sends_them(side):
    """A path of the user's would be written by both sides."""
    start = [str(side.binaries / "pytest"), "tests"]
    for given in ("", " --benchmark-json=/x.json", " --benchmark-json /x.json"):
        assert words(f"pytest tests{given}", side) == [*start, "--benchmark-json=/out/result.json"]
    assert words("python -m pytest", side)[:3] == [side.python, "-m", "pytest"]


def test_other_tools_are_told_where_to_write(side, monkeypatch):
    """Each by its option; `{out}` is replaced anywhere."""
    monkeypatch.setattr(tools.shutil, "which", lambda name: f"/usr/bin/{name}")
    assert words("hyperfine a", side) == ["/usr/bin/hyperfine", "a", "--export-json=/out/result.json"]
    assert words("pyperf timeit x -o y.json", side)[3:] == ["timeit", "x", "-o", "/out/result.json"]
    assert words("python x.py --to={out}", side) == [side.python, "x.py", "--to=/out/result.json"]
    run = words("hwbench run stream --json y.json", side)
    assert run[:4] == [side.python, "-m", "hwbench", "run"]
    assert run[-3:] == ["--json", "/out/result.json", "stream"]


def test_asv_measures_the_environment_of_the_side(side):
    """By one asv for both sides; a choice of an existing environment and a commit are replaced."""
    found = words("asv run --quick -E existing:same --python=same --set-commit-hash x -b y", side)
    assert Path(found[1]).name == "asv_driver.py"
    assert found[2:] == ["/out", "run", "--quick", "-b", "y", "-E", f"existing:{side.python}", "--set-commit-hash",
                         "c0ffee", "--record-samples", "--machine", "ab"]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "there is no command"), ("uv run pytest", "uv chooses an environment itself"),
        ("asv continuous a b", "only `asv run` is measured"), ("hwbench show", "only `hwbench run` is measured"),
        ("asv run -E virtualenv", "would build environments itself"),
        ("/usr/bin/python3 x.py", "is one program for both sides; write python3"),
    ],
)  # fmt: skip
def test_what_cannot_be_measured_is_refused(line, said):
    """Before anything is built."""
    with pytest.raises(UsageError, match=said):
        tools.command(line.split())


def test_a_program_that_is_nowhere_is_named(side):
    """With both places."""
    with pytest.raises(TrackingError, match="there is no nosuchprogram, neither beside"):
        words("nosuchprogram", side)


def test_both_sides_get_the_tools_that_are_here(monkeypatch):
    """In this Python's versions; what the user asks for is the user's choice."""
    monkeypatch.setattr(tools.importlib.metadata, "version", {"pytest": "9.1", "pytest-benchmark": "5.1"}.get)
    asked = tools.command(["pytest"])
    assert asked.requirements([]) == ["pytest==9.1", "pytest-benchmark==5.1"]
    assert asked.requirements(["pytest<9", "."]) == ["pytest-benchmark==5.1"]
    assert tools.command(["python", "x.py"]).requirements([]) == []
    assert len(tools.command(["hwbench", "run"]).requirements([])) == 1


def test_an_option_that_spoils_the_measurement_is_warned_of():
    """asv's --quick, in both spellings."""
    assert "leave it out" in tools.command(["asv", "run", "--quick"]).warning
    assert tools.command(["python", "-m", "asv", "run", "-q"]).warning
    assert tools.command(["asv", "run"]).warning == tools.command(["pytest", "-q"]).warning == ""
