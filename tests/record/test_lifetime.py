"""A process that asks for it gets a signal when its parent ends."""

from __future__ import annotations

import os
import signal
import sys

import pytest

from hwbench.record import lifetime


@pytest.mark.skipif(sys.platform != "linux", reason="prctl(2) is Linux's")
def test_the_signal_comes_when_the_parent_is_killed() -> None:
    """The child of a child that was killed says which one it got."""
    held, write = os.pipe()
    parent = os.fork()
    if not parent:
        if not os.fork():
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
            ask = lifetime.at_parents_end(signal.SIGUSR1)
            assert ask is not None
            ask()
            os.write(write, b"bound")
            os.write(write, signal.sigwait({signal.SIGUSR1}).name.encode())
            os._exit(0)
        signal.pause()
    os.close(write)
    assert os.read(held, 5) == b"bound"
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    assert os.read(held, 7) == b"SIGUSR1"
    os.close(held)


def test_other_systems_have_no_such_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing to call, so nothing is asked of a C library that lacks it."""
    monkeypatch.setattr(lifetime.sys, "platform", "darwin")
    assert lifetime.at_parents_end(signal.SIGTERM) is None
