"""Values of a process from the entries of readers."""

from __future__ import annotations

from hwbench.ab.values import of
from hwbench.tracking.sides import Entry, Measurement


def test_an_entry_becomes_a_value_with_the_same_identity():
    """With what must agree between the sides, and why it is suspect."""
    entry = Entry("a", "b", "cpu", {"n": 3}, "2", {"bytes": 8.0}, [Measurement(2.0, 0.1, "steal")], unit="GB/s",
                  higher=True)  # fmt: skip
    found = of(entry)
    assert found.key == entry.key
    assert (found.value, found.unit, found.higher, found.suspect) == (2.0, "GB/s", True, "steal")
    assert found.work == "version 2 bytes 8"


def test_what_has_no_ratio_has_no_value():
    """Zero, and what was not measured."""
    zero = of(Entry("a", "", "cpu", {}, measurements=[Measurement(0.0, 0.0)], unit="bytes"))
    assert (zero.value, zero.unfit) == (None, "skipped")
    gone = of(Entry("a", "", "cpu", {}, unfit="failed", why="boom"))
    assert (gone.value, gone.unfit, gone.why) == (None, "failed", "boom")
