"""Parts and patterns by the names of quantities."""

import pytest

from hwbench.analysis.headline import CPU_NAMES, GPU_NAMES
from hwbench.fleet.components import BETWEEN, OTHER, WITHIN, components, look_at, part

ALL = (*CPU_NAMES, *(f"{name}@gpu:{i}" for i in (0, 1) for name in GPU_NAMES), BETWEEN, WITHIN)


@pytest.mark.parametrize("name", ALL)
def test_every_headline_quantity_has_a_part(name):
    assert not part(name).startswith(OTHER)


def test_a_part_is_of_its_device():
    assert part("hbm.read@gpu:1") == "gpu:1 memory" != part("hbm.read@gpu:0")
    assert part("l2.latency@gpu:0") != part("l2.latency")
    assert part("what.is.this") == "other: what.is.this"


def test_every_component_says_what_to_look_at():
    found = components([*ALL, "clock [cpu=3]"])
    assert {"memory channel", "huge pages", "clock", "power cap", "L3 cache", "SMT", "noisy neighbour"} <= set(found)
    assert {"gpu:0 link", "gpu:1 memory", "core 3"} <= set(found)
    assert all(look_at(name) for name in found)
    assert look_at("unknown") == ""


def test_what_all_cores_do_together_is_slow_where_one_is():
    """`clock.all` has no type in its name, as `peak.f8.all` has."""
    names = ("clock.all", "clock.one", "peak.f8.all", "l1.read.all", "l1.read.one", "dram.read.all")
    found = components(names)
    assert found["one core"][1].tolist() == [1, 0, 1, 1, 0, 0]
    assert found["power cap"][1].tolist() == [1, 0, 1, 0.6, 0, 0]
    assert found["memory channel"][1].tolist() == [0, 0, 0, 0, 0, 1]


def test_a_bad_core_is_told_by_what_was_pinned_to_it():
    names = ("clock.frequency/fma [cpu=3]", "clock.frequency/fma [cpu=30]", "clock.one")
    assert components(names)["core 3"][1].tolist() == [1, 0, 0]


def test_no_component_that_nothing_tells():
    assert set(components(["call.numpy"])) == {"clock", "Python"}
