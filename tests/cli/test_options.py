"""Options that several commands share: their values and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwbench.cli.options import axis_values, check_one_format, check_repository, relative
from hwbench.errors import UsageError


def test_an_axis_named_twice_has_both_values():
    """`--param size=L1 --param size=L2 --param n=5`; an equals sign may stand in a value."""
    assert axis_values(["size=L1", "size=L2", "data=a=b"]) == {"size": ["L1", "L2"], "data": ["a=b"]}
    assert axis_values([]) == {}


@pytest.mark.parametrize("text", ["size", "=L1", "size=", ""])
def test_what_is_no_pair_is_refused(text):
    """With an example of what is."""
    with pytest.raises(UsageError, match="is not of the form KEY=VALUE, such as size=L1"):
        axis_values([text])


@pytest.mark.parametrize("threshold", ["-0.01", "1", "2", "100%", "nan", "inf", "", "%", "two"])
def test_a_threshold_is_a_relative_difference(threshold):
    """Neither negative nor 100%: `2` would be taken for 2%."""
    with pytest.raises(UsageError, match=r"is no relative difference below 1, such as 2% or 0\.02"):
        relative(threshold)


def test_thresholds_and_formats_that_pass():
    """0 is a threshold, and one format is enough."""
    assert (relative("0"), relative("0.02"), relative("2%"), relative(" 0.5 %")) == (0.0, 0.02, 0.02, 0.005)
    check_one_format(json=True, markdown=False)
    with pytest.raises(UsageError, match="choose one"):
        check_one_format(json=True, markdown=True)


def test_a_repository_is_a_directory(tmp_path):
    """Neither missing, nor a file, nor a name beyond the system's limit."""
    check_repository(tmp_path)
    check_repository(Path())
    (tmp_path / "file").touch()
    for path in (tmp_path / "none", tmp_path / "file", Path("x" * 5000)):
        with pytest.raises(UsageError, match=": is no directory; name the one where asv's commits are"):
            check_repository(path)
