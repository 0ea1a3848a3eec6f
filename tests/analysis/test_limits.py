"""Limits, shares of them, and which of them bounds a record."""

import pytest

from doubles.scripted import SIZES, record
from hwbench.analysis import limits as analysis_limits
from hwbench.analysis.limits import (
    comparable,
    level_of,
    limit_for,
    plausible,
    serving,
    serving_level,
    share,
    sharers,
)
from hwbench.record.model import Cache, Cpu
from hwbench.record.reasons import Reason
from made_up.declared import DECLARED

GB = 1e9


def measured(records):
    """The limits by what hwbench's benches declare."""
    return analysis_limits.measured(records, DECLARED)


def load(level="L1", rate=100 * GB, threads=1, variant="simd", **more):
    """A record of stream.load whose best sample has this rate."""
    best = 1e6 / rate
    params = {"size": level, "dtype": "f8", "threads": threads}
    given_ = {"bench": "stream.load", "counts": {"bytes": 1e6}, "params": params, "facts": {"threads": threads}} | more
    return record(variant, samples=(best * 1.5, best, best * 2), **given_)


def test_a_limit_is_the_best_sample_of_any_variant():
    """Variants compete; each level, thread count and dtype has a limit of its own."""
    limits = measured(
        [load(rate=90 * GB, variant="numpy"), load(rate=100 * GB), load("L2", 50 * GB), load(threads=2, rate=190 * GB)]
    )
    assert [(x.level, x.threads, x.variant, pytest.approx(x.value)) for x in limits] == [
        ("L1", 1, "simd", 100 * GB), ("L2", 1, "simd", 50 * GB), ("L1", 2, "simd", 190 * GB)
    ]  # fmt: skip
    assert limits[0].name == "L1 load, 1 thread"
    assert limits[2].name == "L1 load, 2 threads"
    assert limits[0].shown == pytest.approx(100)


def test_the_best_latency_is_the_shortest():
    """For a chase the least time a hop is the limit."""
    chase = {"bench": "latency.chase", "counts": {"hops": 10.0}, "params": {"size": "L1"}}
    [limit] = measured([record(samples=(3e-8, 2e-8), **chase), record("b", samples=(4e-8, 5e-8), **chase)])
    assert limit.value == pytest.approx(2e-9)


STEAL = str(Reason("steal"))


@pytest.mark.parametrize(("rate", "reason"), [(104, ""), (106, STEAL)])
def test_a_suspect_limit_is_told_as_such_unless_a_quiet_record_confirms_it(rate, reason):
    """Disturbance makes nothing faster: the best counts, and is not suspect if a quiet one is within 5% of it."""
    noisy = load(rate=rate * GB, status="suspect", reasons=[Reason("steal")])
    assert measured([noisy])[0].suspect == STEAL
    for order in ([noisy, load()], [load(), noisy]):
        [limit] = measured(order)
        assert (limit.suspect, limit.value) == (reason, pytest.approx(rate * GB))


def test_what_cannot_be_true_is_no_limit():
    """A record that the limits refuted is not made a limit when the file is read again."""
    refuted = load(
        "L2", rate=200 * GB, status="suspect", reasons=[Reason("steal"), Reason("implausible", "faster than light")]
    )
    assert [limit.level for limit in measured([load(), refuted])] == ["L1"]


def test_a_chase_that_a_prefetcher_runs_ahead_of_is_no_limit_of_latency():
    """Page-local hops in memory took 95 ns where random ones took 286; huge pages may stay the best of the random."""

    def chase(each, order, pages="huge"):
        params = {"size": "DRAM", "order": order, "pages": pages}
        return record("follow", samples=(each,), bench="latency.chase", counts={"hops": 1.0}, params=params)

    records = [chase(95e-9, "page-local"), chase(286e-9, "random"), chase(300e-9, "random", "4K")]
    assert [limit.value for limit in measured(records)] == [286e-9]
    assert measured(records[:1]) == []


def test_sweeps_and_untimed_records_are_no_limits():
    """A limit stands at a label; a size in bytes, a wrong answer and a record without its count are none."""
    assert measured([load("24KiB"), load(status="wrong"), load(counts={"flops": 1.0})]) == []


def test_a_footprint_lies_in_the_first_level_that_holds_it():
    """A label's size is half of its level, and what no cache holds lies in memory."""

    def at(footprint, threads=1):
        return level_of(record(facts={"footprint": footprint, "threads": threads}), SIZES)

    assert [at(1), at(2 * SIZES["L1"]), at(2 * SIZES["L1"] + 1), at(2 * SIZES["L2"])] == ["L1", "L1", "L2", "L2"]
    assert [at(2 * SIZES["L2"] + 1), at(SIZES["DRAM"])] == ["DRAM", "DRAM"]
    assert level_of(record(params={"size": "L3"}), SIZES) == "L3"
    assert level_of(record(), SIZES) == ""


MIB = 2**20
EIGHT = Cpu(model="", arch="x86_64", logical=16, physical=8, smt=2, caches=[
    Cache(1, 32 * 2**10, 64, 2), Cache(2, MIB, 64, 2), Cache(3, 32 * MIB, 64, 16)])  # fmt: skip
TWO = Cpu(model="", arch="x86_64", logical=8, physical=8, caches=[Cache(2, 4 * MIB, 64, 4), Cache(3, 8 * MIB, 64, 4)])


def test_threads_share_a_cache_once_they_have_no_other():
    """Eight cores with two threads each under one L3: their L2 is shared from the ninth thread on."""
    assert [sharers("L3", n, EIGHT) for n in (1, 8, 16)] == [1, 8, 16]
    assert [sharers("L2", n, EIGHT) for n in (1, 8, 9, 16)] == [1, 1, 2, 2]
    assert [sharers("L3", n, TWO) for n in (1, 4, 8)] == [1, 4, 4]
    assert [sharers("L4", 8, EIGHT), sharers("L3", 8, None)] == [1, 1]


def test_the_footprints_of_all_that_share_a_cache_have_to_fit():
    """Eight threads of 15 MiB each fill an L3 of 32 MiB almost four times over; without the CPU each counts alone."""
    sizes = {"L1": 16 * 2**10, "L2": MIB // 2, "L3": 16 * MIB, "DRAM": 128 * MIB}

    def at(footprint, threads, cpu=EIGHT):
        return level_of(record(facts={"footprint": footprint, "threads": threads}), sizes, cpu)

    assert [at(15 * MIB, 8), at(15 * MIB, 2), at(4 * MIB, 8), at(15 * MIB, 8, None)] == ["DRAM", "L3", "L3", "L3"]
    assert [at(MIB, 8), at(MIB, 16)] == ["L2", "L3"]


def test_a_cache_serves_part_of_what_is_a_little_larger():
    """Up to four times a cache some of the data is found there; the last one may hold more than a chase found."""

    def at(footprint, **params):
        return serving(record(facts={"footprint": footprint}, params=params), SIZES)

    l1, l2 = 2 * SIZES["L1"], 2 * SIZES["L2"]
    assert [at(l1), at(l1 + 1), at(4 * l1 - 1), at(4 * l1)] == [["L1"], ["L2", "L1"], ["L2", "L1"], ["L2"]]
    assert [at(l2 + 1), at(32 * l2), at(SIZES["DRAM"] - 24)] == [["DRAM", "L2"], ["DRAM", "L2"], ["DRAM"]]
    assert [at(4 * l1, size="L1"), serving(record(), SIZES)] == [["L1"], []]


def test_a_gpu_has_levels_of_its_own():
    """What fits half its L2, what is beyond sixteen of it, and nothing between; a CPU's sizes say nothing of it."""

    def at(footprint, **params):
        facts = {"footprint": footprint, "l2_bytes": 100}
        return level_of(record(device="gpu:0", facts=facts, params=params), SIZES)

    assert [at(50, size="L2"), at(1600, size="HBM"), at(1599), at(50)] == ["L2", "HBM", "", "L2"]
    assert level_of(record(device="gpu:0", params={"size": "L2"}), SIZES) == ""


def test_a_limit_is_looked_up_by_kind_level_threads_and_dtype():
    """Bandwidth of another dtype serves, a floating-point peak of another does not."""
    peak = record(
        "512", samples=(1.0, 1.0), bench="peak.fma", counts={"flops": 1e11}, params={"dtype": "f8", "threads": 1}
    )
    limits = measured([load(), load("L2", 50 * GB), peak])
    mine = record(params={"dtype": "f4"}, facts={"footprint": SIZES["L2"]})
    assert limit_for(mine, "load", limits, SIZES).level == "L2"
    assert limit_for(mine, "fma", limits, SIZES) is None
    assert limit_for(record(params={"dtype": "f8"}), "fma", limits, SIZES).value == 1e11
    assert limit_for(record(facts={"footprint": 8, "threads": 2}), "load", limits, SIZES) is None
    assert limit_for(mine, None, limits, SIZES) is None


def test_a_share_is_one_at_the_limit():
    """Half the rate is half of it, and twice the latency is half of it."""
    [limit] = measured([load()])
    assert share(load(), limit, 2e-5) == pytest.approx(0.5)
    assert share(record(), limit, 1.0) is None
    [hop] = measured([record(bench="latency.chase", samples=(1e-8,), counts={"hops": 10.0}, params={"size": "L1"})])
    assert share(record(counts={"hops": 10.0}), hop, 2e-8) == pytest.approx(0.5)


def test_data_partly_in_a_nearer_level_are_set_against_that_level():
    """1.2 L2s are served by L2 in part, at any rate; where L2 was not measured there is no limit."""
    limits = measured([load("L2", 100 * GB), load("DRAM", 30 * GB)])

    def bound(rate, known=limits):
        mine = load("x", rate * GB, bench="access.rows", facts={"footprint": int(2.4 * SIZES["L2"])})
        return limit_for(mine, "load", known, SIZES)

    assert [bound(rate).level for rate in (20, 32, 80, 200)] == ["L2"] * 4
    assert bound(20, limits[:1]).level == "L2"  # memory was not measured, and L2 bounds it, too
    assert bound(20, limits[1:]) is None


def test_the_level_that_serves_is_the_nearer_one_for_what_is_faster_than_its_own():
    """1.2 L2s lie in memory by size; 32 GB/s, beyond what memory loads, come from L2."""
    limits = measured([load("L2", 100 * GB), load("DRAM", 30 * GB)])

    def level(rate, **more):
        mine = load("x", rate * GB, bench="access.rows", facts={"footprint": int(2.4 * SIZES["L2"])}, **more)
        return serving_level(mine, limits, SIZES)

    assert [level(29), level(31), level(32), level(200)] == ["DRAM", "DRAM", "L2", "L2"]
    assert serving_level(load("x", bench="access.rows", facts={"footprint": 8}), [], SIZES) == "L1"
    assert level(32, device="gpu:0") == ""


def test_a_limit_does_not_describe_every_case_of_its_own_bench():
    """A sweep's sizes and an order that prefetchers follow have another speed; other benches are always compared."""
    chase = {"bench": "latency.chase", "counts": {"hops": 10.0}}
    assert comparable(record(params={"size": "L1", "order": "random"}, **chase), DECLARED)
    assert not comparable(record(params={"size": "L1", "order": "page-local"}, **chase), DECLARED)
    assert not comparable(record(params={"size": "128KiB"}, **chase), DECLARED)
    assert comparable(load(status="suspect", reasons=[Reason("implausible")]), DECLARED)
    assert comparable(record(params={"size": "128KiB"}), DECLARED)


def test_what_no_machine_can_have_is_not_plausible():
    """A file may hold any number."""
    assert [plausible(value) for value in (1e-9, 1e12, 0.0, -1.0, 1e31, float("inf"), float("nan"))] == [
        True, True, False, False, False, False, False,
    ]  # fmt: skip


def test_without_sizes_of_caches_a_small_footprint_has_no_level():
    """8 KiB are not in DRAM because nobody looked for a cache; what is as large as DRAM's label is."""
    small = record(facts={"footprint": 8192, "threads": 2})
    assert (level_of(small, {}), serving(small, {}), serving_level(small, [], {})) == ("", [], "")
    assert level_of(small, {"DRAM": 2**30}) == ""
    assert level_of(record(facts={"footprint": 2**30}), {"DRAM": 2**30}) == "DRAM"
    assert limit_for(small, "load", [], {}) is None
