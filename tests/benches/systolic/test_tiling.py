"""Tilings: cycles and utilisation in closed form, and the texts of arrays and products."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwbench.benches.systolic._tiling import FLOWS, Tiling, array_of, shape_of

large = st.integers(1, 300)


@settings(max_examples=200, deadline=None)
@given(m=large, k=large, n=large, rows=st.integers(1, 64), columns=st.integers(1, 64))
def test_no_array_does_more_than_all_its_multipliers_can(m, k, n, rows, columns):
    """Utilisation lies above 0 and never above 1, and weight-stationary rises with the batch."""
    for flow in FLOWS:
        assert 0 < Tiling(flow, rows, columns, m, k, n).utilisation <= 1
    more = Tiling(FLOWS[0], rows, columns, m, k, n + 1).utilisation
    assert more >= Tiling(FLOWS[0], rows, columns, m, k, n).utilisation


def test_double_buffering_hides_the_loading_of_weights():
    """With a second register a tile follows after max(n, rows) cycles, with one after n + rows."""
    double, single = (Tiling("weight-stationary", 8, 8, 64, 64, 16, twice) for twice in (True, False))
    assert single.cycles - double.cycles == (double.tiles - 1) * 8


def test_edge_tiles_are_padded_and_small_operands_leave_pes_idle():
    """5 × 7 on 4 × 4 PEs is 2 × 2 tiles; 2 × 3 uses 3 rows and 2 columns of them."""
    padded, small = Tiling(FLOWS[0], 4, 4, 5, 7, 6), Tiling(FLOWS[0], 4, 4, 2, 3, 6)
    assert (padded.down, padded.across, padded.tiles) == (2, 2, 4)
    assert padded.words == {"w": 35, "x": 7 * 6 * 2, "y": 5 * 6}
    assert (small.r, small.c, small.tiles) == (3, 2, 1)
    assert small.utilisation == 2 * 3 * 6 / (16 * small.cycles)


@pytest.mark.parametrize("text", ["", "3", "3x", "3x3x3", "0x3", "-1x3", "2000x2", "3 x 3 x", "axb", "1e3x2", "٣x٣"])
def test_an_array_that_is_none_is_refused_in_one_line(text):
    """What is no two sides from 1 to 1024 raises ValueError that quotes it."""
    with pytest.raises(ValueError, match="'") as caught:
        array_of(text)
    assert "\n" not in str(caught.value)


def test_sides_are_whole_numbers():
    """Both kinds of cross are read."""
    assert array_of("128×64") == (128, 64)
    assert shape_of(" 2X3x4 ") == (2, 3, 4)
