"""What views hand to the page."""

from __future__ import annotations

import pytest

from hwbench.report.sections import SUSPECT, Figure, Key, Panel, Table, css_string


@pytest.mark.parametrize(
    ("cells", "numeric"),
    [
        (("1.5", "–", "20"), True),
        (("<1", "≈3", "−2"), True),
        (("", "–"), False),
        (("1.5", "ok"), False),
        (("v1", "v2"), False),
    ],
)
def test_columns_of_numbers_are_set_flush_right(cells: tuple[str, ...], numeric: bool) -> None:
    """Every cell that is there has to begin as a number does; a column of nothing is none."""
    assert Table("", ("column",), [(cell,) for cell in cells]).numeric == [numeric]


def test_a_row_may_be_short() -> None:
    """The columns that it lacks are judged by the other rows."""
    assert Table("", ("a", "b"), [("x", "1"), ("y",)]).numeric == [False, True]


@pytest.mark.parametrize(
    ("suspect", "legend", "keys"),
    [
        ("", (Key("a", "c1"),), ["a"]),
        ("the clock drifted", (Key("a", "c1"),), ["a", "suspect"]),
        ("the clock drifted", (Key("a", "c1"), SUSPECT), ["a", "suspect"]),
    ],
)
def test_pale_marks_have_a_key(suspect: str, legend: tuple[Key, ...], keys: list[str]) -> None:
    """Every figure with a suspect mark says what pale means, once."""
    panel = Panel("", {"datasets": {"marks": [{"series": "s0", **({"suspect": suspect} if suspect else {})}]}}, "")
    assert [key.label for key in Figure("", [panel], Table("", (), ()), legend=legend).keys] == keys


def test_headings_are_strings_of_the_style_sheet() -> None:
    """On a phone a cell is named by its heading; what a heading holds cannot end the string or the declaration."""
    assert Table("", ("variant", "µs"), []).heads == '--h1:"variant";--h2:"µs"'
    for hostile in ('"', ";}", "\\", "</style>", "\n", "url(x)"):
        assert not set('"\n;{}<>()') & set(css_string(hostile))
    assert css_string("a%") == "a\\25 "
