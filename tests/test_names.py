"""A bench is its file and nothing else: no code outside `benches/` knows the name of one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from hwbench import catalog

PACKAGE = Path(catalog.__file__).parent
ALLOWED = {
    # The closed form of a peak says which clock it was reckoned with: text in the column for the native tool's command.
    ("crosscheck/comparisons.py", "clock.frequency"),
    # `peak.f8.one` is the name of a headline quantity, whichever bench measures it.
    ("analysis/summary.py", "peak"),
}


def texts(path: Path) -> Iterator[str]:
    """The string constants of a module, parts of f-strings included, docstrings left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documents = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documents:
            yield node.value


def named(text: str) -> list[str]:
    """The benches that a text names, and topics with a dot and nothing behind it, as f-strings have them."""
    benches, topics = list(catalog.benches()), {name.partition(".")[0] for name in catalog.benches()}
    found = [name for name in benches if name in text and re.search(rf"(?<![\w.]){re.escape(name)}(?![\w])", text)]
    return found + [topic for topic in topics if text == f"{topic}."]


def test_no_code_outside_the_benches_names_one() -> None:
    """Limits, charts, controls and messages find benches by what they declare."""
    found = {
        (str(path.relative_to(PACKAGE)), name)
        for path in sorted(PACKAGE.rglob("*.py"))
        if "benches" not in path.relative_to(PACKAGE).parts
        for text in texts(path)
        for name in named(text)
    }
    assert found == ALLOWED


def test_names_are_seen() -> None:
    """The whole name, also within a sentence; neither a longer word nor another's attribute."""
    assert named("measure stream.load and peak.fma") == ["peak.fma", "stream.load"]
    assert named("stream.loader") == named("the.stream.load") == named("mystream.load") == []
    assert named("stream.") == ["stream"]
