"""The process that watches another: exit codes, a hang and a crash. A fork of a fork, so that pytest goes on."""

from __future__ import annotations

import os
import signal
import sys
import time

import pytest

from hwbench.cli import guardian

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


def watched(body, longest=60.0):
    """The exit code of a process that runs the body under a guardian, and what it wrote to standard error."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.dup2(writer, 2)
            sys.stderr = os.fdopen(2, "w")
            with guardian.guarded("f.py:f", longest) as watch:
                body(watch)
            os._exit(0)
        finally:
            os._exit(99)
    os.close(writer)
    said = b""
    while data := os.read(reader, 4096):
        said += data
    os.close(reader)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), said.decode()


def test_an_exit_code_is_passed_on():
    """Also where calls were begun and ended."""

    def body(watch):
        watch("is called")
        watch("")
        os._exit(7)

    assert watched(body) == (7, "")


def test_a_crash_is_one_line():
    """With what was being done."""

    def body(watch):
        watch("is counted")
        os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(10)

    assert watched(body) == (
        2,
        "hwbench: f.py:f: the process ended by SIGKILL while it is counted: memory ran out, or somebody ended it; ask "
        "for a smaller n\n",
    )


def test_a_call_that_takes_too_long_is_ended():
    """However long it would take."""

    def body(watch):
        watch("is called")
        time.sleep(60)

    code, said = watched(body, longest=0.05)
    assert code == 2
    assert said.startswith("hwbench: f.py:f: is called for more than 0.05 s; make its inputs smaller")


def test_what_nobody_watches_runs(monkeypatch):
    """Where a person debugs."""
    monkeypatch.setenv("HWBENCH_DEBUG", "1")
    with guardian.guarded("f") as watch:
        watch("is called")
