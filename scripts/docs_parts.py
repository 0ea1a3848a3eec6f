"""Parts of the site's pages that are generated: the command line, the Python API, the lecture, reports of kept runs.

`docs_site.py` puts them where a page asks for them by `<!-- site: NAME -->`. Nothing is measured.
"""

from __future__ import annotations

import contextlib
import datetime
import io
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pictures
import typer

import hwbench
from hwbench import catalog
from hwbench.cli import app
from hwbench.report import lecture

ROOT = Path(__file__).resolve().parents[1]
RUNS = ROOT / "reports" / "runs"
FIRST = datetime.datetime(2026, 11, 28, 12, tzinfo=datetime.UTC).timestamp()  # the made-up fleet's day
# What is public beside `hwbench.__all__`.
BESIDE = ("hwbench.counting.count", "hwbench.asv.RoofShare", "hwbench.asv.share", "hwbench.asv.times_the_least",
          "hwbench.pytest_plugin.roofline")  # fmt: skip


# --- the command line -------------------------------------------------------------------------------------------------


def leaves(command: Any, name: str = "hwbench") -> Iterator[tuple[str, Any]]:
    """Every command below one, those of groups too, by the words that call it."""
    if not hasattr(command, "commands"):
        yield name, command
        return
    for word, one in command.commands.items():
        yield from leaves(one, f"{name} {word}")


def commands() -> str:
    """Each command with what it does, its arguments and its options, as `--help` has them."""
    told = [
        part
        for name, command in leaves(typer.main.get_command(app.app))
        for part in (f"### {name}", _prose(command.help or ""), _parameters(name, command))
    ]
    return "\n\n".join(told) + "\n"


def _parameters(name: str, command: Any) -> str:
    context = command.context_class(command, info_name=name)
    arguments, options = command.help_rows(context)
    rows = [f"| `{left}` | {_cell(right)} |" for left, right in [*arguments, *options] if "--help" not in left]
    usage = " ".join([name, *command.collect_usage_pieces(context)])
    return "\n".join([f"`{usage}`", "", "| argument or option | what it does |", "| --- | --- |", *rows])


def _prose(text: str) -> str:
    """Text of a docstring: its line breaks are of no meaning, and `<` begins no tag."""
    return "\n\n".join(" ".join(part.split()) for part in re.split(r"\n\s*\n", text)).replace("<", "\\<")


def _cell(text: str) -> str:
    return re.sub(r"([|*_\[\]])", r"\\\1", _prose(text).replace("\n\n", " "))


# --- the Python API ---------------------------------------------------------------------------------------------------


def api_names() -> list[str]:
    """Every public name, functions first."""
    own = [f"hwbench.{name}" for name in sorted(hwbench.__all__, key=lambda name: (name[0].isupper(), name))]
    return [*own, *BESIDE]


def api() -> str:
    """A directive for mkdocstrings for each public name."""
    return "\n\n".join(f"::: {name}" for name in api_names()) + "\n"


# --- the lecture ------------------------------------------------------------------------------------------------------


def slides() -> str:
    """Each part of the lecture as a table: slide and claim, command, and where the page answers."""
    return "\n".join(line for part in lecture.parts() for line in _part(part))


def _part(part: lecture.Part) -> Iterator[str]:
    yield from ("", f"### {part.name}", "", "| slide and its claim | command | chart, and what its figures are |",
                "| --- | --- | --- |")  # fmt: skip
    for slide in part.claims:
        ran = "<br>".join(f"`{command}`" for command in slide.commands) or "–"
        chart = f"*{slide.chart}*: {lecture.KINDS[slide.of]}" if slide.chart else lecture.KINDS[slide.of]
        said = ". ".join(filter(None, (chart, slide.cannot[:1].upper() + slide.cannot[1:])))
        yield f"| **{slide.title}**: {slide.claim} | {ran} | {said} |"


# --- reports of kept runs ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Demo:
    """A report on the site: its file, what it is called, what to look at, and the runs that it is made of."""

    file: str
    title: str
    look: str
    runs: tuple[Path, ...] = ()

    def write(self, path: Path) -> None:
        """Make the report as `hwbench report` does."""
        words = ["report", *map(str, self.runs), "-o", str(path)]
        with contextlib.redirect_stdout(io.StringIO()):
            typer.main.get_command(app.app).main(words, standalone_mode=False)


class MadeUpFleet(Demo):
    """A page of `hwbench fleet report` of a part of the made-up fleet."""

    def write(self, path: Path) -> None:
        """Take 970 healthy machines and 30 with a planted fault."""
        import numpy as np

        from hwbench.fleet import page
        from hwbench.fleet.cube import Cube
        from hwbench.fleet.cube import Group as Machines

        with np.load(ROOT / "reports" / "fleet" / "made-up.npz") as kept:
            kind, better = kept["kind"], kept["better"].astype(np.int64)
            taken = np.sort(np.concatenate([np.flatnonzero(kind < 0)[:970], np.flatnonzero(kind >= 0)[:30]]))
            y = kept["deviation"][:, :, taken].transpose(2, 0, 1) * 2e-4 + (better * np.log(kept["centre"]))[:, None]
            width = np.broadcast_to(kept["within"][:, None], y.shape)
            quantities = [str(name) for name in kept["quantities"]]
        started = np.broadcast_to(FIRST + np.arange(y.shape[2]) * 86400.0, (len(y), y.shape[2]))
        names = [f"node-{i:05d}" for i in taken]
        made = Cube([Machines("made-up", "made up", names, quantities, better, y, width, started)], [])
        path.write_text(page.render(made), "utf-8")


def demos() -> list[Demo]:
    """The reports, of the run that the pictures are of and of others that are kept."""
    pictured = pictures.pictured()
    vendor = pictured.parent.name.partition("-")[0]
    kept = {folder: sorted(folder.glob("*.json")) for folder in sorted(RUNS.iterdir()) if folder.name != "h200"}
    other = next(runs[-1] for folder, runs in kept.items() if not folder.name.startswith(vendor))
    longest = max(kept, key=lambda folder: len(kept[folder]))
    return [
        Demo("single.html", "One machine", "The summary, then topics by the rail at the left.", (pictured,)),
        Demo("two.html", "Two machines", "Each chart has both; *Data* has every case of both.", (pictured, other)),
        Demo("history.html", "A history", "The section *History* has a line over the runs of a machine.", (longest,)),
        Demo("gpu.html", "A GPU", "An H200; the versions of its benches are older than the present ones.",
             (max((RUNS / "h200").glob("*.json")),)),
        MadeUpFleet("fleet.html", "A fleet", "A thousand made-up machines, 30 of them with a planted fault: none of "
                    "these figures was measured."),
    ]  # fmt: skip


def demo_table() -> str:
    """A table that leads to the reports."""
    rows = [f"| [{one.title}](demo/{one.file}) | {_of(one)} | {one.look} |" for one in demos()]
    return "\n".join(["| report | of | what to look at |", "| --- | --- | --- |", *rows, ""])


def _of(one: Demo) -> str:
    return ", ".join(f"`{path.stem}`" for path in one.runs) or "`reports/fleet/made-up.npz`"


def write_demos(folder: Path) -> list[Path]:
    """Write the reports into a folder; their files."""
    catalog.benches()
    made = demos()
    for one in made:
        one.write(folder / one.file)
    return [folder / one.file for one in made]


PARTS: Mapping[str, Callable[[], str]] = {"api": api, "commands": commands, "demos": demo_table, "lecture": slides}
