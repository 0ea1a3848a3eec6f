"""Quantities: what people may write."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwbench.record.units import EXAMPLES, UNITS, NoQuantityError, exact, octaves, parse, parse_in


@pytest.mark.parametrize(
    ("text", "value"),
    [("24KiB", 24576), ("3MB", 3_000_000), ("1e6", 1_000_000), (" 8 B ", 8), ("1.5KiB", 1536), (".5kB", 500), ("0", 0),
     ("2TiB", 2 * 2**40), ("9223372036854775807", 2**63 - 1), ("9007199254740993", 2**53 + 1)],
)  # fmt: skip
def test_quantities_mean_what_people_write(text, value):
    """KiB is 2¹⁰, kB is 10³, and whole numbers are exact beyond what a float holds."""
    assert parse(text) == value


@pytest.mark.parametrize("text", ["", "-1", "1.5", "1e400", "1e19", "9223372036854775808", "nan", "inf", "1_000", "²",
                                  "٣", "4K", "KiB", "1e-3KiB", "0x10", "9" * 100_000, "1;ls", "1kib"])  # fmt: skip
def test_what_is_no_quantity_is_refused(text):
    """Negative, fractional, endless, misspelt and foreign numbers are ValueErrors, never another number."""
    with pytest.raises(ValueError, match=r"quantity|too large|whole number|limit"):
        parse(text)


@given(st.integers(0, 2**63 - 1))
def test_exact_round_trips(count):
    """`parse` turns what `exact` writes back into the very number."""
    assert parse(exact(count)) == count


@given(st.integers(0, 10**6), st.sampled_from(sorted(UNITS)))
def test_units_multiply(number, unit):
    """A unit is a factor."""
    assert parse(f"{number}{unit}") == number * UNITS[unit]


def test_octaves_are_evenly_spaced_inside():
    """Four points an octave are 4, 5, 6, 7 KiB and then 8, and nothing goes beyond the end."""
    assert octaves(4096, 9000, 4) == (4096, 5120, 6144, 7168, 8192)
    assert octaves(4096, 4096, 1) == (4096,)


@given(st.integers(6, 20), st.integers(64, 2**28), st.sampled_from([1, 2, 4]))
def test_octaves_rise_and_stay_within(power, last, points):
    """Sizes rise strictly, start at the first and end at or before the last."""
    sizes = octaves(2**power, last, points)
    assert list(sizes) == sorted(set(sizes))
    assert all(2**power <= size <= last for size in sizes)
    assert bool(sizes) == (2**power <= last)


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("50GB/s", "B/s", 50e9), ("1.5 TB/s", "B/s", 1.5e12), ("2GiB/s", "B/s", 2.0**31), ("7B/s", "B/s", 7),
        ("100GFLOP/s", "FLOP/s", 1e11), ("120ns", "s", 120e-9), ("1.2us", "s", 1.2e-6), ("3 µs", "s", 3e-6),
        ("3.5GHz", "Hz", 3.5e9), ("1e3MB/s", "B/s", 1e9),
    ],
)  # fmt: skip
def test_quantities_with_a_unit(text, unit, value):
    """In the SI unit of the quantity."""
    assert parse_in(text, unit) == pytest.approx(value)


@pytest.mark.parametrize(
    "text", ["50", "50GB", "50XB/s", "GB/s", "-5GB/s", "0GB/s", "1e99GB/s", "5 0GB/s", "nanGB/s", ""]
)
def test_what_is_no_quantity_in_a_unit_is_refused(text):
    """With an example of one."""
    with pytest.raises(NoQuantityError, match=f"is not a quantity in B/s such as {EXAMPLES['B/s']}"):
        parse_in(text, "B/s")
