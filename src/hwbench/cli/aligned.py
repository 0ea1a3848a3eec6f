"""Columns of numbers aligned at their decimal points, and wrapped lines with a name before them."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from ..record import text

NAME = 10  # columns of a line's first word


def drawn(names: Sequence[str], rows: Sequence[Sequence[str]], gap: int, least: int = 0) -> Iterator[str]:
    """Rows, of which the first has the headings, each after its name, which takes `least` columns at least."""
    heads, *body = rows
    first = max(least, *(len(name) for name in names))
    columns = []
    for head, *cells in zip(heads, *body, strict=True):
        parts = [_split(cell) for cell in cells]
        whole, rest = (max((len(part[side]) for part in parts), default=0) for side in (0, 1))
        wide = max(len(head), whole + rest)
        columns.append([f"{head:>{wide}}", *(f"{f'{left:>{whole}}{right:<{rest}}':>{wide}}" for left, right in parts)])
    for name, *cells in zip(names, *columns, strict=True):
        yield (f"{name:<{first}}" + "".join(" " * gap + cell for cell in cells)).rstrip()


def wrapped(said: str, width: int, name: str = "", indent: int = NAME) -> list[str]:
    """Lines of at most `width` columns, after a name in the first `indent`."""
    first = f"{name:<{indent}}" if name else ""
    rest = " " * indent if name else "  "
    return textwrap.wrap(
        said, max(width, indent + 10), initial_indent=first, subsequent_indent=rest,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def _split(cell: str) -> tuple[str, str]:
    """The digits before the point, and all that follows."""
    end = next((at for at, char in enumerate(cell) if not (char.isdecimal() or char == text.SPACE)), len(cell))
    return cell[:end], cell[end:]
