"""Operations: each does what it says, as often as it says, and leaves no thread; the program answers by lines."""

from __future__ import annotations

import contextlib
import io
import sys
import threading

import pytest

from hwbench.benches.python import _operations
from hwbench.benches.python._operations import OPERATIONS, Timed


@pytest.mark.parametrize("name", OPERATIONS)
def test_each_statement_is_proved_and_timed(name):
    """Its threads end with it."""
    before = threading.active_count()
    timed = Timed(name)
    assert timed.check() == OPERATIONS[name].answer
    assert timed.seconds(1) > 0
    timed.close()
    assert threading.active_count() == before


def test_a_statement_that_does_nothing_is_found_out(monkeypatch):
    """Of each that leaves something behind."""
    for name in ("exception", "generator", "task", "copy", "pickle"):
        monkeypatch.setitem(OPERATIONS, name, OPERATIONS[name]._replace(statement="pass"))
        timed = Timed(name)
        with contextlib.suppress(NameError):
            assert timed.check() != OPERATIONS[name].answer
        timed.close()


def test_rows_are_a_mebibyte_when_pickled():
    names: dict[str, object] = {}
    exec(OPERATIONS["pickle"].given, names)
    assert len(names["dumps"](names["rows"], 5)) == pytest.approx(2**20, rel=0.1)


def test_the_program_answers_by_lines(monkeypatch, capsys):
    """First which interpreter it is; then a proof, and seconds."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("list check\nlist 2\n"))
    _operations.serve()
    who, proof, taken = capsys.readouterr().out.splitlines()
    assert who == f"{sys.version.split()[0]} {_operations.gil()}"
    assert float(proof) == 1
    assert 0 < float(taken) < 1


def test_the_lock_is_told(monkeypatch):
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: False, raising=False)
    assert _operations.gil() == "off"
