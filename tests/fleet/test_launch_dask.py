"""Runs on Dask's workers, in a cluster of threads in this process: one task a host or a worker, versions first."""

from __future__ import annotations

import os
import re
import sys
import threading
import time

import pytest

from doubles.launches import LAUNCH, World, key
from doubles.stores import Memory
from hwbench.errors import StoreError, UsageError
from hwbench.fleet import launch, launch_dask, launch_task
from hwbench.fleet.launch import Launch, Order
from hwbench.fleet.launch_dask import Dask
from hwbench.fleet.launch_task import Answer
from hwbench.fleet.launch_watch import Watch
from hwbench.record import installing
from hwbench.version import __version__

pytest.importorskip("distributed")
ORDER = Order("s3://b/f", ["--", "stream"], LAUNCH)


@pytest.fixture(scope="module")
def client():
    """Of two workers."""
    with launch_dask.local(2, processes=False) as made:
        yield made


class Runs:
    """What workers do in place of starting `hwbench run`: each call is a line, and how it ends is told by task."""

    def __init__(self, ends=()):
        self.store, self.calls, self.ends = Memory(), [], dict(ends)
        self.lock = threading.Lock()

    def __call__(self, words, variables, version):
        from distributed import get_worker

        task = int(variables["HWBENCH_TASK"])
        with self.lock:
            self.calls.append((task, str(get_worker().name), tuple(words)))
            end = self.ends.pop(task, None)
        if isinstance(end, Exception):
            raise end
        if end is None:
            self.store.objects[key(task)] = b""
        return Answer(end or 0, "box", "said last")


NOW: list[Runs] = []


def measure(words, variables, version, pid):
    """Dask sends a function by its name: it is found here, in the same process."""
    assert pid == str(os.getpid())
    return NOW[-1](words, variables, version)


@pytest.fixture
def runs(monkeypatch):
    monkeypatch.setattr(launch, "PERIOD", 0.01)

    def put(ends=()):
        NOW.append(Runs(ends))
        monkeypatch.setattr(launch_task, "measure", measure)
        return NOW[-1]

    return put


def launched(dask, runs, **options):
    world = World()
    watch = Watch(runs.store, LAUNCH)
    return Launch(dask, watch, world, clock=time.monotonic, sleep=time.sleep, **options).run(), world


def test_a_host_has_one_task_and_a_worker_its_own(client, runs):
    """Tasks are pinned; a worker's run is called as the worker is, a host's as the host calls itself."""
    here = launch_task.facts()["host"]
    made = runs()
    done, _ = launched(Dask(ORDER, client), made)
    assert list(done.answered) == [here]
    assert [(task, words) for task, _, words in made.calls] == [(0, tuple(ORDER.command()))]
    made = runs()
    done, _ = launched(Dask(ORDER, client, each="worker"), made)
    assert list(done.answered) == [f"{here}-0", f"{here}-1"]
    assert sorted(made.calls) == [
        (task, str(task), ("run", "--machine", f"{here}-{task}", *ORDER.command()[1:])) for task in (0, 1)
    ]


def test_a_task_that_fails_is_started_again_and_then_named(client, runs):
    """What a worker raised is a loss; what hwbench refused is not tried again."""
    made = runs({0: RuntimeError("lost"), 1: 2})
    done, world = launched(Dask(ORDER, client, each="worker"), made)
    assert [task for task, *_ in sorted(made.calls)] == [0, 0, 1]
    assert list(done.silent.values()) == ["said last"]
    assert [line.partition(": ")[2] for line in world.said] == ["its worker was lost (RuntimeError); started again"]


def test_a_worker_that_is_gone_is_waited_for_and_then_named(client, runs):
    """Its nanny may start it anew; after a while it is named."""
    made = runs()
    dask = Dask(ORDER, client, each="worker", rejoin=0.05)
    dask.places[1] = launch_dask.Place("nowhere", "gone", "node-1", "node-1")
    done, _ = launched(dask, made, retries=0)
    assert done.silent == {"node-1": "its worker was lost, and did not come back within 0.05 s"}


def test_a_worker_that_came_back_is_asked_for_its_process(client, runs):
    """The one that was lost had another; where it does not answer yet, the task waits."""
    made = runs({0: -9})
    dask = Dask(ORDER, client)
    [worker] = {address for address, pid in dask.pids.items() if dask._alive(dask.places[0]) == address}
    done, _ = launched(dask, made)
    assert (len(made.calls), done.silent, dask.pids[worker]) == (2, {}, str(os.getpid()))
    dask.pids.clear()
    assert dask._process("inproc://nobody") is None


def test_a_scheduler_that_is_lost_is_no_traceback(client, runs):
    """Its machines are named."""
    made = runs()
    with launch_dask.connected(client.scheduler.address) as other:
        dask = Dask(ORDER, other, rejoin=0.05)
        other.close()
        dask.asked = 0.0
        done, _ = launched(dask, made)
    assert list(done.silent.values()) == ["its worker was lost, and did not come back within 0.05 s"]


def test_versions_are_compared_first(client, runs, monkeypatch):
    """A worker with another hwbench is left out; one without says so."""
    made = runs()
    monkeypatch.setattr(launch_task, "facts", lambda: {"version": "0.0.1", "host": "box"})
    with pytest.raises(StoreError, match=re.escape(f"has hwbench 0.0.1, and here is {__version__}")):
        launched(Dask(ORDER, client, each="worker"), made)
    assert made.calls == []


@pytest.mark.parametrize(
    ("told", "why"),
    [({"version": __version__}, ""), ({"version": "9"}, re.escape(f"has hwbench 9, and here is {__version__}")),
     (ModuleNotFoundError("No module named 'hwbench'"), "has no hwbench that takes part in launches"),
     (OSError("timed\nout"), r"cannot be asked for its version \(timed out\)"), (None, "cannot be asked")],
)  # fmt: skip
def test_what_a_worker_says_of_its_version(told, why):
    """One line each."""
    assert re.match(why, launch_dask._unlike(told)) and bool(why) == bool(launch_dask._unlike(told))


def test_other_versions_that_differ_are_told():
    """Their machines measure all the same."""
    facts = [{"NumPy": "2.3"}, {"NumPy": "2.2"}, {"NumPy": "2.3", "Numba": "0.62"}, {}]
    assert launch_dask._differing(facts, [*"abcd"]) == ["warning: NumPy 2.3 on 2 machines, but 2.2 on b"]


def test_machines_are_chosen(client):
    """The others are not asked to measure."""
    name = Dask(ORDER, client, each="worker").names()[1]
    assert Dask(ORDER, client, each="worker", only=[name]).names() == [name]


def test_a_cluster_is_reached_by_its_address(client):
    """And left as it was."""
    with launch_dask.connected(client.scheduler.address) as other:
        assert Dask(ORDER, other, each="worker").names() == Dask(ORDER, client, each="worker").names()
    assert other.status == "closed"
    assert client.status == "running"


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "what://x", "no address"])
def test_an_address_without_a_scheduler_is_one_line(monkeypatch, address):
    """With the remedy."""
    monkeypatch.setattr(launch_dask, "CONNECT", 0.1)
    with pytest.raises(StoreError, match=f"--dask {address}: no scheduler answers there"):
        launch_dask.connected(address).__enter__()


def test_without_dask_there_is_one_line(monkeypatch):
    """It says what to install."""
    monkeypatch.setitem(sys.modules, "distributed", None)
    with (
        pytest.raises(UsageError, match=re.escape("--dask: needs dask.distributed")) as caught,
        launch_dask.connected("tcp://x:1"),
    ):
        pass
    assert installing.command("fleet") in str(caught.value)
