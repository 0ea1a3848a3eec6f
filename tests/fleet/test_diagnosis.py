"""Who is odd, who is doubtful, and why."""

from __future__ import annotations

import json
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from scipy.stats import false_discovery_control

from hwbench.fleet.components import BETWEEN, WITHIN, components
from hwbench.fleet.cube import Cube, cube
from hwbench.fleet.diagnosis import ALIKE, Doubtful, advice, diagnose, verdict
from made_up.machines_alike import alike, rows

FAULTS = {
    3: ("memory channel", 0.15), 17: ("clock", 0.1), 29: ("huge pages", 0.12), 40: ("L3 cache", 0.12),
    55: ("power cap", 0.1), 71: ("one core", 0.12), 90: ("gpu:0 link", 0.4), 111: ("noisy neighbour", 5.0),
}  # fmt: skip


@pytest.fixture(scope="module")
def fleet():
    return alike(faults=FAULTS)


def test_planted_faults_are_found_and_named_and_nobody_else(fleet):
    told = diagnose(Cube([fleet], []))
    assert {one.machine: one.component for one in told.odd} == {
        f"node-{i:03d}": name for i, (name, _) in FAULTS.items()
    }
    assert all(one.probability > 0.5 and one.second and one.evidence for one in told.odd)
    assert not told.doubtful
    channel = next(one for one in told.odd if one.component == "memory channel")
    assert channel.evidence[0].quantity.startswith("dram.")
    assert 0.8 < channel.evidence[0].ratio < 0.9
    pages = next(one for one in told.odd if one.component == "huge pages").evidence
    assert next(one.ratio for one in pages if one.quantity == "dram.latency") > 1.08
    assert all(one.deviation < 0 for each in told.odd for one in each.evidence)
    noisy = next(one for one in told.odd if one.component == "noisy neighbour").evidence
    assert {one.quantity for one in noisy[:2]} == {BETWEEN, WITHIN}
    assert min(one.ratio for one in noisy[:2]) > 2


def test_the_answer_is_the_same_for_rows_in_any_order(fleet):
    rng = np.random.default_rng(4)
    answers = {msgspec.json.encode(diagnose(cube(rows(fleet, rng.permutation(fleet.y.size))))) for _ in range(2)} | {
        msgspec.json.encode(diagnose(cube(rows(fleet))))
    }
    assert len(answers) == 1


def test_the_answer_has_exactly_the_stated_fields(fleet):
    told = json.loads(msgspec.json.encode(diagnose(Cube([fleet], []))))
    assert list(told) == ["machines", "groups", "odd", "doubtful", "refused"]
    assert list(told["odd"][0]) == ["machine", "component", "probability", "second", "evidence"]
    assert list(told["odd"][0]["evidence"][0]) == ["quantity", "deviation", "ratio"]


def test_healthy_machines_are_not_accused():
    told = diagnose(Cube([alike(seed=seed) for seed in range(3)], []))
    assert told.odd == []


def test_one_run_is_measured_again_before_anyone_is_accused():
    told = diagnose(Cube([alike(runs=1, faults={3: ("memory channel", 0.3)})], []))
    (one,) = told.doubtful
    assert isinstance(one, Doubtful)
    assert (one.machine, one.component) == ("node-003", "memory channel")
    assert one.why == "one run: measured again before it is accused"
    assert "stream.load" in one.retest
    assert not told.odd


def test_a_figure_far_off_that_nothing_explains_is_said():
    group = alike()
    group.y[5, list(group.quantities).index("l2.read.one")] -= 0.3
    told = diagnose(Cube([group], []))
    assert [(one.machine, one.component) for one in (*told.odd, *told.doubtful)] == [("node-005", "unknown")]


def test_a_machine_whose_runs_vary_as_usual_is_no_noisy_neighbour():
    """Also where no component explains a figure, and noise is the least unlikely."""
    group = alike(300, spread=0.004, noise=0.002)
    group.y[5, list(group.quantities).index("clock.all")] -= 0.022
    told = diagnose(Cube([group], []))
    (one,) = [one for one in (*told.odd, *told.doubtful) if one.machine == "node-005"]
    assert one.component != "noisy neighbour"
    assert one.second != "noisy neighbour"


def test_machines_without_a_cache_are_judged_by_the_rest():
    group = alike(60, faults={2: ("memory channel", 0.3)})
    group.y[:9, [i for i, name in enumerate(group.quantities) if name.startswith("l3")]] = np.nan
    assert [one.machine for one in diagnose(Cube([group], [])).odd] == ["node-002"]


def test_a_quantity_of_few_machines_is_named_and_not_judged():
    group = alike(60)
    group.y[5:, 0] = np.nan
    told = diagnose(Cube([group], []))
    assert told.refused == [
        f"hardware a1: 1 quantity of fewer than {ALIKE} machines, not judged ({group.quantities[0]})"
    ]


def test_a_group_of_two_kinds_of_machine_is_said_to_be_one():
    group = alike(60)
    group.y[:20] -= 0.5
    assert "60 machines alike, 33% odd: perhaps two kinds of machine" in diagnose(Cube([group], [])).groups[0].judged_by


def test_few_machines_are_judged_by_their_own_history():
    group = alike(3, runs=6)
    channel = components(group.quantities)["memory channel"][1]
    group.y[1, :, 5] += np.log(0.7) * channel
    told = diagnose(Cube([group], []))
    assert [(one.machine, one.component) for one in told.odd] == [("node-001", "memory channel")]
    assert told.groups[0].judged_by == "own history: fewer than 8 machines alike"


def test_few_machines_without_history_are_not_judged():
    sheet = replace(alike(2), model="AMD EPYC 9554 64-Core Processor")
    told = diagnose(Cube([sheet], []))
    assert (told.odd, told.doubtful) == ([], [])
    assert told.groups[0].judged_by.startswith("nothing yet")
    assert told.groups[0].judged_by.endswith("fewer than 8 machines alike, and none has 4 runs")


def test_scores_that_are_too_high_count_less():
    """A part whose machines differ by more than one effect makes healthy ones look odd; the fast ones show that."""
    group = alike(400)
    rng = np.random.default_rng(3)
    group.y[:] += (0.02 * rng.standard_t(3, group.y.shape[:2]))[:, :, None]
    found = verdict(group)
    as_stated = false_discovery_control(np.exp(-np.maximum(0.0, found.scores.total)))
    assert (found.adjusted <= 0.01).sum() < 0.5 * (as_stated <= 0.01).sum()


def test_an_empty_store_has_no_machines():
    told = diagnose(Cube([], ["a line"]))
    assert (told.machines, told.refused) == (0, ["a line"])


def test_every_component_that_can_be_accused_has_advice():
    assert advice("memory channel")
    assert advice("unknown") == ""
