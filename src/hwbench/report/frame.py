"""The frame of the page: sections by topic, findings beside the figures that show them, tables in one place.

A view knows its own section alone. Here every block gets an anchor, the benches that it shows, and what stands beside
it. Every table of a figure, and every long one, is put into the topic *Data*, where a link leads to it; so is what a
topic has no room for (`budget`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from . import budget
from .sections import Block, Figure, Notes, Section, Table
from .topics import BY_BENCH, KEYS, TOPICS, Topic, of_bench

ROWS = 14  # of a table that stands in its section; a longer one stands among the data
ALL, RECORDS = "data", "records"  # the topic where everything is
UNBOUND = ("summary", "history", ALL)  # topics that hold all that their views give them
SHARE = 0.2  # of a figure's marks: a bench that has as many in another figure of the topic is drawn there


@dataclass(frozen=True)
class Placed:
    """A block with its anchor, the benches it shows by number of marks, and findings of these.

    `table` is the anchor of its table among the data.
    """

    block: Block
    id: str
    benches: Counter[str] = field(default_factory=Counter)
    findings: Sequence[str] = ()
    table: str = ""


@dataclass(frozen=True)
class Part:
    """A section with its blocks placed; `moved` are the anchors and titles of those that stand among the data."""

    section: Section
    blocks: Sequence[Placed]
    moved: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Layer:
    """A topic that is shown, the key that leads to it, and its parts."""

    topic: Topic
    key: str
    parts: Sequence[Part]


@dataclass(frozen=True)
class Kept:
    """A table among the data: its anchor, and where it belongs."""

    id: str
    table: Table
    section: str
    title: str
    back: str
    benches: Sequence[str] = ()


@dataclass(frozen=True)
class Page:
    """The layers of a page in order, and the tables that stand among the data."""

    layers: Sequence[Layer]
    tables: Sequence[Kept] = field(default_factory=tuple)

    @property
    def parts(self) -> list[Part]:
        """The parts of all layers."""
        return [part for layer in self.layers for part in layer.parts]


def arrange(sections: Sequence[Section], findings: Mapping[str, Sequence[str]], known: Iterable[str]) -> Page:
    """The page of these sections. `findings` are sentences by bench, `known` the names of benches in the runs."""
    names = _Names()
    divided = _divided(sections)
    shows = [[_benches(block, known) for block in section.blocks] for section in divided]
    beside = _beside(divided, shows, findings)
    tables: list[Kept] = []
    parts: dict[str, list[Part]] = {}
    for number, section in enumerate(divided):
        anchor = names.new(section.id)
        blocks = []
        for place, block in enumerate(section.blocks):
            benches = shows[number][place]
            told = [one for name in beside.get((number, place), ()) for one in findings[name]]
            placed = Placed(block, names.of(f"{anchor}-{_title(block)}"), benches, told)
            if (table := _apart(block, section.topic)) is not None:
                kept = Kept(names.new("table"), table, section.title, _title(block), placed.id, tuple(benches))
                tables.append(kept)
                placed = replace(placed, table=kept.id)
            blocks.append(placed)
        parts.setdefault(section.topic, []).append(Part(replace(section, id=anchor), blocks))
    for topic in TOPICS:
        if topic.id not in UNBOUND and (given := parts.get(topic.id)):
            parts[topic.id], rest = _fitted(given)
            if rest:
                about = f"Charts and tables for which the topic {topic.name} has no room."
                more = Section(names.new(f"more-{topic.id}"), f"More: {topic.name}", f"More of {topic.name}", [about])
                parts.setdefault(ALL, []).append(Part(more, rest))
    shown = [topic for topic in TOPICS if parts.get(topic.id)]
    keys = KEYS[: len(shown)].ljust(len(shown))
    parts.get(ALL, []).sort(key=lambda part: part.section.id == RECORDS)
    return Page([Layer(topic, key, parts[topic.id]) for topic, key in zip(shown, keys, strict=True)], tables)


def _fitted(parts: Sequence[Part]) -> tuple[list[Part], list[Placed]]:
    """The parts of a topic with what it has room for, and the rest, as contrasts that another figure shows are."""
    sized = []
    for i, part in enumerate(parts):
        others = [one.benches for k, other in enumerate(parts) if k != i for one in other.blocks]
        blocks = {}
        for j, one in enumerate(part.blocks):
            if part.section.divided and _drawn(one, others):
                continue
            link = one.table and isinstance(one.block, Table)
            size = budget.LINK if link else budget.height(one.block, one.findings)
            blocks[j] = (j + 2 * (isinstance(one.block, Table) and not one.block.leads), size)
        sized.append((part.section, blocks))
    stay = budget.kept(sized)
    here, rest = [], []
    for i, part in enumerate(parts):
        shown = [one for j, one in enumerate(part.blocks) if (i, j) in stay]
        moved = [one for j, one in enumerate(part.blocks) if (i, j) not in stay]
        rest += moved
        if shown:
            here.append(replace(part, blocks=shown, moved=[(one.id, _title(one.block)) for one in moved]))
    return here, rest


def _drawn(placed: Placed, others: Sequence[Counter[str]]) -> bool:
    """Whether other figures of the topic draw the benches of this one."""
    return bool(placed.benches) and all(
        any(counted[name] >= SHARE * counted.total() for counted in others if counted) for name in placed.benches
    )


def _divided(sections: Sequence[Section]) -> list[Section]:
    """The sections; one whose figures go to the topics of their benches is divided into one for each topic."""
    out = []
    for section in sections:
        if section.topic != BY_BENCH:
            out.append(section)
            continue
        for topic in TOPICS:
            blocks = [block for block in section.blocks if of_bench(_title(block)) == topic.id]
            if blocks:
                out.append(replace(section, id=f"{section.id}-{topic.id}", topic=topic.id, blocks=blocks, divided=True))
    return out


def _title(block: Block) -> str:
    return str(getattr(block, "title", "") or getattr(block, "caption", ""))


def _apart(block: Block, topic: str) -> Table | None:
    """The table that stands among the data in place of where the block does."""
    if isinstance(block, Figure):
        return block.table
    return block if isinstance(block, Table) and topic != ALL and len(block.rows) > ROWS else None


def _benches(block: Block, known: Iterable[str]) -> Counter[str]:
    """The benches whose cases a figure draws, with the number of their marks; those that notes are about."""
    if isinstance(block, Notes):
        return Counter([block.about] if block.about in set(known) else [])
    if not isinstance(block, Figure):
        return Counter()
    names = set(known)
    drawn = Counter(
        str(row.get("case", "")).partition(" ")[0]
        for panel in block.panels
        for row in panel.spec.get("datasets", {}).get("marks", ())
    )
    return Counter({name: count for name, count in drawn.items() if name in names})


def _beside(
    sections: Sequence[Section], shows: Sequence[Sequence[Counter[str]]], findings: Mapping[str, Sequence[str]]
) -> dict[tuple[int, int], list[str]]:
    """The benches whose findings stand beside each figure: the one that is about the bench more than any other is."""
    out: dict[tuple[int, int], list[str]] = {}
    for name in findings:
        places = [
            (counted[name] / counted.total(), counted[name], (i, j))
            for i, row in enumerate(shows)
            for j, counted in enumerate(row)
            if counted[name] and isinstance(sections[i].blocks[j], Figure) and sections[i].topic != "summary"
        ]
        if places:
            *_, place = max(places, key=lambda one: one[:2])
            out.setdefault(place, []).append(name)
    return out


class _Names:
    """Hands out anchors: letters, digits and dashes, each once."""

    def __init__(self) -> None:
        self.used: Counter[str] = Counter()

    def of(self, words: str) -> str:
        """An anchor from words of any origin, cut to a length at which it can be read."""
        return self.new(re.sub(r"[^a-z0-9]+", "-", words.lower())[:60].strip("-") or "part")

    def new(self, name: str) -> str:
        self.used[name] += 1
        if self.used[name] == 1:
            return name
        return self.new(f"{name}-{self.used[name]}")
