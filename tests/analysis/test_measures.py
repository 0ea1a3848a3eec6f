"""Which records measure what, by the declarations of their benches."""

from __future__ import annotations

from pathlib import Path

import pytest

from doubles.scripted import record, run_of
from hwbench import catalog
from hwbench.analysis.measures import completed, declared, kind_of, measuring, source_of
from hwbench.record import store
from hwbench.record.model import BenchInfo
from made_up.declared import DECLARED

RUNS = sorted((Path(__file__).parents[2] / "reports" / "runs").rglob("*.json"))
MINE = {"mine.sweep": BenchInfo("How fast?", "x", measures="load", variants=["x"])}


def test_a_record_measures_what_its_bench_declares():
    """A kind of limit for `load`, none for the subject of a chart, none for a bench that is not described."""
    load, steps = record(bench="mine.sweep"), record(bench="access.stride")
    assert (declared(load, MINE), kind_of(load, MINE)) == ("load", "load")
    assert (declared(steps, DECLARED), kind_of(steps, DECLARED)) == ("stride", "")
    assert (declared(load, {}), kind_of(load, {}), source_of(load, {})) == ("", "", None)


def test_an_axis_in_the_kind_is_the_cases_value():
    """One bench of copies gives a limit for each direction; without the axis it gives none."""
    copy = {"bench": "transfer.copy", "device": "gpu:0"}
    assert kind_of(record(params={"direction": "h2d"}, **copy), DECLARED) == "h2d"
    assert kind_of(record(params={}, **copy), DECLARED) == ""


def test_a_limit_is_measured_on_its_own_kind_of_device():
    """A load by a GPU is no limit of the CPU, and no GPU has been measured where none was there."""
    assert kind_of(record(bench="mine.sweep", device="gpu:0"), MINE) == ""
    assert kind_of(record(bench="device.peak", device="gpu:1"), DECLARED) == "gpu fma"
    assert kind_of(record(bench="device.peak", device="cpu"), DECLARED) == ""


def test_only_some_cases_of_a_bench_may_give_the_limit():
    """Chases in random order, and a variant: an axis that an old record lacks does not exclude it."""
    orders = [record(bench="latency.chase", params=p) for p in ({"order": "random"}, {"order": "page-local"}, {})]
    assert [kind_of(one, DECLARED) for one in orders] == ["latency", "", "latency"]
    assert source_of(orders[1], DECLARED) is not None
    ways = [record(name, bench="device.latency", device="gpu:0") for name in ("l1", "l2")]
    assert [kind_of(one, DECLARED) for one in ways] == ["", "gpu latency"]


def test_an_old_run_is_completed_from_the_catalogue():
    """What it does not describe is taken from there; unknown benches stay without a description."""
    run = run_of(record(bench="stream.load"), record(bench="gone.bench"))
    assert completed(run, catalog.benches()).benches == {"stream.load": DECLARED["stream.load"]}
    gone = run_of(record(bench="gone.bench"))
    assert completed(gone, catalog.benches()) is gone


def test_products_of_matrices_lead_with_their_operations():
    """In runs that describe no benches as in new ones: the headline is in FLOP/s, too."""
    assert completed(run_of(record(bench="peak.matmul")), {}).benches["peak.matmul"].leading == "flops"
    assert DECLARED["peak.matmul"].leading == "flops"


def test_a_run_is_told_in_its_own_words():
    """Question, baseline and limit are the file's; the rest is filled in only where an earlier version wrote it."""
    early = {"stream.load": BenchInfo("Why?", "numpy", "copy")}
    [filled] = completed(run_of(record(bench="stream.load"), benches=early), catalog.benches()).benches.values()
    assert (filled.question, filled.baseline, filled.limit, filled.measures) == ("Why?", "numpy", "copy", "load")
    own = {"stream.load": BenchInfo("Why?", "numpy", variants=["numpy"])}
    run = run_of(record(bench="stream.load"), benches=own)
    assert completed(run, catalog.benches()) is run


def test_records_are_found_by_what_they_measure():
    """A bench of one's own is found beside hwbench's, in the order of the file."""
    run = run_of(
        record(bench="mine.sweep"), record(bench="peak.fma"), record(bench="stream.copy"), benches=DECLARED | MINE
    )
    assert [one.bench for one in measuring(run, "load", "copy")] == ["mine.sweep", "stream.copy"]


def test_a_chart_s_kind_of_later_is_added_to_what_a_file_states():
    """A file that states no kind of these benches was written before they had one; a limit's kind is never added."""
    older = {"device.occupancy": BenchInfo("?", "kernel", variants=["kernel"]),
             "stream.load": BenchInfo("?", "simd", variants=["simd"])}  # fmt: skip
    run = run_of(record(bench="device.occupancy"), record(bench="stream.load"), benches=older)
    assert {name: info.measures for name, info in completed(run, {}).benches.items()} == {
        "device.occupancy": "occupancy", "stream.load": "",
    }  # fmt: skip


class Unasked(dict):
    """A catalogue that must not be asked for anything."""

    def __contains__(self, name):
        raise AssertionError(name)


def test_the_catalogue_is_asked_for_other_benches_only():
    """Not of a file that describes its benches, nor for hwbench's own in a file of an earlier version."""
    own, mine = record(bench="stream.load"), record(bench="mine.loop")
    early = {"stream.load": BenchInfo("?", "x", "load"), "mine.sweep": MINE["mine.sweep"]}
    for run in (run_of(own), run_of(own, benches=early), run_of(own, benches=completed(run_of(own), {}).benches)):
        assert completed(run, Unasked()).benches["stream.load"].measures == "load"
    with pytest.raises(AssertionError, match=r"mine\.loop"):
        completed(run_of(own, mine), Unasked())


def test_a_file_that_describes_no_bench_is_of_benches_that_are_known():
    """hwbench's own of that time are read without a catalogue; another's only with it."""
    run = run_of(record(bench="stream.load"), record(bench="peak.fma"), record(bench="mine.loop"))
    known = completed(run, {}).benches
    assert set(known) == {"stream.load", "peak.fma"}
    assert known["stream.load"].measures == "load"
    assert RUNS
    for path in RUNS:
        run = completed(store.read(path), {})
        assert {one.bench for one in run.records} == set(run.benches), path.name
