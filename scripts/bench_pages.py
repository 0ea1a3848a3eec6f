"""Write docs/benches: a page a topic, each bench with its question, arithmetic, variants, axes and how to read it.

    python scripts/bench_pages.py [--check]

All but two paragraphs of a bench come from its own file: docstrings and the data that the command line reads. What to
look at, and why the plateau is where it is, stand in docs/benches/notes.toml, since they are for readers and not for
whoever changes the bench. Nothing is measured, and nothing depends on the machine. `--check` writes nothing and exits
with 1 where a page is not what would be written.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import re
import sys
import textwrap
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from hwbench import catalog
from hwbench.bench import Bench, Pages, Sweep, Threads
from hwbench.record import text
from hwbench.record.measures import LIMITS

HERE = Path(__file__).resolve().parents[1] / "docs" / "benches"
SYSTEMS = HERE.parent / "systems"  # pages by hand on topics that are systems of their own
ON_CPU = [kind for kind, source in LIMITS.items() if source.on == "cpu"]
LONGEST = 110  # characters of an expression that is shown


def pages(benches: Iterable[Bench], notes: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """The text of each file by its name: a page for each topic, and README.md that leads to them."""
    topics: dict[str, list[Bench]] = {}
    for bench in sorted(benches, key=lambda bench: bench.name):
        topics.setdefault(bench.topic, []).append(bench)
    made = {f"{topic}.md": page(topic, members, notes) for topic, members in topics.items()}
    return made | {"README.md": index(topics)}


def index(topics: Mapping[str, list[Bench]]) -> str:
    """All benches with their questions, and those that need a GPU: what `hwbench list` reads."""
    rows = [
        f"| [`{bench.name}`]({topic}.md#{anchor(bench.name)}) | {plain(bench.question)} | {'GPU' * bench.needs_gpu} |"
        for topic, members in sorted(topics.items())
        for bench in members
    ]
    return "\n".join(
        [
            "# The benches",
            "",
            "Each asks one question. The pages say what is counted, which ways are compared, and how to read the",
            "answer. They are written by `python scripts/bench_pages.py`; by hand edit [notes.toml](notes.toml) alone.",
            "",
            "| bench | question | needs |",
            "| --- | --- | --- |",
            *rows,
            "",
        ]
    )


def page(topic: str, benches: Iterable[Bench], notes: Mapping[str, Mapping[str, str]]) -> str:
    """The page of one topic. What a file says of several benches is said before the first of them."""
    more = f" · [more on {topic}](../systems/{topic}.md)" if (SYSTEMS / f"{topic}.md").exists() else ""
    out = [f"# {topic}", "", f"[All benches](README.md){more}", ""]
    said: set[str] = set()
    for bench in benches:
        out += [f"## {bench.name}", "", f"*{plain(bench.question)}*", ""]
        if bench.doc not in said:
            out += [plain(inspect.cleandoc(bench.doc)), ""]
            said.add(bench.doc)
        out += [*facts(bench), "", *variants(bench), ""]
        note = notes.get(bench.name, {})
        for key, title in (("look", "What to look at."), ("plateau", "Why it ends where it does.")):
            if key in note:
                out += [*textwrap.wrap(f"**{title}** {note[key]}", 120, break_on_hyphens=False), ""]
    return "\n".join(out)


def facts(bench: Bench) -> list[str]:
    """What is counted, checked, compared and swept, as a table."""
    rows = [
        ("one call", " ".join(filter(None, [said(bench, "counts"), arithmetic(bench)]))),
        ("checked against", said(bench, "reference")),
        ("data", said(bench, "inputs")),
        ("limit", limit(bench)),
        ("axes", axes(bench.axes)),
        *(("also", axes(sweep)) for sweep in bench.sweeps),
        *((f"`--preset {name}`", axes(bench.presets[name])) for name in bench.presets if bench.presets[name]),
        *(("`--preset full`, also", axes(sweep)) for sweep in bench.full_sweeps),
        ("presets", _only_selected(bench)),
    ]
    return ["| property | value |", "| --- | --- |", *(f"| {name} | {cell} |" for name, cell in rows if cell)]


def _only_selected(bench: Bench) -> str:
    """Which presets leave it out."""
    if bench.by_name:
        return "No preset includes it: select it by name."
    if bench.full_only:
        return "`--preset full` includes it; other presets measure it only where it is selected."
    return "" if bench.core else "`--preset quick` measures it only where it is selected."


def limit(bench: Bench) -> str:
    """What holds the bench back at best, and which bench measures that."""
    if bench.limit is None:
        return "none of the hardware's applies"
    sources = [name for name, one in catalog.benches().items() if one.measures == bench.limit and bench.limit in ON_CPU]
    where = ", at the level where the data lies" if {"size", "n"} & set(bench.axes) and bench.limit != "fma" else ""
    if bench.name in sources:
        return f"it measures one: {bench.limit}{where}"
    return f"{bench.limit}{where}" + (
        f", as {' or '.join(f'`{name}`' for name in sources)} measures it" if sources else ""
    )


def variants(bench: Bench) -> list[str]:
    """Each way to do the work, the one that the others are compared with first."""
    ordered = sorted(bench.variants.values(), key=lambda one: one.name != bench.baseline)
    rows = [
        f"| `{one.name}`{' (baseline)' if one.name == bench.baseline else ''} | {one.on} | {plain(one.summary)} |"
        for one in ordered
    ]
    return ["| variant | on | what it is |", "| --- | --- | --- |", *rows]


def said(bench: Bench, hook: str) -> str:
    """The docstring of what is registered as `hook`, in one line."""
    function = bench.hooks.get(hook)
    return plain(" ".join((inspect.getdoc(function) or "").split())) if function else ""


def arithmetic(bench: Bench) -> str:
    """The counts as their code has them, `bytes = a.nbytes`, where that is one plain expression."""
    function = bench.hooks.get("counts")
    if function is None:
        return ""
    code = textwrap.dedent(inspect.getsource(function))
    returned = [node.value for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Return)]
    if len(returned) != 1 or not isinstance(returned[0], ast.Dict):
        return ""
    shown = []
    for name, value in zip(returned[0].keys, returned[0].values, strict=True):
        text = ast.get_source_segment(code, value) or ""
        if not isinstance(name, ast.Constant) or "\n" in text:
            return ""
        shown.append(f"`{name.value!s} = {text}`".replace("|", "\\|"))
    return ", ".join(shown) if sum(map(len, shown)) <= LONGEST else ""


def axes(grid: Mapping[str, Any]) -> str:
    """`size` L1, L2, L3, DRAM; `threads` 1 … all: a grid in one line."""
    return "; ".join(
        f"`{axis}` {', '.join(value(one) for one in (values if isinstance(values, tuple) else (values,)))}"
        for axis, values in grid.items()
    )


def value(one: Any) -> str:
    """An axis value in words that hold on any machine."""
    if isinstance(one, Sweep):
        return f"{text.size(one.first)} … {one.last} ({one.points} an octave)"
    if isinstance(one, Threads):
        return "1, 2, 4 … all"
    return "huge (4K where there are none)" if isinstance(one, Pages) else plain(str(one))


def plain(text: str) -> str:
    """Text of a docstring as Markdown that shows it as it is: what stands in backticks stays."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if part.startswith("`") else re.sub(r"([*_<|\[\]])", r"\\\1", part) for part in parts)


def anchor(name: str) -> str:
    """Where GitHub lets a heading be linked to."""
    return name.replace(".", "").lower()


def missing(benches: Iterable[Bench], notes: Mapping[str, Mapping[str, str]]) -> list[str]:
    """The benches for which notes.toml does not say both what to look at and why it ends where it does."""
    return sorted(bench.name for bench in benches if set(notes.get(bench.name, {})) != {"look", "plateau"})


def read_notes(path: Path = HERE / "notes.toml") -> dict[str, dict[str, str]]:
    """What readers are told of each bench beside what its file says."""
    return tomllib.loads(path.read_text("utf-8"))


def main(arguments: list[str] | None = None, echo: Callable[[str], object] = print) -> int:
    """Write the pages, or check them; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 where a page is out of date")
    given = parser.parse_args(arguments)
    benches, notes = catalog.benches().values(), read_notes()
    made = pages(benches, notes)
    lie = {path.name: path.read_text("utf-8") for path in HERE.glob("*.md")}
    stale = sorted(name for name in made | lie if made.get(name) != lie.get(name))
    if not given.check:
        for name in stale:
            if name in made:
                (HERE / name).write_text(made[name], "utf-8")
            else:
                (HERE / name).unlink()
    for name in stale:
        echo(f"docs/benches/{name}: {'out of date' if given.check else 'written' if name in made else 'removed'}")
    without = missing(benches, notes)
    if without:
        echo(f"docs/benches/notes.toml: needs `look` and `plateau` for {', '.join(without)}")
    return 1 if without or (given.check and stale) else 0


if __name__ == "__main__":
    sys.exit(main())
