"""What has answered a launch: keys in a store, by the tickets in them."""

from __future__ import annotations

import datetime

from doubles.launches import LAUNCH, key
from doubles.stores import Memory
from hwbench.fleet.launch_watch import Watch, today


def test_the_launchs_own_runs_are_its_answers():
    """Of a task that answered twice the first counts; runs of others, and what is no run, do not."""
    store = Memory()
    watch = Watch(store, LAUNCH)
    first = key(0, machine="a")
    for one in (first, key(0, machine="b"), key(3), key(1, launch="fff0000"), f"runs/{today()}/notes.txt", "x"):
        store.objects[one] = b""
    assert watch.look() == {0: first, 3: key(3)}


def test_clocks_may_be_off_by_hours():
    """Runs of the day before and after this machine's are found; the launch may go past midnight."""
    store, day = Memory(), datetime.timedelta(days=1)
    for task, other in enumerate((today() - 2 * day, today() - day, today() + day, today() + 2 * day)):
        store.objects[key(task, other)] = b""
    assert set(Watch(store, LAUNCH).look()) == {1, 2}
    assert set(Watch(store, LAUNCH, today() - day).look()) == {0, 1, 2}
