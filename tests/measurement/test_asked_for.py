"""What a case asked for and did not get becomes a reason."""

from __future__ import annotations

import os

import pytest

from hwbench.measurement import asked_for
from hwbench.record.model import JsonObject, Scalar


@pytest.mark.parametrize(
    ("params", "facts", "codes"),
    [
        ({}, {}, []),
        ({}, {"pinned": True}, []),
        ({}, {"pinned": False}, ["not_pinned"]),
        ({"pages": "huge"}, {"pages": "huge"}, []),
        ({"pages": "huge"}, {"pages": "default"}, []),
        ({"pages": "huge"}, {}, []),
        ({"pages": "4K"}, {"pages": "4K"}, []),
        ({"pages": "huge"}, {"pages": "4K", "pinned": False}, ["not_pinned", "not_huge"]),
        ({"pages": "huge"}, {"pages": "mixed"}, ["not_huge"]),
    ],
)
def test_reasons(
    monkeypatch: pytest.MonkeyPatch, params: dict[str, Scalar], facts: JsonObject, codes: list[str]
) -> None:
    """Small pages for huge ones and threads that run anywhere, where they are known; what is not known is none."""
    monkeypatch.setattr(os, "sched_setaffinity", lambda _pid, _mask: None, raising=False)
    assert [one.code for one in asked_for.refused(params, facts)] == codes


def test_a_system_that_pins_nothing_refuses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """On macOS and Windows `hwbench machine` says so once, and no case is suspect for it."""
    monkeypatch.delattr(os, "sched_setaffinity", raising=False)
    assert asked_for.refused({}, {"pinned": False}) == []


def test_the_reason_names_what_took_the_gate_away() -> None:
    """A profiler, or the option."""
    [reason] = asked_for.refused({}, {"no_gate": "--no-gate"})
    assert (reason.code, reason.detail) == ("gpu_no_gate", "--no-gate")
    assert asked_for.refused({}, {"timed_by": "events"}) == []


def test_the_reason_names_the_pages() -> None:
    """What the memory lies on instead."""
    [reason] = asked_for.refused({"pages": "huge"}, {"pages": "4K"})
    assert str(reason) == "huge pages were asked for and not had: the memory lies on 4K pages"
