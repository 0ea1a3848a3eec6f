"""Cases that measure one quantity: what is a twin, and what becomes of twins that disagree."""

import pytest

from doubles.scripted import record
from hwbench.analysis import twins
from hwbench.analysis.plausibility import judged
from hwbench.record.reasons import Reason
from made_up.declared import DECLARED

HUGE = {"size": "DRAM", "pages": "huge"}


def quantity(one):
    """By what the benches of this hwbench declare."""
    return twins.quantity(one, DECLARED)


def disagreeing(records):
    return twins.disagreeing(records, DECLARED)


def marked(records):
    return judged(records, DECLARED, {})


def hops(bench, variant, nanoseconds, spread=0.001, **params):
    """A chase whose hops take so long."""
    samples = [1e-9 * nanoseconds * 1000 * (1 + spread * (at - 2)) for at in range(5)]
    return record(variant, samples, bench=bench, params=HUGE | params, counts={"hops": 1000.0}, facts={"elements": 512})


def chase(nanoseconds=150, **more):
    return hops("latency.chase", "follow", nanoseconds, **{"order": "random"} | more)


def parallel(nanoseconds, **more):
    return hops("latency.parallel", "follow", nanoseconds, **{"chains": 1} | more)


def loaded(variant, nanoseconds, **more):
    return hops("latency.loaded", variant, nanoseconds, **{"gap": "idle"} | more)


def test_idle_latency_is_one_quantity_in_three_benches():
    """By a chase in random order, one of several chases, and the chase while nothing streams."""
    same = [chase(), parallel(150), loaded("read", 150), loaded("write", 150)]
    assert len({quantity(one) for one in same}) == 1
    others = [chase(order="page-local"), parallel(20, chains=2), loaded("read", 300, gap=0), chase(pages="4K")]
    assert quantity(same[0]) not in {quantity(one) for one in others}


def test_twins_within_the_run_to_run_deviation_agree():
    """Intervals apart by 5% touch when each is widened by 3%; apart by 8% they do not."""
    assert disagreeing([chase(150), parallel(157)]) == {}
    assert set(disagreeing([chase(150), parallel(162)])) == {0, 1}
    assert disagreeing([chase(150), parallel(162, spread=0.02)]) == {}


def test_all_twins_are_marked_and_each_names_the_furthest():
    """One chase of four is 260 ns: nothing tells which is wrong, so that all four are marked."""
    records = [chase(398), loaded("read", 399), loaded("write", 382), parallel(260), chase(1, size="L1", pages="4K")]
    found = marked(records)
    assert [one.status for one in found] == ["suspect"] * 4 + ["ok"]
    assert found[0].reasons == [Reason("twins", "latency.parallel/follow [DRAM, huge, 1]: 260 ns")]
    assert found[3].reasons == [Reason("twins", "latency.loaded/read [DRAM, huge, idle]: 399 ns")]
    assert found[4] == records[4]


def test_marks_are_replaced_and_other_reasons_kept():
    """A run that is complete now is judged anew."""
    disturbed = record("follow", bench="latency.chase", params=HUGE, samples=(1.0,) * 3, counts={"hops": 10.0},
                       facts={"elements": 512}, status="suspect", reasons=[Reason("steal")])  # fmt: skip
    once = marked([disturbed, parallel(260)])
    assert once[0].codes == ["steal", "twins"]
    assert marked(once) == once
    assert marked(once[:1]) == [disturbed]
    assert marked(once[1:]) == [parallel(260)]


def load(size, seconds, footprint=2**20, **more):
    params = {"size": size, "dtype": "f8", "threads": 1}
    facts = {"footprint": footprint, "threads": 1}
    given = {"bench": "stream.load", "params": params, "counts": {"bytes": 1e6}, "facts": facts} | more
    return record("simd", (seconds,) * 5, **given)


def test_one_footprint_by_its_label_and_in_a_sweep_is_one_quantity():
    """Bytes, threads and variant being the same; another footprint, or none, is another."""
    assert set(disagreeing([load("L2", 1.0), load("1MiB", 1.2)])) == {0, 1}
    assert disagreeing([load("L2", 1.0), load("1MiB", 1.2, footprint=2**21)]) == {}
    assert disagreeing([load("L2", 1.0), load("1MiB", 1.2, counts={"bytes": 2e6})]) == {}
    assert disagreeing([load("L2", 1.0), load("DRAM", 1.2)]) == {}  # a file that states one footprint for both
    assert quantity(load("L2", 1.0, facts={})) is quantity(load("L2", 1.0, status="wrong")) is None


def test_strong_and_weak_scaling_meet_at_all_threads():
    """The same length on the same threads; on one thread the lengths differ."""

    def scaled(scaling, threads, items, seconds):
        params = {"work": "triad", "scaling": scaling, "threads": threads}
        return record("prange", (seconds,) * 5, bench="parallel.scaling", params=params, counts={"items": items},
                      facts={"footprint": 100, "threads": threads})  # fmt: skip

    records = [scaled("strong", 1, 8.0, 4.0), scaled("weak", 1, 4.0, 2.0), scaled("strong", 2, 8.0, 2.0)]
    assert set(disagreeing([*records, scaled("weak", 2, 8.0, 3.0)])) == {2, 3}
    assert disagreeing([*records, scaled("weak", 2, 8.0, 2.0)]) == {}


@pytest.mark.parametrize(("pieces", "marks"), [(1, {0, 1}), (4, set())])
def test_one_piece_is_sent_alike_by_both_ways_to_wait(pieces, marks):
    """A wait after each of one piece is a wait at the end."""

    def sent(variant, seconds):
        params = {"direction": "h2d", "size": "64MiB", "pieces": pieces}
        return record(variant, (seconds,) * 5, bench="transfer.chunks", device="gpu:0", params=params,
                      counts={"bytes": 2.0**26}, facts={"footprint": 2**26})  # fmt: skip

    assert set(disagreeing([sent("once", 1.0), sent("each", 1.2), sent("cupy", 2.0)])) == marks


def test_too_few_samples_contradict_nobody():
    """Two samples give no interval."""
    short = record(
        "follow", (1.0, 1.0), bench="latency.chase", params=HUGE, counts={"hops": 10.0}, facts={"elements": 512}
    )
    assert disagreeing([short, parallel(150)]) == {}
