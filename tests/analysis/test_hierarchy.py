"""The memory hierarchy out of a run's records, set against what is reported."""

from __future__ import annotations

from pathlib import Path

import pytest

from doubles.scripted import record
from hwbench.analysis.hierarchy import Hierarchy, MeasuredCache, apart, further_out, hierarchy, match, strides
from hwbench.analysis.staircase import Level
from hwbench.analysis.wording import pages, sizes
from hwbench.record import store
from hwbench.record.estimate import Estimate
from hwbench.record.facts import footprint
from hwbench.record.model import Cache
from made_up.declared import described
from made_up.sample import KIB, LAPTOP, MIB, replace, sample_run

REAL = next((Path(__file__).parents[2] / "reports/runs/amd-epyc-2cpu").glob("*-b4c4dc.json"))
INTEL = next((Path(__file__).parents[2] / "reports/runs/intel-xeon-2cpu").glob("*.json"))
CACHES = [Cache(1, 32 * KIB, 64, 1), Cache(2, MIB, 64, 1), Cache(3, 32 * MIB, 64, 2)]


def level(end, seconds=1e-9):
    return Level(Estimate(seconds, seconds, seconds), end // 4, end, Estimate(end, end, 1.5 * end))


def test_the_committed_run_of_a_real_machine():
    """Zen 4 in a virtual machine: 32 KiB, 1 MiB and, streamed, 32 MiB as reported, memory at 130 to 160 ns.

    A chase takes longer from 4 to 8 MiB on, where loads still come at L3's speed. Its second-level TLB has 3072 entries
    (12 MiB of 4 KiB pages), by AMD's optimisation guide for family 19h.
    """
    found = hierarchy(described(store.read(REAL)))
    l1, l2, l3 = found.caches
    assert [one.verdict for one in found.caches] == ["as reported"] * 3
    assert (l1.size.value, l1.level.seconds.value) == (32 * KIB, pytest.approx(1.095e-9, rel=0.01))
    assert l2.size.low <= MIB <= l2.size.high
    assert 4 * MIB <= l3.step.low <= l3.step.high <= 8 * MIB
    assert 16 * MIB < l3.size.low <= l3.size.high <= 48 * MIB
    assert 130e-9 < found.memory.seconds.value < 160e-9
    assert found.reach.low <= 12 * MIB <= found.reach.high
    assert (found.line, found.unit) == (None, None)


def test_a_shared_last_level_is_told_with_what_this_guest_gets():
    """260 MiB reported, 32 there: the sentence has both numbers, and whose machine it is."""
    run = sample_run()
    told = sizes(hierarchy(described(run)), run.machine.virtual)
    assert "L3: this guest (kvm) gets 32 MiB (32–48) of the 260 MiB reported" in told
    bare = sizes(hierarchy(described(run)))
    assert "a chase on 1 thread sees 32 MiB" in bare


def test_nothing_measured_is_nothing_found():
    """A run without sweeps has its reported caches and no more, and says nothing."""
    found = hierarchy(described(sample_run(benches=())))
    assert [one.level for one in found.caches] == [None] * 3
    assert (found.memory, found.line, found.unit, found.reach, found.last) == (None,) * 5
    assert (sizes(found), pages(found)) == ("", "")


def test_labels_alone_are_no_sweep():
    """Four labelled sizes, as the quick set has them, betray no levels."""
    run = sample_run(benches=("latency.chase",))
    labelled = [one for one in run.records if one.params["size"] in ("L1", "L2", "L3", "DRAM")]
    assert all(one.level is None for one in hierarchy(described(replace(run, records=labelled))).caches)


def test_pairs_keep_their_order_and_agree():
    """With a level too few the ones that agree are paired; one too many stands between them, reported by nobody."""
    found = match(CACHES, [level(32 * KIB), level(24 * MIB)])
    assert [one.size and one.size.value for one in found] == [32 * KIB, None, 24 * MIB]
    found = match(CACHES, [level(32 * KIB), level(256 * KIB), level(MIB), level(32 * MIB)])
    assert [one.cache and one.cache.level for one in found] == [1, None, 2, 3]
    assert [one.verdict for one in found] == ["as reported", "", "as reported", "as reported"]
    assert [one.cache for one in match([], [level(MIB)])] == [None]


def test_what_ends_beyond_all_caches_is_memory():
    """480 MiB of L3 reported, steps at 6 MiB and 1 GiB: the guest gets 6 MiB, and what ends at 1 GiB is memory."""
    caches = [Cache(1, 48 * KIB, 64, 1), Cache(2, 2 * MIB, 64, 1), Cache(3, 480 * MIB, 64, 2)]
    far = level(1024 * MIB, 170e-9)
    near, memory = apart(caches, [level(48 * KIB), level(2 * MIB), level(6 * MIB), far, level(4096 * MIB)])
    assert (len(near), memory) == (3, Level(far.seconds, far.first, far.last, None))
    found = match(caches, near)
    assert [one.verdict for one in found] == ["as reported", "as reported", "less than reported"]
    told = sizes(Hierarchy(found, memory, (), None, None, {}), "KVM")
    assert "this guest (KVM) gets 6 MiB (6–9)" in told
    assert apart([], [far]) == ([far], None)
    assert apart(caches, [level(480 * MIB)]) == ([level(480 * MIB)], None)


def test_a_stream_that_ends_where_the_chase_does_changes_nothing():
    """Nor does one that never ends, begins further out, or belongs to a cache that no chase has seen."""
    found = match(CACHES, [level(32 * KIB), level(MIB), level(24 * MIB)])
    endless = Level(level(1).seconds, 2 * MIB, 512 * MIB, None)
    for stream in ([level(24 * MIB)], [endless], [level(512 * MIB)], []):
        assert further_out(found, stream) == list(found)
    unseen = match(CACHES, [level(32 * KIB), level(MIB)])
    assert further_out(unseen, [level(24 * MIB)]) == list(unseen)


def test_beyond_where_a_stream_leaves_the_last_cache_is_memory():
    """A chase level up to 512 MiB, of 480 reported, is in memory where loads come at memory's speed from 96 on."""
    caches = [Cache(1, 48 * KIB, 64, 1), Cache(2, 2 * MIB, 64, 1), Cache(3, 480 * MIB, 64, 2)]
    levels = [level(48 * KIB), level(2 * MIB), level(12 * MIB), level(512 * MIB, 170e-9)]
    near, memory = apart(caches, levels, [level(2 * MIB), level(96 * MIB)])
    assert near == levels[:3]
    assert memory.seconds.value == 170e-9


def test_without_a_stream_a_level_too_many_that_ends_beyond_the_last_cache_is_memory():
    """Intel's chase alone: steps after 12 and 512 MiB of 480 were "L3 after 512 MiB, more than reported"."""
    caches = [Cache(1, 48 * KIB, 64, 1), Cache(2, 2 * MIB, 64, 1), Cache(3, 480 * MIB, 64, 2)]
    levels = [level(48 * KIB), level(2 * MIB), level(12 * MIB), level(512 * MIB, 170e-9)]
    near, memory = apart(caches, levels)
    assert (near, memory.seconds.value) == (levels[:3], 170e-9)
    # A stream that shows no step beyond L2 says nothing of L3.
    assert apart(caches, levels, [level(48 * KIB), level(2 * MIB)]) == (near, memory)
    # One level a cache: the last is L3's, and its end is no news, but not told as more than there is either.
    three = [level(48 * KIB), level(2 * MIB), level(512 * MIB)]
    assert apart(caches, three) == (three, None)
    assert MeasuredCache(caches[2], three[2]).verdict == "more than reported"
    assert MeasuredCache(caches[2], three[2], unsure=True).verdict == ""
    told = sizes(Hierarchy([MeasuredCache(caches[2], three[2], unsure=True)], None, (), None, None, {}))
    assert told == "Latency (1 thread) rises past L3 after 512 MiB (512–768)."


def test_a_sweep_that_never_leaves_the_caches_has_no_memory():
    """Chases of up to 24 KiB were told as a memory of 1.4 ns; what ends the sweep within L3 is no memory either."""
    run = store.read(INTEL)
    short = [one for one in run.records if one.bench == "latency.chase" and (footprint(one) or 0) <= 24 * KIB]
    assert hierarchy(described(replace(run, records=short))).memory is None

    def ends(size):
        return Level(level(1).seconds, size // 4, size, None)

    levels = [level(32 * KIB), level(MIB), ends(24 * MIB)]
    assert apart(CACHES, levels) == (levels[:2], None)
    beyond = [*levels[:2], ends(64 * MIB)]
    assert apart(CACHES, beyond) == (beyond[:2], beyond[2])
    # Where a stream has left the last cache earlier, memory begins there.
    assert apart(CACHES, levels, [level(MIB), level(12 * MIB)]) == (levels[:2], levels[2])
    assert apart([], levels) == (levels[:2], levels[2])


def test_a_verdict_needs_the_whole_interval():
    """What is reported and lies in the interval agrees, also at its ends."""
    sizes = {64 * KIB: "less than reported", 48 * KIB: "as reported", 32 * KIB: "as reported"}
    sizes[16 * KIB] = "more than reported"
    for size, verdict in sizes.items():
        assert MeasuredCache(Cache(1, size, 64, 1), level(32 * KIB)).verdict == verdict


def test_of_two_records_at_one_footprint_the_undisturbed_counts():
    """A labelled size that is one of the sweep's too, and was disturbed, does not bend the sweep."""
    run = sample_run(LAPTOP, benches=("latency.chase",), every_status=False)
    spoilt = record("follow", status="suspect", samples=(1e-3,) * 9, bench="latency.chase", counts={"hops": 1.0},
                    params={"size": "L1", "pages": "huge", "order": "random"},
                     facts={"footprint": 8 * KIB})  # fmt: skip
    found = hierarchy(described(replace(run, records=[spoilt, *run.records])))
    assert found.caches == hierarchy(described(run)).caches


def test_line_and_unit_are_read_from_the_strides():
    """In L2 the turn is the line's, from memory that of a pair; what lies beyond 512 bytes, and NumPy, bend neither."""

    def stride(size, step, ns, variant="numba"):
        return record(variant, bench="access.stride", samples=(ns * 1e-9,) * 5, counts={"items": 1.0},
                      params={"size": size, "stride": step // 8}, facts={"stride_bytes": step})  # fmt: skip

    steps = (8, 16, 32, 64, 128, 256, 512)
    records = [stride("DRAM", step, min(step, 128)) for step in steps]
    records += [stride("L2", step, min(step, 64)) for step in steps] + [stride("L2", 1024, 1e4)]
    records += [stride("L2", step, 1.0, "numpy") for step in steps]
    run = described(replace(sample_run(benches=()), records=records))
    assert set(strides(run, "L2")) == set(steps)
    found = hierarchy(run)
    assert (found.line.value, found.unit.value) == (64, 128)
