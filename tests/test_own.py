"""Benches of your own: which files are imported, under which names, and the one line for each that cannot be used."""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path
from types import ModuleType

import pytest

from doubles.scripted import scripted_bench
from hwbench import own

BENCH = '''"""What the file says."""
from hwbench import Bench, Work

bench = Bench("{name}", question="Which is shorter?", axes={{}}, baseline="a")
bench.reference(lambda: 3)
bench.variant("a")(lambda: Work(lambda: 3))
'''


def file(folder: Path, name: str, text: str = "", bench: str = "") -> Path:
    """A file with a bench of this name, or with this text."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text or BENCH.format(name=bench or f"mine.{path.stem.strip('_')}"))
    return path


@pytest.fixture(autouse=True)
def modules(monkeypatch):
    """What a test imports is forgotten."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        del sys.modules[name]


def names(found: own.Loaded) -> list[str]:
    return [bench.name for bench, _ in found.benches]


@pytest.mark.parametrize(
    ("word", "meant"),
    [("a.py", True), ("/x/y", True), ("./benches", True), ("stream", False), ("stream.load", False),
     ("*.load", False), ("none/there", False)],
)  # fmt: skip
def test_a_path_is_told_from_a_bench(monkeypatch, tmp_path, word, meant):
    """By its ending, or by a separator where there is such a directory: a folder may be called as a topic."""
    monkeypatch.chdir(tmp_path)
    for name in ("benches", "stream"):
        (tmp_path / name).mkdir()
    assert own.is_path(word) is meant


def test_what_a_path_is_elsewhere(monkeypatch, tmp_path):
    """Absolute, with the glob behind it; names and globs stay."""
    monkeypatch.chdir(tmp_path)
    assert own.absolute("a.py::x.*") == f"{tmp_path}/a.py::x.*"
    assert own.absolute("stream.*") == "stream.*"


def test_a_file_gives_its_benches_with_its_text(tmp_path):
    """Under the name of the file, which processes that it starts find, too."""
    found = own.of_path(file(tmp_path, "shorter.py"))
    [(bench, where)] = found.benches
    assert (bench.name, bench.doc, where, found.troubles) == (
        "mine.shorter", "What the file says.", str(tmp_path / "shorter.py"), []
    )  # fmt: skip
    assert sys.modules["shorter"].bench is bench
    assert sys.path[-1] == str(tmp_path)
    assert own.of_path(tmp_path / "shorter.py").benches[0][0] is bench


def test_a_file_takes_no_other_module_s_name(tmp_path):
    """One called as a module of Python, or as another file, has a name of its own; neither replaces the other."""
    (tmp_path / "a").mkdir()
    import json

    found = [own.of_path(file(tmp_path, "json.py", bench="mine.json")),
             own.of_path(file(tmp_path, "a/same.py", bench="mine.one")),
             own.of_path(file(tmp_path, "same.py", bench="mine.two"))]  # fmt: skip
    assert [names(one) for one in found] == [["mine.json"], ["mine.one"], ["mine.two"]]
    assert sys.modules["json"] is json


def test_a_file_of_a_package_is_imported_as_its_part(tmp_path):
    """Relative imports work, and a helper beside a file that is alone is found."""
    file(tmp_path, "pack/__init__.py", " ")
    file(tmp_path, "pack/inner/__init__.py", " ")
    file(tmp_path, "pack/size.py", "NAME = 'mine.inner'")
    text = BENCH.format(name="x").replace('"x"', "NAME")
    found = own.of_path(file(tmp_path, "pack/inner/part.py", f"from ..size import NAME\n{text}"))
    assert (names(found), found.troubles) == (["mine.inner"], [])
    assert "pack.inner.part" in sys.modules
    file(tmp_path, "helper_of_mine.py", "NAME = 'mine.helped'")
    assert names(own.of_path(file(tmp_path, "alone.py", f"from helper_of_mine import NAME\n{text}"))) == ["mine.helped"]


def test_a_directory_gives_what_mentions_a_bench(tmp_path):
    """No script, test, hidden file or environment is imported; a file that fails costs the others nothing."""
    file(tmp_path, "deep/er/two.py")
    file(tmp_path, "one.py")
    for name in ("_helper.py", "test_it.py", ".hidden.py", "venv/x.py", "_inner/x.py", "setup.py"):
        file(tmp_path, name, "Bench; raise SystemExit('imported')")
    file(tmp_path, "venv/pyvenv.cfg", "x")
    file(tmp_path, "script.py", "raise SystemExit('imported')")
    file(tmp_path, "bad.py", "Bench; 1 / 0")
    found = own.of_path(tmp_path)
    assert names(found) == ["mine.one", "mine.two"]
    assert found.troubles == [f"{tmp_path}/bad.py: line 1: NameError: name 'Bench' is not defined"]
    (tmp_path / "empty").mkdir()
    assert own.of_path(tmp_path / "empty").troubles == [f"{tmp_path}/empty: no file below it defines a Bench"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("import nothing_of_this_name.at_all", "needs the module nothing_of_this_name, which is not installed"),
        ("import hwbench.nothing", "hwbench has no module hwbench.nothing"),
        ("from ...bench import Bench", "write `from hwbench.bench import Bench`"),
        ("def f(:", "line 1: invalid syntax"),
        ("\n\nraise ValueError('two\\nlines')", "line 3: ValueError: two lines"),
        ("import sys; sys.exit(3)", "line 1: SystemExit: 3"),
        ("x = '\0'", "null bytes"),
        ("x = 1", "defines no bench"),
        (BENCH.format(name="noname"), "'noname' is no name of a bench"),
        (
            BENCH.format(name="a.b").replace('baseline="a"', 'baseline="z"'),
            "its baseline 'z' is none of its variants: a",
        ),
        (BENCH.format(name="a.b").replace("bench.reference", "len"), "line 5: TypeError"),
        (BENCH.format(name="a.b").replace("bench.reference(lambda: 3)", ""), "a.b has no @bench.reference"),
        (BENCH.format(name="a.b").replace('bench.variant("a")', "str"), "a.b has no variant"),
        (BENCH.format(name="a.b").replace("axes={}", 'axes={}, limit="{x}"'), "a.b.limit: is no kind of limit"),
        (BENCH.format(name="a.b").replace("axes={}", "axes={}, version=0"), "version 0 is no whole number"),
        (BENCH.format(name="a.b").replace("axes={}", 'axes={}, measures="lod"'), "did you mean 'load'?"),
    ],
)
def test_what_cannot_be_used_is_one_line(tmp_path, text, told):
    """It begins with the file and says what is wrong, and where; nothing is raised."""
    path = file(tmp_path, "wrong.py", text)
    found = own.of_path(path)
    [line] = found.troubles
    assert line.startswith(f"{path}: ")
    assert told in line
    assert "\n" not in line
    assert found.benches == []
    assert "wrong" not in sys.modules or found.troubles


def test_what_a_file_prints_goes_to_standard_error(tmp_path, capsys):
    """Standard output may be JSON."""
    own.of_path(file(tmp_path, "loud.py", "print('hello')\n" + BENCH.format(name="mine.loud")))
    assert capsys.readouterr() == ("", "hello\n")


@pytest.mark.parametrize("kind", ["bench", "module", "list"])
def test_a_package_s_entry_point_gives_its_benches(monkeypatch, kind):
    """It names a bench, a module or package of them, or a list."""
    bench, module = scripted_bench({"a": 1.0}, "mine.x"), ModuleType("mine_x")
    module.bench = bench
    given = {"bench": bench, "module": module, "list": [bench, bench]}[kind]
    monkeypatch.setitem(sys.modules, "mine_x", given if kind == "module" else ModuleType("mine_x"))
    sys.modules["mine_x"].given = given
    point = importlib.metadata.EntryPoint("mine", "mine_x" + ":given" * (kind != "module"), own.GROUP)
    known = importlib.metadata.EntryPoints([point])
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda **by: known.select(**by))
    assert own.of_package("mine").benches == [(bench, f"mine ({point.value})")]
    assert own.of_package("other") is None


def test_a_package_that_does_not_import_is_one_line(monkeypatch):
    """It names the entry point."""
    point = importlib.metadata.EntryPoint("mine", "nothing_of_this_name.benches", own.GROUP)
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda **_: importlib.metadata.EntryPoints([point]))
    [line] = own.of_package("mine").troubles
    assert line.startswith("mine (nothing_of_this_name.benches): needs the module nothing_of_this_name")


def test_what_a_file_names_lies_beside_it(tmp_path):
    """A path from there; a package is no path."""
    (tmp_path / "benches").mkdir()
    file = str(tmp_path / "tests" / "perf" / "test_mine.py")
    assert own.beside("../../mine.py::x.*", file) == f"{tmp_path}/mine.py::x.*"
    assert own.beside("../../benches", file) == f"{tmp_path}/benches"
    assert own.beside("mine", file) == "mine"


def test_a_failing_import_is_raised_where_it_is_debugged(tmp_path, monkeypatch):
    """By the variable that shows where hwbench itself fails."""
    monkeypatch.setenv("HWBENCH_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        own.of_path(file(tmp_path, "wrong.py", "1 / 0"))
