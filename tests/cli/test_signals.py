"""Signals: the first asks to stop, the second ends the process."""

from __future__ import annotations

import signal

import pytest

from hwbench.cli import signals


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
