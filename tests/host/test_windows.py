"""What Windows says of its processors, from made-up answers of its function."""

from __future__ import annotations

import ctypes
from types import SimpleNamespace

import pytest

from hwbench.host import windows
from hwbench.host.topology import SharedCache, Topology
from made_up.windows import answer, cache, core, package

K = 2**10


def test_unlike_cores_of_a_notebook() -> None:
    """Two performance cores with SMT, and a cluster of four efficiency cores that share an L2."""
    told = answer(
        package({0: 0xFF}), core(1, {0: 0b11}), core(1, {0: 0b1100}), *(core(0, {0: 1 << cpu}) for cpu in range(4, 8)),
        cache(1, 48 * K, {0: 0b11}), cache(1, 32 * K, {0: 0b11}, windows.INSTRUCTION), cache(1, 48 * K, {0: 0b1100}),
        *(cache(1, 32 * K, {0: 1 << cpu}) for cpu in range(4, 8)), cache(2, 2048 * K, {0: 0xF0}),
    )  # fmt: skip
    found = windows.topology(told)
    assert found.online == tuple(range(8))
    assert found.cores[1] == found.cores[0] != found.cores[2]
    assert found.capacity == {cpu: 2 if cpu < 4 else 1 for cpu in range(8)}
    assert found.caches[0] == SharedCache(1, 48 * K, 64, (0, 1))
    assert found.caches[-1] == SharedCache(2, 2048 * K, 64, (4, 5, 6, 7))
    assert len(found.caches) == 7


def test_more_than_64_cpus_come_in_groups() -> None:
    """A cache may span groups; a CPU of the second group is numbered from 64 on."""
    found = windows.topology(
        answer(package({0: 1}), package({1: 1}), core(0, {0: 1}), core(0, {1: 1}), cache(3, K, {0: 1, 1: 1}))
    )
    assert found.cores == {0: (0, 0), 64: (1, 1)}
    assert found.capacity == {}
    assert found.caches == (SharedCache(3, K, 64, (0, 64)),)


def test_a_count_of_groups_of_zero_is_one() -> None:
    """Before Windows 11 a cache had one mask and no count of them."""
    assert windows.topology(answer(core(0, {0: 1}), cache(1, K, {0: 1}, count=0))).caches[0].cpus == (0,)


@pytest.mark.parametrize("told", [b"", b"\0" * 8, b"\1\0\0"])
def test_nothing(told: bytes) -> None:
    """What says nothing describes nothing, and ends."""
    assert windows.topology(told) == Topology(())


def test_the_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """The buffer is as long as the function says; a call that fails is no answer."""
    told = answer(core(0, {0: 1}))

    def information(_relation: int, buffer: object, length: object) -> int:
        length._obj.value = len(told)  # type: ignore[attr-defined]
        if buffer is None:
            return 0
        ctypes.memmove(buffer, told, len(told))  # type: ignore[arg-type]
        return 1

    kernel32 = SimpleNamespace(
        GetLogicalProcessorInformationEx=information, GetCurrentProcess=lambda: -1,
        GetProcessGroupAffinity=lambda _process, _count, groups: groups._obj.__setitem__(0, 1) or 1,
    )  # fmt: skip
    monkeypatch.setattr(ctypes, "windll", SimpleNamespace(kernel32=kernel32), raising=False)
    assert windows.logical_processors() == told
    monkeypatch.setattr(kernel32, "GetLogicalProcessorInformationEx", lambda *_given: 0)
    assert windows.logical_processors() == b""
