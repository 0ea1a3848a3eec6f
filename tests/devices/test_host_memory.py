"""Memory for measuring: on the pages that were asked for, lent again, and safe where a view outlives it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from hwbench.bench import Skip
from hwbench.devices import host_memory
from hwbench.devices.cpu import CpuDevice
from hwbench.devices.host_memory import Pool, Region, huge_share
from hwbench.host.system import Host

MIB = 2**20
linux = pytest.mark.skipif(sys.platform != "linux", reason="what is asked for is Linux's")
LOOKED_UP = host_memory.Buffer.huge_share


@pytest.fixture(autouse=True)
def nothing_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel is asked, as outside of tests."""
    monkeypatch.setattr(host_memory.Buffer, "huge_share", LOOKED_UP)


def mapping(address: int) -> tuple[str, set[str]]:
    """Permissions and flags of this process's mapping that holds an address, from smaps."""
    permissions = ""
    for line in Path("/proc/self/smaps").read_text().splitlines():
        first, _, rest = line.partition(" ")
        if "-" in first:
            start, end = (int(part, 16) for part in first.split("-"))
            permissions = rest.split()[0] if start <= address < end else ""
        elif permissions and first == "VmFlags:":
            return permissions, set(rest.split())
    raise AssertionError("no mapping holds the address")


@linux
@pytest.mark.parametrize(("pages", "flag"), [("4K", "nh"), ("huge", "hg")])
def test_the_kernel_is_told_which_pages(here: CpuDevice, pages: str, flag: str) -> None:
    """Memory is private, since shared memory has huge pages by another policy, and advised as was asked."""
    try:
        here.resolve({"pages": pages})
    except Skip as skip:
        pytest.skip(str(skip))
    buffer = here.buffer(8 * MIB, pages)
    permissions, flags = mapping(buffer.address)
    assert permissions == "rw-p"
    assert flag in flags
    buffer.close()


@linux
def test_small_pages_are_small(here: CpuDevice) -> None:
    """A buffer on 4K pages holds no huge page once it is touched, and lies `offset` bytes into a page."""
    buffer = here.buffer(8 * MIB, "4K", offset=192)
    buffer.array[:] = 1
    assert buffer.pages == f"{os.sysconf('SC_PAGESIZE') // 1024}K"
    assert buffer.address % os.sysconf("SC_PAGESIZE") == 192
    assert buffer.array.ctypes.data == buffer.address
    assert buffer.array.nbytes == 8 * MIB
    buffer.close()


@linux
def test_huge_pages_are_huge(here: CpuDevice) -> None:
    """A buffer on huge pages is aligned for them, and smaps confirms them once it is touched."""
    try:
        here.resolve({"pages": "huge"})
    except Skip as skip:
        pytest.skip(str(skip))
    buffer = here.buffer(8 * MIB - 4096, "huge")
    assert buffer.address % here.host.huge_bytes == 0
    buffer.array[:] = 1
    if buffer.pages != "huge":
        pytest.skip(f"the kernel had no huge pages left: {buffer.pages}")
    buffer.close()


def test_other_systems_have_plain_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Elsewhere memory is aligned to a page and says `default` of its pages."""
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(host_memory, "SMAPS", Path("nowhere"))
    buffer = CpuDevice(Host(allowed=(0,))).buffer(10_000, offset=64)
    assert buffer.address % 4096 == 64
    assert buffer.pages == "default"
    buffer.close()


def test_closing_with_a_view_left_keeps_the_memory(here: CpuDevice) -> None:
    """A view that outlives its buffer still reads what was written: nothing is unmapped under it."""
    buffer = here.buffer(4096)
    view = buffer.array[:8]
    view[:] = 7
    buffer.close()
    assert view.tolist() == [7] * 8


def test_the_pool_lends_what_fits_and_drops_what_does_not() -> None:
    """The smallest that fits is lent, to who is as near and wants the same pages; too small ones make room."""
    pool = Pool()
    small, large = Region(4096), Region(16384)
    pool.give_back(small, "a", 10**6)
    pool.give_back(large, "a", 10**6)
    assert pool.borrow(4096, "4K", "b") is None
    assert pool.borrow(4096, "huge", "a") is None
    assert pool.borrow(5000, "4K", "a") is large
    assert pool.borrow(5000, "4K", "a") is None
    assert pool.idle == 0, "what was too small is closed"
    pool.give_back(large, "a", 16383)
    assert pool.idle == 0, "what is over the limit is closed"
    pool.give_back(Region(16384), "a", 10**6)
    pool.give_back(Region(4096), "b", 16384)
    assert pool.idle == 16384, "the smallest goes first"
    pool.clear()
    assert pool.idle == 0


def test_huge_share() -> None:
    """The share is of the mappings that hold the bytes, and of what is resident there."""
    smaps = (
        "1000-3000 rw-p 0 00:00 0\nRss:  100 kB\nAnonHugePages:  100 kB\n"
        "3000-5000 rw-p 0 00:00 0\nRss:  80 kB\nAnonHugePages:  20 kB\n"
    )
    assert huge_share(smaps.splitlines(), 0x3000, 0x1000) == 0.25
    assert huge_share(smaps.splitlines(), 0x2000, 0x2000) == pytest.approx(120 / 180)
    assert huge_share(smaps.splitlines(), 0x9000, 1) is None
