"""The program as a whole: bad usage, failures and hostile files are told in one clean line."""

from __future__ import annotations

import errno
import os
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from doubles.scripted import DESCRIBED, record
from hwbench.cli import app
from hwbench.devices import selection
from made_up.commands import HOSTILE, clean, hostile_run, saved


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "acces"], "no bench matches 'acces'; did you mean access"),
        (["run", "--variant", "fats"], "no selected bench has a variant 'fats'; did you mean fast?"),
        (["run", "--param", "sise=L1"], "no selected bench has an axis 'sise'; did you mean size?"),
        (["run", "--param", "size=1e400"], "size: '1e400' is too large"),
        (["run", "--param", "size=0"], "size: '0' is not at least 1 byte"),
        (["run", "--param", "size"], "--param size: is not of the form KEY=VALUE, such as size=L1"),
        (["run", "--param", "=L1"], "--param =L1: is not of the form KEY=VALUE"),
        (["run", "--param", "size="], "--param size=: is not of the form KEY=VALUE"),
        (["run", "--budget", "-1"], "--budget -1: must be a time in seconds above 0"),
        (["run", "--budget", "nan"], "--budget nan: must be a time in seconds above 0"),
        (["run", "--preset", "fast"], "--preset fast: must be one of quick, standard, full"),
        (["run", HOSTILE], r"no bench matches '\x1b[31m\x07</script>"),
        (["list", "acces"], "did you mean access"),
        (["show", "none.json"], "none.json: cannot be read (No such file or directory)"),
        (["show", "box-1"], "box-1 is no file, and no run with this id is below"),
        (["show", ""], "RUN is empty; name a run file or a run's id, or omit it for the newest run"),
        (["show", "x" * 5000], "is no file, and no run with this id"),
        (["show", "/" + "x" * 5000], "cannot be read (File name too long)"),
        (["show", HOSTILE], r"\x1b[31m\x07</script>"),
        (["compare", "a", "b", "--threshold", "-1"], "--threshold -1: is no relative difference"),
        (["compare", "a", "b", "--threshold", "nan"], "--threshold nan: is no relative difference"),
        (["compare", "", "a"], "BASE or NEW is empty; name a run"),
        (["compare", "a", "b", "--repo", "none"], "--repo none: is no directory"),
        (["report", "--repo", "none"], "--repo none: is no directory"),
        (
            ["run", "--param", "size=1e30"],
            "size: '1e30' is too large; name a quantity such as 24KiB, or one of L1, L2,",
        ),
        (["report", "x" * 5000], "File name too long"),
    ],
)
def test_bad_usage_is_one_line_and_exit_2(benches, device, command, tmp_path, monkeypatch, arguments, said):
    """What does not exist, cannot be or makes no sense: said with the nearest, nothing measured, nothing made."""
    monkeypatch.chdir(tmp_path)
    done = command(*arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("hwbench: ")
    assert said in done.err
    assert done.err.count("\n") == 1
    assert clean(done.err)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments", [["run", "--no-such"], ["run", "--budget", "soon"], ["compare", "one"], ["nothing"]]
)
def test_what_the_option_parser_refuses_is_exit_2(command, arguments):
    """Unknown options, words for numbers, missing arguments, unknown commands."""
    done = command(*arguments)
    assert (done.code, done.out) == (2, "")
    assert "Traceback" not in done.err


@pytest.mark.parametrize(("words", "count"), [(["list"], 1), (["lst"], 14), (["--help"], 14), ([], 14)])
def test_the_named_command_alone_is_looked_at(words, count):
    """All of them where none is named."""
    assert len(app.with_only(words).registered_commands) == count
    assert len(app.app.registered_commands) == 14


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("name", ["", *(one.name for one in app.app.registered_commands)])
def test_help_is_whole_at_any_width(name, width):
    """Of the program and of each command: every option with its text, brackets included, and no line too long."""
    done = CliRunner().invoke(app.app, [*([name] if name else []), "--help"], terminal_width=width)
    assert (done.exit_code, done.exception) == (0, None)
    assert max(map(len, done.output.splitlines())) <= width
    found = typer.main.get_command(app.app)
    mine = found.commands[name] if name else found
    told = "".join(done.output.split())
    for one in mine.params:
        for text in (one.help or "", *(one.opts if one.param_type_name == "option" else ())):
            assert "".join(text.split()) in told, text


def test_version(command):
    """`--version` is the package's."""
    import hwbench

    assert command("--version").out == command("-V").out == f"hwbench {hwbench.__version__}\n"


def test_an_unforeseen_failure_is_one_line(benches, command, monkeypatch):
    """No traceback reaches a user, unless it is asked for; and 1 would say that it was done, and something slower."""

    def fail(*_, **__):
        raise RuntimeError("one\ntwo")

    monkeypatch.setattr(selection, "devices", fail)
    done = command("list", "-v")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert done.err.startswith("hwbench: RuntimeError: one two (HWBENCH_DEBUG=1 shows where")
    monkeypatch.setenv("HWBENCH_DEBUG", "1")
    with pytest.raises(RuntimeError):
        command("list", "-v")


@pytest.mark.parametrize(("error", "what"), [(EOFError(), "nothing more to read"), (EOFError("Ran out"), "Ran out")])
def test_an_early_end_of_what_is_read_is_an_error_by_2(command, monkeypatch, error, what):
    """A cut-off cache or a process that died: not click's `Aborted!`, whose exit code says that a case is slower."""

    def fail():
        raise error

    monkeypatch.setattr("hwbench.catalog.benches", fail)
    done = command("list", "-v")
    assert done.code == 2
    assert done.err == (
        f"hwbench: EndOfInputError: a file or another process ended early ({what}); run the command again "
        "(HWBENCH_DEBUG=1 shows where)\n"
    )


@pytest.mark.parametrize("arguments", [["show", "--findings"], ["compare", "--across-machines"]])
def test_nothing_in_a_file_reaches_the_terminal_raw(benches, command, out, arguments):
    """Escape sequences, markup and overrides in names, values, reasons and findings are shown, not obeyed."""
    benches["access.steps"].finding(lambda r: [f"measured on {next(iter(r.records[0].params))}"])
    paths = [hostile_run(out), hostile_run(out, "20261122T190000Z")]
    done = command(*arguments, *(paths[:1] if arguments[0] == "show" else paths))
    assert done.code == 0
    assert clean(done.out)
    assert clean(done.err)
    assert r"\x1b[31m\x07</script>" in done.out
    assert "[bold]" in done.out


def closed_pipe(*arguments: object) -> tuple[int, str]:
    """Exit code and standard error of `hwbench ARGUMENTS | true`: a process whose reader has gone."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "hwbench", *map(str, arguments)],
        stdout=writing, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
    )  # fmt: skip
    os.close(writing)
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"], ["show", "OLD"],
        ["compare", "OLD", "NEW"], ["compare", "OLD", "NEW", "--json"], ["compare", "OLD", "NEW", "--markdown"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_closed_pipe_is_no_slower_case(out, arguments):
    """`hwbench … | head -1` ends by 0 and without a word: 1 would say that a case is slower."""
    runs = {
        name: saved(out, record(samples=[factor * (1 + i / 1000) for i in range(12)]), stamp=stamp, benches=DESCRIBED)
        for name, factor, stamp in (("OLD", 1, "20261122T180000Z"), ("NEW", 2, "20261122T190000Z"))
    }
    assert closed_pipe(*(runs.get(one, one) for one in arguments)) == (0, "")


def test_a_closed_pipe_hides_no_bad_usage(tmp_path):
    """What is refused is refused by 2, whoever reads standard output."""
    assert closed_pipe("compare", "one")[0] == 2
    assert closed_pipe("show", tmp_path / "none.json")[0] == 2


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (PermissionError(errno.EPERM, "Operation not permitted"), "PermissionError: Operation not permitted"),
        (OSError(errno.EINVAL, "Invalid argument"), "OSError: Invalid argument"),
        (OSError("no number"), "OSError: no number"),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), "/x: Permission denied"),
        (OSError(errno.ENOSPC, "No space left on device"), "output: No space left on device"),
    ],
)
def test_an_error_of_the_system_has_its_own_name(monkeypatch, capsys, error, said):
    """`output` is what cannot be written to; a refused system call is not."""

    def refuse():
        raise error

    monkeypatch.setattr(app, "with_only", lambda words: refuse)
    monkeypatch.setattr(app.streams, "silence", lambda stream, error: None)
    with pytest.raises(SystemExit) as end:
        app.main()
    assert (end.value.code, capsys.readouterr().err) == (2, f"hwbench: {said}\n")
