"""Quantities as text: every number keeps its value and its order, and shows what its interval allows."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hwbench.record import text
from hwbench.record.estimate import Estimate

RAISED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
FACTORS = {
    "ps": 1e-12, "ns": 1e-9, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0,
    "B": 1.0, "KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30, "TiB": 2.0**40, "GB/s": 1e9, "%": 0.01, "×": 1.0, "": 1.0,
}  # fmt: skip
LARGEST = {
    "ps": 1000,
    "ns": 1000,
    "µs": 1000,
    "ms": 1000,
    "s": 120,
    "min": 120,
    "B": 1024,
    "KiB": 1024,
    "MiB": 1024,
    "GiB": 1024,
}
ONE = r"(-?[\d\u202f]+(?:\.\d+)?)(?: × 10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+))?"
FORM = re.compile(rf"{ONE} ?([^ \d(]*)(?: \({ONE}–{ONE}\))?")
FORMS: list[Callable[[float | Estimate | None], str]] = [
    text.seconds, text.size, lambda value: text.rate(value, "GB/s"), text.amount, text.count, text.share, text.times,
]  # fmt: skip
POSITIVE = st.floats(1e-15, 1e18)
ANY = st.floats() | st.integers()


def number(digits: str, power: str | None) -> float:
    """The number that was printed."""
    return float(digits.replace(text.SPACE, "") + f"e{(power or '0').translate(RAISED)}")


def read(shown: str) -> tuple[float, float | None, float | None]:
    """What a text says: the value and its bounds, in SI units."""
    if raised := re.fullmatch("10([⁰¹²³⁴⁵⁶⁷⁸⁹]+)", shown):
        return 10.0 ** int(raised[1].translate(RAISED)), None, None
    found = FORM.fullmatch(shown)
    assert found is not None, shown
    factor = FACTORS[found[3]]
    if found[4] is None:
        return number(found[1], found[2]) * factor, None, None
    return tuple(number(found[at], found[at + 1]) * factor for at in (1, 4, 6))  # type: ignore[return-value]


@st.composite
def estimates(draw: st.DrawFn) -> Estimate:
    """Values with bounds from a part in 10⁷ to several times the value."""
    value, below, above = draw(POSITIVE), draw(st.floats(1e-7, 1.0)), draw(st.floats(1e-7, 10.0))
    return Estimate(value, value * (1 - below), value * (1 + above))


@pytest.mark.parametrize("form", FORMS)
@given(first=POSITIVE, second=POSITIVE)
@example(first=9.994e-4, second=9.996e-4)
@example(first=119.4, second=119.6)
@example(first=999.4 * 1024, second=1023.6 * 1024)
def test_a_larger_value_never_reads_as_a_smaller_one(form: Callable[..., str], first: float, second: float) -> None:
    """What is printed rises with the value, across units, too."""
    low, high = sorted((first, second))
    shown = [form(low), form(high)]
    if "<0.01%" not in shown:
        assert read(shown[0])[0] <= read(shown[1])[0] * (1 + 1e-12)


@pytest.mark.parametrize("form", FORMS)
@given(value=POSITIVE)
def test_a_value_reads_back_to_three_digits(form: Callable[..., str], value: float) -> None:
    """Three significant digits without an interval; shares have two, and counts and bytes are whole."""
    shown = form(value)
    if shown == "<0.01%":
        return
    digits = 0.051 if shown.endswith("%") else 0.00501
    whole = 0.5 if form is text.count or shown.endswith(" B") else 0.0
    assert math.isclose(read(shown)[0], value, rel_tol=digits, abs_tol=whole)


@pytest.mark.parametrize("form", FORMS)
@given(value=estimates())
def test_a_printed_interval_holds_the_printed_value_and_differs_from_it(
    form: Callable[..., str], value: Estimate
) -> None:
    """Bounds lie around the value, have its decimals, and at least one prints otherwise than the value."""
    shown = form(value)
    if shown == "<0.01%":
        return
    middle, low, high = read(shown)
    if low is None or high is None:
        return
    assert low <= middle <= high
    assert low < high
    numbers = re.findall(r"\d[\d\u202f]*(?:\.(\d+))?(?= ×| [a-zµA-Z]|[×%–)]|$| \()", shown.replace("⁰", ""))
    assert len({len(one) for one in numbers}) <= 1, shown


@given(value=estimates())
def test_the_interval_decides_the_digits(value: Estimate) -> None:
    """Two to four significant digits of the value; half the interval shows two at most unless the value needs them."""
    figures = text.columns(value)
    digits = re.sub(r"^0\.0*|\D", "", figures[0].split(" ×")[0])
    assert len(digits.rstrip("0")) <= 4
    assert figures[1] == text.NOTHING or figures[1].count("–") == 1


@pytest.mark.parametrize("form", [*FORMS, text.ratio])
@given(value=ANY | st.builds(Estimate, st.floats(), st.floats(), st.floats()))
@example(value=None)
@example(value=5e-324)
@example(value=10**400)
@example(value=Estimate(1e308, -1e308, 1.7e308))
@example(value=Estimate(0.5, 0.0, 0.0))
def test_anything_is_printed_without_an_exponent_of_python(form: Callable[..., str], value: float | Estimate) -> None:
    """Not finite, negative, zero, huge or tiny: a short text or a dash, no `e+`, no `nan`."""
    shown = form(value)
    assert not re.search(r"\de[+-]|nan|inf", shown)
    assert len(shown) < 80
    if value is None:
        assert shown == text.NOTHING


@pytest.mark.parametrize("form", [text.seconds, text.size])
@given(value=POSITIVE | estimates())
@example(value=0.9999e-3)
@example(value=1023.99 * 1024)
@example(value=Estimate(9.96e-4, 8e-4, 12e-4))
def test_no_unit_is_printed_where_the_next_one_fits(form: Callable[..., str], value: float | Estimate) -> None:
    """Rounding comes first and the unit after it."""
    found = FORM.fullmatch(form(value))
    assert found is not None
    assert number(found[1], found[2]) < LARGEST.get(found[3], math.inf)
    assert found[3] in ("ps", "B") or number(found[1], found[2]) >= 1


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (text.seconds(1e-3), "1.00 ms"), (text.seconds(0.9999e-3), "1.00 ms"), (text.seconds(2), "2.00 s"),
        (text.seconds(8.6e-10), "860 ps"), (text.seconds(150), "2.50 min"), (text.seconds(1e5), "27.8 h"),
        (text.seconds(0), "0 s"), (text.seconds(Estimate(1.234e-8, 1.2e-8, 1.3e-8)), "12.3 ns (12.0–13.0)"),
        (text.size(32768), "32 KiB"), (text.size(1536), "1.5 KiB"), (text.size(1023.99 * 1024), "1 MiB"),
        (text.size(Estimate(32768, 28 * 1024, 48 * 1024)), "32 KiB (28–48)"), (text.size(0), "0 B"),
        (text.rate(999.96e9, "GB/s"), "1000 GB/s"), (text.rate(1.5e13, "GB/s"), "15\u202f000 GB/s"),
        (text.rate(3.1e9, "GHz"), "3.10 GHz"), (text.amount(25.13, "GB/s"), "25.1 GB/s"),
        (text.amount(1.234e-7), "1.23 × 10⁻⁷"), (text.amount(-1.5), "-1.50"), (text.amount(math.nan), "–"),
        (text.count(4096), "4096"), (text.count(10**6), "10⁶"), (text.count(12345), "12\u202f345"),
        (text.count(12345.6), "12\u202f300"), (text.count(47.2), "47"),
        (text.count(Estimate(52_012, 41_000, 63_000)), "52\u202f000 (41\u202f000–63\u202f000)"),
        (text.share(0.614), "61%"), (text.share(0.0012), "0.12%"), (text.share(1e-6), "<0.01%"), (text.share(0), "0%"),
        (text.share(Estimate(0.61, 0.58, 0.64)), "61% (58–64)"),
        (text.share(Estimate(0.612, 0.609, 0.615)), "61.2% (60.9–61.5)"),
        (text.times(Estimate(1.24, 1.19, 1.28)), "1.24× (1.19–1.28)"),
        (text.times(Estimate(1.24, 1.2399, 1.2401)), "1.24×"),
        (text.times(Estimate(1.24, 0.0, math.inf)), "1.24×"),
        (text.ratio(Estimate(1.19, 1.15, 1.23)), "1.19× slower (1.15–1.23)"),
        (text.ratio(Estimate(0.25, 0.24, 0.26)), "4.00× faster (3.85–4.17)"),
        (text.ratio(Estimate(1.3, 0.9, 2.0)), "no clear difference (0.90–2.00)"),
        (text.ratio(Estimate(1.001, 0.98, 1.02)), "same (0.98–1.02)"),
        (text.ratio(0.0), "–"), (text.duration(12), "12 s"), (text.duration(65 + 60), "2:05 min"),
    ],
)  # fmt: skip
def test_forms(shown: str, expected: str) -> None:
    """One convention: three digits, or those that the interval allows; exact sizes and counts as they are."""
    assert shown == expected


@given(value=estimates())
def test_two_columns_and_one_text_agree(value: Estimate) -> None:
    """The page's two columns print the figures of the terminal's one."""
    middle, interval = text.columns(value)
    assert text.amount(value) == (middle if interval == text.NOTHING else f"{middle} ({interval})")


@pytest.mark.parametrize(
    ("log10", "printed"),
    [(17.6096, "4.07 × 10¹⁷"), (-9.6910, "2.04 × 10⁻¹⁰"), (400.0, "1.00 × 10⁴⁰⁰"), (4.99999, "1.00 × 10⁵")],
)
def test_powers_are_those_of_a_logarithm(log10, printed):
    """Numbers that no float holds; a mantissa that rounds to ten raises the power."""
    assert text.power(log10) == printed


def test_control_characters_are_escaped() -> None:
    """No escape sequence reaches a terminal."""
    assert text.printable("a\x1b[2Jb\n") == "a\\x1b[2Jb\\n"
    assert text.printable(text.count(27_300)) == text.count(27_300) == "27\u202f300"


SOURCE = Path(text.__file__).parents[1]
BY_HAND = re.compile(r"""\{[^{}"\n]*:[,+<>^0-9]*\.\d+[gfe%]\}""")
OTHERS = {
    "record/text.py": "is the formatter",
    "record/store.py": "states the bounds of a file's numbers as the file writes numbers",
    "record/identity.py": "rounds sizes as an identity states them: they are compared, and kept in histories",
    "ab/values.py": "states the work of a call, by which cases of two sides are compared",
    "report/charts.py": "writes expressions of Vega",
    "cli/fleet_store.py": "shows what a question gave, of any unit, to six digits",
    "report/views/records.py": "shows samples to six digits, to be copied",
    "report/views/applications/lecture_figures.py": "shows figures beside the lecture's, to its decimals",
    "report/views/applications/lecture_facts.py": "has coefficients",
    "report/views/applications/stability_facts.py": "has coefficients",
    "benches/systolic/matmul.py": "the message of a builder, which is locked with what is timed",
    "measurement/verify_output.py": "tells two nearly equal numbers apart",
}


def test_no_number_is_formatted_by_hand() -> None:
    """Quantities get their digits and units from the formatter; the few exceptions have a reason."""
    found = {
        str(path.relative_to(SOURCE))
        for path in SOURCE.rglob("*.py")
        if any(BY_HAND.search(re.sub(r'float\(f"[^"]*"\)', "", line)) for line in path.read_text("utf-8").split("\n"))
    }
    assert found == set(OTHERS)


@pytest.mark.parametrize(
    ("times", "kind", "said"),
    [
        (Estimate(1.2, 0.9, 1.4), "unclear", "no clear difference"),
        (Estimate(1.01, 0.96, 1.04), "none", "same"),
        (Estimate(1.004, 1.003, 1.005), "none", "same"),
        (Estimate(1.004, 0.0, math.inf), "none", "same"),
        (Estimate(1.2, 1.1, 1.3), "some", "1.20× slower"),
        (Estimate(2.0, 0.0, math.inf), "some", "2.00× slower"),
    ],
)
def test_times_are_the_same_where_their_ratio_shows_none_or_hardly_a_difference(times, kind, said):
    """A wide interval that holds 1 shows neither; an interval without bounds shows nothing."""
    assert text.difference(times) == kind
    assert text.ratio(times, interval=False) == said


@pytest.mark.parametrize(
    ("log10", "said"),
    [(None, "–"), (math.inf, "–"), (17.609, "4.06 × 10¹⁷"), (-400.3, "5.01 × 10⁻⁴⁰¹"), (3.9999999, "1.00 × 10⁴")],
)
def test_numbers_beyond_a_float_are_printed_by_their_logarithm(log10, said):
    """A mantissa that rounds to 10 becomes 1."""
    assert text.power(log10) == said


def test_a_time_is_printed_in_the_unit_that_fits_it():
    """A metric's own unit is for files; other units stay as they are."""
    assert text.quantity(Estimate(0.0212, 0.0210, 0.0215), "µs") == "21.2 ns (21.0–21.5)"
    assert text.quantity(25.1, "GB/s") == "25.1 GB/s"
    assert text.quantity(None, "µs") == "–"


def test_the_unit_of_a_column_fits_its_median():
    """Times below a microsecond are in nanoseconds; an empty column and rates keep their unit."""
    unit, factor = text.fitting("µs", [0.0043, 0.0212, 1.2])
    assert (unit, factor) == ("ns", pytest.approx(1000))
    assert text.fitting("µs", [1.2, 4.0]) == ("µs", 1.0)
    assert text.fitting("GB/s", [1e-6]) == ("GB/s", 1.0)
    assert text.fitting("ns", []) == ("ns", 1.0)
    assert text.fitting("ns", [1e-9])[0] == "ps"
