"""What prints: wide tables on a pipe, JSON on standard output, lines on either stream."""

from __future__ import annotations

import json
import os
import sys

import pytest

from doubles.scripted import record
from hwbench.cli import console, streams


def test_off_a_terminal_tables_are_wide_and_plain(capsys):
    """Rich folds at 80 columns on a pipe; a row that is not folded can be searched."""
    made = console.console()
    assert (made.width, made.no_color) == (console.PIPE_WIDTH, True)
    assert console.console(stderr=True).stderr


def test_json_is_indented_and_ends_with_a_newline(capfdbinary):
    """Structs and plain data alike; what is infinite is null."""
    console.print_json({"record": record(), "none": float("inf")})
    text = capfdbinary.readouterr().out.decode()
    assert text.endswith("}\n")
    assert json.loads(text)["none"] is None
    assert json.loads(text)["record"]["bench"] == record().bench


def test_json_holds_nothing_that_a_terminal_obeys(capfdbinary):
    """A name out of a file with C1 control characters or a reversed direction is escaped, and the same to a parser."""
    name = "x\x9b2J\x7f\u202e\u2066é😀"
    console.print_json({name: name})
    text = capfdbinary.readouterr().out.decode()
    assert json.loads(text) == {name: name}
    assert not set("\x9b\x7f\u202e\u2066") & set(text)
    assert "é😀" in text


def test_lines_on_standard_error_show_control_characters(capsys):
    """A name out of a file cannot move the cursor; standard output gets the line as it is."""
    console.echo_err("a\x1b[31mb")
    console.echo("c")
    said = capsys.readouterr()
    assert (said.out, said.err) == ("c\n", "a\\x1b[31mb\n")


def test_a_line_that_nobody_can_hear_is_no_failure(monkeypatch):
    """Standard error is a closed pipe."""

    class Closed:
        def write(self, text):
            raise BrokenPipeError(32, "Broken pipe")

        def flush(self):
            raise BrokenPipeError(32, "Broken pipe")

        def fileno(self):
            raise OSError

    monkeypatch.setattr(sys, "stderr", Closed())
    console.echo_err("lost")
    monkeypatch.setattr(sys, "stdout", Closed())
    with pytest.raises(BrokenPipeError):
        console.echo("not lost silently")


def test_a_closed_pipe_is_told_as_print_tells_it(monkeypatch):
    """Rich would end the program by 1, the code of a slower case."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w", buffering=1) as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        with pytest.raises(BrokenPipeError) as error:
            console.console().print("lost")
        streams.silence(stream, error.value)


@pytest.mark.parametrize(
    ("terminal", "variables", "live"),
    [(True, {}, True), (True, {"CI": "false"}, True), (True, {"CI": "1"}, False), (True, {"TERM": "dumb"}, False),
     (False, {}, False), (False, {"FORCE_COLOR": "1"}, False)],
)  # fmt: skip
def test_lines_are_redrawn_on_terminals_alone(monkeypatch, terminal, variables, live):
    """Not in logs, and not where the terminal cannot; FORCE_COLOR is about colour."""
    for name in ("CI", "TERM", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal, raising=False)
    assert console.live(sys.stderr) is live
    assert not console.live(None)
