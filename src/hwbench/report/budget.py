"""How much of a topic is shown in its place: what a phone holds in eight screens; the rest stands among the data.

Heights are estimated in pixels of a phone 390 wide, where a topic is longest. A desk sets two figures side by side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil

from .sections import Block, Facts, Figure, Hero, Issues, Notes, Samples, Section, Steps, Table, Tiles, Tracks

MOST = 5900  # of the 6752 that eight screens of 844 have
CHARS, LINE = 50, 20  # of a line of text
HEADING = 55  # of a section or a topic
BOX = 40  # what a card and its title take
CHART = 58  # what a chart takes beside its height: axis, unit, title and buttons
LINK = 40  # what leads to a table among the data
SHORTER, TALL = 0.75, 250  # charts of this height are drawn lower on a phone (`page.js`)


def lines(text: str, chars: int = CHARS) -> int:
    """The height of a paragraph."""
    return LINE * ceil(len(text) / chars) + 8


def intro(section: Section) -> int:
    """The height of a section without its blocks."""
    return HEADING + sum(lines(text) for text in section.intro)


def height(block: Block, findings: Sequence[str] = ()) -> float:
    """The height of a block, with the findings beside it."""
    told = sum(lines(one, 45) for one in findings)
    if isinstance(block, Figure):
        legend = 26 * ceil(sum(len(key.label) + 6 for key in block.keys) / 48)
        panels = sum(_chart(panel.spec["height"]) + (lines(panel.note) if panel.note else 0) for panel in block.panels)
        return BOX + lines(block.text) * bool(block.text) + told + legend + panels
    if isinstance(block, Table):
        cells = sum(ceil(sum(map(len, (*row, *block.head))) * 1.1 / CHARS) * LINE + 12 for row in block.rows)
        return lines(block.caption) + cells
    if isinstance(block, Notes):
        return BOX + sum(lines(one, 44) for one in block.sentences)
    if isinstance(block, Tiles):
        return 110 * ceil(len(block.tiles) / 2)
    if isinstance(block, Facts):
        return sum(BOX + sum(lines(value, 32) for _, value in facts) for _, facts in block.groups)
    if isinstance(block, Issues):
        return sum(lines(one.reason) + lines(one.remedy) + 2 * LINE for one in block.items)
    if isinstance(block, Steps):
        return 620
    if isinstance(block, Samples):
        return 520
    if isinstance(block, Tracks):
        return 900
    return 600 if isinstance(block, Hero) else 0  # records stand among the data


def _chart(drawn: float) -> float:
    return CHART + drawn * (SHORTER if drawn >= TALL else 1)


def kept(sections: Sequence[tuple[Section, Mapping[int, tuple[int, float]]]]) -> set[tuple[int, int]]:
    """Which blocks stay in a topic, as (section, block), given the rank and height of those that may.

    The best rank of every section comes before the second of any; a block that no longer fits is passed over.
    """
    used: float = HEADING
    stay: set[tuple[int, int]] = set()
    begun: set[int] = set()
    order = sorted((rank, i, j) for i, (_, blocks) in enumerate(sections) for j, (rank, _) in blocks.items())
    for _, i, j in order:
        section, blocks = sections[i]
        more = blocks[j][1] + 12 + (0 if i in begun else intro(section))
        if used + more <= MOST:
            used += more
            begun.add(i)
            stay.add((i, j))
    return stay
