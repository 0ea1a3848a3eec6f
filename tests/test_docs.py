"""What README.md and docs/ show is there and works."""

from __future__ import annotations

import re
import shlex
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
import typer

import hwbench
from hwbench import catalog
from hwbench.analysis.reading import Reading
from hwbench.cli import app, options, summary
from hwbench.devices import selection
from hwbench.measurement import cases as measure_cases
from hwbench.measurement import policy
from hwbench.measurement.engine import Engine
from hwbench.record import store
from hwbench.record.model import Case
from hwbench.report import lecture
from inspection.answers import reading
from inspection.told import STOLEN, doubt

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "scripts"))
docs_links, docs_parts, docs_site = (import_module(f"docs_{name}") for name in ("links", "parts", "site"))
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PROGRAM = typer.main.get_command(app.app)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    """Every local file that a page links to or shows is there."""
    missing = [
        target for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
        if not (page.parent / target).exists()
    ]  # fmt: skip
    assert not missing


def test_every_page_has_its_place_on_the_site():
    """The navigation of zensical.toml has each page of docs once, and no other."""
    named = re.findall(r'"(\S+\.md)"', (ROOT / "zensical.toml").read_text())
    own = [one for one in named if not one.startswith(docs_site.COPIES)]
    assert sorted(own) == sorted(str(page.relative_to(ROOT / "docs")) for page in PAGES[1:])
    assert set(named) - set(own) <= set(docs_site.copies())


def test_links_that_leave_the_pages_lead_to_copies():
    """Code becomes a page that shows it, a directory a list of its files, a page of the root a page; others stay."""
    told = "[a](../src/hwbench/kernels/simd.py) [b](../reports/fleet) [c](../SECURITY.md#trusted) [d](gpu.md#x) [e](http://f)"
    assert docs_site.linked(told, "docs/own-code.md") == (
        "[a](repository/src/hwbench/kernels/simd.py.md) [b](repository/reports/fleet/index.md) "
        "[c](repository/SECURITY.md#trusted) [d](gpu.md#x) [e](http://f)"
    )
    copies = docs_site.copies()
    assert "class" not in copies["repository/reports/fleet/index.md"]
    assert "[deliveries.json](deliveries.json)" in copies["repository/reports/fleet/index.md"]
    assert copies["repository/reports/fleet/deliveries.json"] == ROOT / "reports" / "fleet" / "deliveries.json"
    assert "](../support.md)" in copies["repository/CHANGELOG.md"]


def test_a_site_with_faults_is_refused(tmp_path):
    """Pages, anchors and pictures that are not there, links out of the site, and what would be fetched are named."""
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "a.html").write_text('<h2 id="there">x</h2><a href="../index.html"></a><a href="#no"></a>')
    (tmp_path / "index.html").write_text(
        '<link rel="canonical" href="https://a.b/"><link rel="stylesheet" href="https://a.b/c.css"><a href="https://a.b">'
        '</a><a href="below/a.html#there"></a><a href="below/a.html#gone"></a><a href="b.html"></a><img src="c.png">'
        '<script src="//a.b/d.js"></script><a href="../other.html"></a><img src="data:image/png;base64,AA">'
    )
    assert docs_links.faults(tmp_path) == [
        "below/a.html: #no has no such anchor", "index.html: fetches https://a.b/c.css",
        "index.html: below/a.html#gone has no such anchor", "index.html: b.html leads nowhere",
        "index.html: c.png leads nowhere", "index.html: fetches //a.b/d.js", "index.html: ../other.html leads nowhere",
    ]  # fmt: skip


def test_tables_have_headings():
    """Of pages, and of parts that are generated; an empty head is a grey band without a word."""
    told = {page.name: page.read_text() for page in PAGES} | {"commands": docs_parts.commands()}
    heads = {name: re.findall(r"^(\|.*\|)\n\| ?:?-", text, re.MULTILINE) for name, text in told.items()}
    assert len(heads["commands"]) > 20
    assert [name for name, each in heads.items() for head in each if not head.strip("| ")] == []


def test_each_part_that_is_generated_has_one_page():
    """A page that asks for what nothing makes, and a part that no page asks for, are found."""
    told = "".join(page.read_text() for page in PAGES)
    assert sorted(docs_site.PART.findall(told)) == sorted(docs_parts.PARTS)
    assert told.count("<!-- site: ") == len(docs_parts.PARTS)


def test_every_command_and_option_is_on_the_site():
    """The table by hand has each command; what is generated has each option with its help."""
    by_hand = (ROOT / "docs" / "command-line.md").read_text()
    told = docs_parts.commands()
    for name, command in docs_parts.leaves(typer.main.get_command(app.app)):
        assert re.search(rf"^\|.*`{name.removeprefix('hwbench ')}\b.*`", by_hand, re.MULTILINE), name
        [part] = re.findall(rf"^### {name}\n(.*?)(?=^### |\Z)", told, re.MULTILINE | re.DOTALL)
        options = {option for one in command.params for option in one.opts if option.startswith("--")} - {"--help"}
        assert {option for option in options if not re.search(rf"^\| `[^`]*{option}\b", part, re.MULTILINE)} == set()


def test_every_public_name_is_on_the_site():
    """Names that a page of Python's API has can be imported, and none of `hwbench` is missing."""
    names = docs_parts.api_names()
    assert {f"hwbench.{name}" for name in hwbench.__all__} <= set(names)
    for name in names:
        home, _, last = name.rpartition(".")
        assert hasattr(import_module(home), last), name


def test_every_slide_is_on_the_teachers_page():
    """Each claim with its command and its chart."""
    told = docs_parts.slides()
    for part in lecture.parts():
        for slide in part.claims:
            row = next(line for line in told.splitlines() if line.startswith(f"| **{slide.title}**: {slide.claim} |"))
            assert all(f"`{command}`" in row for command in slide.commands)
            assert slide.chart in row and slide.cannot[1:] in row


def test_pictures_are_small_and_shown():
    """Each file of docs/pictures is on a page, and one of pixels has at most 60 kB."""
    told = "".join(page.read_text() for page in PAGES)
    for path in (ROOT / "docs" / "pictures").iterdir():
        assert f"pictures/{path.name})" in told, path.name
        assert path.suffix == ".svg" or path.stat().st_size <= 60_000, path.name


def test_the_summary_that_is_shown_is_of_a_kept_run():
    """The page names the run, and shows what `hwbench show --summary` prints of it."""
    page = (ROOT / "docs" / "summary.md").read_text()
    [name] = re.findall(r"\[`([\w-]+)`\]\(\.\./reports/runs", page)
    [path] = (ROOT / "reports" / "runs").rglob(f"{name}.json")
    shown = page.partition("\n```\n")[2].partition("```\n")[0]
    assert shown.splitlines() == summary.lines(Reading(store.read(path), catalog.LAZY))


def test_the_readme_fits_a_screen():
    """It says what hwbench is, shows it, and leads to the pages that say the rest."""
    assert len(PAGES[0].read_text().splitlines()) <= 60


def test_rules_are_where_the_architecture_says():
    """Each file of the table is there and defines the names that the row has."""
    told = (ROOT / "docs" / "architecture.md").read_text().partition("## Where is the rule")[2]
    rows = [re.findall(r"`([^`]+)`", line.rsplit("|", 2)[1]) for line in told.splitlines() if ".py`" in line]
    assert len(rows) > 8
    for *names, path in rows:
        code = (ROOT / "src" / "hwbench" / path).read_text()
        assert [name for name in names if not re.search(rf"^(def |class |){name}\b", code, re.MULTILINE)] == [], path


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


def blocks() -> list[tuple[str, str]]:
    """Every `hwbench …` of a block of commands, with its page; lines that go on are joined."""
    found = []
    for page in PAGES:
        for block in re.findall(
            r"^ *```(?:console|yaml|bash|sh)\n(.*?)```", page.read_text(), re.DOTALL | re.MULTILINE
        ):
            lines = re.sub(r"\\\n\s*", "", block).splitlines()
            shown = [re.search(r"(?:^|[\s\[$])(hwbench .*)", line) for line in lines]
            found += [(page.name, line[1]) for line in shown if line]
    return found


def commands() -> list[tuple[str, str]]:
    """These, and every `hwbench …` in a line of prose."""
    found = blocks()
    for page in PAGES:
        prose = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
        found += [(page.name, line) for line in re.findall(r"`(hwbench [a-z][^`]*)`", prose)]
    return found


def parts(line: str) -> list[str]:
    """The words of one command after `hwbench`, to the end of the command or to another one after `--`."""
    words = shlex.split(re.sub(r"\$\{\{.*?\}\}", "x", line), comments=True)[1:]
    end = next((i for i, word in enumerate(words) if word in (">", ">>", "&&", "|", "||", "--")), None)
    return [word.strip("[]") for word in words[:end]]


@pytest.mark.parametrize(("page", "line"), blocks(), ids=lambda words: words[:60])
def test_commands_in_blocks_can_be_run(page, line):
    """Each is taken by the parser of the program: its arguments are complete, and its options have values that fit."""
    words = parts(line)
    command = PROGRAM
    while words and hasattr(command, "commands") and words[0] in command.commands:
        command = command.commands[words.pop(0)]
    assert isinstance(command.make_context("hwbench", words).params, dict), page


@pytest.mark.parametrize(("page", "line"), commands(), ids=lambda words: words[:40])
def test_commands_that_are_shown_exist(page, line):
    """Each names a command, and options that it has."""
    words = parts(line)
    there = PROGRAM.commands
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
    command = PROGRAM.commands["run"]
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
