"""What README.md and docs/ show is there and works."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from types import ModuleType

import pytest
import typer

from hwbench.bench import Bench
from hwbench.cli import app
from hwbench.devices import selection
from hwbench.measure import cases as measure_cases
from hwbench.measure import policy
from hwbench.measure.engine import Engine
from hwbench.record.model import Case

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


@pytest.fixture
def shown(monkeypatch, tmp_path):
    """The bench that docs/adding-a-bench.md walks through, as if its file lay with the others."""
    page = (ROOT / "docs" / "adding-a-bench.md").read_text()
    [code] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    file = tmp_path / "every.py"
    file.write_text(code)
    module = ModuleType("hwbench.benches.every")
    module.__file__, module.__package__ = str(file), "hwbench.benches"
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(code, file, "exec"), vars(module))
    [bench] = [value for value in vars(module).values() if isinstance(value, Bench)]
    return bench


def test_the_bench_that_is_shown_works(shown):
    """Each variant of the example builds and gives the reference answer."""
    engine = Engine(selection.devices("cpu"), policy.POLICIES["quick"])
    cases = tuple(Case(shown.name, variant, "cpu", {"size": "L1", "stride": 8}) for variant in shown.variants)
    with engine.prepared(measure_cases.Group(shown, cases)) as trials:
        assert [(trial.status, trial.reason) for trial in trials] == [("ok", "")] * len(shown.variants)
        assert trials[0].counts["bytes"] == 8 * trials[0].counts["items"]


def commands() -> list[tuple[str, str]]:
    """Every `hwbench …` that stands in a block of code, with its page; lines that go on are joined."""
    found = []
    for page in PAGES:
        for block in re.findall(r"```(?:console|yaml|bash|sh)\n(.*?)```", page.read_text(), re.DOTALL):
            lines = re.sub(r"\\\n\s*", "", block).splitlines()
            shown = [re.search(r"(?:^|\s)(hwbench .*)", line) for line in lines]
            found += [(page.name, line[1]) for line in shown if line]
    return found


@pytest.mark.parametrize(("page", "line"), commands(), ids=lambda text: text[:40])
def test_commands_that_are_shown_exist(page, line):
    """Each names a command, and options that it has."""
    words = shlex.split(re.sub(r"\$\{\{.*?\}\}", "x", line), comments=True)
    words = words[1 : next((i for i, word in enumerate(words) if word in (">", "&&")), None)]
    words = [word.strip("[]") for word in words]
    there = typer.main.get_command(app.app).commands
    assert words[0] in there, f"{page}: hwbench has no command {words[0]}"
    known = {option for parameter in there[words[0]].params for option in parameter.opts}
    assert {word for word in words if word.startswith("-")} <= known
