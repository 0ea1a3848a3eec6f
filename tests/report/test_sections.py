"""What views hand to the page."""

from __future__ import annotations

import pytest

from hwbench.report.sections import Table


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
