"""What findings are read from: records found by variant and parameters, ratios paired where they can be."""

from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from doubles.scripted import SIZES, record, run_of, scripted_bench
from hwbench import catalog
from hwbench.analysis.findings import BenchResults, findings
from hwbench.record import store
from hwbench.record.estimate import Estimate
from hwbench.record.phrases import MOST, of_limit
from hwbench.record.reasons import Reason, because
from inspection.told import STOLEN
from made_up.declared import described
from made_up.sample import sample_run

BENCH = scripted_bench({"a": 1.0, "b": 1.0}, limit="load")


def reading(*records):
    return BenchResults(BENCH, described(run_of(*records)))


def test_records_are_found_by_variant_and_parameters():
    """The first timed record that fits; others of the run, skipped ones and other values are not found."""
    first = record("a", params={"size": "L1", "n": 1})
    found = reading(
        record("a", status="skipped", samples=(), params={"size": "L1", "n": 1}),
        record("a", bench="other.bench"),
        first,
        record("a", params={"size": "L2", "n": 1}),
    )  # fmt: skip
    assert found.find("a", size="L1") == first
    assert found.find("a", size="L3") is None
    assert found.find("b") is None
    assert len(found.records) == 3


def test_thousands_of_records_are_found_without_a_look_at_each():
    """Each is asked for once, and the parameters of few are looked at; other records in their place are found, too."""
    looked = []

    class Counted(dict):
        def __getitem__(self, name):
            looked.append(name)
            return super().__getitem__(name)

    many = [record(variant, params={"n": n}) for n in range(500) for variant in "ab"]
    found = reading(*many)
    found.records = [replace(one, params=Counted(one.params)) for one in found.records]
    assert [found.find("a", n=n).params["n"] for n in range(500)] == list(range(500))
    assert all(found.ratio("a", over="b", n=n) for n in range(500))
    assert len(looked) < 10 * len(many)
    found.records = found.records[:2]
    assert found.find("a", n=400) is None


def test_ratios_pair_at_the_same_values():
    """`b` over `a` at the first size where both were timed; None where they never met."""
    records = [
        record("b", samples=(9.0, 9.0, 9.0), params={"size": "L1"}),
        record("a", samples=(2.0, 4.0, 8.0), params={"size": "L2"}),
        record("b", samples=(4.0, 8.0, 16.0), params={"size": "L2"}),
    ]
    assert reading(*records).ratio("b", "a") == Estimate(2.0, 2.0, 2.0)
    assert reading(*records).ratio("b", "a", size="L1") is None


def test_what_did_other_work_is_not_compared():
    """A label that is another size on another device makes no contrast: the counts differ."""
    cpu = record("a", params={"size": "L2"}, counts={"bytes": 1e6})
    gpu = record("b", params={"size": "L2"}, counts={"bytes": 1e8}, device="gpu:0")
    assert reading(cpu, gpu).ratio("b", "a") is None
    assert reading(cpu, record("b", params={"size": "L2"}, counts={"bytes": 1e6})).ratio("b", "a").value == 1.0


def test_rates_and_shares_come_from_counts():
    """Seconds an item, items a second and the share of the bench's own limit or a named one."""
    peak = record(samples=(1.0,) * 3, bench="stream.load", params={"size": "L1"}, counts={"bytes": 100.0})
    mine = record("a", samples=(2.0,) * 3, counts={"items": 4.0, "bytes": 50.0}, facts={"footprint": SIZES["L1"]})
    found = reading(peak, mine)
    assert found.each("items", "a").value == 0.5
    assert found.rate("a", "items").value == 2.0
    assert (found.share("a").value, found.share("a").text, found.share("a").doubt) == (pytest.approx(0.25), "25%", ())
    assert found.each("hops", "a") is found.rate("a", "hops") is found.share("a", "fma") is found.share("b") is None


def test_a_share_of_a_suspect_limit_is_doubtful():
    """Whether it is below that limit or above it; the sentence has the doubt in words."""
    peak = record(samples=(1.0,) * 3, bench="stream.load", params={"size": "L1"}, counts={"bytes": 100.0},
                  status="suspect", reasons=[Reason("steal", "3% of a CPU")])  # fmt: skip
    mine = record("a", samples=(2.0,) * 3, counts={"bytes": 50.0}, facts={"footprint": SIZES["L1"]})
    share = reading(peak, mine).share("a")
    assert (share.text, share.doubt) == ("25%~", ("suspect_limit",))
    assert of_limit(share, "the limit") == "25% of the limit (suspect limit)"


def test_records_are_chosen_as_the_headline_chooses_them():
    """The fastest of a place; a pair and its value; one thread and the most."""
    load = [record(name, samples=(seconds,) * 3, bench="stream.load", params={"size": "L1", "threads": threads},
                   counts={"bytes": 1.0}, facts={"threads": threads})
            for name, seconds, threads in (("simd", 2.0, 1), ("numba", 1.0, 1), ("numba", 0.5, 2))]  # fmt: skip
    branches = [record(name, samples=(seconds,) * 3, bench="branch.prediction", params={"share": 0.5, "n": 100},
                       counts={"items": 100.0}) for name, seconds in (("shuffled", 2.0), ("sorted", 1.0))]  # fmt: skip
    run = described(run_of(*load, *branches))
    found, other = (BenchResults(catalog.benches()[name], run) for name in ("stream.load", "branch.prediction"))
    assert found.fastest("bytes", {"size": "L1", "threads": 1}) == load[1]
    assert found.fastest("bytes", {"size": "L1", "threads": 1}, ("simd",)) == load[0]
    assert found.fastest("bytes", {"size": "L2"}) is found.fastest("flops", {}) is None
    assert found.one_and_most(size="L1") == (load[1], load[2])
    assert other.pair("mispredict") == tuple(branches)
    assert other.headline("mispredict").value == pytest.approx(0.02)
    assert found.pair("mispredict") is found.headline("mispredict") is other.one_and_most() is None


def crossing(*ratios):
    """A reading of `a` over `b` at n = 1, 10, 100 …, each ratio as (lowest, middle, highest) of its samples."""
    records = []
    for power, (low, middle, high) in enumerate(ratios):
        params, samples = {"n": 10**power}, (low, *[middle] * 3, high)
        records += [record("a", samples=samples, params=params), record("b", samples=(1.0,) * 5, params=params)]
    return reading(*records).overtakes("a", "b", "NumPy")


@pytest.mark.parametrize(
    ("ratios", "said"),
    [
        ([(2.0, 2.1, 2.2)], ""),
        ([(2.0, 2.1, 2.2), (1.5, 1.6, 1.7)], "is not faster than NumPy up to n = 10"),
        ([(0.4, 0.5, 0.6), (0.2, 0.3, 0.4)], "beats NumPy at every length from n = 1"),
        ([(2.0, 2.0, 2.0), (0.5, 0.5, 0.5)], "beats NumPy from n ≈ 3"),
        ([(1.1, 1.1, 1.1), (0.01, 0.01, 0.01)], "beats NumPy from n ≈ 2"),
        ([(2.0, 2.0, 2.0), (0.5, 0.9, 1.2)], "does not clearly beat NumPy up to n = 10"),
        (
            [(2.0, 2.0, 2.0), (0.8, 1.1, 1.5), (0.8, 0.95, 1.5), (0.2, 0.3, 0.4)],
            "has no clear crossover with NumPy between n = 6 and n = 203",
        ),
    ],
)
def test_a_crossover_is_told_only_where_it_is_clear(ratios, said):
    """From two lengths on; never beyond the measured range, nor with an interval of a decade or without an end."""
    assert crossing(*ratios) == said


def test_sizes_of_a_sweep_that_is_wholly_suspect_are_marked():
    """One case that is not suspect is enough for no mark: single points move no step."""
    chase = catalog.benches()["latency.chase"]
    run = sample_run(benches=("latency.chase",), every_status=False)
    doubted = [replace(one, status="suspect", reasons=[because("steal")]) for one in run.records]
    for records, marks in ((doubted, True), ([run.records[0], *doubted[1:]], False)):
        sentences = BenchResults(chase, replace(run, records=records)).levels()
        assert [said.endswith(STOLEN) for said in sentences] == [marks] * 2


def test_findings_are_told_in_the_order_of_benches():
    """A bench with nothing to say, no hook or no records is left out."""
    said, silent, absent = (
        scripted_bench({"a": 1.0}),
        scripted_bench({"a": 1.0}, "b.b"),
        scripted_bench({"a": 1.0}, "c.c"),
    )
    said.finding(lambda r: [f"{r.find('a').samples[0]:g} s"])
    silent.finding(lambda r: [])
    absent.finding(lambda r: 1 / 0)
    run = run_of(record("a"), record("a", bench="b.b"))
    assert findings(run, [silent, said, absent]) == {"test.bench": ["1 s"]}


def test_findings_say_what_held_their_figures_back():
    """Kernels compiled without optimization are no finding about the machine."""
    finding = scripted_bench({"a": 1.0}, "one.bench")
    finding.finding(lambda results: ["a costs 1.0×."])
    run = described(run_of(record(bench="one.bench"), variables={"NUMBA_OPT": "0"}))
    assert findings(run, [finding]) == {"one.bench": ["a costs 1.0× (under NUMBA_OPT=0)."]}


def test_a_finding_that_fails_costs_nothing_else():
    """A file whose records are not what the bench expects is shown all the same, and says so."""
    failing, said = scripted_bench({"a": 1.0}), scripted_bench({"a": 1.0}, "b.b")
    failing.finding(lambda r: [r.records[0].params["size"]])
    said.finding(lambda r: ["fine"])
    told = findings(run_of(record(), record(bench="b.b")), [failing, said])
    assert told == {"test.bench": ["no finding: KeyError: 'size'"], "b.b": ["fine"]}


RUNS = sorted((Path(__file__).parents[2] / "reports/runs").glob("*/*.json"))


@pytest.mark.parametrize("path", RUNS, ids=lambda path: path.stem)
def test_no_bench_has_more_than_three_findings(path):
    """Over the committed runs: each is a sentence or two with its full stop, and none failed."""
    for name, sentences in findings(store.read(path), catalog.benches().values()).items():
        assert len(sentences) <= MOST, name
        for sentence in sentences:
            assert sentence.endswith("."), sentence
            assert not sentence.startswith("no finding"), sentence
            assert "  " not in sentence
            assert ".." not in sentence


def test_a_bench_that_measures_something_else_than_the_file_s_has_no_finding():
    """A bench of one's own may bear the name of an installed one, whose finding would describe other figures."""
    bench = scripted_bench({"a": 1.0}, measures="load")
    bench.finding(lambda results: [f"{len(results.records)} records"])
    for measures, told in (("load", {bench.name: ["1 records"]}), ("store", {}), ("", {})):
        info = msgspec.structs.replace(bench.info, measures=measures)
        assert findings(run_of(record("a"), benches={bench.name: info}), [bench]) == told
