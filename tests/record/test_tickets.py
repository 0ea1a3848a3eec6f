"""Tickets: the digits of a run's id that say which launch started it, and as which task."""

from __future__ import annotations

import re

import pytest

from hwbench.record import store, tickets


@pytest.mark.parametrize("number", [0, 7, 255, tickets.MOST - 1])
def test_a_ticket_is_found_in_the_id_and_in_the_key(number):
    """The id has its usual form, and another launch's tasks are not found."""
    launch = tickets.new_launch()
    run = store.new_id("node-3", tickets.here({"HWBENCH_LAUNCH": launch, "HWBENCH_TASK": str(number)}))
    assert re.fullmatch(r"node-3-\d{8}T\d{6}Z-[0-9a-f]{12}", run)
    for key in (run, f"runs/2026-11-30/{run}.json.gz", f"reports/runs/node-3/{run}.json"):
        assert tickets.task(key, launch) == number
        assert tickets.task(key, "0" * tickets.DIGITS) is None


@pytest.mark.parametrize(
    ("launch", "number"),
    [("", "1"), ("abc1234", ""), ("abc123", "1"), ("ABC1234", "1"), ("abc1234", "-1"), ("abc1234", str(tickets.MOST)),
     ("abc1234", "1 "), ("../../x", "1"), ("abc1234\n", "1")],
)  # fmt: skip
def test_what_is_no_ticket_is_none(launch, number):
    """Then an id has its own digits."""
    assert tickets.here({"HWBENCH_LAUNCH": launch, "HWBENCH_TASK": number}) == ""


@pytest.mark.parametrize("key", ["", "runs/x.json.gz", "runs/2026-11-30/box-20261130T000000Z-abc123400001.txt"])
def test_foreign_keys_are_no_answers(key):
    """Whatever lies in a store."""
    assert tickets.task(key, "abc1234") is None
