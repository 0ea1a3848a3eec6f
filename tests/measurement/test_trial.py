"""How a failure ends a case, and where the time went."""

import pytest

from doubles.scripted import Clock, scripted_work
from hwbench.bench import Skip
from hwbench.measurement.trial import Phases, Trial, caught, ended, survived
from hwbench.record.model import Case
from hwbench.record.reasons import Reason

FAILED = OSError("busy")


def trial(**more):
    return Trial(Case("a.b", "x", "cpu", {}), {}, **({"work": scripted_work(1.0)} | more))


def failing(context):
    with context:
        raise FAILED


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [(Skip("needs_smt"), "skipped", "needs SMT"), (FAILED, "error", "OSError: busy")],
)
def test_an_error_while_building_or_sampling_ends_the_trial_and_drops_its_samples(error, status, reason):
    """Half a case is none."""
    one = trial(samples=[1.0])
    with caught(one):
        raise error
    assert (one.status, one.why, one.samples, one.live) == (status, reason, [], False)


def test_a_device_that_fails_ends_its_live_trials_alone():
    """What had ended before keeps its own reason."""
    before, live, unbuilt = trial(status="wrong", reasons=[Reason("wrong_answer", "41")]), trial(), trial(work=None)
    failing(ended([before, live, unbuilt]))
    assert [(one.status, one.why) for one in (before, live, unbuilt)] == [
        ("wrong", "41"), ("error", "OSError: busy"), ("ok", "")
    ]  # fmt: skip


def test_an_error_outside_of_sampling_costs_no_samples():
    """With samples a trial has a doubt more; without, the error is its end; the first reason counts."""
    sampled, empty, before = trial(samples=[1.0]), trial(), trial(status="skipped", reasons=[Reason("needs_smt")])
    failing(survived([sampled, empty, before]))
    assert (sampled.status, sampled.samples, sampled.doubts) == ("ok", [1.0], [Reason("failed_after", "OSError: busy")])
    assert (empty.status, empty.why) == ("error", "OSError: busy")
    assert before.why == "needs SMT"


def test_ctrl_c_is_no_failure_of_a_trial():
    """It goes on up through all of them."""
    for context in (caught(trial()), ended([trial()]), survived([trial()])):
        with pytest.raises(KeyboardInterrupt), context:
            raise KeyboardInterrupt


def test_phases_add_up_also_where_something_fails():
    """Seconds by name, over several turns."""
    clock = Clock()
    phases = Phases(clock)
    for seconds in (1.0, 2.0):
        with pytest.raises(OSError, match="busy"), phases("build"):
            clock.now += seconds
            raise FAILED
    assert phases.seconds == {"build": 3.0}
