"""Signals: the first asks to stop, the second ends the process."""

from __future__ import annotations

import os
import signal

import pytest

from hwbench.cli import signals
from hwbench.errors import UsageError


def test_a_stop_is_granted_where_it_is_checked(monkeypatch):
    """The handler raises nothing; the next check does, and a second signal leaves at once."""
    left = []
    monkeypatch.setattr(signals, "leave", lambda number, frame: left.append(number))
    stop = signals.Stop()
    stop.check()
    stop.ask(signal.SIGINT, None)
    assert not left
    with pytest.raises(KeyboardInterrupt):
        stop.check()
    stop.ask(signal.SIGTERM, None)
    assert left == [signal.SIGTERM]


def test_ctrl_c_and_sigterm_have_one_handler(monkeypatch):
    """Both end a run in the same way."""
    handled = {}
    monkeypatch.setattr(signals.signal, "signal", lambda number, handler: handled.update({number: handler}))
    signals.handle(signals.leave)
    assert handled == {signal.SIGINT: signals.leave, signal.SIGTERM: signals.leave}


def test_leaving_is_one_line_and_exit_130(monkeypatch):
    """Written past Python's buffers, since the process ends without flushing them."""
    written, codes = [], []
    monkeypatch.setattr(signals.os, "write", lambda stream, data: written.append((stream, data)))
    monkeypatch.setattr(signals.os, "_exit", codes.append)
    signals.leave(signal.SIGINT, None)
    assert (written, codes) == ([(2, b"hwbench: interrupted\n")], [130])


@pytest.mark.skipif(not hasattr(signal, "sigtimedwait"), reason="this system does not say who sent a signal")
def test_a_signal_of_our_own_is_no_ctrl_c(monkeypatch):
    """OpenBLAS raises SIGINT where it can start no thread; one from elsewhere is delivered afterwards."""
    heard = []
    before = signal.signal(signal.SIGINT, lambda number, frame: heard.append(number))
    try:
        assert signals.raises_sigint(lambda: signal.raise_signal(signal.SIGINT))
        assert not signals.raises_sigint(lambda: None)
        assert not heard
        with monkeypatch.context() as patch:
            patch.setattr(signals.os, "getpid", lambda: os.getppid())
            assert not signals.raises_sigint(lambda: signal.raise_signal(signal.SIGINT))
        assert heard == [signal.SIGINT]
    finally:
        signal.signal(signal.SIGINT, before)
    monkeypatch.setattr(signals, "raises_sigint", lambda action: True)
    with pytest.raises(UsageError, match=r"OpenBLAS cannot start its threads: .* OPENBLAS_NUM_THREADS=1"):
        signals.load_numpy()


@pytest.mark.parametrize("arguments", [["machine"], ["show"], ["report"], ["compare", "a", "b"]])
def test_every_command_that_loads_numpy_says_why_it_cannot(command, monkeypatch, arguments):
    """Not that it was interrupted."""
    monkeypatch.setattr(signals, "raises_sigint", lambda action: True)
    done = command(*arguments)
    assert done.code == 2
    assert done.err.startswith("hwbench: OpenBLAS cannot start its threads: ")


def test_a_system_that_does_not_say_who_sent_a_signal(monkeypatch):
    """There the import alone is made."""
    monkeypatch.delattr(signal, "sigtimedwait", raising=False)
    done = []
    assert not signals.raises_sigint(lambda: done.append("imported"))
    assert done == ["imported"]
