"""Sentences on the memory hierarchy: what they say, and what they leave out."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwbench.analysis.hierarchy import Hierarchy, MeasuredCache, further_out, hierarchy, match
from hwbench.analysis.staircase import Level
from hwbench.analysis.wording import pages, shortfall, sizes
from hwbench.record import store
from hwbench.record.estimate import Estimate
from hwbench.record.model import Cache
from made_up.declared import described
from made_up.sample import KIB, LAPTOP, MIB, replace, sample_run

CACHES = [Cache(1, 32 * KIB, 64, 1), Cache(2, MIB, 64, 1), Cache(3, 32 * MIB, 64, 2)]


INTEL = next((Path(__file__).parents[2] / "reports/runs/intel-xeon-2cpu").glob("*.json"))


def level(end, seconds=1e-9):
    return Level(Estimate(seconds, seconds, seconds), end // 4, end, Estimate(end, end, 1.5 * end))


def test_what_is_as_reported_needs_no_second_sentence():
    """On a machine of one's own the levels are told, and that they agree."""
    found = hierarchy(described(sample_run(LAPTOP)))
    assert sizes(found).count("as reported") == 3
    assert "L3: " not in sizes(found)
    assert "4 KiB pages add nothing up to 256 KiB" in pages(found)


def test_where_loads_go_on_at_the_cache_s_speed_the_chase_met_translation():
    """A chase's step at 8 MiB, a stream's at 96: the cache is as large as the stream says, and both are told."""
    caches = [Cache(1, 48 * KIB, 64, 1), Cache(2, 2 * MIB, 64, 1), Cache(3, 480 * MIB, 64, 2)]
    found = match(caches, [level(48 * KIB), level(2 * MIB), level(8 * MIB)])
    stream = [level(48 * KIB), level(2 * MIB), Level(level(1).seconds, 3 * MIB, 96 * MIB, level(96 * MIB).size)]
    *near, last = further_out(found, stream)
    assert near == list(found[:2])
    assert (last.size, last.step) == (stream[2].size, found[2].step)
    told = sizes(Hierarchy([*near, last], None, (), None, None, {}), "KVM")
    assert told.endswith(
        "; at 8 MiB (8–12), probably TLB reach, which is short where the host backs guests with small pages. L3: this "
        "guest (KVM) gets 96 MiB (96–144) of the 480 MiB reported; other guests may use the rest."
    )
    bare = sizes(Hierarchy([*near, last], None, (), None, None, {}))
    assert bare.endswith(
        "; at 8 MiB (8–12), probably TLB reach. L3: loads on 1 thread see 96 MiB (96–144) of the 480 MiB reported."
    )


def test_the_committed_run_s_chase_alone_has_no_verdict_beyond_what_is_reported():
    """The run of an Intel guest, reduced to its chases: L3 is not said to be larger than it is, nor others'."""
    run = store.read(INTEL)
    alone = hierarchy(described(replace(run, records=[one for one in run.records if one.bench == "latency.chase"])))
    told = sizes(alone, run.machine.virtual)
    assert "more than reported" not in told
    assert "other guests" not in told
    assert "L3: a chase on 1 thread sees 8 MiB (8–12) of the 480 MiB reported; TLB misses may hide the rest" in told
    assert alone.memory.seconds.value == hierarchy(described(run)).memory.seconds.value


@pytest.mark.parametrize(
    ("virtual", "said"), [("Docker", "loads on 1 thread see 96"), ("KVM, Docker", "this guest (KVM) gets 96")]
)
def test_only_a_hypervisor_has_guests(virtual, said):
    """A container on bare metal hides nothing of a cache, and has its host's pages."""
    cache = Cache(3, 480 * MIB, 64, 2)
    found = MeasuredCache(cache, level(8 * MIB), level(96 * MIB).size)
    told = sizes(Hierarchy([found], None, (), None, None, {}), virtual)
    assert said in told
    assert ("the host backs guests" in told) == ("KVM" in virtual)


def test_a_step_with_the_reported_size_is_tlb_reach():
    """Where loads stay fast up to the reported size, only the chase's step needs a word."""
    found = MeasuredCache(Cache(3, 96 * MIB, 64, 2), level(8 * MIB), level(96 * MIB).size)
    assert sizes(Hierarchy([found], None, (), None, None, {})) == (
        "Latency (1 thread) rises at 8 MiB (8–12), probably TLB reach. L3: sequential loads on 1 thread stay fast up "
        "to 96 MiB (96–144), as reported."
    )


@pytest.mark.parametrize(
    ("caches", "said"),
    [
        ([], ""),
        (
            [(Cache(1, 32 * KIB, 64, 1), 32)],
            "Latency (1 thread) rises past L1 after 32 KiB (32–48), as reported.",
        ),
        (
            [(Cache(1, 32 * KIB, 64, 1), 32), (None, 256)],
            "Latency (1 thread) rises past L1 after 32 KiB (32–48), as reported; past an unreported level after "
            "256 KiB (256–384).",
        ),
    ],
)
def test_levels_are_listed(caches, said):
    """None, one and two levels, one of them not reported."""
    found = [MeasuredCache(cache, level(end * KIB)) for cache, end in caches]
    assert sizes(Hierarchy(found, None, (), None, None, {})) == said


def small_pages(*steps):
    """A hierarchy of translation alone: (end in KiB or None, seconds that small pages add)."""
    levels = [
        Level(Estimate(seconds, seconds, seconds), KIB, (end or 2048) * KIB, end and level(end * KIB).size)
        for end, seconds in steps
    ]
    return Hierarchy([], None, levels, None, None, {})


def test_small_pages_are_set_against_huge_ones():
    """One step, two steps, none; and nothing where the reach is not known within a decade."""
    assert pages(small_pages((256, 0.0), (None, 5e-9))) == (
        "Compared with huge pages, 4 KiB pages add nothing up to 256 KiB (256–384) and 5.00 ns beyond to each load: "
        "the first step is TLB reach."
    )
    assert "nothing up to 256 KiB (256–384), 2.00 ns up to 1 MiB (1.0–1.5) and 5.00 ns beyond" in pages(
        small_pages((256, 0.0), (1024, 2e-9), (None, 5e-9))
    ).replace("1.0 MiB", "1 MiB")
    assert pages(small_pages((None, 0.0))) == (
        "Up to 2 MiB, 4 KiB pages cost no more than huge pages: the TLB reaches that far, or a hypervisor backs both "
        "alike."
    )
    unclear = small_pages((256, 0.0), (None, 5e-9))
    near, far = unclear.translation
    wide = Level(near.seconds, near.first, near.last, Estimate(256 * KIB, 64 * KIB, 640 * KIB))
    assert pages(Hierarchy([], None, [wide, far], None, None, {})) == ""
    assert pages(Hierarchy([], None, [near, wide, far], None, None, {})) == ""


def test_what_is_missing_of_the_last_cache_is_told_in_short():
    """In a guest, on a machine of one's own, by a chase alone; nothing where all of it is there."""
    found = match(CACHES, [level(32 * KIB), level(MIB), level(8 * MIB)])[-1]
    assert shortfall(found, "KVM, Docker") == (
        "L3",
        "32 MiB reported, this guest gets about 8 MiB: choose blocks for 8 MiB",
    )
    assert shortfall(found, "Docker")[1].startswith("32 MiB reported, one thread gets about")
    unsure = MeasuredCache(found.cache, found.level, unsure=True)
    said = shortfall(unsure, "KVM")[1]
    assert said.startswith("32 MiB reported, one thread's chase sees about")
    assert said.endswith(", which may be TLB reach")
    found = MeasuredCache(Cache(3, 480 * MIB, 64, 2), level(8 * MIB), level(96 * MIB).size)
    assert shortfall(found, "KVM")[1].endswith(
        ": choose blocks for 96 MiB, in random order for 8 MiB (probably TLB reach)"
    )
    assert shortfall(match(CACHES, [level(32 * KIB), level(MIB), level(32 * MIB)])[-1], "KVM") is None
    assert shortfall(None, None) is None
