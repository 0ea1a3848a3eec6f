"""How a function is sampled, on a device whose clock obeys a script."""

from __future__ import annotations

import pytest

from doubles.scripted import ScriptedDevice
from hwbench.placing import timing


class Taking(ScriptedDevice):
    """Calls take what they return, in seconds."""

    def time(self, work, loops):
        taken = work.call() * loops
        self.clock.now += taken
        return taken


def test_variants_are_sampled_in_the_same_rounds():
    """A record each, with as many samples; one that fails has none, and says why."""

    def fails():
        raise ValueError("no")

    found = timing.measure({"a": lambda: 2e-3, "b": lambda: 1e-3, "c": fails}, {"cpu": Taking()}, 2e-3)
    assert timing.timed(found["a"]).seconds.value == pytest.approx(2e-3)
    assert len(found["a"].samples) == len(found["b"].samples) >= 10
    assert (found["c"].timed, found["c"].why) == (False, "ValueError: no")


def test_a_slow_function_gets_few_samples():
    """Three at least; a quick one as many as its precision needs."""
    assert timing.policy_for(1e-3) is timing.POLICY
    assert [timing.policy_for(one).rounds for one in (0.2, 1.0, 60.0)] == [10, 5, 3]
    assert timing.policy_for(60.0).warmup_s == 0


def test_a_disturbed_record_says_so():
    """Its reason comes with the time."""
    found = timing.measure({"a": lambda: 1e-3}, {"cpu": Taking(rates={"wall_s": 1.0, "steal_s": 0.5})}, 1e-3)
    assert "steal" in timing.timed(found["a"]).doubt or "hypervisor" in timing.timed(found["a"]).doubt


@pytest.mark.parametrize(("faults", "pages"), [(100, 5e-3), (0, 0.0)])
def test_cores_are_processor_time_over_wall_time(faults, pages):
    """Two CPUs busy: two seconds a second. Time in the kernel is for pages where there are page faults."""
    usage = [0.0] * 4

    def call():
        for i, more in enumerate((0.01, 0.015, 0.005, faults)):
            usage[i] += more

    found = timing.spent(call, 0.01, lambda: timing.Usage(*usage))
    assert found == pytest.approx((2.0, pages))
    assert timing.used().wall > 0


@pytest.mark.parametrize(
    ("parallel", "pool", "busy", "threads"),
    [
        (True, 8, 7.1, 8),
        (True, 8, 1.0, 1),
        (False, 1, 1.0, 1),
        (False, 1, 3.9, 4),
        (False, 1, 1.2, 1),
        (True, 4, 0.0, 4),
    ],
)
def test_threads_are_those_of_the_pool_that_was_used(parallel, pool, busy, threads):
    """A pool that stays idle, as BLAS does for small matrices, is one thread."""
    assert timing.threads(parallel, pool, busy) == threads
