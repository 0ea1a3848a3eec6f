"""Columns aligned at the point, and lines wrapped after a name."""

from __future__ import annotations

from hwbench.cli.aligned import drawn, wrapped


def test_numbers_are_aligned_at_their_points():
    """Marks and decimals follow; headings are flush right; no line ends in spaces."""
    assert list(drawn(["", "L1", "DRAM"], [["latency", "read"], ["1.10", "542~"], ["151", ""]], 2, 6)) == [
        "        latency  read",
        "L1         1.10  542~",
        "DRAM     151",
    ]


def test_a_name_stands_before_the_first_line_alone():
    """What follows is indented as far; without a name by two columns."""
    assert wrapped("one two three", 20, "name") == ["name      one two", "          three"]
    assert wrapped("one two three four five", 20) == ["one two three four", "  five"]


def test_long_words_are_never_cut():
    """A path is longer than the line, and can still be copied."""
    assert wrapped("a reports/runs/machine/file.json", 12, "-", 2) == ["- a", "  reports/runs/machine/file.json"]
