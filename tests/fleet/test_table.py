"""The columns of the fleet's table."""

from __future__ import annotations

from hwbench.fleet import table


def test_figures_have_an_interval():
    """A value is never without its bounds, and all three are of one type."""
    assert {table.COLUMNS[name] for name in ("value", "low", "high")} == {"DOUBLE"}
