"""The clock under load: what is read meanwhile, what is summed up, and what is told."""

from __future__ import annotations

import numpy as np
import pytest

from hwbench.bench import Skip
from hwbench.benches.device import clock
from made_up.gpu_records import record, said, suspect


def falling(loops: int, state: list[float]) -> float:
    """A card whose call takes 1 ms in its first second, and 1.25 ms later."""
    each = 1e-3 if state[0] < 1.0 else 1.25e-3
    state[0] += loops * each
    return loops * each


def test_the_load_lasts_as_long_as_it_is_to_by_the_gpus_time():
    """In steps of 50 ms, each with what the driver told after it."""
    state, asked = [0.0], []
    found = clock.under_load(lambda n: falling(n, state), 3, lambda: asked.append(1) or {"gpu_power_w": 600.0})
    assert found[-1].at_s >= 3 > found[-2].at_s
    assert found[0].at_s == pytest.approx(0.051)
    assert len(asked) == len(found)
    assert max(one.at_s for one in found) < 3.1


def test_a_short_call_fills_no_queue():
    """At most as many calls a step as may be behind the gate."""
    asked = []
    clock.under_load(lambda n: asked.append(n) or n * 1e-6, 0.001, dict)
    assert max(asked) == clock.MOST


def test_boost_and_sustained_are_apart():
    """The first second, and the last third; what the driver does not tell is no fact."""
    state = [0.0]
    hot = clock.under_load(lambda n: falling(n, state), 9, lambda: {"gpu_clock_hz": 2e9 if state[0] < 1 else 1.6e9})
    facts = clock.summed_up(hot)
    assert facts["boost_call_s"] == pytest.approx(1e-3)
    assert facts["sustained_call_s"] == pytest.approx(1.25e-3)
    assert (facts["boost_clock_hz"], facts["sustained_clock_hz"]) == (2e9, 1.6e9)
    assert "sustained_power_w" not in facts
    assert len(facts["at_s"]) == len(facts["call_s"]) <= clock.KEPT
    assert clock.summed_up([]) == {}


def loaded(work, count, amount, **facts):
    given = {"boost_call_s": 1.0, "sustained_call_s": 1.25, "seconds": 30, **facts}
    return record("device.clock", "load", {"work": work, "seconds": 30}, 1.25, counts={count: amount}, facts=given)


def test_what_is_kept_is_told_with_clock_power_and_energy():
    """Each work in a sentence; without power none for the energy."""
    told = said(
        clock.bench,
        loaded("fma", "flops", 60e12, sustained_clock_hz=1.7e9, sustained_power_w=690.0),
        suspect(loaded("copy", "bytes", 4e12)),
    )
    assert told == [
        "After 30 s of multiply-adds in float32 the GPU keeps 80% of its first second: 48 TFLOP/s at 1.7 GHz and "
        "690 W, 14.4 pJ for each FLOP.",
        "After 30 s of copying the GPU keeps 80% of its first second: 3200 GB/s "
        "(suspect: the GPU was held back by its power limit).",
    ]


def test_a_work_that_there_is_not_is_a_skip():
    """With those that there are."""
    with pytest.raises(Skip, match="'sort' is no work of this bench; there are fma, copy, product"):
        clock.inputs(np.random.default_rng(1), "sort")
