"""The pages of docs/benches, packaged with hwbench: the benches without importing them, and a bench's section."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

NAME = re.compile(r"^## ([a-z_]+\.\w+)$", re.MULTILINE)


def directory() -> Path:
    """Where the pages are: in the installed package, else in the checkout."""
    packaged = Path(__file__).parents[1] / "pages"
    return packaged if packaged.is_dir() else Path(__file__).parents[3] / "docs" / "benches"


class Row(NamedTuple):
    """A bench as the table of all benches has it."""

    name: str
    question: str
    gpu: bool  # it needs one


def index() -> list[Row]:
    """The benches that have a page, by name."""
    rows = [_cells(line) for line in _read(directory() / "README.md").splitlines() if line.startswith("| [`")]
    return [Row(name, question, needs == "GPU") for name, question, needs in rows]


def section(name: str) -> str | None:
    """The Markdown of a bench without its heading; None where no page has it."""
    return _sections(name.partition(".")[0]).get(name)


def shared(name: str) -> str | None:
    """What the page says before a bench of several that share a file: the section of the first of the topic."""
    return next(iter(_sections(name.partition(".")[0]).values()), None)


def _sections(topic: str) -> dict[str, str]:
    if not re.fullmatch("[a-z_]+", topic):
        return {}
    parts = NAME.split(_read(directory() / f"{topic}.md"))
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""


# --- as plain text ----------------------------------------------------------------------------------------------------


def blocks(markdown: str) -> Iterator[list[str]]:
    """Paragraphs and tables, each as its lines."""
    for block in re.split(r"\n\s*\n", markdown.strip()):
        if lines := block.splitlines():
            yield lines


def is_table(block: list[str]) -> bool:
    """Whether a block is a table."""
    return block[0].startswith("|")


def plain(block: list[str], width: int) -> list[str]:
    """A block without its markup, wrapped at the width; the last column of a table is wrapped in itself."""
    import textwrap

    if not is_table(block):
        return textwrap.wrap(_unmarked(" ".join(block)), width, break_on_hyphens=False)
    rows = [row for row in map(_cells, block) if any(row) and not all(re.fullmatch(r":?-+:?", cell) for cell in row)]
    *firsts, _ = zip(*rows, strict=True)
    widths = [max(map(len, column)) for column in firsts]
    indent = sum(widths) + 2 * len(widths)
    out = []
    for row in rows:
        head = "".join(f"{cell:{wide + 2}}" for cell, wide in zip(row, widths, strict=False))
        told = textwrap.wrap(row[-1], max(20, width - indent), break_on_hyphens=False) or [""]
        out += [f"{head}{told[0]}".rstrip(), *(" " * indent + line for line in told[1:])]
    return out


def _cells(line: str) -> list[str]:
    return [_unmarked(cell.strip()) for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def _unmarked(text: str) -> str:
    text = re.sub(r"\[([^]]+)\]\([^)]+\)", r"\1", text)  # links
    text = re.sub(r"(?<!\\)(\*\*|`)", "", text)
    text = re.sub(r"^\*(.+)\*$", r"\1", text)  # a question in italics
    return re.sub(r"\\([\\`*_\[\]#|<>])", r"\1", text)
