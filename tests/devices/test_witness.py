"""The witness: what it reads of which level, how often, and that it gives its memory back."""

from __future__ import annotations

import itertools

import pytest

from hwbench.devices import witness
from hwbench.devices.cpu import CpuDevice
from hwbench.devices.crew import Crew, Worker
from hwbench.devices.host_memory import Region
from hwbench.host.system import Host, SharedCache
from made_up.hosts import machine

KIB, MIB, GIB = 2**10, 2**20, 2**30


@pytest.fixture(scope="module")
def crew() -> Crew:
    return Crew([Worker(0)])


class Clock:
    """A clock that goes on by a step each time it is read, and by what a test adds."""

    def __init__(self, step: float = 1e-4) -> None:
        self.now, self.step = 0.0, step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


def test_it_reads_both_in_bytes_a_second(crew: Crew) -> None:
    """Each reading is bytes over the time between two looks at the clock: here 0.1 ms each."""
    seen = witness.Witness(machine(), crew, Region, 64 * GIB, Clock()).glance()
    near, _ = witness.footprints(machine())
    assert seen == {"witness_l3": pytest.approx(near / 1e-4), "witness_dram": pytest.approx(witness.PART / 1e-4)}


def test_it_takes_its_share_of_the_time_and_no_more(crew: Crew) -> None:
    """However long a glance takes, the next comes when it is 0.3% of the time, and not before."""
    clock = Clock()
    made = witness.Witness(machine(), crew, Region, 64 * GIB, clock)
    begun = clock.now
    assert made.glance()
    cost = clock.now - begun - clock.step
    for _ in range(100):
        assert made.glance() == {}
    clock.now = begun + 0.99 * cost / witness.SHARE
    assert made.glance() == {}
    clock.now = begun + 1.01 * (cost + cost / witness.SHARE)
    assert made.glance()


def test_memory_is_walked_to_its_end_and_from_its_start_again(crew: Crew) -> None:
    """So no part is read again before all the others."""
    clock = Clock()
    made = witness.Witness(Host(allowed=(0,), online=(0,), caches=()), crew, Region, 64 * GIB, clock)
    places = []
    rate = made._rate
    made._rate = lambda first, count: places.append(8 * first) or rate(first, count)  # type: ignore[method-assign,func-returns-value]
    for _ in range(2 * witness.FAR_LEAST // witness.PART // witness.TIMES):
        clock.now += 100
        assert set(made.glance()) == {"witness_dram"}
    once = list(range(0, witness.FAR_LEAST, witness.PART))
    assert places == list(itertools.islice(itertools.cycle(once), len(places)))
    assert len(places) > len(once)


def test_what_is_not_there_or_would_take_too_much_is_left_out(crew: Crew) -> None:
    """No L3, no reading of it; and memory is left alone where its walk would take a twentieth of what is free."""
    two = Host(allowed=(0,), online=(0,), caches=(SharedCache(1, 32 * KIB, 64, (0,)), SharedCache(2, MIB, 64, (0,))))
    assert witness.footprints(two) == (0, witness.FAR_LEAST)
    large = Host(allowed=(0,), online=(0,), caches=(*two.caches, SharedCache(3, 256 * MIB, 64, (0,))))
    assert witness.footprints(large) == (2 * MIB, 512 * MIB)
    small = Host(allowed=(0,), online=(0,), caches=(*two.caches, SharedCache(3, 3 * MIB, 64, (0,))))
    assert witness.footprints(small) == (0, witness.FAR_LEAST)  # too close to L2 to be told from it
    assert set(witness.Witness(large, crew, Region, 4 * GIB).glance()) == {"witness_l3"}


def test_the_device_tells_it_among_its_gauges_from_time_to_time() -> None:
    """The first round of a run has it, those before its next time not; it is closed with the device."""
    made = CpuDevice()
    try:
        assert made.gauges()["witness_dram"] > 1e8
        assert made._witness is not None
        due = made._witness._due
        made._witness._clock = lambda: due - 1e-6
        made._gauges_due = 0.0
        assert "witness_dram" not in made.gauges()
    finally:
        made.close()
    assert made._witness is None
