"""Processes: how they end, how long they may take, and that nothing of them is left."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hwbench.ab.process import Running, together
from hwbench.tracking.history import TrackingError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


def started(tmp_path, code, *, name="one", cpus=()):
    out = tmp_path / name
    out.mkdir()
    return Running(name, [sys.executable, "-I", "-S", "-c", code], tmp_path, out, {**os.environ, "X": "7"}, cpus)


def test_output_exit_code_and_time(tmp_path):
    """Of two at once, each with its own."""
    said = "import os, sys; print(os.environ['X']); print('no', file=sys.stderr); sys.exit(3)"
    died = "import os; os.kill(os.getpid(), 11)"
    one, other = together([started(tmp_path, said), started(tmp_path, died, name="other")], 60)
    assert (one.code, one.output, one.errors, one.how) == (3, "7\n", "no\n", "exit code 3")
    assert one.seconds > 0
    assert one.cpu > 0
    assert other.how == "SIGSEGV"


def test_one_that_hangs_is_ended_with_what_it_started(tmp_path):
    """And with the process beside it."""
    child = tmp_path / "child"
    code = f"import os, time, pathlib\nif not os.fork():\n pathlib.Path({str(child)!r}).write_text(str(os.getpid()))\n"
    hangs = started(tmp_path, code + "time.sleep(60)")
    beside = started(tmp_path, "import time; time.sleep(60)", name="beside")
    while not (child.exists() and child.read_text()):
        time.sleep(0.01)
    with pytest.raises(TrackingError, match=r"^one took more than 10\.0 ms and was ended \(--timeout\)$"):
        together([hangs, beside], 0.01)
    assert not beside.waiter.is_alive()
    assert ended(child.read_text())


def ended(pid):
    """Whether a process is gone, or a zombie, within five seconds."""
    state = Path(f"/proc/{pid}/stat")
    for _ in range(500):
        if not state.exists() or state.read_text().split()[2] == "Z":
            return True
        time.sleep(0.01)
    return False


@pytest.mark.skipif(sys.platform != "linux", reason="prctl(2)")
def test_kill_9_ends_the_process_under_way(tmp_path):
    """A parent that is killed cannot end its child; the kernel does."""
    code = (
        "import pathlib, os, signal, sys; from hwbench.ab.process import Running\n"
        f"out = pathlib.Path({str(tmp_path)!r})\n"
        "one = Running('one', [sys.executable, '-I', '-S', '-c', 'import time; time.sleep(60)'], out, out, {})\n"
        "print(one.process.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == -9, done.stderr
    assert ended(int(done.stdout))


def test_one_that_cannot_be_started_is_named(tmp_path):
    """With the reason."""
    (tmp_path / "out").mkdir()
    with pytest.raises(TrackingError, match="base: /no/such cannot be started"):
        Running("base", ["/no/such"], tmp_path, tmp_path / "out", {})


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs affinity masks")
def test_a_pinned_process_has_one_cpu_and_this_one_keeps_its_own(tmp_path):
    """The mask is that of the child alone."""
    before = os.sched_getaffinity(0)
    cpu = max(before)
    [ended] = together([started(tmp_path, "import os; print(*os.sched_getaffinity(0))", cpus=(cpu,))], 60)
    assert ended.output.split() == [str(cpu)]
    assert os.sched_getaffinity(0) == before
