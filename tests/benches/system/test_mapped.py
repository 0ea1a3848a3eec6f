"""A file in the page cache: every way adds up all of it."""

from __future__ import annotations

import pytest

from hwbench.bench import Skip
from hwbench.benches.system import mapped
from hwbench.benches.system.mapped import PAGE, bench
from hwbench.devices.cpu import CpuDevice
from inspection.answers import reading, verdict
from inspection.told import STOLEN, doubt, said, spread

pytestmark = pytest.mark.skipif(mapped.NEEDS() is not None, reason="no POSIX")


@pytest.mark.parametrize("variant", bench.variants)
def test_each_way_reads_the_whole_file(variant: str) -> None:
    """4 blocks; and 4 with a fifth of one page, where the size ends in a part of a page."""
    device = CpuDevice()
    try:
        for size in (2**20, 2**20 + PAGE + 100, PAGE):
            assert verdict(bench, variant, {"size": size, "device": device}) == "", size
        assert bench.count({"size": PAGE + 100}) == {"bytes": PAGE}
    except Skip:
        assert variant == "populate"
    finally:
        device.close()


def test_less_than_a_page_is_too_small() -> None:
    with pytest.raises(Skip, match="100 bytes are too few"):
        bench.count({"size": 100})
    assert bench.least == PAGE


def test_a_file_that_is_cut_off_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """A short read leaves -1."""
    device = CpuDevice()
    filled = mapped.filled
    monkeypatch.setattr(mapped, "filled", lambda held: filled(held[:-9]))
    try:
        assert "-1 instead of" in verdict(bench, "read", {"size": 2**20, "device": device})
    finally:
        device.close()


def test_the_finding_gives_rates() -> None:
    rows = [(way, {"size": "32MiB"}, 1e-3 * at) for way, at in (("read", 4), ("mmap", 8), ("kept", 1))]
    told = said(spread(reading(bench, rows, {"bytes": 32e6})))
    assert told == [
        "A file in the page cache is added up at 8.00 GB/s (…) by read, 4.00 GB/s (…) by mmap and 32.0 GB/s (…) in a "
        "mapping that stays.",
        "To map a file, read it once and unmap it is 2.00× slower than to copy it by blocks (…).",
    ]
    assert all(one.endswith(STOLEN) for one in said(doubt(spread(reading(bench, rows, {"bytes": 32e6})))))
