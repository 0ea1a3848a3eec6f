"""The lines that are written: Python that names the benches, their cases and versions as asv and pytest want them."""

from __future__ import annotations

from pathlib import Path

import pytest

from doubles.scripted import scripted_bench
from hwbench.bench import Pages, Sweep, Threads
from hwbench.suites import adopt
from hwbench.suites.asv import Suite

AXES = {
    "size": ("L1", "L2", "L3"), "threads": (Threads(),), "pages": (Pages(),), "n": (1,), "wide": (Sweep(4096),),
}  # fmt: skip


@pytest.fixture
def bench():
    return scripted_bench({"a": 1.0, 'b"c': 2.0}, "mine.scan", AXES, version=3, quick={"size": ("L1", "DRAM")})


def run(text: str) -> dict[str, object]:
    """The names that a written module defines."""
    space: dict[str, object] = {"__name__": "written", "__file__": "/there/mine.py"}
    exec(compile(text, "written", "exec"), space)
    return space


def test_a_class_of_asv_has_the_cases_of_the_quick_set(bench):
    """Sizes by label and threads as asv can hold them fixed; pages, which a machine has or not, are left out."""
    found = run(adopt.asv_module("../x.py", [bench]))["scan"]
    assert issubclass(found, Suite)
    assert (found.source, found.bench, found.version) == ("../x.py", "mine.scan", 3)
    assert found.param_names == ("variant", "size", "threads", "n", "wide")
    assert found.params == (("a", 'b"c'), ("L1", "DRAM"), (1, "all"), (1,), ("L1", "L2", "L3", "DRAM"))
    assert "setup_cache" in vars(found)
    assert found.__doc__ == "Which script is shorter?"


def test_names_that_python_keeps_for_itself_and_quotes(bench):
    """A class cannot be called `in`; a question may have quotes."""
    bench.name, bench.question = "mine.in", 'Is "it" \\ so?'
    assert run(adopt.asv_module("x.py", [bench]))["in_"].__doc__ == 'Is "it" \\ so?'


def test_each_topic_has_a_module_and_a_directory_its_name(tmp_path, monkeypatch, bench):
    """All tests are in one module, named after the file, the directory or the package."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my benches").mkdir()
    other = scripted_bench({"a": 1.0}, "other.x")
    for source, stem in (("./my benches", "my_benches"), ("mine.py::*.x", "mine"), ("package", "package")):
        made = adopt.files(source, [bench, other], Path("b"), Path("t"))
        assert [str(path) for path in made] == ["b/__init__.py", "b/mine.py", "b/other.py", "t/conftest.py",
                                                f"t/test_{stem}.py"]  # fmt: skip
    assert adopt._from("mine.py::*.x", Path("a/b")) == "../../mine.py::*.x"
    assert adopt._from("package", Path("a/b")) == "package"


def test_a_written_module_is_python(bench):
    """The tests' and the one beside them, which says what the machine is."""
    compile(adopt.test_module('a "b".py'), "tests", "exec")
    assert callable(run(adopt.CONFTEST)["pytest_benchmark_update_machine_info"])
    assert all(adopt.MADE in text for text in (adopt.CONFTEST, adopt.test_module("x"), adopt.asv_module("x", [bench])))
