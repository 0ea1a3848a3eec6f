"""A run that a launcher started: its turn on the machine, and its groups in step with other machines."""

from __future__ import annotations

import pytest

from hwbench.cli import together
from hwbench.errors import UsageError
from hwbench.fleet import launch_task
from hwbench.fleet import together as meeting
from hwbench.fleet.launch_task import Task, Together
from hwbench.fleet.launch_watch import Watch
from hwbench.fleet.store import Store
from hwbench.measurement.observer import TroubleOnly


class Told:
    """An observer and a meeting that write down what they hear."""

    def __init__(self):
        self.heard = []

    def __getattr__(self, name):
        return lambda *words: self.heard.append((name, *words))


def test_each_group_waits_for_its_turn():
    """The first, too; all else is passed on."""
    told = Told()
    step = together.InStep(told, told)
    step.planned([1, 2], 0)
    for group in ("g", "h"):
        step.measuring(group)
        step.doing("compiles")
        step.measured(group, ())
    step.trouble("hot")
    assert told.heard == [
        ("planned", [1, 2], 0), ("wait", 0), ("measuring", "g"), ("doing", "compiles"), ("measured", "g", ()),
        ("wait", 1), ("measuring", "h"), ("doing", "compiles"), ("measured", "h", ()), ("trouble", "hot"),
    ]  # fmt: skip


@pytest.fixture
def started(monkeypatch, tmp_path):
    """The variables of a task, and locks in a directory of their own."""
    monkeypatch.setattr(launch_task.tempfile, "gettempdir", lambda: str(tmp_path))

    def set_for(task):
        for name, value in task.variables().items():
            monkeypatch.setenv(name, value)

    return set_for


def test_a_run_of_no_launch_is_left_alone(monkeypatch):
    """Its observer is its own."""
    monkeypatch.delenv("HWBENCH_LAUNCH", raising=False)
    observer = TroubleOnly(pytest.fail)
    with together.entered(observer, "", lambda: None) as watched:
        assert watched is observer


def test_a_run_of_a_launch_holds_the_machines_turn(started, tmp_path):
    """Alone or in step with others."""
    observer = TroubleOnly(pytest.fail)
    started(Task("abc1234", 1, "mine"))
    with together.entered(observer, "", lambda: None) as watched:
        assert watched is observer
        assert [path.name.rpartition("-")[2] for path in tmp_path.glob("hwbench-turn-*")] == ["mine.lock"]


def test_a_run_in_step_meets_the_others_in_the_store(started, monkeypatch):
    """Without one it is refused."""
    monkeypatch.setattr(Store, "open", lambda url: url)
    started(Task("abc1234", 1, together=Together(2, 20.0)))
    with together.entered(TroubleOnly(pytest.fail), "s3://b/f", lambda: None) as watched:
        assert (watched.meeting.store, watched.meeting.beat.machines) == ("s3://b/f", 2)
    with (
        pytest.raises(UsageError, match="HWBENCH_TOGETHER: machines meet in a store; name it by --to"),
        together.entered(TroubleOnly(pytest.fail), "", lambda: None),
    ):
        pass


def test_a_run_of_a_launch_is_found_by_its_ticket(started, command, benches, device, tmp_path, monkeypatch):
    """From the variables of the task to the key in the store, by the beat of the launch."""
    for name in ("LOOK", "LEAD", "SLICE"):
        monkeypatch.setattr(meeting, name, 0.001)
    started(Task("abc1234", 7, together=Together(1, 0.001)))
    done = command("run", "--to", tmp_path / "store", "--out", tmp_path / "out", "--no-report", "access.steps")
    assert done.code == 0
    watch = Watch(Store.open(str(tmp_path / "store")), "abc1234")
    assert list(watch.look()) == [7]
    watch.announce({"machines": 1})
    assert watch.store.keys("together/") == ["together/abc1234/begin/sign", "together/abc1234/ready/00007"]
