"""What the page holds of a history: values to four digits in any range, intervals, and gaps that take no room."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from hwbench.report import tracked
from hwbench.tracking.controls import Indices
from hwbench.tracking.history import Commit, History, Series, Setting
from made_up.tracked import read


def packed(*every: Series, url: str = "") -> dict[str, Any]:
    """The data of series over as many commits as they have."""
    count = len(every[0].values)
    commits = [Commit(f"{i:040x}", 1.7e9 + 86400 * i) for i in range(count)]
    made = History("project", "asv", commits, [Setting("box")], list(every), url=url)
    return read(tracked.packed(made, tracked.Cases(made), {}, Indices(made, {}), [], []))


def series(values: Any, width: float = 0.01, **more: Any) -> Series:
    """A series with intervals of this relative half-width."""
    found = np.asarray(values, dtype=float)
    return Series("a.b", "v", {}, 0, found, found * (1 - width), found * (1 + width), **more)


def test_values_keep_four_digits_over_any_range() -> None:
    """A step from a second to 0.2 ms is 0.2 ms; gaps are absent, and what has no interval has none."""
    one = series([1.2345678, math.nan, 0.2e-3, 1.5])
    one.low = one.high = np.array([1.2, math.nan, math.nan, 1.4])
    [case] = packed(one)["cases"]
    [line] = case["series"]
    assert (case["unit"], line["commits"]) == ("s", [0, 2, 3])
    assert line["values"] == pytest.approx([1.2345678, 0.2e-3, 1.5], rel=5e-5)
    assert line["low"] == [pytest.approx(1.2, rel=1e-2), None, pytest.approx(1.4, rel=1e-2)]


def test_values_without_a_logarithm_are_exact() -> None:
    """Counts that begin at zero, and scores below it."""
    for values in ([0.0, 5.0, 12.0], [-10.0, -5.0, 0.25]):
        [case] = packed(series(values, unit="errors"))["cases"]
        assert case["series"][0]["values"] == pytest.approx(values)


def test_a_time_of_zero_has_no_rate() -> None:
    """A call below the clock's resolution: the case stays in seconds."""
    [case] = packed(series([0.0, 2.0], counts={"bytes": 1e9}))["cases"]
    assert (case["unit"], case["series"][0]["values"]) == ("s", pytest.approx([0.0, 2.0]))
    [case] = packed(series([1.0, 2.0], counts={"bytes": 1e9}))["cases"]
    assert (case["unit"], case["series"][0]["values"]) == ("GB/s", pytest.approx([1.0, 0.5], rel=1e-3))


def test_intervals_are_drawn_as_wide_as_they_are() -> None:
    """From a hundred-thousandth to ten times the value, within a tenth of the width."""
    for width in (1e-5, 0.03, 0.8, 10.0):
        [case] = packed(series([2e-3, 2e-3], width))["cases"]
        [line] = case["series"]
        assert line["high"][0] - line["values"][0] == pytest.approx(2 * width, rel=0.1)


def test_commits_have_their_hash_where_there_is_somewhere_to_go() -> None:
    """`show_commit_url` is given a whole hash; without one the page has no use for it."""
    one = series([1.0, 2.0])
    assert packed(one)["commits"][1][3] == ""
    found = packed(one, url="https://example.org/commit/")
    assert (found["url"], found["commits"][1][3]) == ("https://example.org/commit/", f"{1:040x}")


def test_large_pages_keep_three_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Values within a thousandth, and the script is told."""
    monkeypatch.setattr(tracked, "MANY", 2)
    found = packed(series([1.2345678, 2.0, 3.0]))
    assert found["digits"] == 3
    assert found["cases"][0]["series"][0]["values"] == pytest.approx([1.2345678, 2.0, 3.0], rel=1e-3)
