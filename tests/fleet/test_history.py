"""A machine against its own earlier runs."""

import numpy as np

from hwbench.fleet.history import FEWEST, since
from made_up.machines_alike import alike


def test_the_newest_run_is_held_against_those_before():
    group = alike(3, runs=6)
    group.y[1, :, 5] -= 0.2
    found = since(group)
    assert np.allclose(found.deviation[1, :-2], -0.2, atol=0.03)
    assert np.abs(found.deviation[[0, 2], :-2]).max() < 0.03


def test_few_runs_show_nothing():
    assert since(alike(3, runs=FEWEST - 1)) is None


def test_a_machine_with_few_runs_is_left_out():
    group = alike(3, runs=FEWEST)
    group.y[2, :, 0] = np.nan
    found = since(group)
    assert np.isnan(found.deviation[2]).all()
    assert np.isfinite(found.deviation[:2, :-2]).all()
