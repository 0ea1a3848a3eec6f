"""Stored runs for the command line to read, some with hostile texts."""

from __future__ import annotations

import re

import msgspec

from doubles.scripted import MACHINE, record, run_of
from hwbench.record import store
from hwbench.record.reasons import Reason

HOSTILE = "\x1b[31m\x07</script><script>x\u202e[bold]\r\n\x9b2J"


def saved(out, *records, stamp="20261122T180000Z", **more):
    run = run_of(*records, id=f"box-{stamp}-ffffff", **more)
    path = store.path_of(run, out)
    store.write(run, path)
    return path


def clean(text: str) -> bool:
    """No control character but the newline, no escape sequence, no bidirectional override."""
    return not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)


def hostile_run(out, stamp="20261122T180000Z"):
    """A run whose every text is hostile, with a finding that repeats some of it."""
    cpu = msgspec.structs.replace(MACHINE.cpu, model=HOSTILE + stamp)
    return saved(
        out,
        record(HOSTILE, bench="access.steps", params={HOSTILE: HOSTILE}),
        record("x", bench=HOSTILE, status="suspect", reasons=[Reason("other", HOSTILE)], params={"size": HOSTILE}),
        record("y", bench="[/]", status="error", samples=(), reasons=[Reason("other", HOSTILE)]),
        stamp=stamp, machine=msgspec.structs.replace(MACHINE, cpu=cpu),
    )  # fmt: skip
