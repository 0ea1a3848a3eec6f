"""Tickets: the last twelve hex digits of a run's id say which launch started it, and as which of its tasks.

A launcher sets two environment variables. Whoever watches a store finds its answers by their keys, and reads no run.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping

LAUNCH, TASK = "HWBENCH_LAUNCH", "HWBENCH_TASK"
DIGITS = 7  # hex digits of a launch; a task has the other five
MOST = 16**5  # tasks of a launch
_LAUNCH = re.compile(rf"[0-9a-f]{{{DIGITS}}}")
_TICKET = re.compile(rf"-([0-9a-f]{{{DIGITS}}})([0-9a-f]{{5}})(?:\.json(?:\.gz)?)?$")


def new_launch() -> str:
    """The name of a launch."""
    return secrets.token_hex(4)[:DIGITS]


def ticket(launch: str, task: int) -> str:
    """The twelve digits of a task; ValueError where there can be none."""
    if not _LAUNCH.fullmatch(launch) or not 0 <= task < MOST:
        raise ValueError(f"launch {launch}, task {task}")
    return f"{launch}{task:05x}"


def here(environment: Mapping[str, str] = os.environ) -> str:
    """The ticket of this process; "" where no launcher started it, or one that gives no proper ticket."""
    task = environment.get(TASK, "")
    if not re.fullmatch(r"[0-9]{1,7}", task):
        return ""
    try:
        return ticket(environment.get(LAUNCH, ""), int(task))
    except ValueError:
        return ""


def task(key: str, launch: str) -> int | None:
    """Which task of a launch a run is, by its id or its key in a store; None where the launch did not begin it."""
    found = _TICKET.search(key)
    return int(found[2], 16) if found and found[1] == launch else None
