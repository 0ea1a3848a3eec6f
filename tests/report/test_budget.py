"""What a topic has room for."""

from __future__ import annotations

from hwbench.report import budget
from hwbench.report.sections import Figure, Notes, Panel, Section, Table

EMPTY = Table("", (), ())


def section(words: str = "") -> Section:
    return Section("a", "A", "A", [words] if words else [], topic="memory")


def test_a_figure_grows_with_charts_words_and_findings() -> None:
    """Every chart, every line of text and every finding needs its room; high charts are drawn lower."""
    panel = Panel("", {"height": 100}, "")
    one = budget.height(Figure("", [panel], EMPTY))
    assert budget.height(Figure("", [panel, panel], EMPTY)) == one + 100 + budget.CHART
    assert budget.height(Figure("", [panel], EMPTY, text="word " * 40)) > one
    assert budget.height(Figure("", [panel], EMPTY), ["word " * 40]) > one
    assert budget.height(Figure("", [Panel("", {"height": 400}, "")], EMPTY)) == one - 100 + 400 * budget.SHORTER


def test_tables_and_notes_grow_with_their_words() -> None:
    """A row more, and a sentence more, needs more room."""
    few, more = (Table("", ("a", "b"), [("cell", "cell")] * count) for count in (2, 5))
    assert budget.height(more) > budget.height(few) > 0
    assert budget.height(Notes("", ["word " * 30])) > budget.height(Notes("", ["word"]))


def test_the_first_of_every_section_comes_before_the_second_of_any() -> None:
    """Where there is room for two blocks, each of two sections has one."""
    half = budget.MOST * 0.4
    blocks = {0: (0, half), 1: (1, half)}
    assert budget.kept([(section(), blocks), (section(), blocks)]) == {(0, 0), (1, 0)}


def test_what_does_not_fit_is_passed_over() -> None:
    """A block of more than all the room stays out, and a smaller one behind it gets its place."""
    assert budget.kept([(section(), {0: (0, budget.MOST * 2), 1: (1, 100)})]) == {(0, 1)}


def test_an_introduction_needs_room_once() -> None:
    """The words of a section count with the first of its blocks."""
    long = section("word " * 400)
    room = budget.MOST - budget.HEADING - budget.intro(long) - 24
    assert len(budget.kept([(long, {0: (0, room / 2), 1: (1, room / 2)})])) == 2
    assert len(budget.kept([(long, {0: (0, room / 2), 1: (1, room / 2 + 1)})])) == 1
