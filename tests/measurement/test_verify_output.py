"""The check: what agrees with the reference, and what is told of what does not."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwbench.measurement.verify_output import CHUNK, allowed, mismatch


def test_the_tolerance_is_four_random_walks_of_rounding():
    """4 ε √n for floats, what the bench states where it does, and 0 for integers."""
    eps = np.finfo("f4").eps
    assert allowed("f4", 100) == pytest.approx(40 * eps)
    assert allowed("f4", 0) == pytest.approx(4 * eps)
    assert allowed("f4", 100, stated=0.5) == 0.5
    assert allowed("i8", 100) == 0.0


@given(st.integers(1, 10**6), st.floats(0.01, 1e6), st.booleans())
def test_within_the_tolerance_agrees_and_beyond_does_not(flops, value, low):
    """Two thirds of the tolerance pass and one and a half times it does not, on either side."""
    tolerance = allowed("f8", flops)
    sign = -1 if low else 1
    reference = np.array([value])
    assert mismatch(reference * (1 + sign * tolerance / 1.5), reference, {}, flops) == ""
    assert mismatch(reference * (1 + sign * tolerance * 1.5), reference, {}, flops) != ""


def test_the_dtype_axis_sets_the_precision():
    """Single precision is enough where the case says f4, and not where it says f8."""
    reference, output = np.array([1.0]), np.array([1 + 1e-7])
    assert mismatch(output, reference, {"dtype": np.dtype("f4")}, 1) == ""
    assert "relative error 1.00 × 10⁻⁷" in mismatch(output, reference, {"dtype": np.dtype("f8")}, 1)


def test_integers_are_compared_exactly():
    """One element in a million that differs by one is found, and its place is told."""
    reference = np.arange(1_000_000)
    output = reference.copy()
    output[CHUNK + 7] += 1
    assert mismatch(output, reference, {"dtype": np.dtype("f4")}, 1) == (
        f"differs from the reference at element {CHUNK + 7}: {CHUNK + 8} instead of {CHUNK + 7}"
    )


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_wrong(bad):
    """NaN and infinity are never within a tolerance."""
    reference = np.ones(5)
    output = reference.copy()
    output[3] = bad
    assert "element 3" in mismatch(output, reference, {}, 1)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_an_endless_reference_makes_nothing_else_right(bad):
    """Where the reference overflows the output must too; every other element is still checked, without a warning."""
    reference = np.array([1.0, bad, 2.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert mismatch(np.array([1.0, bad, 2.0 + 1e-16]), reference, {}, 1) == ""
        assert "element 2" in mismatch(np.array([1.0, bad, 2.1]), reference, {}, 1)
        assert "element 1" in mismatch(np.array([1.0, 5.0, 2.0]), reference, {}, 1)
        assert "element 1" in mismatch(np.array([1.0, -math.inf, 2.0]), reference, {}, 1)


@pytest.mark.parametrize(
    ("output", "reference", "reason"),
    [
        (np.ones(3), np.ones(4), "gave shape (3,) where the reference has (4,)"),
        (np.ones((1, 4)), np.ones(4), "gave shape (1, 4) where the reference has (4,)"),
        ((1, 2), (1, 2, 3), "gave 2 parts where the reference has 3 parts"),
        (1, (1, 2), "gave one int where the reference has 2 parts"),
        ((1, 3), (1, 2), "part 1: differs from the reference at element 0: 3 instead of 2"),
        (None, 1, "gave object, which is no number"),
        ("1", 1, "gave <U1, which is no number"),
    ],
)
def test_unlike_shapes_and_kinds_are_told(output, reference, reason):
    """A wrong shape, part or kind is a mismatch in words, never an exception."""
    assert mismatch(output, reference, {}, 1) == reason


@pytest.mark.parametrize("stated", [None, 0.0])
def test_nan_agrees_with_nan_at_any_tolerance(stated):
    """And with nothing else."""
    right = np.array([1.0, math.nan, 3.0])
    assert mismatch(right.copy(), right, {}, 1, stated) == ""
    assert "element 1" in mismatch(np.array([1.0, 2.0, 3.0]), right, {}, 1, stated)
    assert "element 2" in mismatch(np.array([1.0, math.nan, math.nan]), right, {}, 1, stated)


@pytest.mark.parametrize("reference", [None, {"x": 1}, object(), "1", (1, None)])
def test_a_reference_that_is_no_number_is_its_own_error(reference):
    """In one line, whatever the output is."""
    for output in (1, np.ones(3), (1, 2)):
        if isinstance(reference, tuple) != isinstance(output, tuple):
            continue
        with pytest.raises(TypeError, match=r"^the reference gave (object|<U1), and not a number"):
            mismatch(output, reference, {}, 1)


def test_lists_of_parts_and_complex_numbers_agree():
    """Tuples are compared part by part, complex numbers by modulus."""
    assert mismatch((1, np.array([1 + 1j])), [1, np.array([1 + 1j + 1e-16])], {}, 1) == ""
    assert mismatch(np.array([1 + 2j]), np.array([1 + 1j]), {}, 1) != ""


def test_a_stated_tolerance_counts():
    """A bench that states 1% gets 1%."""
    assert mismatch(1.009, 1.0, {}, 1, stated=0.01) == ""
    assert mismatch(1.011, 1.0, {}, 1, stated=0.01) != ""
