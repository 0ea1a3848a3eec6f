"""What README.md and docs/ show is there and works."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from types import ModuleType

import pytest
import typer

from hwbench import catalog
from hwbench.analysis.reading import Reading
from hwbench.cli import app, options
from hwbench.devices import selection
from hwbench.measurement import cases as measure_cases
from hwbench.measurement import policy
from hwbench.measurement.engine import Engine
from hwbench.record import store, text
from hwbench.record.model import Case
from inspection.answers import reading
from inspection.told import STOLEN, doubt

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    """Every local file that a page links to or shows is there."""
    missing = [
        target for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
        if not (page.parent / target).exists()
    ]  # fmt: skip
    assert not missing


def test_rules_are_where_the_architecture_says():
    """Each file of the table is there and defines the names that the row has."""
    told = (ROOT / "docs" / "architecture.md").read_text().partition("## Where is the rule")[2]
    rows = [re.findall(r"`([^`]+)`", line.rsplit("|", 2)[1]) for line in told.splitlines() if ".py`" in line]
    assert len(rows) > 8
    for *names, path in rows:
        code = (ROOT / "src" / "hwbench" / path).read_text()
        assert [name for name in names if not re.search(rf"^(def |class |){name}\b", code, re.MULTILINE)] == [], path


def test_what_the_readme_says_of_its_run_is_what_the_run_says():
    """The step of the chase and the size of L3, each with its interval."""
    [path] = (ROOT / "reports" / "runs" / "intel-xeon-2cpu").glob("*.json")
    last = Reading(store.read(path)).hierarchy.last
    told = " ".join((ROOT / "README.md").read_text().split())
    assert f"The step at {text.size(last.step)} is probably TLB reach" in told
    assert f"fast up to {text.size(last.size)} of the {text.size(last.cache.bytes)} of L3" in told


@pytest.fixture
def shown(monkeypatch, tmp_path):
    """The module that docs/adding-a-bench.md shows, as if its file lay where the page says."""
    page = (ROOT / "docs" / "adding-a-bench.md").read_text()
    [path] = re.findall(r"Here is a whole one, `src/(\S+)\.py`", page)
    code, finding = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    file = tmp_path / "shown.py"
    file.write_text(f"{code}\n\n{finding}")
    module = ModuleType(path.replace("/", "."))
    module.__file__, module.__package__ = str(file), module.__name__.rpartition(".")[0]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(file.read_text(), file, "exec"), vars(module))
    module.lines = len(code.splitlines())
    return module


def test_the_bench_that_is_shown_works(shown):
    """Each variant of the example builds and gives the reference answer."""
    bench = shown.bench
    engine = Engine(selection.devices("cpu"), policy.POLICIES["quick"])
    cases = tuple(Case(bench.name, variant, "cpu", {"size": "L1", "stride": 8}) for variant in bench.variants)
    with engine.prepared(measure_cases.Group(bench, cases)) as trials:
        assert [(trial.status, trial.why) for trial in trials] == [("ok", "")] * len(bench.variants)
        assert trials[0].counts["bytes"] == 8 * trials[0].counts["items"]


def test_the_bench_that_is_shown_is_short_and_in_its_place(shown):
    """At most 60 lines, in a file that the catalogue looks into for a bench of this name."""
    assert shown.lines <= 60
    assert shown.__name__ in catalog.homes(shown.bench.name)


def test_the_finding_that_is_shown_speaks(shown):
    """It says one sentence about records of both variants, with the mark of a suspect one, and nothing about none."""
    bench = shown.bench
    rows = [(name, {"size": "DRAM", "stride": 8}, seconds) for name, seconds in (("numpy", 3.0), ("numba", 2.0))]
    made = reading(bench, rows, {"items": 1})
    assert list(bench.hooks["finding"](made)) == ["At a stride of 8 a compiled loop against NumPy: 1.50× faster."]
    [doubted] = bench.hooks["finding"](doubt(made, "numpy"))
    assert doubted.endswith(STOLEN)
    assert list(bench.hooks["finding"](reading(bench, [], {}))) == []


def commands() -> list[tuple[str, str]]:
    """Every `hwbench …` that stands in a block or a line as code, with its page; lines that go on are joined."""
    found = []
    for page in PAGES:
        told = page.read_text()
        for block in re.findall(r"```(?:console|yaml|bash|sh)\n(.*?)```", told, re.DOTALL):
            lines = re.sub(r"\\\n\s*", "", block).splitlines()
            shown = [re.search(r"(?:^|\s)(hwbench .*)", line) for line in lines]
            found += [(page.name, line[1]) for line in shown if line]
        prose = re.sub(r"```.*?```", "", told, flags=re.DOTALL)
        found += [(page.name, line) for line in re.findall(r"`(hwbench [a-z][^`]*)`", prose)]
    return found


def parts(line: str) -> list[str]:
    """The words of one command after `hwbench`, to the end of the command or to another one after `--`."""
    words = shlex.split(re.sub(r"\$\{\{.*?\}\}", "x", line), comments=True)[1:]
    end = next((i for i, word in enumerate(words) if word in (">", "&&", "--")), None)
    return [word.strip("[]") for word in words[:end]]


@pytest.mark.parametrize(("page", "line"), commands(), ids=lambda words: words[:40])
def test_commands_that_are_shown_exist(page, line):
    """Each names a command, and options that it has."""
    words = parts(line)
    there = typer.main.get_command(app.app).commands
    assert words[0] in there, f"{page}: hwbench has no command {words[0]}"
    command = there[words[0]]
    if inside := getattr(command, "commands", None):  # a group
        assert words[1:2] and words[1] in inside, f"{page}: hwbench {words[0]} has no command {words[1:2]}"
        command = inside[words[1]]
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("-")} <= known


MEASURED = [(page, line) for page, line in commands() if line.startswith("hwbench run ") and line.isascii()]


@pytest.mark.parametrize(("page", "line"), MEASURED, ids=lambda words: words[:60])
def test_runs_that_are_shown_measure_every_bench_that_they_name(monkeypatch, tmp_path, shown, page, line):
    """Benches, variants, axes and values exist, and no selected bench is left without a case."""
    text = Path(shown.__file__).read_text().replace(shown.bench.name, "mine.scan")
    (tmp_path / "my_bench.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    for added in ("_added", "_sources"):
        monkeypatch.setattr(catalog, added, {})
    benches = catalog.benches() | {shown.bench.name: shown.bench}
    monkeypatch.setattr(catalog, "benches", lambda: benches)
    command = typer.main.get_command(app.app).commands["run"]
    asked = command.make_context("run", parts(line)[1:], resilient_parsing=True).params
    chosen = catalog.select(asked["select"] or (), asked["preset"])
    found = measure_cases.groups(
        chosen, preset=asked["preset"], params=options.axis_values(asked["param"] or ()),
        variants=asked["variant"] or (), devices={"cpu": "cpu", "gpu": "gpu"}, spread=lambda _: ("4K",),
    )  # fmt: skip
    assert {group.bench.name for group in found} == {bench.name for bench in chosen}, page


def test_the_tests_that_hold_the_twelve_rules_exist():
    """A test that is renamed or dropped is missed in docs/method.md; every rule has its row."""
    page = (ROOT / "docs" / "method.md").read_text().partition("## Twelve rules")[2]
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", page)
    assert len(named) >= 8
    for file, test in named:
        assert f"def {test}(" in (ROOT / file).read_text(), f"{file} has no {test}"
    assert re.findall(r"^\| (\d+)\. ", page, re.MULTILINE) == [str(number) for number in range(1, 13)]
