"""`hwbench explain`: what a bench measures, how to read it, and why it ends where it does, from its page."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import Annotated

import typer

from . import pages
from .completion import benches
from .console import echo

WIDEST = 100  # columns: longer lines are hard to read


def explain(
    bench: Annotated[
        str,
        typer.Argument(
            metavar="BENCH", help="A bench's name, or a file of benches of your own.", autocompletion=benches
        ),
    ],
) -> None:
    """Say what a bench measures and how to read its figures."""
    from .. import catalog

    width = min(WIDEST, shutil.get_terminal_size().columns)
    blocks = [told(name, width) for name in catalog.named([bench])]
    for line in [line for block in blocks for line in ["", *block]][1:]:
        echo(line)


def told(name: str, width: int) -> list[str]:
    """The lines: question, prose, how to read it; what is counted and the variants come last."""
    section = pages.section(name)
    if section is None:
        return _of_its_own(name, width)
    blocks = list(pages.blocks(section))
    question, texts, tables = blocks[0], _texts(blocks[1:]), [one for one in blocks if pages.is_table(one)]
    if not any(not one[0].startswith("**") for one in texts) and (first := pages.shared(name)):
        shared = _texts(list(pages.blocks(first))[1:])
        texts = [*(one for one in shared if not one[0].startswith("**")), *texts]
    out = [f"{name}: {' '.join(pages.plain(question, 10**6))}"]
    out = pages.plain(out, width)
    for block in (*texts, *tables):
        out += ["", *pages.plain(block, width)]
    return out


def _texts(blocks: Sequence[list[str]]) -> list[list[str]]:
    return [one for one in blocks if not pages.is_table(one)]


def _of_its_own(name: str, width: int) -> list[str]:
    """A bench without a page, such as one of your own: its question, its file's text and its variants."""
    from .. import catalog, errors

    bench = catalog.benches().get(name)
    if bench is None:
        topics = {one.partition(".")[0] for one in catalog.benches()}
        if name in topics:
            those = ", ".join(one for one in catalog.benches() if one.partition(".")[0] == name)
            raise errors.UsageError(f"{name} is a topic; name one of its benches: {those}")
        raise errors.UsageError(f"no bench is called '{name}'{catalog.nearest(name, catalog.benches(), listed=topics)}")
    import inspect

    out = pages.plain([f"{name}: {bench.question}"], width)
    for block in pages.blocks(inspect.cleandoc(bench.doc)):
        out += ["", *pages.plain(block, width)]
    rows = [f"| {one.name} | {one.on} | {one.summary} |" for one in bench.variants.values()]
    return [*out, "", *pages.plain(rows, width)] if rows else out
