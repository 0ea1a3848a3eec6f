"""Copies one after the other."""

from __future__ import annotations

from hwbench.benches.transfer._copies import one_after_the_other


def test_all_are_enqueued_in_their_order():
    """A call enqueues each once; of one alone it is that one itself."""
    done = []
    launches = [lambda: done.append("there"), lambda: done.append("back")]
    one_after_the_other(launches)()
    assert done == ["there", "back"]
    assert one_after_the_other(launches[:1]) is launches[0]
