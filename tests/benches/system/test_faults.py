"""New memory: every page is written, faults are counted, and memory that is not there is no answer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hwbench.bench import Skip
from hwbench.benches.system import faults
from hwbench.benches.system.faults import PAGE, bench
from hwbench.devices.cpu import CpuDevice
from inspection.answers import reading, verdict, work_of
from inspection.told import STOLEN, doubt, said, spread

SIZE = 2**23
pytestmark = pytest.mark.skipif(faults.NEEDS() is not None, reason="no POSIX")


@pytest.fixture(scope="module")
def device() -> Iterator[CpuDevice]:
    made = CpuDevice()
    yield made
    made.close()


@pytest.mark.parametrize("work", ["touch", "memset"])
@pytest.mark.parametrize("variant", bench.variants)
def test_each_way_writes_all_of_it(variant: str, work: str, device: CpuDevice) -> None:
    """Or says why this machine has no such pages."""
    try:
        assert verdict(bench, variant, {"work": work, "size": SIZE, "device": device}) == ""
    except Skip as skip:
        assert variant in ("huge", "populate"), skip


@pytest.mark.parametrize("variant", ["small", "reused"])
def test_parts_of_a_page_are_left_out(variant: str, device: CpuDevice) -> None:
    """One page is measured of 5000 bytes, and none of 100."""
    for work in ("touch", "memset"):
        values = {"work": work, "size": PAGE + 904, "device": device}
        assert verdict(bench, variant, values) == ""
        assert bench.count(values) == {"items": 1}
        with pytest.raises(Skip, match="100 bytes are too few"):
            work_of(bench, variant, values | {"size": 100})
    assert bench.least == PAGE


def test_small_pages_take_a_fault_each(device: CpuDevice) -> None:
    """Also after further calls nothing but the last mapping is held, and `close` gives that back."""
    work, _ = work_of(bench, "small", {"work": "touch", "size": SIZE, "device": device})
    assert work.facts["faults"] == pytest.approx(SIZE // PAGE, rel=0.1)
    assert work.timer is not None
    assert work.close is not None
    assert work.timer(3) > 0
    work.close()
    work.close()  # nothing is given back twice


def test_memory_that_is_not_written_is_wrong(device: CpuDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    """New memory holds zeros, and what is kept holds them before."""
    monkeypatch.setattr(faults, "write_again", lambda *_: None)
    assert "0 instead of" in verdict(bench, "reused", {"work": "touch", "size": SIZE, "device": device})


def test_a_refused_mapping_is_an_error(device: CpuDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(place: list[int], *_: object) -> None:
        place[0] = -1

    monkeypatch.setattr(faults, "write_new", refuse)
    with pytest.raises(MemoryError, match="refuses a new mapping"):
        work_of(bench, "small", {"work": "touch", "size": SIZE, "device": device})


def test_small_pages_in_place_of_huge_ones_are_a_skip(device: CpuDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel may have none left; faults tell."""
    if device.host.huge_policy in (None, "never"):
        pytest.skip("no huge pages here")
    count = iter(range(0, 10**6, SIZE // PAGE))
    monkeypatch.setattr(faults, "faults", lambda: next(count))
    with pytest.raises(Skip, match=f"{SIZE // PAGE} faults for {SIZE // PAGE} pages"):
        work_of(bench, "huge", {"work": "touch", "size": SIZE, "device": device})


def test_the_finding_compares_the_ways() -> None:
    rows = [
        (way, {"work": work, "size": "32MiB"}, 1e-3 * at)
        for work, scale in (("touch", 1.0), ("memset", 2.0))
        for way, at in (("small", 8 * scale), ("huge", 2 * scale), ("populate", 4 * scale), ("reused", 0.5))
    ]
    told = said(spread(reading(bench, rows, {"items": 8192})))
    assert told[0].startswith("To touch a new page of 4 KiB takes 977 ns (…) by a fault of its own, 244 ns (…) on huge")
    assert (
        told[1]
        == "memset of new memory against memory that is there: 32.0× slower (…); on huge pages: 8.00× slower (…)."
    )
    assert all(one.endswith(STOLEN) for one in said(doubt(spread(reading(bench, rows, {"items": 8192})))))
