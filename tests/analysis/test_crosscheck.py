"""What the records of a comparison with a native tool say."""

from hwbench.analysis.crosscheck import tool_comparisons
from hwbench.record.model import Record


def test_the_ratio_is_of_rates_and_paired():
    """Twice the time of the native tool is half its rate; the interval comes from the rounds' ratios."""
    records = [
        Record(bench="verify.stream.load", version=1, variant=name, device="cpu", params={"case": "simd", "tool": "t"},
               status="ok", samples=samples, counts={"bytes": 100.0}, facts={"command": "t -x"})
        for name, samples in (("ours", [2.0, 20.0, 4.0]), ("native", [1.0, 10.0, 2.0]))
    ]  # fmt: skip
    (one,) = tool_comparisons(records)
    assert (one.ratio, one.ours.value, one.theirs.value) == ((0.5, 0.5, 0.5), 25.0, 50.0)
    assert (one.name, one.tool, one.command) == ("stream.load/simd ", "t", "t -x")


def test_a_tool_that_does_less_is_no_standard():
    """A ratio to a floor is told and never too low; calls are counted where nothing else is."""
    records = [
        Record(bench="verify.parallel.overhead", version=1, variant=name, device="cpu", params={"case": "omp"},
               status="ok", samples=[seconds] * 3, counts={"calls": 1}, facts={"command": "x", **floor})
        for floor in ({}, {"floor": True})
        for name, seconds in (("ours", 2.0), ("native", 1.0))
    ]  # fmt: skip
    assert [tool_comparisons(pair)[0].below(0.95) for pair in (records[:2], records[2:])] == [True, False]
    assert tool_comparisons(records[2:])[0].count == "calls"
    assert not tool_comparisons([])
