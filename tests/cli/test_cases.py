"""One bench's cases: parameters in rows, variants in columns, what is left out."""

from __future__ import annotations

from doubles.scripted import record, run_of
from hwbench.analysis.reading import Reading
from hwbench.cli.cases import lines
from hwbench.record.model import BenchInfo
from hwbench.record.reasons import Reason
from made_up.sample import sample_run

INFO = {"x.y": BenchInfo("Which?", "a", variants=["a", "b"])}


def shown(*records, width=80, most=10):
    """The lines of the one bench of these records."""
    return list(lines(Reading(run_of(*records, benches=INFO)), "x.y", width, most))


def case(variant, seconds, params, **more):
    """A record of 1 GB a call."""
    return record(variant, (seconds,) * 3, bench="x.y", counts={"bytes": 1e9}, params=params, **more)


def test_rates_stand_by_parameters_and_variants():
    """Only the axes that differ are named; a doubtful figure is marked; the unit stands once."""
    rows = [case("a", 0.5, {"size": "L1", "k": 1}), case("b", 0.25, {"size": "L1", "k": 1}),
            case("a", 1.0, {"size": "DRAM", "k": 1}, status="suspect", reasons=[Reason("steal")])]  # fmt: skip
    assert shown(*rows) == [
        "x.y: Which?",
        "              a     b",
        "L1        2.00   4.00  GB/s",
        "DRAM      1.00~",
    ]


def test_what_has_no_room_is_counted():
    """Rows beyond the limit, sizes of a sweep beside labelled ones, variants beyond the width."""
    sweep = [case("a", 1.0, {"size": size}) for size in ("L1", "4KiB", "8KiB")]
    assert shown(*sweep)[-1] == "2 more cases: hwbench show"
    rows = [case("a", 1.0, {"n": n}) for n in range(5)]
    assert shown(*rows, most=3)[-1] == "2 more cases: hwbench show"
    wide = [case(f"variant-{number}", 1.0, {"n": 1}) for number in range(6)]
    found = shown(*wide, width=40)
    assert max(map(len, found)) <= 40
    assert found[-1].endswith("more cases: hwbench show")


def test_times_have_a_unit_that_fits():
    """Nanoseconds of a call, not 0.000 µs."""
    rows = [record("a", (21e-9,) * 3, bench="x.y", counts={"calls": 1.0}, params={"n": n}) for n in (1, 2)]
    assert shown(*rows)[2].split() == ["1", "21.0", "ns"]


def test_the_best_share_of_a_limit_stands_beside_the_rates():
    """Of a bench that has a limit."""
    reading = Reading(sample_run(every_status=False))
    found = list(lines(reading, "stream.triad", 80, 12))
    assert "best of limit" in found[1]
    assert "%" in found[2]
    assert max(map(len, found)) <= 80


def test_a_bench_without_figures_is_its_question():
    """Nothing was timed."""
    assert shown(record("a", (), bench="x.y", status="skipped")) == ["x.y: Which?"]


def test_a_sustained_load_is_told_with_its_clock():
    """A table has the rate alone."""
    info = {"x.y": BenchInfo("What lasts?", "load", measures="sustained load", leading="flops")}
    facts = {"settled_clock_hz": 3.7e9, "boost_call_s": 1.0, "seconds": 60}
    one = record("load", (1.0,) * 3, bench="x.y", counts={"flops": 1e11}, params={"seconds": 60}, facts=facts)
    assert list(lines(Reading(run_of(one, benches=info)), "x.y", 80, 10)) == [
        "x.y: What lasts?", "100 GFLOP/s settled at 3.70 GHz, 100 in the first second (60 s)",
    ]  # fmt: skip
