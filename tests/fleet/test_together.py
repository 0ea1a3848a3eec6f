"""Machines that begin together: they meet in the store, and their clocks may differ."""

from __future__ import annotations

import json
import threading

import pytest

from doubles.stores import Memory
from hwbench.errors import StoreError
from hwbench.fleet import together
from hwbench.fleet.launch_task import Task, Together


class Clock:
    """A clock that its sleeper moves on; `off` by some seconds from the true time."""

    def __init__(self, now=1000.0, off=0.0):
        self.true, self.off = now, off

    def __call__(self):
        return self.true + self.off

    def sleep(self, seconds):
        self.true += seconds


def meeting(store, number=0, machines=2, clock=None, said=None, stop=lambda: None, every=20.0):
    clock = clock or Clock()
    say = pytest.fail if said is None else said.append
    task = Task("abc1234", number, together=Together(machines, every))
    return together.Meeting(store, task, say, stop, clock=clock, sleep=clock.sleep)


def sign(store, put, at):
    store.objects["together/abc1234/begin/sign"] = json.dumps({"put": put, "at": at}).encode()


def test_all_begin_at_one_moment(monkeypatch):
    """Whoever comes last gives the sign, and every machine reads the same one."""
    monkeypatch.setattr(together, "LOOK", 0.002)
    monkeypatch.setattr(together, "LEAD", 0.05)
    monkeypatch.setattr(together, "SLICE", 0.002)
    store = Memory()
    machines = [
        together.Meeting(store, Task("abc1234", number, together=Together(4, 0.001)), pytest.fail)
        for number in range(4)
    ]
    threads = [threading.Thread(target=one.wait, args=(0,)) for one in machines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len({one.began for one in machines}) == 1
    assert len(store.keys("together/abc1234/ready/")) == 4


def test_groups_begin_by_the_beat():
    """The one after a group that took long begins at once, and the next is in step again."""
    store, clock = Memory(), Clock()
    sign(store, 990.0, 1010.0)
    one = meeting(store, clock=clock)
    one.wait(0)
    assert clock() == pytest.approx(1010)
    clock.sleep(25)
    one.wait(1)
    assert clock() == pytest.approx(1035)
    one.wait(2)
    assert clock() == pytest.approx(1050)


def test_a_machine_that_is_missing_is_waited_for_ten_minutes():
    """Then those that are there begin, and say so."""
    said = []
    one = meeting(Memory(), machines=3, said=said)
    one.wait(0)
    assert said == ["warning: begins with 1 of 3 machines, after 600 s"]
    assert one.began == pytest.approx(1000 + 600, abs=10)


@pytest.mark.parametrize("off", [-3 * 3600.0, 3 * 3600.0])
def test_a_clock_that_is_hours_off_does_not_matter(off):
    """The sign came since the last look: this machine goes by its own clock."""
    store, clock, said = Memory(), Clock(off=off), []
    one = meeting(store, 1, clock=clock, said=said)
    asked = []

    def keys(prefix, found=store.keys):
        asked.append(prefix)
        if len(asked) == 4:
            sign(store, clock.true, clock.true + 5)
        return found(prefix)

    store.keys = keys
    one.wait(0)
    assert clock.true == pytest.approx(json.loads(store.objects["together/abc1234/begin/sign"])["at"], abs=1)
    assert [line for line in said if "clock is" in line] == said != []


def test_who_comes_late_joins_the_beat():
    """The sign was there before: the clock is believed."""
    store, clock = Memory(), Clock(2000.0)
    sign(store, 1000.0, 1005.0)
    one = meeting(store, clock=clock)
    one.wait(50)
    assert clock() == pytest.approx(2005)


def test_who_comes_late_with_a_clock_that_is_behind_begins_at_once():
    """It does not wait for hours, nor for what a store says of the year 3000."""
    store, clock, said = Memory(), Clock(1000.0), []
    sign(store, 9000.0, 9005.0)
    meeting(store, clock=clock, said=said).wait(0)
    assert clock() == 1000.0
    assert said == ["warning: the others have begun, and this machine's clock is behind theirs; it is not in step"]


def test_without_a_store_a_machine_begins_alone():
    """Nothing is lost but the others' company."""
    store, said = Memory(), []
    store.away = True
    one = meeting(store, said=said)
    one.wait(0)
    assert said == ["warning: begins alone, since no sign came: the store is away"]


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[1]", b'{"put": 5, "at": 1}', b'{"put": 1, "at": 1e99}', b'{"put": NaN, "at": 1}']
)
def test_a_sign_that_is_none_is_not_obeyed(data):
    """Nobody waits for a year because a store says so."""
    with pytest.raises(StoreError, match="none of hwbench's"):
        together._numbers(data)


def test_who_is_asked_to_stop_does_not_wait_on():
    """Ctrl-C comes in between."""

    def stop():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        meeting(Memory(), stop=stop).wait(0)
