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
