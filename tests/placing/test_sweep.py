"""Which n, and what is kept when one of them cannot be placed."""

from __future__ import annotations

import pytest

from hwbench.errors import UsageError
from hwbench.placing import engine, sweep
from hwbench.placing.subject import Subject
from made_up.placed import counts, exactly, roofs


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ("n=1e3:1e4", [1000, 3200, 10_000]),
        ("n=100:100", [100]),
        ("n=1e3:1e6:4", [1000, 10_000, 100_000, 1_000_000]),
        ("size=7:8", [7]),
        (None, [1000, 3200, 10**4, 32_000, 10**5, 320_000, 10**6, 3_200_000, 10**7]),
    ],
)
def test_two_values_a_decade(stated, expected):
    """Or as many as are asked for."""
    assert sweep.sizes(stated) == expected


@pytest.mark.parametrize("stated", ["1e3:1e4", "n=1e4:1e3", "n=0:10", "n=a:b", "n=1:10:0", "n=1:2:3:4", "n=1.5:3"])
def test_another_form_is_one_line(stated):
    """What is wanted."""
    with pytest.raises(UsageError, match=f"--sweep {stated}: "):
        sweep.sizes(stated)


def subject(function=len):
    return Subject("f", function, make=lambda n: ([0] * n,), sized=True)


@pytest.fixture
def placed(monkeypatch):
    """A function that takes a microsecond an element, and fails from a million on."""
    called = []

    def place(name, _function, _inputs, _setting, *, n, declared, variants):
        called.append(n)
        if n >= 10**6:
            raise UsageError(f"{name}: ran out of memory; ask for a smaller n")
        return {name: engine.point(name, counts(24 * n), exactly(n * 1e-6), roofs(), n=n)}

    monkeypatch.setattr(engine, "place", place)
    monkeypatch.setattr(sweep.memory, "free", lambda: 2**40)
    return called


def test_a_sweep_keeps_what_it_has(placed):
    """The first n that cannot be placed ends it, and is told."""
    told = []
    found = sweep.run(subject(), None, [10**3, 10**4, 10**6, 10**7], placed=told.append)
    [one] = found.functions
    assert [point.n for point in one.points] == [point.n for point in told] == [10**3, 10**4]
    assert found.stopped == "n=10⁶ and more were left out: f: ran out of memory; ask for a smaller n"


def test_a_first_n_that_cannot_be_placed_is_raised(placed):
    """There is nothing to keep."""
    with pytest.raises(UsageError, match="ran out of memory"):
        sweep.run(subject(), None, [10**6])


def test_memory_and_time_are_foreseen(placed, monkeypatch):
    """By their growth from one n to the next: neither is tried."""
    monkeypatch.setattr(sweep.memory, "free", lambda: 10**6)
    monkeypatch.setattr(sweep.probe.memory, "free", lambda: 10**6)
    found = sweep.run(subject(), None, [10, 100, 10**5])
    assert "f: needs about" in found.stopped
    monkeypatch.setattr(sweep.memory, "free", lambda: 2**50)
    monkeypatch.setattr(sweep, "LONGEST_S", 1e-3)
    found = sweep.run(subject(), None, [10, 100, 10**5])
    assert "f: a call would take about 100 ms" in found.stopped
    assert placed == [10, 100] * 2
