"""What a run does that a launcher started: its variables, its turn on the machine, its end with its parent."""

from __future__ import annotations

import os
import signal
import sys
import threading

import pytest

from hwbench.errors import UsageError
from hwbench.fleet import launch_task
from hwbench.fleet.launch_task import Task, Together
from hwbench.version import __version__

TICKET = {"HWBENCH_LAUNCH": "abc1234", "HWBENCH_TASK": "3"}


@pytest.mark.parametrize(
    "task", [Task("abc1234", 3), Task("abc1234", 0, "mine-0"), Task("abc1234", 9, together=Together(16, 0.5))]
)
def test_a_task_is_told_by_variables(task):
    """What the launcher sets is what the run reads."""
    assert launch_task.here(task.variables()) == task
    assert launch_task.here(task.variables() | {"HWBENCH_PARENT": "17"}).parent == 17


def test_a_run_of_nobodys_launch_has_no_task():
    """And waits for nobody."""
    assert launch_task.here({}) is None
    with launch_task.entered(None, pytest.fail):
        pass


@pytest.mark.parametrize(
    ("variables", "said"),
    [({"HWBENCH_TASK": "x"}, "are no ticket"), ({"HWBENCH_LAUNCH": ""}, "are no ticket"),
     ({"HWBENCH_TOGETHER": "many"}, "HWBENCH_TOGETHER=many: is not of the form"),
     ({"HWBENCH_LOCK": "../x"}, "--lock ../x: has other characters")],
)  # fmt: skip
def test_variables_of_another_form_are_refused(variables, said):
    """In one line."""
    with pytest.raises(UsageError, match=said):
        launch_task.here(TICKET | variables)


def test_runs_of_one_lock_take_turns(tmp_path, monkeypatch):
    """The second says that it waits, and begins when the first has ended; another lock does not matter."""
    monkeypatch.setattr(launch_task.tempfile, "gettempdir", lambda: str(tmp_path))
    said, order = [], []
    waits = threading.Event()

    def tell(line):
        said.append(line)
        waits.set()

    def second():
        with launch_task.turn("one", tell):
            order.append("second")

    with launch_task.turn("one", pytest.fail), launch_task.turn("other", pytest.fail):
        thread = threading.Thread(target=second)
        thread.start()
        assert waits.wait(30)
        order.append("first")
    thread.join(30)
    assert order == ["first", "second"]
    assert said == ["waiting for another run on this machine to end"]


def test_without_a_place_for_locks_a_run_goes_on(monkeypatch, tmp_path):
    """With a warning: a full or strange disk costs no measurement."""
    (tmp_path / "file").touch()
    monkeypatch.setattr(launch_task.tempfile, "gettempdir", lambda: str(tmp_path / "file"))
    said = []
    with launch_task.entered(Task("abc1234", 0), said.append):
        pass
    assert [line for line in said if line.startswith("warning: no lock can be taken")] == said != []


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")
def test_a_run_ends_with_the_worker_that_started_it():
    """The worker is killed, and its child gets SIGTERM: the pipe that both hold comes to its end."""
    held, write = os.pipe()
    worker = os.fork()
    if not worker:
        if not os.fork():
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            launch_task.end_with(os.getppid())
            os.write(write, b"bound")
            signal.pause()
        signal.pause()
    os.close(write)
    assert os.read(held, 5) == b"bound"
    os.kill(worker, signal.SIGKILL)
    os.waitpid(worker, 0)
    assert os.read(held, 1) == b""
    os.close(held)


def test_what_a_worker_runs(monkeypatch):
    """The exit code and the last line come back; the run has the worker's environment and its task."""
    told = "os.environ['HWBENCH_TASK'], os.environ.get('OMP_NUM_THREADS')"
    program = f"import os, sys; print({told}, file=sys.stderr); sys.exit(3)"
    started = launch_task.subprocess.Popen
    monkeypatch.setattr(
        launch_task.subprocess, "Popen", lambda words, **how: started([words[0], "-S", "-c", program], **how)
    )
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    answer = launch_task.measure(["run"], TICKET)
    assert (answer.code, answer.said) == (3, "3 2")


def test_dasks_settings_of_threads_are_no_ones_own(monkeypatch):
    """They are left out where they are those that its nanny gives."""
    dask = pytest.importorskip("dask")
    monkeypatch.setitem(sys.modules, "distributed", sys.modules.get("distributed", object()))
    with dask.config.set({"distributed.nanny.pre-spawn-environ": {"OMP_NUM_THREADS": 1, "MKL_NUM_THREADS": 1}}):
        found = launch_task._own({"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "4", "HOME": "/"})
    assert found == {"MKL_NUM_THREADS": "4", "HOME": "/"}


def test_a_task_of_a_killed_worker_is_not_started_by_its_successor(monkeypatch):
    """The launcher counts what is started again, not the engine."""
    monkeypatch.setattr(launch_task.subprocess, "Popen", pytest.fail)
    answer = launch_task.measure(["run"], TICKET, pid="1")
    assert (answer.code, answer.said) == (-9, "its worker was lost")


def test_another_version_measures_nothing(monkeypatch):
    """It says which it has."""
    monkeypatch.setattr(launch_task.subprocess, "Popen", pytest.fail)
    answer = launch_task.measure(["run"], TICKET, "9.9")
    assert (answer.code, answer.said) == (2, f"has hwbench {__version__}, and 9.9 started it")
    assert launch_task.facts()["version"] == __version__
