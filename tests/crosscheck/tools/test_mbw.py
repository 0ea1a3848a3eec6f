"""mbw: what its output says."""

import pytest

from hwbench.bench import Skip
from hwbench.crosscheck.tools import mbw


def test_mbw_counts_a_copied_byte_once():
    """The median of its rates, doubled: STREAM counts a byte once read and once written."""
    text = "".join(
        f"{i}\tMethod: MEMCPY\tElapsed: 0.01\tMiB: 64.00000\tCopy: {rate} MiB/s\n"
        for i, rate in enumerate((900.0, 1000.0, 5000.0))
    )
    assert mbw.parse(text, "mbw") == 2 * 1000 * 2**20


def test_an_mbw_that_reports_no_rate_is_a_reason(tool):
    """The comparison is skipped, with the tool's own words."""
    tool("mbw", "echo no")
    with pytest.raises(Skip, match=r"mbw -q .* reported no rate: no"):
        mbw.rate(mbw.arguments("memcpy", 64, 3))


def test_a_missing_mbw_is_named_with_the_remedy(tmp_path, monkeypatch):
    """One sentence that says how to get it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "apt-get install mbw" in mbw.why_not()
