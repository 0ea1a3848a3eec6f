"""A launch: what is started, retried, waited for, and named where it does not answer."""

from __future__ import annotations

import pytest

from doubles.launches import LAUNCH, World, key
from hwbench.errors import StoreError, UsageError
from hwbench.fleet.launch import Order, chosen


@pytest.fixture
def world():
    return World()


def test_all_answer(world):
    """The store says so, whatever the exit code; the launch ends with the last answer."""
    done = world.launch([(5, 0, "answers"), (5, 0, 0), (9, 1, "answers"), (9, 1, 1), (30, 2, "answers")]).run()
    assert done.answered == {f"node{task}": key(task) for task in range(3)}
    assert (done.asked, done.silent) == (3, {})
    assert world.counts == [3, (1, "node0"), (2, "node1"), (3, "node2")]
    assert 30 <= world.now <= 45


def test_a_lost_run_is_started_again(world):
    """As often as is asked for; what was refused would be refused again."""
    script = [(1, 0, None), (2, 1, 2), (3, 2, -9), (4, 0, None), (8, 2, "answers"), (8, 2, 0)]
    done = world.launch(script).run()
    assert world.engine.started == [0, 1, 2, 0, 2]
    assert done.answered == {"node2": key(2)}
    assert done.silent == {"node0": "ended by the loss of its machine", "node1": "ended by exit code 2"}
    assert [line for line in world.said if "again" in line] == [
        "node0: ended by the loss of its machine; started again", "node2: ended by signal 9; started again"
    ]  # fmt: skip


def test_a_run_that_arrived_before_its_worker_was_lost_is_not_measured_again(world):
    """The store is looked at before anything is started again."""
    done = world.launch([(1, 0, "answers"), (1, 0, None)], machines=1).run()
    assert world.engine.started == [0]
    assert done.silent == {}


def test_a_run_that_ended_well_and_does_not_arrive_is_named(world):
    """After a while: it may be spooled on its machine."""
    done = world.launch([(1, 0, 0)], machines=1).run()
    assert list(done.silent) == ["node0"]
    assert "spooled" in done.silent["node0"]
    assert 20 <= world.now < 30


def test_what_does_not_end_in_time_is_named(world):
    """And what arrives at the last moment counts."""
    done = world.launch([(59.9, 1, "answers")], machines=2, wait=60).run()
    assert done.answered == {"node1": key(1)}
    assert done.silent == {"node0": "has not answered within 60 s (--wait)"}


def test_a_store_that_is_away_for_a_while_costs_nothing(world):
    """It is read again later."""
    launch = world.launch([(5, 0, 0), (40, 1, "answers"), (40, 1, 0)], machines=2)
    world.store.objects[key(0)] = b""
    world.engine.ended, ended = (lambda: setattr(world.store, "away", world.now < 20) or ended()), world.engine.ended
    assert launch.run().silent == {}
    assert any("cannot be read just now" in line for line in world.said)


def test_a_store_that_cannot_be_read_is_refused_before_anything_is_started(world):
    """Nothing would be seen of what is measured; nor is one that cannot be written."""
    world.store.away = True
    with pytest.raises(StoreError):
        world.launch([]).run()
    assert world.engine.started == []


def test_machines_of_other_versions_are_left_out(world):
    """They are named with the reason; the others measure. None left is an error."""
    done = world.launch([(1, 0, "answers"), (1, 2, "answers")], whys={1: "has hwbench 0.0.9"}).run()
    assert world.engine.started == [0, 2]
    assert world.engine.asked == 2
    assert done.silent == {"node1": "has hwbench 0.0.9"}
    many = World()
    many.launch([(1, 0, "answers")], machines=30, whys=dict.fromkeys(range(1, 30), "has hwbench 0.0.9")).run()
    assert [line for line in many.said if line.startswith("left out")][-1] == "left out: 9 more"
    with pytest.raises(StoreError, match=r"none of 2 machines can measure: node0 has 0.0.9 \(and 1 more\)"):
        world.launch([], machines=2, whys={0: "has 0.0.9", 1: "has 0.0.9"}).run()


def test_machines_of_one_name_are_told_apart(world):
    """An answer of one is none of the other."""
    launch = world.launch([(1, 0, "answers"), (1, 1, 2)], machines=2)
    world.engine.names = lambda: ["box", "box"]
    done = launch.run()
    assert (list(done.answered), list(done.silent)) == (["box (task 0)"], ["box (task 1)"])


def test_what_a_machine_is_told():
    """The words of `hwbench run`, and the task by variables; the lock may have the task's number."""
    order = Order("s3://b/f", ["--preset", "quick", "--", "stream"], LAUNCH, "mine-{task}", every=20.0)
    assert order.command() == ["run", "--to", "s3://b/f", "--no-report", "--preset", "quick", "--", "stream"]
    assert order.task(3, 16).variables() == {
        "HWBENCH_LAUNCH": LAUNCH, "HWBENCH_TASK": "3", "HWBENCH_LOCK": "mine-3", "HWBENCH_TOGETHER": "16 20",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("only", "found"),
    [([], [0, 1, 2]), (["node2"], [1]), (["NODE2.other.example", "node1"], [0, 1]), (["10.0.0.7"], [2])],
)
def test_machines_are_chosen_by_name(only, found):
    """With or without their domain, in the order of the engine; an address is one as a whole."""
    assert chosen(["node1.example", "node2.example", "10.0.0.7"], only) == found


@pytest.mark.parametrize("only", [["node1", "node9"], ["10.0.0.8"]])
def test_a_machine_that_is_not_there_is_refused(only):
    """The list and the engine do not fit."""
    with pytest.raises(UsageError, match="is not among the 2 machines here"):
        chosen(["node1", "10.0.0.7"], only)
