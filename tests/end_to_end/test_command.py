"""The real command in processes of its own: killed, stopped, resumed, two at once, without room, with bad input.

Most are forked from a warm process (`doubles.forks`); where a process starts or what its streams are counts, it is
started. The real clock decides only when a process is killed; nothing asserted depends on how long anything took.
"""

from __future__ import annotations

import contextlib
import json
import os
import pty
import random
import re
import resource
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from doubles import forks
from doubles.forks import environment
from doubles.scripted import DESCRIBED, MACHINE, record, run_of
from hwbench.record import store
from hwbench.record.model import Record, Run, key

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="signals, pseudo-terminals and /dev/full as Linux has them"
)

HWBENCH = [sys.executable, "-m", "hwbench"]
CASES = 7  # contrasts of one case each, a fifth to a third of a second long
SIZES = [f"n={10**power}" for power in range(CASES)]
SMALL = ["run", "vectorize.add", "--variant", "numpy", "--no-report", *(x for size in SIZES for x in ("--param", size))]
QUICK = [*SMALL, "--preset", "quick"]


Process = subprocess.Popen[str] | forks.Forked


def limits_off() -> None:
    """In the child: SIGINT as a shell's foreground job has it, whatever started pytest."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def start(*arguments: object, **more) -> subprocess.Popen[str]:
    given = {
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        "text": True,
        "env": environment(),
        "preexec_fn": limits_off,
    } | more
    return subprocess.Popen([*HWBENCH, *map(str, arguments)], **given)


def hwbench(*arguments: object, **more) -> subprocess.CompletedProcess[str]:
    with start(*arguments, **more) as process:
        out, err = process.communicate(timeout=300)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def lines_until(process: Process, wanted: str) -> list[str]:
    """What the process said on standard error up to the line that starts so."""
    said = []
    for line in process.stderr:
        said.append(line)
        if line.startswith(wanted):
            return said
    raise AssertionError(f"ended without {wanted!r}: {said}")


def until_saved(process: Process, out: Path, least: int) -> None:
    """Wait until the run's file holds so many cases; the log has a line for the whole bench alone."""
    while not (paths := store.find(out)) or len(store.read(paths[0]).records) < least:
        assert process.poll() is None, "ended before"
        time.sleep(0.01)


def only_run(out: Path) -> Path:
    [path] = store.find(out)
    return path


def whole(run: Run) -> None:
    """Finished, every case once, all measured."""
    assert run.finished is not None
    assert len({key(r) for r in run.records}) == len(run.records) == CASES
    assert {r.status for r in run.records} <= {"ok", "suspect"}


# --- killed and stopped -----------------------------------------------------------------------------------------------


def kill_and_resume(out: Path, kills: int, seed: int, begin: Callable[..., Process] = start) -> int:
    """Kill runs at random moments, each going on with the one before; the number of kills that hit a measuring one."""
    rng = random.Random(seed)
    hits = 0
    before: Run | None = None
    for _ in range(kills):
        resume = ["--resume"] if before else []
        with begin(*QUICK, *resume, "--out", out) as process:
            told = 0
            with contextlib.suppress(AssertionError):
                lines_until(process, "measuring")
                hits += 1
            end = time.monotonic() + rng.uniform(0, 1.5)  # a little more than all cases take
            while time.monotonic() < end and process.poll() is None:
                if select.select([process.stderr], [], [], 0.01)[0]:
                    told += process.stderr.readline().startswith("[")
            process.kill()
            rest = process.stderr.read()
            told += sum(line.startswith("[") for line in rest.splitlines())
        assert "Traceback" not in rest
        run = store.read(only_run(out))
        had = before.records if before else []
        assert run.records[: len(had)] == had  # nothing that was measured is lost or changed
        assert len(run.records) >= (CASES if told else len(had))  # what was told as measured is in the file
        before = run
        if run.finished is not None:
            whole(run)
            only_run(out).unlink()
            before = None
    with begin(*QUICK, *(["--resume"] if before else []), "--out", out) as done:
        _, err = done.communicate()
    assert done.returncode == 0, err
    run = store.read(only_run(out))
    whole(run)
    assert run.records[: len(before.records)] == before.records if before else True
    assert [path.name for path in out.rglob("*.json")] == [only_run(out).name]
    return hits


def test_kill_9_loses_no_finished_contrast(tmp_path):
    """Killed at a random moment, the file stays valid and `--resume` finishes it."""
    assert kill_and_resume(tmp_path, 1, seed=1) == 1


def test_kill_9_at_random_moments_loses_no_finished_contrast(tmp_path, warm):
    """The same again and again, each run going on with what the one before left; `tests/campaign` kills hundreds."""
    assert kill_and_resume(tmp_path, 6, 2, warm.start) == 6


def test_kill_9_before_measuring_leaves_nothing_broken(tmp_path):
    """Killed while it still starts: no file, or a valid one without records."""
    with start(*SMALL, "--out", tmp_path) as process:
        time.sleep(random.Random(3).uniform(0, 1))
        process.kill()
    for path in store.find(tmp_path):
        assert store.read(path).records == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_exit_130_and_resume_finishes(tmp_path, warm, number):
    """SIGTERM and Ctrl-C after the second contrast: two are saved, it is said how to go on, and that works."""
    with warm.start(*SMALL, "--out", tmp_path) as process:
        until_saved(process, tmp_path, 2)
        process.send_signal(number)
        _, err = process.communicate()
    path = only_run(tmp_path)
    run = store.read(path)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert (
        err.splitlines()[-1] == f"interrupted: {len(run.records)} cases are saved in {path}; --resume goes on with them"
    )
    assert run.finished is None
    assert 2 <= len(run.records) < CASES
    done = warm.run(*SMALL, "--resume", "--out", tmp_path)
    assert done.returncode == 0
    assert (
        f"measuring {CASES - len(run.records)} cases of 1 bench; {len(run.records)} cases were measured before"
        in done.stderr
    )
    finished = store.read(only_run(tmp_path))
    whole(finished)
    assert finished.records[: len(run.records)] == run.records
    again = warm.run(*SMALL, "--resume", "--out", tmp_path)
    assert (again.returncode, again.stderr.count("\n")) == (2, 1)
    assert "no run there was cut off" in again.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_starting_leaves_no_traceback(tmp_path, number):
    """Stopped during the imports: 130, at most one line, and nothing broken is left."""
    with start(*SMALL, "--out", tmp_path) as process:
        loaded = Path(f"/proc/{process.pid}/maps")
        while process.poll() is None and "numpy" not in loaded.read_text():
            time.sleep(0.01)
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err, err
    for path in store.find(tmp_path):
        store.read(path)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_python_ends_does_not_change_the_exit_code(number):
    """The work is done: what is called last, when Python has taken its handlers away, stops the process no more."""
    code = (
        "import os, sys, hwbench.__main__ as program\n"
        f"class Last:\n    def __del__(self, kill=os.kill, me=os.getpid()): kill(me, {int(number)})\n"
        "last = Last(); sys.argv = ['hwbench', '--version']; program.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment())
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("hwbench ")


def test_two_runs_into_one_directory_both_survive(tmp_path, warm):
    """Started at once: two files, each whole; neither took the other for one that was cut off."""
    with warm.start(*SMALL, "--out", tmp_path) as one, warm.start(*SMALL, "--out", tmp_path) as other:
        lines_until(one, "measuring")
        lines_until(other, "measuring")
        resumed = warm.run(*SMALL, "--resume", "--out", tmp_path)
        ends = [process.communicate() for process in (one, other)]
    assert (one.returncode, other.returncode) == (0, 0), ends
    assert resumed.returncode in (0, 2)
    if resumed.returncode == 2:
        assert "no run there was cut off" in resumed.stderr
    runs = [store.read(path) for path in store.find(tmp_path)]
    assert len({run.id for run in runs}) == len(runs) == 2
    for run in runs:
        whole(run)
    assert not [*tmp_path.rglob("*.partial"), *tmp_path.rglob("*.lock")]


# --- streams ----------------------------------------------------------------------------------------------------------


def test_json_on_stdout_is_one_run(tmp_path, warm):
    """`--json -`: strict JSON from the first byte to the last, equal to the file; all else goes to standard error."""
    done = warm.run(
        "run", "vectorize.add", "--param", "n=100", "--preset", "quick", "--no-report", "--json", "-", "--out", tmp_path
    )
    assert done.returncode == 0
    assert msgspec.json.decode(done.stdout, type=Run) == store.read(only_run(tmp_path))
    assert "\nrun  " in done.stderr


def with_runs(arguments: list[str], folder: Path, *records: Record) -> list[object]:
    """The arguments with the files of two runs of these records for RUN and NEW."""
    for name in ("RUN", "NEW"):
        store.write(run_of(*records, id=name, benches=DESCRIBED), folder / f"{name}.json")
    return [folder / f"{one}.json" if one in ("RUN", "NEW") else one for one in arguments]


@pytest.mark.parametrize(
    "arguments",
    [["list", "--json"], ["machine", "--json"], ["show", "--json", "RUN"], ["compare", "--json", "RUN", "NEW"]],
)
def test_json_of_every_command_is_json(tmp_path, warm, arguments):
    """Valid, strict, and nothing on standard error."""
    done = warm.run(*with_runs(arguments, tmp_path, record(samples=(1.0,))))

    def refuse(name):
        raise AssertionError(name)

    json.loads(done.stdout, parse_constant=refuse)
    assert (done.returncode, done.stderr) == (0, "")


def terminal(warm: forks.Server, *arguments: object, **more: str) -> tuple[int, str]:
    """Exit code and all output of a command on a terminal."""
    parent, child = pty.openpty()
    link = forks.asked(warm.name, arguments, environment(**more), (child, child, child))
    os.close(child)
    chunks = []
    with contextlib.suppress(OSError):  # the other end is closed
        while chunk := os.read(parent, 65536):
            chunks.append(chunk)
    os.close(parent)
    return forks.ended(link), b"".join(chunks).decode()


COLOUR = re.compile(r"\x1b\[[0-9;]*\b(3[0-9]|4[0-9]|9[0-7]|10[0-7])[0-9;]*m")


@pytest.fixture(scope="module")
def slower(tmp_path_factory) -> list[Path]:
    """Two runs, of which the second is slower."""
    folder = tmp_path_factory.mktemp("runs")
    paths = [folder / "old.json", folder / "new.json"]
    for path, factor in zip(paths, (1, 2), strict=True):
        samples = [factor * (1 + i / 1000) for i in range(12)]
        store.write(run_of(record(samples=samples), id=path.stem, benches=DESCRIBED), path)
    return paths


def test_no_color_is_honoured(slower, warm):
    """A terminal gets colours, one with NO_COLOR none, and a pipe no escape sequence at all."""
    assert COLOUR.search(terminal(warm, "compare", *slower)[1])
    code, text = terminal(warm, "compare", *slower, NO_COLOR="1")
    assert code == 1
    assert "slower" in text
    assert not COLOUR.search(text)
    assert "\x1b" not in warm.run("compare", *slower).stdout


def test_a_terminal_has_a_bar_and_a_pipe_has_lines(tmp_path, warm):
    """The bar moves on a terminal and is gone at the end; NO_COLOR takes its colours."""
    code, text = terminal(warm, *SMALL, "--preset", "quick", "--out", tmp_path, NO_COLOR="1")
    assert code == 0
    assert "\x1b[?25l" in text  # the cursor is hidden while a bar moves,
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")  # and is there again afterwards
    assert f"{CASES}/{CASES}" in text
    assert not COLOUR.search(text)
    assert re.search(r"^(\x1b\[[0-9;]*m)*run\b", text.split("\x1b[?25h")[-1].replace("\r", ""), re.MULTILINE)


@pytest.mark.parametrize("arguments", [["list"], ["list", "--json"], ["show", "RUN"], ["compare", "RUN", "NEW"]])
def test_a_reader_that_goes_away_is_no_traceback(tmp_path, arguments):
    """`hwbench list | head` ends quietly, however much was still to come."""
    given = with_runs(arguments, tmp_path, *[record(params={"n": i}) for i in range(500)])
    reading, writing = os.pipe()
    os.close(reading)
    with start(*given, stdout=writing) as process:
        os.close(writing)
        _, err = process.communicate(timeout=60)
    assert err == ""
    assert process.returncode == 0


def test_a_full_standard_output_is_one_line():
    """`hwbench list > /dev/full` says so."""
    with Path("/dev/full").open("w") as full, start("list", "--json", stdout=full) as process:
        _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert err == "hwbench: output: No space left on device\n"


def test_a_full_standard_error_costs_the_lines_alone(tmp_path):
    """`hwbench run … 2> /dev/full` measures, keeps the run and exits by 0."""
    with Path("/dev/full").open("w") as full, start(*QUICK, "--out", tmp_path, stderr=full) as one:
        out, _ = one.communicate(timeout=60)
    assert one.returncode == 0
    assert f"run       {only_run(tmp_path)}" in out
    assert store.read(only_run(tmp_path)).finished


def test_a_full_standard_output_costs_neither_the_json_nor_the_report(tmp_path):
    """`hwbench run … > /dev/full` says so in one line after both were written."""
    asked = [one for one in SMALL if one != "--no-report"]
    asked += ["--budget", "0.001", "--out", str(tmp_path), "--json", str(tmp_path / "x.json")]
    with Path("/dev/full").open("w") as full, start(*asked, stdout=full) as one:
        _, err = one.communicate(timeout=120)
    assert (one.returncode, err.splitlines()[-1]) == (2, "hwbench: output: No space left on device")
    assert store.read(tmp_path / "x.json") == store.read(only_run(tmp_path))
    assert (tmp_path / "index.html").exists()


@pytest.mark.parametrize("encoding", ["latin-1", "ascii"])
def test_a_terminal_of_another_encoding_gets_plain_letters(encoding):
    """The findings of a committed run hold en dashes, arrows and micro signs."""
    [path] = (Path(__file__).parents[2] / "reports/runs/intel-xeon-2cpu").glob("*.json")
    done = hwbench("show", "--findings", path, env=environment(PYTHONIOENCODING=encoding), encoding=encoding)
    assert (done.returncode, done.stderr) == (0, "")
    assert "48 KiB (48-64)" in done.stdout


# --- bad input --------------------------------------------------------------------------------------------------------

GOOD = msgspec.json.encode(run_of(record(facts={"x": 1})))
BAD = {
    "cut off": GOOD[:200],
    "newer": GOOD.replace(b'"schema":2', b'"schema":7'),
    "nested": GOOD.replace(b'"x":1', b'"x":' + b"[" * 10**6),
    "nan": GOOD.replace(b"1.0", b"NaN"),
    "numbers": GOOD.replace(b"[1.0,1.0,1.0]", b"[" + b"1," * 10**6 + b"1]"),
    "asv's": b'{"commit_hash": "abc", "results": {}}',
    "escape": GOOD.replace(b'"status":"ok"', b'"status":"\\u001b[31mred"'),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("command", ["show", "report"])
def test_a_bad_run_file_is_one_line(tmp_path, warm, name, command):
    """Which file, what about it; exit 2, no traceback, no page, no escape sequence."""
    path = tmp_path / "bad.json"
    path.write_bytes(BAD[name])
    done = warm.run(command, path, *(["-o", tmp_path / "page.html"] if command == "report" else []))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"hwbench: {path}")
    assert done.stderr.count("\n") == 1
    assert done.stderr[:-1].isprintable()
    assert not (tmp_path / "page.html").exists()


def test_arguments_that_are_no_text_are_told(tmp_path, warm):
    """A byte that is no UTF-8 in a name: one line, exit 2."""
    given = (["show", "\udcff"], ["run", "\udcff"], ["run", "--param", "size=\udcff"], ["list", "\udcff"])
    for done in (hwbench("show", "\udcff", cwd=tmp_path), *(warm.run(*arguments) for arguments in given)):
        assert done.returncode == 2
        assert done.stderr.startswith("hwbench: ")
        assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "name", ["../../escaped", "/abs", "\udcff\x1b[31m", "", "con", ".hidden", "x" * 5000, "<script>"]
)
def test_a_machine_s_name_never_leaves_the_directory(tmp_path, warm, name):
    """Whatever a machine is called, its run lies one directory below `runs`, and can be read."""
    out = tmp_path / "inside" / "out"
    done = warm.run("run", "vectorize.add", "--variant", "numpy", "--param", "n=100", "--no-report", "--out", out,
                    "--preset", "quick", "--machine", name, "--budget", "0.001")  # fmt: skip
    assert done.returncode == 2, done.stderr  # no case fits the budget, and the run is kept
    path = only_run(out)
    assert path.parent.parent == out / "runs"
    assert [one.relative_to(tmp_path).parts[0] for one in tmp_path.rglob("*.json")] == ["inside"]
    assert store.read(path).machine.name == path.parent.name


def test_a_directory_that_cannot_be_made_is_told_before_measuring(tmp_path, warm):
    """A file in its place: exit 2, one line, nothing measured."""
    (tmp_path / "file").write_text("")
    done = warm.run(*SMALL, "--out", tmp_path / "file")
    assert (done.returncode, done.stdout) == (2, "")
    assert "name another directory with --out" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_disk_that_fills_while_measuring_loses_nothing(tmp_path, warm):
    """No file may grow beyond 8 KiB: the run can be kept nowhere, goes on, and is printed at its end."""

    def small_files() -> None:
        limits_off()
        resource.setrlimit(resource.RLIMIT_FSIZE, (8 * 1024, 8 * 1024))

    (tmp_path / "tmp").mkdir()
    # Python would cut the bytecode that it writes, for all processes after it.
    into = environment(TMPDIR=str(tmp_path / "tmp"), PYTHONDONTWRITEBYTECODE="1")
    warm.run(*QUICK, "--out", tmp_path / "before")  # kernels and bytecode are on disk then: only the run's file is cut
    done = hwbench(*QUICK, "--out", tmp_path / "out", env=into, preexec_fn=small_files)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "cannot be written (File too large)" in done.stderr
    assert "keeping the run in memory until its end" in done.stderr
    assert "\n[1/1] vectorize.add " in done.stderr
    assert f" {CASES} cases in " in done.stdout
    assert "1000000 " in done.stdout
    kept = store.read(only_run(tmp_path / "out"))  # the last state that there was room for
    assert 1 <= len(kept.records) < CASES
    assert not [*tmp_path.rglob("*.partial"), *tmp_path.rglob("*.lock")]


def test_a_size_beyond_memory_is_skipped_with_both_numbers(tmp_path, warm):
    """An exabyte is not tried: exit 2, since nothing was measured; the reason has what it takes and what is free."""
    done = warm.run(
        "run", "access.row_column", "--param", "size=1e18", "--preset", "quick", "--no-report", "--out", tmp_path
    )
    assert done.returncode == 2, done.stderr
    assert re.search(r"^hwbench: nothing was measured: .* free", done.stderr, re.MULTILINE)
    run = store.read(only_run(tmp_path))
    assert {r.status for r in run.records} == {"skipped"}
    assert all(re.search(r"needs .*TiB.*60% of the .*GiB free", r.why) for r in run.records)


def test_the_fixed_machine_of_the_tests_is_not_this_one(warm):
    """Files of other machines are shown all the same: the tests' made-up machine has another CPU."""
    assert warm.run("machine", "--json").stdout.find(MACHINE.cpu.model) == -1
