"""What a view hands to the page: a section made of figures, tables, tiles, facts and sentences.

A view is a function `(runs) -> Section or None` and knows nothing of HTML; the template knows nothing of benches. All
text is plain: the template escapes it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar, TypeAlias

from ..record.model import JsonObject

Spec: TypeAlias = JsonObject
"""A Vega-Lite spec, or a part of one: JSON."""


def css_string(text: str) -> str:
    """Text for between the quotes of a CSS string: whatever is no letter, digit or space is escaped."""
    return re.sub(r"[^\w ]", lambda found: f"\\{ord(found[0]):x} ", text)


@dataclass(frozen=True)
class Table:
    """Cells as they are shown. `rows` may be shorter than `head`; columns of numbers are set flush right.

    `fits`: a phone has room for its columns, and need not make a paragraph of each row. `leads`: it stands in its
    place as a chart does, while other tables of a topic give way to charts.
    """

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    fits: bool = False
    leads: bool = False
    kind: ClassVar[str] = "table"

    @property
    def heads(self) -> str:
        """The headings as CSS variables: on a phone, where a row is a card, each cell is named by its heading."""
        return ";".join(f'--h{i}:"{css_string(head)}"' for i, head in enumerate(self.head, 1))

    @cached_property
    def numeric(self) -> list[bool]:
        """For each column whether its cells are numbers (or missing), which line up on the right."""
        cells = [
            [row[i] for row in self.rows if i < len(row) and row[i] not in ("", "–")] for i in range(len(self.head))
        ]
        return [bool(column) and all(cell[0].isdigit() or cell[0] in "−-<≈" for cell in column) for column in cells]


@dataclass(frozen=True)
class Panel:
    """One chart: a Vega-Lite spec whose width is the container's.

    `alt` describes it to those who cannot see it; `note` stands small below the title.
    """

    title: str
    spec: Spec
    alt: str
    note: str = ""


@dataclass(frozen=True)
class Key:
    """One entry of a legend: `colour` is a CSS variable's name without dashes, `mark` one of fill, line, dash, pale."""

    label: str
    colour: str
    mark: str = "fill"


SUSPECT = Key("suspect", "c8", "pale")


@dataclass(frozen=True)
class Figure:
    """Charts that are read together, with one legend, and the same figures as a table.

    `wide`: a lone chart takes the whole width; `narrow`: small charts, three in a row where there is room.
    """

    title: str
    panels: Sequence[Panel]
    table: Table
    text: str = ""
    legend: Sequence[Key] = ()
    wide: bool = False
    narrow: bool = False
    kind: ClassVar[str] = "figure"

    @property
    def keys(self) -> Sequence[Key]:
        """The legend, with the key of suspect marks where any panel has one."""
        suspect = any(
            row.get("suspect") for panel in self.panels for row in panel.spec.get("datasets", {}).get("marks", ())
        )
        missing = suspect and all(key.mark != SUSPECT.mark for key in self.legend)
        return [*self.legend, SUSPECT] if missing else self.legend


@dataclass(frozen=True)
class Tile:
    """One headline number, and what to compare it with."""

    label: str
    value: str
    unit: str
    note: str = ""
    lecture: str = ""


@dataclass(frozen=True)
class Tiles:
    """Headline numbers in a row."""

    tiles: Sequence[Tile]
    kind: ClassVar[str] = "tiles"


@dataclass(frozen=True)
class Hero:
    """What a run is in a minute: the machine, a badge of its quality, levels of memory as tables, and tiles.

    `label` names the run where there are several. `badge` is `quiet`, `noisy` or "", `verdict` is what stands on it,
    `about` what is said beside it.
    """

    machine: str
    label: str
    badge: str
    verdict: str
    about: str
    tables: Sequence[Table]
    tiles: Sequence[Tile]
    notes: Sequence[str]
    kind: ClassVar[str] = "hero"


@dataclass(frozen=True)
class Facts:
    """Names and what they are: a description list for each group."""

    groups: Sequence[tuple[str, Sequence[tuple[str, str]]]]
    kind: ClassVar[str] = "facts"


@dataclass(frozen=True)
class Notes:
    """Sentences under a heading; `about` is said below the heading, smaller."""

    title: str
    sentences: Sequence[str]
    about: str = ""
    kind: ClassVar[str] = "notes"


@dataclass(frozen=True)
class Issue:
    """Cases that share a reason: how many of which status, what to do, and which."""

    status: str
    reason: str
    remedy: str
    cases: Sequence[str]


@dataclass(frozen=True)
class Issues:
    """What speaks against the figures."""

    items: Sequence[Issue]
    kind: ClassVar[str] = "issues"


@dataclass(frozen=True)
class Download:
    """A file that the page can save: `label` on the button, the name it gets, its type and its bytes."""

    label: str
    name: str
    type: str
    data: bytes


@dataclass(frozen=True)
class Records:
    """The table of everything, with a filter, and downloads."""

    table: Table
    downloads: Sequence[Download]
    kind: ClassVar[str] = "records"


@dataclass(frozen=True)
class Cell:
    """One cell of a frame: lines of text, and how it looks: `mark` is one of void, wait, idle, busy, done, fresh."""

    lines: Sequence[str] = ()
    mark: str = "void"


@dataclass(frozen=True)
class Frame:
    """One picture of a sequence, as a grid of cells; `text` says what happens in it."""

    title: str
    text: str
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True)
class Steps:
    """Frames that are stepped through by buttons and keys, and stand one after the other where there is no script."""

    title: str
    frames: Sequence[Frame]
    text: str = ""
    kind: ClassVar[str] = "steps"


@dataclass(frozen=True)
class Tracks:
    """A chart of one case at a time, chosen by the reader out of `data`, and the list of all changes.

    `data` is as `tracked.py` packs it, `spec` the chart without its marks, `lines` a key for each line that can be
    switched off. `changes` are the first rows of the list below `head`; the script lists all that `data` has, and tells
    them by `states`.
    """

    title: str
    text: str
    data: bytes
    spec: Spec
    lines: Sequence[Key]
    head: Sequence[str]
    changes: Sequence[Sequence[str]]
    caption: str
    states: Sequence[str] = ()
    kind: ClassVar[str] = "tracks"

    @property
    def heads(self) -> str:
        """The headings as a table has them."""
        return Table("", self.head, ()).heads


@dataclass(frozen=True)
class Samples:
    """A chart of the samples of one case at a time, chosen by the reader; `data` is packed JSON for `samples.js`."""

    title: str
    text: str
    data: bytes
    kind: ClassVar[str] = "samples"


Block = Hero | Samples | Tracks | Steps | Figure | Table | Tiles | Facts | Notes | Issues | Records


@dataclass(frozen=True)
class Section:
    """A part of the page.

    `id` is its anchor, `short` its name in the navigation, `intro` what a stranger needs to know to read it, `topic`
    the id of the topic that it belongs to (`topics.py`). `divided`: it is what one topic has of a section of all.
    """

    id: str
    short: str
    title: str
    intro: Sequence[str]
    blocks: Sequence[Block] = field(default_factory=tuple)
    topic: str = "data"
    divided: bool = False
