"""How long a preset samples."""

import pytest

from hwbench.errors import UsageError
from hwbench.measurement.policy import CASE_S, POLICIES, fitted, usual_seconds


@pytest.mark.parametrize(
    ("preset", "cases", "case_s", "max_rounds", "precision"),
    [
        ("full", 1, 2.0, 3000, 0.001),
        ("full", 15, 2.0, 3000, 0.001),
        ("full", 60, 0.5, 750, 0.004),
        ("full", 150, 0.2, 300, 0.01),
        ("full", 3000, 0.2, 300, 0.01),
        ("full", 0, 0.2, 300, 0.01),
        ("quick", 1, 0.1, 40, 0.02),
        ("standard", 1, 0.1, 100, 0.01),
    ],
)
def test_few_cases_of_the_full_preset_have_more_time_each(preset, cases, case_s, max_rounds, precision):
    """Thirty seconds in all and two for a case at most; so much the narrower is the interval that ends it earlier."""
    found = fitted(POLICIES[preset], cases)
    assert found.case_s == pytest.approx(case_s)
    assert found.max_rounds == max_rounds
    assert found.precision == pytest.approx(precision)


@pytest.mark.parametrize("preset", POLICIES)
def test_a_variable_shortens_the_rounds_of_a_case(preset):
    """And the warm-up, of any preset; what is no time is refused."""
    found = fitted(POLICIES[preset], 1, {CASE_S: "0.04"})
    assert (found.case_s, found.warmup_s, found.rounds) == (0.04, 0.04, POLICIES[preset].rounds)
    assert fitted(POLICIES[preset], 3000, {CASE_S: "9"}).warmup_s == POLICIES[preset].warmup_s
    for bad in ("0", "nan", "-1", "x" * 100):
        said = f"{CASE_S}={bad[:60]} is no time of a case: give seconds above 0 and at most 3600"
        with pytest.raises(UsageError, match=said):
            fitted(POLICIES[preset], 1, {CASE_S: bad})


def test_what_a_case_usually_takes():
    """The progress bar begins with it: rounds and half the warm-up, doubled for building; 0 for an unknown preset."""
    assert [usual_seconds(preset) for preset in POLICIES] == [
        pytest.approx(0.2), pytest.approx(0.2), pytest.approx(0.4)
    ]  # fmt: skip
    assert usual_seconds("none") == 0.0


def test_presets_are_named_as_they_are_stored():
    """A run file says its preset; `--resume` finds the policy by it."""
    assert all(policy.preset == name for name, policy in POLICIES.items())
