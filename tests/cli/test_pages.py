"""Pages of benches: where they are, what they hold, and Markdown as plain text."""

from __future__ import annotations

import tomllib
from pathlib import Path

from hwbench import catalog
from hwbench.cli import pages


def test_every_bench_has_a_page():
    """Names, questions and what needs a GPU, without an import of a bench, are those of the catalogue."""
    known = catalog.benches()
    assert pages.index() == [(name, known[name].question, known[name].needs_gpu) for name in sorted(known)]
    assert "**What to look at.**" in pages.section("latency.chase")
    assert pages.section("latency.no_such") is pages.section("../x.y") is None
    assert pages.shared("stream.triad") == pages.section("stream.add")


def test_pages_are_packaged():
    """A wheel has them where they are looked for first."""
    root = Path(__file__).parents[2]
    wheel = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["force-include"] == {"docs/benches": "hwbench/pages"}
    assert pages.directory() == root / "docs" / "benches" or (pages.directory() / "README.md").is_file()


def test_paragraphs_are_wrapped_without_markup():
    """Bold, code, links and escapes are for Markdown."""
    text = r"**Look.** See `a\[i\]` in [the docs](x.md),\*and wrap."
    assert pages.plain([text], 20) == ["Look. See a[i] in", "the docs,*and wrap."]
    assert pages.plain(["*What does it cost?*"], 80) == ["What does it cost?"]


def test_tables_keep_their_columns():
    """Without rules and empty heads; the last column is wrapped in itself."""
    [table] = pages.blocks("| | |\n| --- | --- |\n| axes | `n` 1, 2 |\n| limit | a rather long text here |")
    assert pages.is_table(table)
    assert pages.plain(table, 27) == ["axes   n 1, 2", "limit  a rather long text", "       here"]
