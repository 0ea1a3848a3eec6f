"""What machines of a group share, in spite of those at fault."""

import numpy as np
import pytest

from hwbench.fleet.health import health, log_t
from hwbench.fleet.levels import levels
from made_up.machines_alike import alike


def parts(group):
    found = health(group, levels(group))
    return {one.name: one for one in found.parts}, found


def test_spreads_and_loadings_are_found():
    found, _ = parts(alike(600, spread=0.02))
    for one in found.values():
        if len(one.at) > 2:
            assert 0.015 < one.width < 0.025
            assert np.allclose(one.loading, 1, atol=0.12)
            assert np.allclose(np.sqrt(one.own), 0.006, rtol=0.6)


def test_faults_do_not_widen_what_is_healthy():
    sick = dict.fromkeys(range(0, 400, 12), ("clock", 0.15))
    healthy, _ = parts(alike(400))
    spoiled, _ = parts(alike(400, faults=sick))
    for name in ("core", "L1", "L2"):
        assert spoiled[name].width < 1.2 * healthy[name].width


def test_few_machines_are_taken_for_usual_ones():
    found, _ = parts(alike(8, spread=1e-4, noise=1e-4))
    assert 0.003 < found["core"].width < 0.012
    assert found["core"].tail < 8


def test_a_quantity_that_some_lack_does_not_disturb_the_rest():
    group = alike(60)
    at = [i for i, name in enumerate(group.quantities) if name.startswith("l3")]
    group.y[:9, at] = np.nan
    found, whole = parts(group)
    assert np.isfinite(found["L3"].width)
    assert np.isnan(whole.deviation[:9, at]).all()
    assert np.isfinite(whole.deviation[9:, at]).all()


@pytest.mark.parametrize("tail", [3.0, 10.0])
def test_the_density_is_students(tail):
    from scipy.stats import t

    x = np.array([-4.0, 0.0, 1.5])
    assert np.allclose(log_t(x, tail), t.logpdf(x, tail))
