"""Figures that the machine's limits refute, and limits that a level further out calls in doubt."""

from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from doubles.scripted import SIZES, record, run_of
from hwbench.analysis.limits import measured
from hwbench.analysis.plausibility import above, concluded, doubtful, impossible, judged
from hwbench.analysis.reading import Reading
from hwbench.record import store
from hwbench.record.model import BenchInfo, Cache, Cpu
from hwbench.record.reasons import CONCLUDED, Reason, has
from made_up.declared import DECLARED

GB = 1e9


def load(level="L1", rate=100 * GB, threads=1, variant="simd", **more):
    """A record of stream.load whose best sample has this rate."""
    best = 1e6 / rate
    params = {"size": level, "dtype": "f8", "threads": threads}
    given_ = {"bench": "stream.load", "counts": {"bytes": 1e6}, "params": params, "facts": {"threads": threads}} | more
    return record(variant, samples=(best * 1.5, best, best * 2), **given_)


MIB = 2**20


EIGHT = Cpu(model="", arch="x86_64", logical=16, physical=8, smt=2, caches=[
    Cache(1, 32 * 2**10, 64, 2), Cache(2, MIB, 64, 2), Cache(3, 32 * MIB, 64, 16)])  # fmt: skip


KINDS = DECLARED | {
    "access.rows": BenchInfo("How fast?", "x", "load"),
    "free.bench": BenchInfo("How fast?", "x"),
}


def test_faster_than_the_limit_cannot_be():
    """6% above the limit is told with both; 4% is two measurements of one thing."""
    fast = load(bench="access.rows", rate=106 * GB)
    reasons = impossible([load(), load(bench="access.rows", rate=104 * GB), fast], KINDS, SIZES)
    assert reasons == {2: Reason("implausible", "1.06 times the limit it should touch (L1 load, 1 thread: 100 GB/s)")}


def test_data_a_little_larger_than_a_cache_is_not_refused_for_being_faster_than_the_next_level():
    """2.4 MB over an L2 of 2 MiB came at 54 GB/s, with L2 at 108 and L3 at 30: refused only beyond L2's limit."""
    sizes = {"L1": 24 * 2**10, "L2": MIB, "L3": 8 * MIB, "DRAM": 1920 * MIB}

    def add(rate):
        return load("x", rate * GB, bench="access.rows", facts={"footprint": 2_400_000})

    limits = [load("L1", 400 * GB), load("L2", 108 * GB), load("L3", 30 * GB)]
    assert impossible([*limits, add(40), add(54)], KINDS, sizes) == {}
    [reason] = impossible([*limits, add(120)], KINDS, sizes).values()
    assert reason == Reason("implausible", "1.11 times the limit it should touch (L2 load, 1 thread: 108 GB/s)")
    # Where nobody measured what L2 does, nothing can be said.
    assert impossible([limits[2], add(54)], KINDS, sizes) == {}


def test_a_level_slower_than_one_further_out_is_the_doubtful_one():
    """AMD, two threads: stores to L1 at 179 GB/s where L2 takes 210 and one thread 117. L2's is kept, L1's is told.

    Nor does what is doubtful refute others: a bench in L1 at 230 is marked as above a limit that is suspect itself.
    """
    both = [load("L1", 117 * GB), load("L2", 107 * GB), load("L1", 179 * GB, threads=2, variant="numba")]
    both += [load("L1", 179.5 * GB, threads=2), load("L2", 210 * GB, threads=2)]
    slow = load("L1", 150 * GB, threads=2, variant="slow")
    mine = load("x", 230 * GB, threads=2, bench="access.rows", facts={"footprint": 1024, "threads": 2})
    told = doubtful([*both, slow, mine], KINDS)
    assert list(told) == [2, 3]
    assert told[3] == Reason("doubtful", "L2 load, 2 threads: 210 GB/s")
    assert impossible([*both, slow, mine], KINDS, SIZES) == {}
    after = judged([*both, slow, mine], KINDS, SIZES)
    assert [one.status for one in after] == ["ok", "ok", "suspect", "suspect", "ok", "ok", "suspect"]
    assert after[6].codes == ["above_limit"]
    best = {(limit.level, limit.threads): limit for limit in measured(after, DECLARED)}
    assert (best["L2", 2].suspect, best["L1", 2].suspect, best["L2", 2].value) == (
        "",
        str(told[3]),
        pytest.approx(210 * GB),
    )


def test_a_level_is_passed_over_that_is_missing():
    """Memory at 60 GB/s under an L2 of 50, without L3; within a tenth it is one and the same."""
    records = [load("L1", 100 * GB), load("L2", 50 * GB), load("DRAM", 60 * GB), load("DRAM", 70 * GB, threads=2)]
    assert list(doubtful(records, KINDS)) == [1]
    assert doubtful([load("L2", 50 * GB), load("DRAM", 54 * GB)], KINDS) == {}


def test_a_level_that_beats_a_nearer_one_by_more_than_its_threads_do_alone_is_refused():
    """Two threads at 300 GB/s in L2, where one does 107: no disturbance of L1 explains that, and L1 is left alone."""
    records = [load("L1", 117 * GB), load("L2", 107 * GB), load("L1", 179 * GB, threads=2)]
    records.append(load("L2", 300 * GB, threads=2))
    assert impossible(records, KINDS, SIZES) == {
        3: Reason(
            "implausible",
            "faster than L1 load, 2 threads (179 GB/s), a level nearer to the core, "
            "and than 2 times L2 load, 1 thread (107 GB/s)",
        )
    }
    assert doubtful(records, KINDS) == {}


def test_a_level_that_beats_a_nearer_one_by_more_than_lines_can_move_is_refused():
    """Beyond L1 a core moves two lines a cycle at most: 512 GB/s at 4 GHz; without a clock nothing is known."""

    def pair(**more):
        return [load("L1", 400 * GB), load("L2", 600 * GB, **more)]

    [reason] = impossible(pair(telemetry={"clock_hz": [3.9e9, 4e9]}), KINDS, SIZES, EIGHT).values()
    assert reason.detail.endswith("and than 2 lines a cycle (512 GB/s)")
    assert impossible(pair(telemetry={"clock_hz": [4.9e9]}), KINDS, SIZES, EIGHT) == {}
    assert impossible(pair(), KINDS, SIZES, EIGHT) == {}


def test_a_hundredth_above_what_threads_or_lines_can_do_is_two_measurements_of_one_thing():
    """Bounds are compared within the tolerance of a limit."""
    records = [load("L1", 179 * GB, threads=2), load("L2", 107 * GB), load("L2", 216 * GB, threads=2)]
    assert impossible(records, KINDS, SIZES) == {}
    clock = {"telemetry": {"clock_hz": [4e9]}}
    assert impossible([load("L1", 400 * GB), load("L2", 520 * GB, **clock)], KINDS, SIZES, EIGHT) == {}


def test_without_a_clock_or_a_line_nothing_is_known_of_lines():
    """Also where the file has neither a list of readings nor caches."""
    small = Cpu(model="", arch="x86_64", logical=1, physical=1, smt=1, caches=[])
    for readings, cpu in (([], EIGHT), (4e9, EIGHT), ([4e9], small), ([4e9], None)):
        both = [load("L1", 400 * GB), load("L2", 600 * GB, telemetry={"clock_hz": readings})]
        assert impossible(both, KINDS, SIZES, cpu) == {}


def test_one_thread_that_was_disturbed_is_no_bound_of_several():
    """Its sum is not what they can do."""
    records = [load("L1", 179 * GB, threads=2), load("L2", 300 * GB, threads=2)]
    one = load("L2", 107 * GB, status="suspect", reasons=[Reason("steal")])
    assert impossible([*records, one], KINDS, SIZES) == {}


def test_the_fastest_of_what_lies_further_out_is_named():
    """In whatever order they were measured; an eighth faster is enough."""
    for further in ([60, 70], [70, 60]):
        records = [load("L1", 50 * GB), *(load("L2", rate * GB, variant=f"v{rate}") for rate in further)]
        assert doubtful(records, KINDS) == {0: Reason("doubtful", "L2 load, 1 thread: 70.0 GB/s")}
    assert list(doubtful([load("L1", 50 * GB), load("L2", 56 * GB)], KINDS)) == [0]


def test_a_nearer_level_that_was_disturbed_is_passed_over():
    """It accuses nobody, and another level of the same data is no nearer one."""
    slow = load("L1", 10 * GB, status="suspect", reasons=[Reason("steal")])
    assert impossible([slow, load("L2", 600 * GB, telemetry={"clock_hz": [4e9]})], KINDS, SIZES, EIGHT) == {}


def test_benches_that_a_file_does_not_describe_are_looked_up():
    """In the catalogue that the reader gives; without one nothing is concluded about them."""
    limit, fast = (msgspec.structs.replace(one, bench=f"own.{one.bench}") for one in (LIMIT, FAST))
    run = run_of(limit, fast, benches={})
    catalogue = {f"own.{name}": SimpleNamespace(info=info) for name, info in BENCHES.items()}
    assert concluded(run).records[1].codes == ["steal"]
    assert concluded(run, catalogue).records[1].codes == ["steal", "implausible"]


def test_a_latency_longer_than_that_of_a_level_further_out_is_doubtful():
    """L1 slower than DRAM is told for hops, too, where less is better."""
    chase = {"bench": "latency.chase", "counts": {"hops": 1.0}}
    records = [
        record(samples=(2e-9,), params={"size": "L1"}, **chase),
        record(samples=(1e-9,), params={"size": "DRAM"}, **chase),
    ]
    assert list(doubtful(records, KINDS)) == [0]
    assert impossible(records, KINDS, SIZES) == {}


def test_judging_again_replaces_what_was_said():
    """A run that was cut off was judged by part of its limits; what the whole says is said once, and no more."""
    fast = load(bench="access.rows", rate=106 * GB, status="suspect", reasons=[Reason("steal")])
    once = judged([load(), fast], KINDS, SIZES)
    assert judged(once, KINDS, SIZES) == once
    assert [one.code for one in once[1].reasons] == ["steal", "implausible"]
    better = judged([*once, load(rate=110 * GB, variant="numba")], KINDS, SIZES)
    assert better[1] == fast
    low = judged([load(rate=50 * GB), load("L2", 90 * GB)], KINDS, SIZES)
    assert (low[0].status, judged([low[0], load(rate=90 * GB), low[1]], KINDS, SIZES)[0].status) == ("suspect", "ok")


@pytest.mark.parametrize(
    ("name", "doubtful_cases"),
    [
        ("amd-epyc-2cpu/*-a4a383b17734", ["stream.store/simd [L1, f8, all, huge]"]),
        ("intel-xeon-2cpu/*", []),
    ],
)
def test_the_committed_runs_hold_nothing_that_cannot_be_true(name, doubtful_cases):
    """A hundred thousand elements on the Intel guest, and stores to L2 on the AMD, were refused, and were true."""
    [path] = (Path(__file__).parents[2] / "reports/runs").glob(f"{name}.json")
    run = store.read(path)
    after = judged(run.records, DECLARED, run.policy.sizes, run.machine.cpu)
    assert [one.case.label for one in after if has(one.reasons, "implausible")] == []
    assert [one.case.label for one in after if has(one.reasons, "doubtful")] == doubtful_cases


def test_a_suspect_limit_accuses_nobody():
    """What was disturbed itself is no proof against another; a bench without a limit is never accused."""
    slow = load(rate=10 * GB, status="suspect", reasons=[Reason("steal")])
    assert impossible([slow, load(bench="access.rows"), load(bench="free.bench", rate=1e15)], KINDS, SIZES) == {}


def test_a_figure_above_a_suspect_limit_is_marked_all_the_same():
    """Either may be wrong: the figure is not refused, the reason names both, and judged again it says so once."""
    slow, mine = (
        load(rate=10 * GB, status="suspect", reasons=[Reason("steal")]),
        load(bench="access.rows", rate=106 * GB),
    )
    marked = judged([slow, mine], KINDS, SIZES)
    assert (marked[0], marked[1].status) == (slow, "suspect")
    assert marked[1].reasons == [Reason("above_limit", "10.6 times L1 load, 1 thread: 10.0 GB/s")]
    assert judged(marked, KINDS, SIZES) == marked
    assert judged([load(), marked[1]], KINDS, SIZES)[1].why.startswith("cannot be true: 1.06 times")
    assert above([slow, load(bench="access.rows", rate=10.4 * GB)], KINDS, SIZES) == {}
    assert above([load(), load(bench="access.rows", rate=106 * GB)], KINDS, SIZES) == {}


def test_conclusions_about_a_bench_without_a_declaration_are_kept():
    """They cannot be drawn anew, except for twins; those about a declared bench are replaced."""
    known, unknown = (
        load(bench=bench, rate=50 * GB, status="suspect", reasons=[Reason("implausible", "1.50 times …"), Reason(more)])
        for bench, more in (("access.rows", "doubtful"), ("gone.bench", "twins"))
    )
    _, now, kept = judged([load(), known, unknown], KINDS, SIZES)
    assert (now.status, now.reasons) == ("ok", [])
    assert kept.reasons == [Reason("implausible", "1.50 times …")]


PARAMS = {"size": "L1", "dtype": "f8"}
LIMIT = record(samples=(1.0,) * 3, bench="stream.load", params=PARAMS, counts={"bytes": 1e9})
FAST = record(
    samples=(0.5,) * 3,
    bench="access.steps",
    params=PARAMS,
    counts={"bytes": 1e9},
    status="suspect",
    reasons=[Reason("steal")],
)
BENCHES = {
    "access.steps": BenchInfo("How fast?", "fast", "load"),
    "stream.load": BenchInfo("How fast?", "simd", "load", "load"),
}


def test_a_figure_above_its_limit_becomes_suspect_and_keeps_its_first_reason():
    """A rate above the measured limit is suspect, with what was said before it kept; nothing is dropped."""
    run = concluded(run_of(LIMIT, FAST, benches=BENCHES))
    assert run.records[0] == LIMIT
    assert (run.records[1].status, run.records[1].samples) == ("suspect", FAST.samples)
    assert run.records[1].reasons == [
        Reason("steal"),
        Reason("implausible", "2.00 times the limit it should touch (L1 load, 1 thread: 1.00 GB/s)"),
    ]
    assert concluded(run) == run  # once said, a verdict is not said again


def test_an_older_run_is_judged_anew_by_what_its_benches_declared_then():
    """What is stored is dropped first: the page and `compare` say the same of an old file."""
    at = {"bench": "access.stride", "params": PARAMS, "counts": {"bytes": 1e9}}
    stored = [Reason("steal"), Reason("doubtful", "of an earlier version")]
    slow, fast = (record(samples=(seconds,) * 3, status="suspect", reasons=stored, **at) for seconds in (2.0, 0.5))
    run = run_of(LIMIT, slow, fast)
    assert [one.codes for one in concluded(run).records] == [[], ["steal"], ["steal", "implausible"]]
    assert concluded(concluded(run)) == concluded(run)
    assert Reading(run).records == concluded(run).records


def test_what_the_committed_files_hold_of_conclusions_is_concluded_again():
    """An older hwbench stored two: today's rules say the same of both, in the same words."""
    paths = sorted((Path(__file__).parents[2] / "reports").glob("*/*/*.json"))  # of runs and comparisons
    found = []
    for run in map(store.read, paths):
        for before, now in zip(run.records, concluded(run).records, strict=True):
            if has(before.reasons, *CONCLUDED):
                assert now.reasons == before.reasons
                found += before.codes
    assert sorted(found) == ["doubtful", "implausible"]


@pytest.mark.parametrize("limit", [None, "gpu matmul", "something newer"])
def test_a_bench_without_a_known_limit_accuses_nobody(limit):
    """A file may name a kind of limit that this hwbench does not know."""
    benches = BENCHES | {"access.steps": BenchInfo("How fast?", "fast", limit)}
    run = run_of(LIMIT, FAST, benches=benches)
    assert concluded(run).records == run.records
    on_gpu = msgspec.structs.replace(FAST, device="gpu:0")
    assert concluded(run_of(LIMIT, on_gpu, benches=benches)).records[1] == on_gpu
