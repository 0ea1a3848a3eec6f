"""What readers see of runs, as lines: rows of tables, tiles, marks of charts with their tooltips, and sentences.

`of_page` reads them from the page's HTML, `of_sections` from the sections that it is made of, which is faster;
`of_terminal` and `of_json` from `hwbench show`.
"""

from __future__ import annotations

import base64
import contextlib
import gzip
import io
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any
from unittest import mock

import msgspec
from rich.console import Console

from hwbench import catalog
from hwbench.analysis.derived import as_json
from hwbench.analysis.reading import Reading
from hwbench.cli import tables
from hwbench.record.model import Run
from hwbench.report import charts, page
from hwbench.report.dataset import Runs
from hwbench.report.frame import Page, arrange
from hwbench.report.page import render, sections_of
from hwbench.report.sections import Figure, Hero, Issues, Notes, Records, Section, Spec, Table, Tile, Tiles

Findings = Mapping[str, Sequence[str]]
SENTENCE, ROW, TILE, MARK = "sentence", "row", "tile", "mark"  # kinds of lines


@dataclass(frozen=True)
class Line:
    """What a reader takes in at once: its kind, where it stands, and its cells, each with its heading."""

    kind: str
    place: str
    cells: tuple[tuple[str, str], ...]

    def cell(self, head: str) -> str:
        """The first cell under a heading; "" without it."""
        return next((text for name, text in self.cells if name == head), "")

    @property
    def text(self) -> str:
        """All cells in one line."""
        return " | ".join(text for _, text in self.cells)


def said(place: str, sentence: str) -> Line:
    """A sentence."""
    return Line(SENTENCE, place, (("", sentence),))


# --- sections ---------------------------------------------------------------------------------------------------------


def of_sections(runs: Runs, *, drawn: bool = True) -> list[Line]:
    """The lines of the page's sections; where nothing is `drawn`, charts are their data alone."""
    if drawn:
        sections = sections_of(runs)
    else:
        with mock.patch.multiple(charts, bars=_undrawn, lines=_undrawn, roofline=_undrawn_roofs):
            sections = sections_of(runs)
    return [line for section in sections for line in _of_section(section)]


def _undrawn(marks: Sequence[charts.Mark], *_: object, series: Sequence[str] = (), **__: object) -> Spec:
    """The data of a chart in place of its specification, which no line is printed of."""
    names = charts._numbered(marks, series)
    rows = {"marks": [mark.row(names) for mark in marks if mark.value is not None],
            "absent": [mark.row(names) for mark in marks if mark.value is None]}  # fmt: skip
    return {"height": 1, "datasets": {name: found for name, found in rows.items() if found}}


def _undrawn_roofs(
    marks: Sequence[charts.Mark], roofs: Sequence[charts.RoofLine], shapes: Mapping[str, str], **more: object
) -> Spec:
    spec = _undrawn(marks)
    spec["datasets"]["roofs"] = [{"roof": roof.name, "told": roof.told or roof.name} for roof in roofs]
    return spec


def _of_section(section: Section) -> Iterator[Line]:
    for sentence in section.intro:
        yield said(section.id, sentence)
    for block in section.blocks:
        if isinstance(block, Figure):
            if block.text:
                yield said(section.id, block.text)
            for panel in block.panels:
                if panel.note:
                    yield said(section.id, panel.note)
                yield from _of_chart(section.id, panel.spec)
            yield from _of_table(section.id, block.table)
        elif isinstance(block, Table | Records):
            yield from _of_table(section.id, block.table if isinstance(block, Records) else block)
        elif isinstance(block, Tiles):
            yield from _of_tiles(section.id, block.tiles)
        elif isinstance(block, Hero):
            yield said(section.id, f"{block.verdict} {block.about}".strip())
            yield from (said(section.id, note) for note in block.notes)
            yield from (line for table in block.tables for line in _of_table(section.id, table))
            yield from _of_tiles(section.id, block.tiles)
        elif isinstance(block, Notes):
            for sentence in (block.about, *block.sentences):
                if sentence:
                    yield said(section.id, sentence)
        elif isinstance(block, Issues):
            for issue in block.items:
                yield said(section.id, issue.reason)


def _of_tiles(place: str, tiles: Iterable[Tile]) -> Iterator[Line]:
    for tile in tiles:
        yield _tile(place, tile.label, f"{tile.value} {tile.unit}", filter(None, (tile.note, tile.lecture)))


def _tile(place: str, label: str, value: str, about: Iterable[str]) -> Line:
    return Line(TILE, place, (("label", label), ("value", value), *(("about", text) for text in about)))


def _of_table(place: str, table: Table) -> Iterator[Line]:
    for row in table.rows:
        yield Line(ROW, f"{place}: {table.caption}", tuple(zip(table.head, row, strict=False)))


def _of_chart(place: str, spec: Spec) -> Iterator[Line]:
    """The marks of a chart, each row of its data with the fields that are texts."""
    for name, rows in spec.get("datasets", {}).items():
        for row in rows:
            cells = tuple((field, str(value)) for field, value in row.items() if isinstance(value, str) and value)
            if cells:
                yield Line(MARK, f"{place}: {name}", cells)


# --- the page ---------------------------------------------------------------------------------------------------------


def of_page(runs: Sequence[Run]) -> list[Line]:
    """The lines of the page's HTML and of the charts packed into it, each in the section that its view gave.

    The page puts tables, and what a topic has no room for, elsewhere.
    """
    origins: dict[str, str] = {}

    def arranged(sections: Sequence[Section], *more: Any) -> Page:
        made = arrange(sections, *more)
        origins.update(_origins(sections, made))
        return made

    with mock.patch.object(page, "arrange", arranged):
        html = render(runs, catalogue=catalog.benches())
    parser = _Page(origins)
    parser.feed(html)
    return parser.lines


def _origins(sections: Iterable[Section], made: Page) -> dict[str, str]:
    """For the anchor of each section, block and table of the page the section of its view."""
    given = {id(block): section.id for section in sections for block in section.blocks}
    found = {placed.id: given[id(placed.block)] for part in made.parts for placed in part.blocks}
    of_parts = {part.section.id: {found[placed.id] for placed in part.blocks} for part in made.parts}
    found |= {anchor: several.pop() for anchor, several in of_parts.items() if len(several) == 1}
    return found | {kept.id: found[kept.back] for kept in made.tables}


class _Page(HTMLParser):
    """Reads a page into lines; `origins` are the sections that anchors belong to."""

    def __init__(self, origins: Mapping[str, str]) -> None:
        super().__init__()
        self.origins = origins
        self.lines: list[Line] = []
        self.section = ""
        self.caption = ""
        self.head: list[str] = []
        self.row: list[str] | None = None
        self.tile: list[str] | None = None
        self.texts: list[str] | None = None
        self.stack: list[tuple[str, Mapping[str, str | None]]] = []
        self.places: dict[str, str] = {}  # of each chart

    def handle_starttag(self, tag: str, given: list[tuple[str, str | None]]) -> None:
        attributes = dict(given)
        if tag in ("br", "meta", "link", "input", "img"):
            return
        self.stack.append((tag, attributes))
        if tag == "section" or attributes.get("id") in self.origins:
            self.section = self.origins.get(attributes.get("id") or "", attributes.get("id") or "")
        elif tag == "table":
            self.caption, self.head = attributes.get("aria-label") or "", []
        elif tag == "tr":
            self.row = []
        elif tag == "div" and (attributes.get("id") or "").startswith("chart-"):
            self.places[attributes["id"] or ""] = self.section
        if tag in ("th", "td", "p") or (tag == "li" and not self._inside("ul", "tiles")) or tag == "script":
            self.texts = []
        if tag == "span" and self._inside("ul", "tiles"):
            self.tile, self.texts = self.tile if self.tile is not None else [], []

    def handle_data(self, data: str) -> None:
        if self.texts is not None:
            self.texts.append(data)

    def handle_endtag(self, tag: str) -> None:
        while self.stack and self.stack[-1][0] != tag:
            self.stack.pop()
        _, attributes = self.stack.pop() if self.stack else ("", {})
        text = "".join(self.texts or []).strip() if tag != "script" else "".join(self.texts or [])
        if tag == "th" and attributes.get("scope") != "row":
            self.head.append(text)
        elif tag in ("th", "td") and self.row is not None:
            self.row.append(text)
        elif tag == "tr" and self.row:
            self.lines.append(Line(ROW, f"{self.section}: {self.caption}",
                                   tuple(zip(self.head, self.row, strict=False))))  # fmt: skip
            self.row = None
        elif tag == "span" and self.tile is not None:
            self.tile.append(text)
        elif tag == "li" and self.tile is not None:
            label, value, *about = self.tile
            self.lines.append(_tile(self.section, label, value, about))
            self.tile = None
        elif tag in ("li", "p") and self.texts and self.section and attributes.get("class") not in ("caption", "alt"):
            self.lines.append(said(self.section, text))
        elif tag == "script" and attributes.get("id") == "charts":
            for name, spec in json.loads(gzip.decompress(base64.b64decode(text))).items():
                self.lines += _of_chart(self.places[name], spec)
        self.texts = self.texts if tag in ("a", "bdi", "small", "i", "button") else None

    def _inside(self, tag: str, kind: str) -> bool:
        return any(name == tag and attributes.get("class") == kind for name, attributes in self.stack)


# --- show -------------------------------------------------------------------------------------------------------------


def of_terminal(reading: Reading, told: Findings, *, drawn: bool = True) -> list[Line]:
    """The lines of `hwbench show --findings`: the rows of its tables, findings, and what speaks against the run.

    Where they are not `drawn`, the rows are taken before rich makes tables of them.
    """
    lines: list[Line] = []

    def collect(_: object, title: str, __: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        lines.extend(Line(ROW, f"show: {title}", tuple(zip(heads, row, strict=True))) for row in rows)

    out = io.StringIO()
    drawing = contextlib.nullcontext() if drawn else mock.patch.object(tables, "_print_table", collect)
    with drawing, mock.patch.dict(os.environ, {"COLUMNS": "4000"}):  # so wide that no table becomes lines
        tables.print_tables(reading, Console(file=out, width=4000, no_color=True))
    heads, title = [], ""
    for text in out.getvalue().splitlines():
        cells = [cell.strip() for cell in text[1:-1].split(text[:1] or " ")]
        if text.startswith("┃"):
            heads = cells
        elif text.startswith("│"):
            lines.append(Line(ROW, f"show: {title}", tuple(zip(heads, cells, strict=True))))
        elif re.fullmatch(r"[\w.]+ *", text):
            title = text.strip()
    return lines + [said("show", text.strip()) for text in (*tables.findings(told), *tables.quality(reading))]


def of_json(reading: Reading, told: Findings) -> Any:
    """`hwbench show --json`, decoded."""
    return json.loads(msgspec.json.encode(as_json(reading, told)))
