"""A run is measured by who holds its lock, whatever process numbers say."""

from __future__ import annotations

import multiprocessing
import os
import sys
import time

import pytest

from doubles.scripted import MACHINE, record, run_of
from hwbench.errors import StoreError
from hwbench.record import claim, store
from hwbench.record.claim import Claim, alive

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the tests hold locks in forked processes")
FORK = multiprocessing.get_context("fork")
ELSEWHERE = {"pid": 2**22 + 1, "process_started": 1.0, "locked": True}  # a process of another container's numbers


@pytest.fixture
def path(tmp_path):
    """A run that was not finished, of a process that has no number here."""
    run = run_of(record("a"), id="box-20261122T180000Z-ffffff", finished=None, hwbench=ELSEWHERE)
    path = store.path_of(run, tmp_path)
    store.write(run, path)
    return path


def hold(path, ready, end) -> None:
    with Claim() as claim:
        claim.take(path)
        ready.set()
        end.wait()


@pytest.fixture
def holder(path):
    """A process that holds the lock until it is killed."""
    ready, end = FORK.Event(), FORK.Event()
    process = FORK.Process(target=hold, args=(path, ready, end))
    process.start()
    ready.wait()
    yield process
    process.kill()
    process.join()


def test_a_run_of_another_container_is_left_alone_while_it_lives(tmp_path, path, holder):
    """Its number means nothing here, its lock does; killed, it leaves a run to go on with."""
    with pytest.raises(StoreError, match="no run there was cut off"):
        store.unfinished(tmp_path, MACHINE)
    holder.kill()
    holder.join()
    with Claim() as claim:
        assert store.unfinished(tmp_path, MACHINE, claim)[0] == path
        assert claim.held
        with pytest.raises(StoreError, match="no run there was cut off"):
            store.unfinished(tmp_path, MACHINE)


def test_a_number_that_lives_here_is_no_other_container_s(tmp_path, path):
    """The number in a locked run's file may be one of this process: only the lock counts."""
    import psutil

    me = psutil.Process()
    mine = {"pid": me.pid, "process_started": me.create_time()}
    assert alive(mine)
    for stamp, free in (({**mine, "locked": True}, True), ({**mine, "locked": False}, False), (mine, False)):
        store.write(run_of(record("a"), id=path.stem, finished=None, hwbench=stamp), path)
        if free:
            assert store.unfinished(tmp_path, MACHINE)[0] == path
        else:
            with pytest.raises(StoreError, match="no run there was cut off"):
                store.unfinished(tmp_path, MACHINE)


def test_a_run_finished_meanwhile_is_not_gone_on_with(tmp_path, path, monkeypatch):
    """Between looking and locking its process may have ended it."""
    take = Claim.take

    def late(self, at):
        store.write(run_of(record("a"), id=path.stem), path)
        return take(self, at)

    monkeypatch.setattr(Claim, "take", late)
    with pytest.raises(StoreError, match="no run there was cut off"):
        store.unfinished(tmp_path, MACHINE)


def test_a_finished_run_leaves_no_lock(path):
    """Given back by a finished run its file goes; by one that was cut off it may stay."""
    with Claim() as claim:
        assert claim.take(path)
        claim.release(finished=True)
        assert not claim.held
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_where_nothing_can_be_locked_numbers_count(tmp_path, path, monkeypatch):
    """A file system without locks: the run is taken, and the claim says that it is not sure."""
    import filelock

    def refuse(self, **_):
        raise NotImplementedError

    monkeypatch.setattr(filelock.FileLock, "acquire", refuse)
    with Claim() as claim:
        assert claim.take(path)
        assert not claim.held
        assert store.unfinished(tmp_path, MACHINE, claim)[0] == path


def test_a_link_in_place_of_the_lock_is_not_followed(path):
    """What it leads to is neither emptied nor made."""
    victim = path.parent / "victim"
    victim.write_text("mine")
    lock = path.with_name(f".{path.name}.lock")
    lock.symlink_to(victim)
    with Claim() as claim:
        claim.take(path)
    assert victim.read_text() == "mine"


@pytest.mark.parametrize(
    "stamp",
    [{}, {"pid": 2**70, "process_started": 1.0}, {"pid": os.getpid(), "process_started": 10**400}, {"pid": -1},
     {"pid": os.getpid(), "process_started": float("inf")}, {"pid": True, "process_started": time.time()}],
)  # fmt: skip
def test_nonsense_in_a_stamp_is_no_process(stamp):
    """Numbers beyond what a system has, and what is no number."""
    assert not alive(stamp)


def test_when_this_process_began():
    """A moment in the past; None of a process that is not there."""
    assert 0 < claim.started() <= time.time() + 1
    assert claim.started(2**22 + 1) is None
