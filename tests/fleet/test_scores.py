"""Scores by component."""

from itertools import product

import numpy as np

from hwbench.fleet.components import components
from hwbench.fleet.health import health
from hwbench.fleet.levels import levels
from hwbench.fleet.scores import scores
from made_up.machines_alike import QUANTITIES, alike


def scored(group, **more):
    found = health(group, levels(group))
    return scores(found, components(found.quantities), **more)


FAULTS = {3: ("memory channel", 0.1), 5: ("gpu:0 link", 0.2), 9: ("noisy neighbour", 4.0)}


def test_a_fault_scores_for_its_component():
    found = scored(alike(faults=FAULTS))
    for place, (name, _) in FAULTS.items():
        assert found.names[found.by_component[place].argmax()] == name
        assert found.total[place] > 8
    healthy = np.delete(found.total, list(FAULTS))
    assert (healthy > 5).mean() < 0.01
    assert np.allclose(found.total, np.logaddexp.reduce(found.by_component, axis=1))


def test_healthy_scores_are_as_rare_as_stated():
    """A score of L or more has at most a probability of exp(-L): so is that of machines that are fast instead."""
    found = scored(alike(1200, quantities=("clock.one", "clock.all", "dram.read.all", "dram.read.one", "l1.read.one")))
    for limit in (1.0, 2.0, 3.0):
        assert (found.total > limit).mean() <= np.exp(-limit)


def test_what_is_missing_says_nothing():
    group = alike()
    at = [i for i, name in enumerate(group.quantities) if name.startswith("l3")]
    group.y[:9, at] = np.nan
    found = scored(group)
    assert np.isfinite(found.total).all()
    assert found.total[:9].max() < 5


def test_a_fast_machine_is_not_at_fault_and_its_mirror_image_is():
    group = alike(faults={4: ("clock", 0.12)})
    group.y[:] = 20 - group.y
    assert scored(group).total[4] < 2
    assert scored(group, mirrored=True).total[4] > 8


def test_one_strange_figure_is_of_no_component():
    group = alike()
    at = list(group.quantities).index("l2.read.one")
    group.y[7, at] -= 0.2
    found = scored(group)
    assert found.names[found.by_component[7].argmax()] == "unknown"
    assert found.total[7] > 8


STREAMS = [i for i, name in enumerate(sorted(QUANTITIES)) if ".read." in name or ".copy." in name or ".triad." in name]
MIXED = [sorted(QUANTITIES).index(name) for name in ("l2.read.one", "l3.latency", "call.numpy", "matmul.f8.all")]


def test_a_steady_fault_of_no_known_pattern_is_unknown():
    """Its runs vary as those of others do: it is no noisy neighbour, however far its figures are off."""
    group = alike()
    for place, (size, at) in enumerate(product((0.04, 0.08, 0.2), (STREAMS, MIXED))):
        group.y[place, at] -= size
    found = scored(group)
    assert {found.names[best] for best in found.by_component[:6].argmax(axis=1)} == {"unknown"}
    assert found.total[:6].min() > 8


def test_levels_of_a_machine_whose_runs_vary_tell_of_no_steady_fault():
    """Noise that differs by quantity throws levels further than any one factor says."""
    group = alike(faults={9: ("noisy neighbour", 12.0)})
    group.y[9, STREAMS] += 4 * (group.y[9, STREAMS] - 10)
    found = scored(group)
    assert found.names[found.by_component[9].argmax()] == "noisy neighbour"
