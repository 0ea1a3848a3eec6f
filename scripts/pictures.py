"""Write docs/pictures, and what README.md and docs say of the run that they show.

    python scripts/pictures.py [--check]

`RUNS` chooses the run: for another one change it, run this script and `screenshots.py`. Nothing is measured. `--check`
writes nothing and exits with 1 where a picture or a text is not what would be written: other words, or a mark of
another colour, of another opacity or elsewhere by more than a pixel.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
import textwrap
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import terminal

from hwbench import catalog, report
from hwbench.analysis.reading import Reading
from hwbench.analysis.summary import summary
from hwbench.cli.summary import lines
from hwbench.counting import Counts, Range
from hwbench.errors import UsageError
from hwbench.placing import page
from hwbench.placing.model import Placed, Point
from hwbench.placing.roofs import Roofs
from hwbench.record import store, text
from hwbench.record.estimate import Estimate
from hwbench.record.model import JsonObject

ROOT = Path(__file__).resolve().parents[1]
HERE = ROOT / "docs" / "pictures"
OTHERS = {"fleet.svg"}  # drawn by fleet_faults.py
RUNS = ROOT / "reports" / "runs" / "amd-epyc-zen4-2cpu"  # its newest run is shown
PAGES = ("README.md", "docs/first-run.md", "docs/reading-the-report.md")  # say which run that is
TOLD = re.compile(r"(?<=<!-- pictured -->\n).*?(?=<!-- /pictured -->)", re.DOTALL)
PLACED = ROOT / "reports" / "place"  # what `hwbench place --json` gave, and the roofs
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")
WHERE = ("d", "transform", "x1", "x2", "y1", "y2")
LOOKS = ("fill", "stroke", "opacity")


def drawn(svg: str) -> tuple[list[object], list[float]]:
    """The words of a picture and the looks of its marks in the order of the file, and where the marks are."""
    root = ElementTree.fromstring(svg)  # noqa: S314 - our own file
    words: list[object] = ["".join(one.itertext()) for one in root.iter() if one.tag.endswith("}text")]
    places: list[float] = []
    for group in root.iter():
        if re.match(r"mark-(?!text|group)\w+ role-mark", group.get("class", "")):
            for mark in group:
                words.append([mark.get(name) for name in LOOKS])
                places += [float(at) for name in WHERE for at in NUMBER.findall(mark.get(name, ""))]
    return words, places


def same(one: str, other: str) -> bool:
    """Whether two pictures show the same."""
    (words, places), (words_there, places_there) = drawn(one), drawn(other)
    near = all(abs(here - there) <= 1 for here, there in zip(places, places_there, strict=False))
    return words == words_there and len(places) == len(places_there) and near


def pictured() -> Path:
    """The file of the run that is shown."""
    if not (found := sorted(RUNS.glob("*.json"))):
        raise SystemExit(f"{RUNS}: no run to show; a checkout has one, an sdist has not")
    return found[-1]


def told(reading: Reading, path: Path, page: str) -> str:
    """What a page says of the run: machine, date, whether it was disturbed, and how far its last cache reaches."""
    head = lines(reading)
    machine = head[0] + "".join(f" {line.strip()}" for line in head[1:2] if line.startswith("  "))
    up = "../" * page.count("/")
    verdict = summary(reading).quality.verdict
    run = f"[`{path.stem}`]({up}{path.parent.relative_to(ROOT)})"
    said = [f"The run shown: {machine}, {run}" + (f"; {verdict}." if verdict else ".")]
    last = reading.hierarchy.last
    if (
        page.endswith("reading-the-report.md")
        and last is not None
        and last.streamed is not None
        and last.step is not None
        and last.cache
    ):
        said.append(
            f"The step of the chase at {text.size(last.step)} is probably TLB reach: sequential loads are fast up "
            f"to {text.size(last.streamed)} of the {text.size(last.cache.bytes)} of L{last.cache.level}."
        )
    return "\n".join(textwrap.wrap(" ".join(said), 120, break_long_words=False, break_on_hyphens=False)) + "\n"


def own_function() -> str:
    """A function and its variants below the roofs, from the JSON of `hwbench place`."""
    roofs = Roofs(store.read(PLACED / "roofs.json"), catalog.benches())
    data = json.loads((PLACED / "smooth.json").read_text("utf-8"))
    functions = [Placed(one["function"], tuple(_point(each, roofs) for each in one["points"]))
                 for one in (data, *data.get("variants", ()))]  # fmt: skip
    return page.svg(functions, roofs) or ""


def _point(data: JsonObject, roofs: Roofs) -> Point:
    """A point as far as the chart needs it."""
    compulsory = data["bytes"]["compulsory"]
    counts = Counts(
        kind="numpy", compulsory=compulsory, footprint=compulsory, issued=None, flops=Range(*data["flops"]), moved=None,
        moved_note="", unknown=(), temporaries=(), strides=(), parallel=False, calls=(), dtype="f8", fusable=None,
    )  # fmt: skip
    slope = roofs.roof("copy", compulsory, data["threads"])  # of one level, or of two that serve it
    assert slope is not None
    seconds = Estimate(data["seconds"], data["low"], data["high"])
    return Point(data["n"], seconds, counts, data["threads"], data["level"], slope, data["share"], None)


def main(arguments: list[str] | None = None, echo: Callable[[str], object] = print) -> int:
    """Write the pictures, or check them; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 where one is out of date")
    given = parser.parse_args(arguments)
    path = pictured()
    run = store.read(path)
    reading = Reading(run)
    with tempfile.TemporaryDirectory() as made:
        try:
            paths = report.pictures(run, Path(made), catalogue=catalog.benches())
        except UsageError as error:
            echo(str(error))
            return 2
        fresh = {path.name: path.read_text("utf-8") for path in paths}
    fresh["summary.svg"] = terminal.svg(reading)
    if PLACED.is_dir():
        fresh["own-function.svg"] = own_function()
    lie = {path.name: path.read_text("utf-8") for path in HERE.glob("*.svg") if path.name not in OTHERS}
    kept = {name for name in fresh.keys() & lie.keys() if same(fresh[name], lie[name])}
    stale = sorted((fresh.keys() | lie.keys()) - kept)
    for name in stale:
        if not given.check and name in fresh:
            (HERE / name).write_text(fresh[name], "utf-8")
        elif not given.check:
            (HERE / name).unlink()
        echo(f"docs/pictures/{name}: {'out of date' if given.check else 'written' if name in fresh else 'removed'}")
    for name in PAGES:
        there = (ROOT / name).read_text("utf-8")
        now = TOLD.sub(lambda _, name=name: told(reading, path, name), there)
        if now != there:
            stale.append(name)
            if not given.check:
                (ROOT / name).write_text(now, "utf-8")
            echo(f"{name}: {'out of date' if given.check else 'written'}")
    return 1 if given.check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
