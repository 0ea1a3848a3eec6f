"""The reading of a run: a record's figures, its limit, its share with its doubts, and the marks of the run."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from msgspec.structs import replace

from doubles.scripted import SIZES, record, run_of, scripted_bench
from hwbench import catalog
from hwbench.analysis.headline import Rate
from hwbench.analysis.hierarchy import Found, MeasuredCache
from hwbench.analysis.limits import limit_of, share
from hwbench.analysis.reading import Reading, in_unit, leading_metric
from hwbench.analysis.staircase import Level
from hwbench.record import store
from hwbench.record.estimate import Estimate, estimate
from hwbench.record.model import BANDWIDTH, FLOP_RATE, HOP_TIME, BenchInfo, Cache
from hwbench.record.reasons import Reason

GB = 1e9
BENCH = scripted_bench({"a": 1.0}, limit="load")
KNOWN = {**catalog.benches(), BENCH.name: BENCH}
RUNS = sorted((Path(__file__).parents[2] / "reports/runs").rglob("*.json"))


def load(level="L1", rate=100 * GB, threads=1, **more):
    """Loads of this rate."""
    params = {"size": level, "dtype": "f8", "threads": threads}
    given = {"bench": "stream.load", "params": params, "counts": {"bytes": rate}, "facts": {"threads": threads}} | more
    return record("simd", **given)


def mine(rate=25 * GB, footprint=SIZES["L1"], **more):
    """A record of a bench that loads bound."""
    return record("a", **{"counts": {"bytes": rate, "items": 4.0}, "facts": {"footprint": footprint}} | more)


def test_a_metric_is_told_in_its_unit():
    """Bytes over seconds are GB/s, seconds over hops ns; the interval of a rate is turned round."""
    assert in_unit(mine(), BANDWIDTH) == pytest.approx((25.0, 25.0, 25.0))
    chase = record(samples=(1e-6, 2e-6, 4e-6), counts={"hops": 1000.0})
    found = in_unit(chase, HOP_TIME)
    assert found.value == pytest.approx(2.0)
    assert found.low < found.value < found.high


def test_performance_is_the_leading_metric_beside_the_limit():
    """A quarter of what stream.load reached, in GB/s; without a bench there is no limit, without counts seconds."""
    reading = Reading(run_of(load(), mine()), KNOWN)
    found = reading.performance(mine())
    assert (found.metric, found.unit, found.seconds.value, found.value.value) == (BANDWIDTH, "GB/s", 1.0, 25.0)
    assert (found.share.limit, found.share.value, found.share.doubt) == (reading.limits[0], 0.25, ())
    assert Reading(run_of(load(), mine()), catalog.benches()).performance(mine()).share is None
    bare = reading.performance(record("a", counts={}))
    assert (bare.metric, bare.unit, bare.value, bare.share) == (None, "s", bare.seconds, None)


def test_a_bench_says_which_count_it_leads_with():
    """A product of matrices counts bytes as well; where the count is missing the first that is there leads."""
    both = record("a", counts={"bytes": 1e9, "flops": 2e9})
    leading = scripted_bench({"a": 1.0}, leading="flops")
    assert leading_metric(both, leading.info) is FLOP_RATE
    assert leading_metric(both, None) is leading_metric(mine(), leading.info) is BANDWIDTH
    assert Reading(run_of(both), {leading.name: leading}).performance(both).value.value == pytest.approx(2.0)


def test_the_run_describes_its_own_benches():
    """What a file says of a bench counts before the catalogue."""
    told = {BENCH.name: BenchInfo("?", "a", "copy")}
    reading = Reading(run_of(load(), mine(), benches=told), KNOWN)
    assert reading.share(mine()) is None
    assert reading.share(mine(), "load").value == 0.25


def test_a_share_says_what_is_doubtful_of_it():
    """Above 1.05 of the limit, and of a limit that was disturbed; the figures stand as they are."""
    disturbed = load(status="suspect", reasons=[Reason("steal")])
    for limit, rate, doubt in (
        (load(), 104 * GB, ()), (load(), 106 * GB, ("above_limit",)), (disturbed, 50 * GB, ("suspect_limit",)),
        (disturbed, 150 * GB, ("above_limit", "suspect_limit")),
    ):  # fmt: skip
        reading = Reading(run_of(limit, mine(rate)), KNOWN)
        share = reading.share(reading.records[1])
        assert (share.value, share.doubt) == (pytest.approx(rate / (100 * GB)), doubt)
        above = "above_limit" in doubt
        assert (reading.records[1].status, reading.performance(reading.records[1]).doubt) == (
            ("suspect", ("above_limit",) if limit is disturbed else ("implausible",)) if above else ("ok", ())
        )


def test_where_level_and_limit_do_not_fit_nothing_is_said():
    """Data partly in an L2 that was not measured; a sweep of the limit's own bench; an unknown footprint."""
    reading = Reading(run_of(load("DRAM"), load("L1"), mine()), KNOWN)
    assert reading.share(mine(footprint=int(2.4 * SIZES["L2"]))) is None
    assert reading.share(load("4KiB", facts={"footprint": 4096, "threads": 1})) is None
    assert reading.share(mine(facts={})) is None
    assert reading.share(load("L1")).value == 1.0


def test_data_partly_in_a_nearer_level_are_set_against_it():
    """24 MB where L2 and memory were measured, whatever their rate."""
    reading = Reading(run_of(load("L2"), load("DRAM", 30 * GB), mine()), KNOWN)
    share = reading.share(mine(25 * GB, footprint=int(2.4 * SIZES["L2"])))
    assert (share.limit.level, share.value) == ("L2", 0.25)
    assert reading.level(mine(25 * GB, footprint=int(2.4 * SIZES["L2"]))) == "DRAM"


def test_data_beyond_the_measured_end_of_the_last_cache_are_in_memory():
    """2 MiB where the sweeps end at 1 to 1.5: memory's 30 GB/s, nothing for what is faster, L2 where that is unsure."""
    cache = Cache(2, 2**22, 64, 1)
    run = run_of(load("L2"), load("DRAM", 30 * GB), mine())
    run = replace(run, machine=replace(run.machine, cpu=replace(run.machine.cpu, caches=[cache])))
    ends = MeasuredCache(cache, Level(Estimate(1, 1, 1), 1, 2**20, Estimate(2**20, 2**20, 3 * 2**19)))

    def bound(rate, footprint=2**21, found=ends):
        reading = Reading(run, KNOWN)
        reading.levels = Found([found], None, ("", ""), {})
        share = reading.share(mine(rate, footprint))
        return share and (share.limit.level, share.value)

    assert bound(15 * GB) == ("DRAM", 0.5)
    assert bound(40 * GB) is None
    assert bound(50 * GB, 2**20) == bound(50 * GB, found=dataclasses.replace(ends, unsure=True)) == ("L2", 0.5)


def test_the_roof_is_the_lower_of_slope_and_peak():
    """1 FLOP a byte at 25 GB/s: a quarter of the slope, a half of the peak, which therefore bounds it."""
    peak = record("512", bench="peak.fma", params={"dtype": "f8", "threads": 1}, counts={"flops": 50 * GB})
    both = mine(counts={"bytes": 25 * GB, "flops": 25 * GB}, params={"dtype": "f8"})
    assert Reading(run_of(load(), peak), KNOWN).roof(both).limit.kind == "fma"
    assert Reading(run_of(load()), KNOWN).roof(both).limit.kind == "load"
    assert Reading(run_of(both), KNOWN).roof(both) is None


def test_a_slope_that_was_not_measured_may_be_the_lower_roof():
    """No level is slower than memory: where memory's slope is above the peak, the peak bounds; else nothing is said."""
    peak = record("512", bench="peak.fma", params={"dtype": "f8", "threads": 1}, counts={"flops": 50 * GB})
    reading = Reading(run_of(load("L1"), load("DRAM", 10 * GB), peak), KNOWN)

    def roof(intensity, **more):
        counts = {"bytes": GB, "flops": intensity * GB}
        return reading.roof(mine(**{"footprint": SIZES["L2"], "counts": counts, "params": {"dtype": "f8"}} | more))

    assert [roof(intensity) is not None for intensity in (4.9, 5.1)] == [False, True]
    assert roof(5.1).limit.kind == "fma"
    assert [roof(intensity, facts={}) is not None for intensity in (4.9, 5.1)] == [False, True]  # footprint unknown
    reading = Reading(run_of(load("L1"), peak), KNOWN)  # L1 is nearer, and says nothing of L2
    assert roof(1e9) is None
    assert roof(0, counts={"flops": GB}).limit.kind == "fma"  # what moves nothing has no slope


def test_the_machine_is_all_threads_on_as_many_bytes():
    """On two threads each has half; of the kinds the first that was measured counts; a GPU is not set against it."""
    one, two = load(), load(rate=180 * GB, threads=2)
    reading = Reading(run_of(one, two, load("L2", 90 * GB, 2)), KNOWN)
    bytes_ = 2.0 * SIZES["L1"]
    found = reading.machine_limit(mine(counts={"bytes": bytes_}), ("triad", "load"))
    assert (found.level, found.threads, found.value) == ("L1", 2, 180 * GB)
    assert reading.machine_limit(mine(counts={"bytes": bytes_}), ("triad",)) is None
    assert reading.machine_limit(mine(counts={"bytes": bytes_}, device="gpu:0"), ("load",)) is None
    assert reading.machine_limit(mine(counts={}), ("load",)) is None


def test_a_machine_is_what_all_its_threads_do():
    """Disturbed on all threads is nearer the machine than undisturbed on one, and is never replaced."""

    def peak(rate, threads, **more):
        return record("512", bench="peak.fma", params={"dtype": "f4", "threads": threads}, counts={"flops": rate},
                      facts={"threads": threads}, **more)  # fmt: skip

    disturbed = {"status": "suspect", "reasons": [Reason("steal")]}
    found = Reading(run_of(peak(2e11, 1), peak(4e11, 2, **disturbed)), KNOWN).best("fma", dtype="f4")
    assert (found.threads, found.value, bool(found.suspect)) == (2, 4e11, True)
    reading = Reading(run_of(load("DRAM", 20 * GB), load("DRAM", 30 * GB, **disturbed), load("L1")), KNOWN)
    assert (reading.best("load", "copy", level="DRAM").value, reading.best("load").level) == (30 * GB, "L1")
    assert reading.best("fma") is reading.best("load", device="gpu:0") is reading.best("load", dtype="f4") is None


def test_headline_quantities_are_looked_up_by_name_and_device():
    """None for what was not measured."""
    reading = Reading(run_of(load("DRAM", 30 * GB)), KNOWN)
    assert reading.get("dram.read.one").value == 30 * GB
    assert reading.get("dram.read.all") is reading.get("dram.read.one", "gpu:0") is None


def test_twins_that_disagree_are_marked_and_never_stored():
    """Their limit is suspect then; the run that was read is as it was."""

    def chase(bench, seconds, **params):
        return record("follow", (seconds,) * 3, bench=bench, params={"size": "DRAM", "pages": "huge"} | params,
                      counts={"hops": 1.0})  # fmt: skip

    run = run_of(chase("latency.chase", 4e-7, order="random"), chase("latency.parallel", 2.6e-7, chains=1))
    reading = Reading(run, KNOWN)
    assert [one.status for one in run.records] == ["ok", "ok"]
    assert [one.status for one in reading.records] == ["suspect", "suspect"]
    assert reading.get("dram.latency").doubt == ["twins"]
    assert reading.limits[0].suspect
    assert Reading.of(reading) is reading
    assert Reading(reading.run).run == reading.run


@pytest.mark.parametrize("path", RUNS, ids=lambda path: path.stem)
def test_no_share_of_a_committed_run_is_above_its_limit_without_a_mark(path: Path) -> None:
    """The share has its doubt, the record is suspect; and reading what was read changes nothing."""
    reading = Reading(store.read(path), catalog.benches())
    for one in reading.records:
        share = reading.share(one) if one.timed else None
        if share is not None and share.value > 1.05:
            assert "above_limit" in share.doubt
            assert one.status == "suspect"
    assert Reading(reading.run, catalog.benches()).run == reading.run


def test_each_variant_has_its_own_peak_and_the_fastest_is_the_headlines():
    """Peaks by width as the limits have them; the record of the fastest median is the one that the headline names."""
    peaks = [
        record(width, bench="peak.fma", params={"dtype": "f8", "threads": 1}, counts={"flops": rate})
        for width, rate in (("128", 28 * GB), ("512", 58 * GB))
    ]
    reading = Reading(run_of(*peaks), KNOWN)
    found = reading.by_variant("fma", 1, "f8")
    assert [(one.variant, one.value) for one in found] == [("128", 28 * GB), ("512", 58 * GB)]
    assert reading.by_variant("fma", 2, "f8") == []
    fastest = reading.fastest(Rate("fma", "flops", {"dtype": "f8", "threads": 1}))
    assert fastest.variant == "512" and fastest.case.label == reading.get("peak.f8.one").record


def test_memory_is_that_of_reading_on_all_threads_where_they_were_measured():
    """A copy stands in only where no read was measured, under its own name; threads are chosen first."""
    reading = Reading(run_of(load("DRAM", 20 * GB)), KNOWN)
    assert (reading.who, reading.memory().name) == ("one", "dram.read.one")
    every = load("DRAM", 30 * GB, 2)
    every.params["threads"] = "all"
    reading = Reading(run_of(load("DRAM", 20 * GB), every), KNOWN)
    assert (reading.who, reading.memory().name) == ("all", "dram.read.all")
    copy = load("DRAM", bench="stream.copy")
    assert Reading(run_of(copy), KNOWN).memory().name == "dram.copy.one"
    assert Reading(run_of(mine()), KNOWN).memory() is None


def test_a_gpus_roof_is_the_better_slope_or_the_peak_of_its_precision():
    """Copy and triad are one slope; of fused multiply-adds and products of matrices the higher rate is the ceiling."""
    facts = {"footprint": 2**30, "l2_bytes": 2**20}
    given = [
        record("x", bench="device.stream", device="gpu:0", params={"kernel": kernel, "size": "HBM"},
               counts={"bytes": rate * GB}, facts=facts)
        for kernel, rate in (("copy", 100), ("triad", 200))
    ]  # fmt: skip
    given += [
        record("x", bench="device.peak", device="gpu:0", params={"dtype": "f8"}, counts={"flops": 50 * GB}),
        record("x", bench="device.matmul", device="gpu:0", params={"precision": "f8"}, counts={"flops": 80 * GB}),
    ]
    work = record("a", device="gpu:0", params={"dtype": "f8"}, counts={"bytes": 50 * GB, "flops": 8 * GB}, facts=facts)
    reading = Reading(run_of(*given, work), KNOWN)
    share = reading.roof(work)
    assert (share.limit.kind, share.value) == ("gpu triad", 0.25)
    dense = record("a", device="gpu:0", params={"dtype": "f8"}, counts={"bytes": GB, "flops": 100 * GB}, facts=facts)
    share = reading.roof(dense)
    assert (share.limit.kind, share.text) == ("gpu matmul", "125%~")


@pytest.mark.parametrize("path", RUNS, ids=lambda path: path.stem)
def test_no_median_is_better_than_the_limit_of_its_kind(path):
    """A limit is the best sample of any variant, a suspect one's too: 34.9 GB/s stood beside a median of 35.7."""
    reading = Reading(store.read(path))
    limits = {limit.place: limit for limit in reading.limits}
    for one in reading.records:
        own = limit_of(one, reading.benches)
        if own is not None:
            assert share(one, limits[own.place], estimate(one.samples).value) <= 1, one.case.label
