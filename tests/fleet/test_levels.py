"""A figure out of several runs, and the noise of runs."""

from dataclasses import replace

import numpy as np

from hwbench.fleet.levels import USUAL, levels, quiet_median, run_to_run
from made_up.machines_alike import alike


def test_the_noise_of_runs_is_found():
    assert np.allclose(run_to_run(alike(noise=0.02).y), 0.02, rtol=0.25)


def test_without_repeats_what_is_usual_is_taken():
    assert np.allclose(run_to_run(alike(20, runs=1).y), USUAL)


def test_a_run_that_went_astray_is_left_out():
    group = alike(60)
    group.y[5, :, 1] -= 0.3
    group.y[6, :, 2] = np.nan
    found = levels(group)
    assert found.count[5].max() == 2
    assert np.allclose(found.level[5], group.y[5][:, [0, 2]].mean(axis=1))
    assert np.isfinite(found.level[6]).all()


def test_a_machine_whose_runs_vary_is_seen_between_and_within_them():
    found = levels(alike(60, faults={7: ("noisy neighbour", 4.0)}))
    others = np.delete(found.between, 7)
    assert found.between[7] > others.max() + 0.5
    assert abs(found.within[7] - np.log(4)) < 0.2
    assert abs(np.median(others)) < 0.2


def test_one_quantity_that_went_astray_makes_no_machine_noisy():
    group = alike(60)
    group.y[5, 0, 1] -= 3.0
    assert levels(group).between[5] < levels(alike(60)).between[5] + 0.4


def test_one_disturbed_run_makes_no_machine_noisy():
    group = alike(60)
    usual = levels(group).between[5]
    group.y[5, :, 1] -= np.linspace(0, 0.3, len(group.quantities))
    assert levels(group).between[5] < usual + 0.6


def test_without_intervals_nothing_is_said_of_noise_within():
    group = alike(20)
    assert np.isnan(levels(replace(group, width=np.full_like(group.y, np.nan))).within).all()


def test_a_median_without_figures_is_none():
    assert np.isnan(quiet_median(np.array([np.nan])))
    assert quiet_median(np.array([[np.nan, 3.0, 1.0], [np.nan] * 3]), axis=1)[0] == 2.0
