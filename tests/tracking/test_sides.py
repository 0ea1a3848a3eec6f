"""What a machine is to a comparison, and how two differ."""

from __future__ import annotations

import msgspec

from doubles.scripted import MACHINE
from hwbench.tracking import sides
from hwbench.tracking.sides import machine_differences


def test_what_our_suite_states_is_the_better_word():
    """pytest-benchmark counts all CPUs, our suite beside it those that may be used; in whatever order they stand."""
    told = {"CPUs allowed": "2", "caches": "L1 32 KiB", "num_cpu": "64", "cpu": "Theirs", "CPU": "Ours"}
    for facts in (told, dict(reversed(told.items()))):
        assert sides.normalize_machine_keys(facts) == {"CPUs allowed": "2", "L1d": "32 KiB", "CPU": "Ours"}
    assert sides.normalize_machine_keys({"num_cpu": "64", "ram": "16 GiB"}) == {"num_cpu": "64", "memory": "16 GiB"}


def test_machines_that_differ_are_told():
    """CPU, quota, caches: what times depend on, each with both values."""
    other = msgspec.structs.replace(MACHINE, cpu=msgspec.structs.replace(MACHINE.cpu, model="Other", quota=1.5))
    assert machine_differences(MACHINE, MACHINE) == []
    assert machine_differences(MACHINE, other) == [
        "CPU Scripted CPU against Other",
        "CPU quota none against 1.5",
    ]
