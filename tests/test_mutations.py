"""What scripts/mutations.py plants, and how it tells what became of it; the mutants are run by hand."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def mutations():
    spec = importlib.util.spec_from_file_location("mutations", ROOT / "scripts/mutations.py")
    made = importlib.util.module_from_spec(spec)
    sys.modules["mutations"] = made  # dataclasses look their module up
    spec.loader.exec_module(made)
    return made


def test_modules_and_their_tests_exist(mutations):
    """A module that was renamed must not be left out unseen; its own tests are among those that hold it."""
    for file, entry in mutations.config()["modules"].items():
        folder, _, name = file.rpartition("/")
        assert (mutations.PACKAGE / file).is_file()
        assert f"{folder}/test_{name}" in entry["tests"]
        assert all((ROOT / "tests" / one).is_file() for one in entry["tests"])


def test_reasons_are_of_lines_that_stand_in_their_files(mutations):
    """A line that changed needs its reason anew; none names the line as it is."""
    for entry in mutations.config()["equivalent"]:
        lines = (mutations.PACKAGE / entry["file"]).read_text("utf-8").splitlines()
        assert entry["was"] in {" ".join(line.split()) for line in lines}, entry["was"]
        assert entry["was"] not in entry["now"]
        assert entry["because"]


def test_annotations_are_no_code(mutations):
    """Of functions: they are never evaluated. Those of a class say what its fields are."""
    function = "def f(x: int {} None) -> int {} None:\n    y: int {} None = x\n    return y"
    assert mutations._bare(function.format(*"|||")) == mutations._bare(function.format(*"&+-")) != ""
    assert mutations._bare("class A:\n    x: int | None") != mutations._bare("class A:\n    x: int & None")
    assert mutations._bare("x = ]") == ""


def test_a_mutant_is_imported_in_place_of_its_module(mutations):
    """Under the name of the module, from a source that lies nowhere; other modules are loaded as ever."""
    loader = mutations._Planted("tracking/stats.py", "def t_tail(t, dof): return 7")
    assert loader.find_spec("hwbench.tracking.sides") is None
    made = importlib.util.module_from_spec(loader.find_spec("hwbench.tracking.stats"))
    loader.exec_module(made)
    assert (made.t_tail(1.0, 2.0), made.__package__) == (7, "hwbench.tracking")


def test_what_lives_is_told_and_what_is_equivalent_has_its_reason(mutations):
    """A cache of another size anywhere, another line in its file alone; without a reason the exit code is 1."""
    cache, sign, elsewhere = (mutations.Mutant(file, "X", 0, 7, was, now) for file, was, now in (
        ("a.py", "@functools.lru_cache(maxsize=8)", "@functools.lru_cache(maxsize= 9)"),
        ("tracking/stats.py", "most = 0.0", "most = -1.0"), ("a.py", "most = 0.0", "most = -1.0")))  # fmt: skip
    made = [mutations._judged(mutations.Result(one, "lives", "")) for one in (cache, sign, elsewhere)]
    assert [one.end for one in made] == ["equivalent", "equivalent", "lives"]
    told = mutations.table([*made, mutations.Result(sign, "killed", "test_x")])
    assert "| `tracking/stats.py` | 2 | 1 | 1 | 0 |" in told
    assert "| all | 4 | 1 | 2 | 1 |" in told
    assert "| `a.py` | 1 | a cache that keeps more, less or nothing gives the same answers |" in told
    assert told.endswith("- lives: a.py:7 `most = 0.0` → `most = -1.0`")
