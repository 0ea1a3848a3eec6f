"""The gate: kernels start together, stamp their start and end without the GIL, and keep nobody waiting for ever."""

from __future__ import annotations

import threading
import time

import pytest

from hwbench.kernels.compiling import compiled
from hwbench.kernels.gate import Gate, enter, leave
from inspection import listing


@compiled
def pass_through(gate: int) -> None:
    """Nothing between the gate's two ends."""
    enter(gate)
    leave(gate)


@compiled
def stay(gate: int) -> None:
    """Enter and never leave."""
    enter(gate)


@pytest.fixture
def gate() -> Gate:
    """A gate of two places, closed."""
    pass_through(0)
    stay(0)
    made = Gate(2)
    made.close()
    return made


def test_the_first_waits_for_the_second(gate: Gate) -> None:
    """A kernel stands at the gate until the other thread's is there; both starts lie after that moment."""
    first = threading.Thread(target=pass_through, args=(gate.address(0),), daemon=True)
    first.start()
    time.sleep(0.02)
    assert gate.span(0) is None
    before = time.monotonic_ns()
    pass_through(gate.address(1))
    first.join(20)
    after = time.monotonic_ns()
    for start, end in (gate.span(0), gate.span(1)):  # type: ignore[misc]
        assert before <= start <= end <= after


def test_a_second_kernel_of_a_job_goes_straight_through(gate: Gate) -> None:
    """The start of the first kernel and the end of the last one count."""
    gate.arrive(1)
    pass_through(gate.address(0))
    first = gate.span(0)
    pass_through(gate.address(0))
    second = gate.span(0)
    assert first is not None
    assert second is not None
    assert second[0] == first[0] <= first[1] < second[1]


def test_each_race_begins_anew(gate: Gate) -> None:
    """What an earlier race has stamped is gone, and all are waited for again."""
    gate.arrive(1)
    pass_through(gate.address(0))
    gate.close()
    assert gate.span(0) is None
    last = threading.Thread(target=pass_through, args=(gate.address(0),), daemon=True)
    last.start()
    time.sleep(0.01)
    assert last.is_alive()
    gate.arrive(1)
    last.join(20)
    assert not last.is_alive()


def test_a_kernel_that_does_not_leave_is_an_error(gate: Gate) -> None:
    """Its end is unknown, so that no time can be told."""
    gate.arrive(1)
    stay(gate.address(0))
    with pytest.raises(RuntimeError, match="has entered the gate and not left it"):
        gate.span(0)


def test_no_place_is_no_gate() -> None:
    """At address 0 a kernel neither waits nor writes."""
    pass_through(0)


@listing.needs_x86
def test_the_clock_is_read_twice_and_places_are_two_lines_apart() -> None:
    """In a kernel's machine code nothing is called but the clock, at its start and at its end."""
    code = listing.assembly(pass_through, None, (listing.INT,))
    assert listing.count(code, "^call") == 2
    assert {line.split("$")[1].split(",")[0] for line in code if line.startswith("movabsq")} == {"hwbench_clock"}
    made = Gate(3)
    assert [made.address(rank) - made.address(0) for rank in range(3)] == [0, 128, 256]
    assert made.address(0) % 128 == 0
