"""Bars on headline quantities: what may be written, and when a quantity is beyond one."""

from __future__ import annotations

import pytest

from hwbench.analysis.bars import MEASURED, Bar, bars, settled, shown, unit_of
from hwbench.analysis.headline import Headline
from hwbench.errors import UsageError


def test_bars_are_quantities_in_the_units_of_their_names():
    """At least and at most, in SI units, and told as they were meant."""
    found = bars(["dram.read.all=50GB/s", "peak.f8.one=40 GFLOP/s"], ["dram.latency=120ns"])
    assert [(one.name, one.value, one.least) for one in found] == [
        ("dram.read.all", 50e9, True), ("peak.f8.one", 40e9, True), ("dram.latency", pytest.approx(120e-9), False),
    ]  # fmt: skip
    assert [one.words for one in found] == ["at least 50.0 GB/s", "at least 40.0 GFLOP/s", "at most 120 ns"]


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ("dram.read.all", "is not of the form NAME=QUANTITY, such as dram.read.all=50GB/s"),
        ("dram.read.al=5GB/s", "--min dram.read.al: is no headline quantity; did you mean dram.read.all"),
        ("call.numpy=5ns", "--min call.numpy: is not among what `hwbench check` measures; those are"),
        ("dram.read.all=50", "'50' is not a quantity in B/s such as 50GB/s"),
        ("dram.read.all=120ns", "'120ns' is not a quantity in B/s such as 50GB/s"),
        ("dram.latency=5GB/s", "'5GB/s' is not a quantity in s such as 120ns"),
        ("dram.read.all=-1GB/s", "is not a quantity in B/s"),
        ("dram.latency=120ns", "--min dram.latency: lower is better; a bar on it is --max dram.latency=120ns"),
        ("x" * 5000, "is not of the form"),
    ],
)
def test_a_bar_that_makes_no_sense_is_told_in_one_line(stated, said):
    """The form, the name or the unit."""
    with pytest.raises(UsageError) as told:
        bars([stated], [])
    assert said in str(told.value)
    assert "\n" not in str(told.value)


def test_a_bandwidth_has_no_upper_bar():
    """It could not be met by a better machine."""
    with pytest.raises(UsageError, match="higher is better; a bar on it is --min dram"):
        bars([], ["dram.read.all=50GB/s"])


def quantity(value, low, high, doubt=None):
    return Headline("dram.read.all", "cpu", value, low, high, "B/s", 2, "stream.load/simd", doubt)


@pytest.mark.parametrize(
    ("found", "least", "state"),
    [
        (quantity(51, 49, 53), True, "good"),
        (quantity(49, 48, 51), True, "doubtful"),  # the interval holds the bar
        (quantity(40, 39, 41), True, "bad"),
        (quantity(40, 39, 41, ["steal"]), True, "doubtful"),  # a disturbed figure proves nothing
        (quantity(60, 59, 61, ["steal"]), True, "good"),  # but what was reached was reached
        (quantity(60, 59, 61), False, "bad"),
        (quantity(40, 39, 41), False, "good"),
    ],
)
def test_a_bar_is_missed_by_the_whole_interval(found, least, state):
    """Bad is proven; good is reached."""
    assert Bar("dram.read.all", 50, least).state(found) == state


def test_what_was_measured_twice_is_bad_only_if_it_was_bad_twice():
    """And good if it was good once: disturbances only slow down."""
    assert settled("bad", "bad") == "bad"
    assert settled("bad", "good") == settled("doubtful", "good") == "good"
    assert settled("bad", "doubtful") == settled("doubtful", "bad") == "doubtful"


def test_a_check_measures_what_the_roofs_need():
    """Reading, copying and the triad of each level, the peaks, and latencies; all with a unit."""
    assert {"l1.read.one", "dram.triad.all", "peak.f4.all", "l3.latency"} <= set(MEASURED)
    assert not {"matmul.f8.all", "call.numpy", "clock.one"} & set(MEASURED)
    assert {unit_of(name) for name in MEASURED} == {"s", "B/s", "FLOP/s"}
    assert (shown(1.2e-7, "s"), shown(5e10, "B/s")) == ("120 ns", "50.0 GB/s")
