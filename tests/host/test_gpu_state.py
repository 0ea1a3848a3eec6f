"""What a card's state says about figures: each rule by itself, with its remedy."""

from __future__ import annotations

import pytest

from hwbench.host import gpu_state
from hwbench.record.model import Gpu

CALM = {
    "power_limit_w": 700.0, "power_default_w": 700.0, "ecc": True, "mig": False, "compute_mode": "default",
    "virtual": "passthrough", "clock_locked": False, "processes": 0,
}  # fmt: skip


def told(**state):
    return gpu_state.disturbances([Gpu(name="NVIDIA H100 80GB HBM3", state=CALM | state)])


def test_a_card_as_it_was_sold_is_no_disturbance():
    """Nor is one of which the driver tells nothing, or a file of an older hwbench."""
    assert told() == []
    assert gpu_state.disturbances([Gpu(name="x"), Gpu(name="y", state={})]) == []


@pytest.mark.parametrize(
    ("state", "line", "severity", "remedy"),
    [
        ({"processes": 2}, "GPU: other processes: 2 beside this one", "warning", "nvidia-smi shows them"),
        ({"power_limit_w": 350.0}, "GPU: power limit: 350 W of 700 W", "warning", "sudo nvidia-smi -pl 700"),
        ({"clock_locked": True}, "GPU: locked clocks: the clock is limited by a user's setting", "note", "-rgc"),
        ({"ecc": False}, "GPU: ECC: off", "note", "nvidia-smi -e 1"),
        ({"mig": True}, "GPU: MIG: this is an instance of a partitioned card", "note", "-mig 0"),
        ({"virtual": "vGPU"}, "GPU: vGPU: a hypervisor shares the card out by time", "warning", "passthrough"),
        ({"compute_mode": "exclusive process"}, "GPU: compute mode: exclusive process", "note", "-c DEFAULT"),
    ],
)
def test_each_state_has_its_effect_and_its_remedy(state, line, severity, remedy):
    """What others take and what was lowered are warnings, what was chosen is a note."""
    [one] = told(**state)
    assert (f"{one.name}: {one.state}", one.severity) == (line, severity)
    assert one.affects
    assert remedy in one.remedy


def test_several_cards_are_told_apart():
    """By their numbers; a power limit half a percent off is none."""
    cards = [Gpu(name="a", state=CALM | {"power_limit_w": 697.0}), Gpu(name="b", state=CALM | {"processes": 1})]
    assert [one.name for one in gpu_state.disturbances(cards)] == ["GPU 1: other processes"]
