"""Sentences on the memory hierarchy: what they say, and what they leave out."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwbench.analysis.hierarchy import Hierarchy, MeasuredCache, further_out, hierarchy, match
from hwbench.analysis.staircase import Level
from hwbench.analysis.wording import sentences
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
    told = sentences(hierarchy(described(sample_run(LAPTOP))))
    assert told[0].count("as reported") == 3
    assert not any("really gets" in sentence for sentence in told)
    assert any("4 KiB pages add to a load nothing up to 256 KiB" in sentence for sentence in told)


def test_where_loads_go_on_at_the_cache_s_speed_the_chase_met_translation():
    """A chase's step at 8 MiB, a stream's at 96: the cache is as large as the stream says, and both are told."""
    caches = [Cache(1, 48 * KIB, 64, 1), Cache(2, 2 * MIB, 64, 1), Cache(3, 480 * MIB, 64, 2)]
    found = match(caches, [level(48 * KIB), level(2 * MIB), level(8 * MIB)])
    stream = [level(48 * KIB), level(2 * MIB), Level(level(1).seconds, 3 * MIB, 96 * MIB, level(96 * MIB).size)]
    *near, last = further_out(found, stream)
    assert near == list(found[:2])
    assert (last.size, last.step) == (stream[2].size, found[2].step)
    told = sentences(Hierarchy([*near, last], None, (), None, None, {}), "KVM")
    assert "L3 after 8 MiB (8–12)" in told[0]
    assert told[1] == "Of the 480 MiB of L3 that are reported, this guest (KVM) really gets 96 MiB (96–144): " \
        "the rest is others'."  # fmt: skip
    assert told[2].startswith("So far a stream of loads is faster than from memory. That a random chase takes longer ")
    assert "less far where a host keeps" in told[2]
    bare = sentences(Hierarchy([*near, last], None, (), None, None, {}))
    assert "loads on one thread find 96 MiB" in bare[1]
    assert "host" not in bare[2]


def test_the_committed_run_s_chase_alone_has_no_verdict_beyond_what_is_reported():
    """The run of an Intel guest, reduced to its chases: L3 is not said to be larger than it is, nor others'."""
    run = store.read(INTEL)
    alone = hierarchy(described(replace(run, records=[one for one in run.records if one.bench == "latency.chase"])))
    told = " ".join(sentences(alone, run.machine.virtual))
    assert "more than reported" not in told
    assert "the rest is others'" not in told
    assert "a chase on one thread finds 8 MiB (8–12); no stream of loads tells" in told
    assert alone.memory.seconds.value == hierarchy(described(run)).memory.seconds.value


@pytest.mark.parametrize(
    ("virtual", "said"), [("Docker", "loads on one thread find 96"), ("KVM, Docker", "this guest (KVM) really gets 96")]
)
def test_only_a_hypervisor_has_guests(virtual, said):
    """A container on bare metal hides nothing of a cache, and has its host's pages."""
    cache = Cache(3, 480 * MIB, 64, 2)
    found = MeasuredCache(cache, level(8 * MIB), level(96 * MIB).size)
    told = sentences(Hierarchy([found], None, (), None, None, {}), virtual)
    assert said in told[1]
    assert ("a host keeps a guest's memory" in told[2]) == ("KVM" in virtual)
