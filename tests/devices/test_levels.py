"""Levels as bytes on made-up machines: shares of caches, what a probe finds, and memory."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hwbench.bench import Skip
from hwbench.devices.levels import Levels
from hwbench.host.system import Host, SharedCache, linux_host
from made_up import trees
from made_up.hosts import machine

GIB = 2**30


def levels(host: Host, free: int = 64 * GIB, found: int | None = -1) -> Levels:
    """The levels of a made-up host, with so much free memory and what the probe of the last level finds."""
    return Levels(host, lambda: free, lambda reported, _near: reported if found == -1 else found)


def test_a_label_has_one_size_and_it_is_probed_once() -> None:
    """What was worked out for one thread is kept, and the last level probed once for any number of threads."""
    probed: list[tuple[int, int]] = []
    made = Levels(machine(), lambda: 64 * GIB, lambda *given: probed.append(given) or given[0])
    assert [made.size("L3"), made.size("L3"), made.size("L3", 2)] == [2**24, 2**24, 2**23]
    assert made.sizes == {"L3": 2**24}
    assert len(probed) == 1


def test_siblings_share_the_first_level(tmp_path: Path) -> None:
    """With both threads of a core at work each has half of its L1."""
    made = levels(linux_host(trees.intel(tmp_path), range(8)))
    assert made.size("L1", 4) == 24 * 2**10
    assert made.size("L1", 8) == 12 * 2**10


def test_a_cache_shared_with_strangers_counts_as_what_is_there() -> None:
    """Of 260 MiB reported and 32 that are there, a thread's label is half of the 32, divided by the sharers."""
    made = levels(machine(260 * 2**20), found=32 * 2**20)
    assert made.size("L3") == 16 * 2**20
    assert made.size("L3", 2) == 8 * 2**20


def test_a_third_level_within_reach_of_the_second_is_skipped() -> None:
    """A label that would lie in L2 is no L3: the skip tells both numbers."""
    made = levels(machine())
    said = "needs 8 MiB of L3 for each thread, half of which is measured and must be twice L2 (2 MiB); each gets 4 MiB"
    with pytest.raises(Skip, match=f"^{re.escape(said)}$"):
        made.size("L3", 8)


def test_a_third_level_taken_by_others_is_skipped() -> None:
    """Where the probe finds memory's latency at once, there is no L3 for us."""
    with pytest.raises(Skip, match="other users fill it"):
        levels(machine(), found=None).size("L3")


@pytest.mark.parametrize("first", [32 * 2**10, None])
def test_a_third_level_without_a_second(first: int | None) -> None:
    """Where L2 is hidden, L2's figures could pass for L3's: the label is skipped, and nothing is probed."""
    caches = [SharedCache(3, 32 * 2**20, 64, (0, 1))]
    caches += [SharedCache(1, first, 64, (cpu,)) for cpu in (0, 1)] if first else []
    host = Host(allowed=(0, 1), online=(0, 1), caches=tuple(caches))
    seen: list[tuple[int, int]] = []
    with pytest.raises(Skip, match=r"32 MiB of L3 and no L2 are reported"):
        Levels(host, lambda: GIB, lambda *given: seen.append(given) or given[0]).size("L3")
    assert not seen


def test_no_third_level() -> None:
    """A machine without L3 skips it, and takes memory as four times its L2s."""
    made = levels(machine(l3=None, cpus=64))
    with pytest.raises(Skip, match=r"reports no L3 \(L1, L2\)"):
        made.size("L3")
    assert made.size("DRAM") == 4 * 64 * 2 * 2**20


def test_memory_for_each_thread() -> None:
    """All threads together exceed the caches four times, but each has 64 MiB at least."""
    made = levels(machine(256 * 2**20))
    assert made.size("DRAM", 4) == 256 * 2**20
    assert levels(machine()).size("DRAM", 8) == 64 * 2**20


def test_memory_that_is_not_free_is_skipped() -> None:
    """Four times the caches must fit into 60% of what is free; the skip tells both numbers."""
    with pytest.raises(Skip, match=r"DRAM takes 128 MiB .* 200 MiB free"):
        levels(machine(), free=200 * 2**20).size("DRAM")
