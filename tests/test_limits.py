"""Limits, shares of them, and figures that cannot be."""

import pytest

from hwbench.limits import impossible, level_of, limit_for, measured, share
from scripted import SIZES, record

GB = 1e9


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


@pytest.mark.parametrize(("rate", "reason"), [(104, ""), (106, "steal")])
def test_a_suspect_limit_is_told_as_such_and_yields_to_a_quiet_one_as_good(rate, reason):
    """Disturbance makes nothing faster: the best counts, but within 5% of it an undisturbed record is preferred."""
    noisy = load(rate=rate * GB, status="suspect", reason="steal")
    assert measured([noisy])[0].suspect == "steal"
    for order in ([noisy, load()], [load(), noisy]):
        [limit] = measured(order)
        assert (limit.suspect, limit.value) == (reason, pytest.approx((rate if reason else 100) * GB))


def test_what_cannot_be_true_is_no_limit():
    """A record that the limits refuted is not made a limit when the file is read again."""
    level = load("L2", rate=200 * GB)
    found = impossible([load(), level], {}, SIZES)
    assert list(found) == [1]
    refuted = load("L2", rate=200 * GB, status="suspect", reason=found[1])
    assert [limit.level for limit in measured([load(), refuted])] == ["L1"]


def test_sweeps_and_untimed_records_are_no_limits():
    """A limit stands at a label; a size in bytes, a wrong answer and a record without its count are none."""
    assert measured([load("24KiB"), load(status="wrong"), load(counts={"flops": 1.0})]) == []


def test_a_footprint_lies_in_the_first_level_that_holds_it():
    """A label's size is half of its level; memory begins where nothing can be left in a cache."""

    def at(footprint, threads=1):
        return level_of(record(facts={"footprint": footprint, "threads": threads}), SIZES)

    assert [at(1), at(2 * SIZES["L1"]), at(2 * SIZES["L1"] + 1), at(2 * SIZES["L2"])] == ["L1", "L1", "L2", "L2"]
    assert [at(SIZES["DRAM"] // 2), at(SIZES["DRAM"] - 24), at(SIZES["DRAM"] // 2, threads=2)] == ["L2", "DRAM", "DRAM"]
    assert level_of(record(params={"size": "L3"}), SIZES) == "L3"
    assert level_of(record(), SIZES) == ""


def test_a_gpu_has_levels_of_its_own():
    """What fits half its L2, what is beyond four of it, and nothing between; a CPU's sizes say nothing of it."""

    def at(footprint, **params):
        facts = {"footprint": footprint, "l2_bytes": 100}
        return level_of(record(device="gpu:0", facts=facts, params=params), SIZES)

    assert [at(50, size="L2"), at(400, size="HBM"), at(200), at(50)] == ["L2", "HBM", "", "L2"]
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


KINDS = {"access.rows": "load", "stream.load": "load", "free.bench": None}


def test_faster_than_the_limit_cannot_be():
    """6% above the limit is told with both; 4% is two measurements of one thing."""
    fast = load(bench="access.rows", rate=106 * GB)
    reasons = impossible([load(), load(bench="access.rows", rate=104 * GB), fast], KINDS, SIZES)
    assert reasons == {2: "cannot be true: 1.06 times the limit it should touch (L1 load, 1 thread: 100 GB/s)"}


def test_a_level_cannot_beat_the_one_nearer_to_the_core():
    """Memory at 60 GB/s under an L2 of 50 is told; the level in between that is missing is passed over."""
    records = [load("L1", 100 * GB), load("L2", 50 * GB), load("DRAM", 60 * GB), load("DRAM", 70 * GB, threads=2)]
    assert impossible(records, KINDS, SIZES) == {
        2: "cannot be true: faster than L2 load, 1 thread (50 GB/s), a level nearer to the core"
    }
    assert impossible([load("L2", 50 * GB), load("DRAM", 54 * GB)], KINDS, SIZES) == {}


def test_a_latency_cannot_be_below_that_of_a_nearer_level():
    """DRAM faster than L1 is told for hops, too, where less is better."""
    chase = {"bench": "latency.chase", "counts": {"hops": 1.0}}
    records = [
        record(samples=(2e-9,), params={"size": "L1"}, **chase),
        record(samples=(1e-9,), params={"size": "DRAM"}, **chase),
    ]
    assert list(impossible(records, {}, SIZES)) == [1]


def test_a_suspect_limit_accuses_nobody():
    """What was disturbed itself is no proof against another; a bench without a limit is never accused."""
    slow = load(rate=10 * GB, status="suspect", reason="steal")
    assert impossible([slow, load(bench="access.rows"), load(bench="free.bench", rate=1e15)], KINDS, SIZES) == {}
