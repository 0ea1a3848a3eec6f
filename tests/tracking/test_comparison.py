"""What a comparison knows of a case beside its verdict."""

from __future__ import annotations

from hwbench.tracking.comparison import SHOWN, blank, of_values
from hwbench.tracking.sides import Entry, Measurement


def entry(value, trend=(), **more):
    return Entry("x", "", "cpu", {}, measurements=[Measurement(value, 0.0)], trend=trend, **more)


def test_the_history_ends_before_the_new_value():
    """Of commits in between, too; the level of the base stood while values stayed near it."""
    past = [1.0] * 50
    one = of_values(entry(1.0, past[:40]), entry(2.0, [*past, 2.0]), "slower", worse=True, noise=0.001)
    assert (len(one.history), one.held, one.base, one.new, one.change) == (SHOWN, 50, 1.0, 2.0, "slower")


def test_the_word_follows_the_metric():
    """A score that fell is less, and worse."""
    one = of_values(entry(0.9, unit="", higher=True), entry(0.5, unit="", higher=True), "slower", worse=True, noise=0.0)
    assert one.change == "less"
    assert of_values(entry(1.0), entry(1.0), "same", worse=False, noise=0.0).change == ""


def test_one_side_alone_has_its_value():
    """A new case has no base."""
    one = blank(None, entry(2.0), "new", "not in base")
    assert (one.base, one.new, one.reason) == (None, 2.0, "not in base")
