"""The words for what a bench measures."""

from __future__ import annotations

import pytest

from hwbench.record.measures import DECLARED, KNOWN, LIMITS, expanded


def test_every_limit_is_a_known_word_and_every_word_can_be_stored():
    """What a bench may declare is what a run file may hold."""
    assert set(LIMITS) <= set(KNOWN)
    assert [kind for kind in KNOWN if not DECLARED.fullmatch(kind)] == []


@pytest.mark.parametrize(
    "kind", ["{0}", "{a.b}", "{a[0]}", "{a!r}", "{a:>9}", "{{a}}", "{}", "gpu {a} {b}", "Load", ""]
)
def test_a_format_string_is_no_kind(kind):
    """Only a lone axis in braces may stand in a file."""
    assert not DECLARED.fullmatch(kind)


def test_an_axis_in_braces_stands_for_its_value():
    """The value is put in as text, whatever it holds; without the axis there is no kind."""
    assert expanded("load", {}) == "load"
    assert expanded("gpu {kernel}", {"kernel": "copy"}) == "gpu copy"
    assert expanded("{direction}", {"direction": "{size}"}) == "{size}"
    assert expanded("{direction}", {"kernel": "copy"}) is None
