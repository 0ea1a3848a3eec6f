"""Calls: each gives back what it was given, ten stand in the loop, and the loop is subtracted."""

import dis

import numpy as np
import pytest

from hwbench.benches.vectorize import call
from inspection.answers import reading, verdict, work_of
from inspection.told import STOLEN, doubt, said, spread

BENCH = call.bench


@pytest.mark.parametrize("variant", BENCH.variants)
def test_each_call_returns_what_it_is_given(variant):
    """Through every kind of call the number comes back."""
    assert verdict(BENCH, variant, {}) == ""


@pytest.mark.parametrize("variant", BENCH.variants)
def test_loops_are_of_the_kind_that_is_checked(variant):
    """What is repeated for timing returns the same as the single call."""
    work, _ = work_of(BENCH, variant, {})
    assert np.squeeze(work.repeat(3)) == work.call() == call.NUMBER


def test_a_call_that_loses_its_argument_is_caught(monkeypatch):
    """A function that returns something else is wrong."""
    monkeypatch.setattr(call, "same", lambda x: x + 1)
    assert "differs" in verdict(BENCH, "function", {})


@pytest.mark.parametrize("loop", [call.call_function, call.call_method])
def test_ten_calls_stand_in_the_loop(loop):
    """The bytecode of a turn holds as many calls as are counted, besides that of the iterator."""
    calls = [one for one in dis.get_instructions(loop) if one.opname in ("CALL", "CALL_METHOD", "CALL_FUNCTION")]
    assert len(calls) - 1 == call.CALLS == BENCH.count({})["calls"]


def test_nothing_calls_nothing():
    """The loop to subtract has the same ten statements and no call but that of its iterator."""
    code = list(dis.get_instructions(call.call_nothing))
    assert sum(one.opname == "CALL" for one in code) == 1
    assert sum(one.opname.startswith("STORE_FAST") and "y" in str(one.argval) for one in code) == 11


def test_the_finding_names_the_loop_beside_each_call():
    """What the chart shows is told, with the part of the loop; library calls first, the most expensive before."""
    rows = [("nothing", {}, 1e-8), ("function", {}, 50e-8), ("numpy", {}, 400e-8), ("ctypes", {}, 500e-8)]
    read = spread(reading(BENCH, [*rows, ("numba", {}, 200e-8)], {"calls": 10}))
    assert said(read) == [
        "An empty call from Python takes 500 ns (…) for a C function through ctypes, 400 ns (…) for a NumPy ufunc on 1 "
        "element and 200 ns (…) for a Numba function; each figure includes 1.00 ns for the loop around it.",
        "An empty call from Python takes 50.0 ns (…) for a Python function; each figure includes 1.00 ns for the loop "
        "around it.",
    ]
    assert [one.endswith(STOLEN) for one in said(doubt(read, "numba"))] == [True, False]


def test_calls_that_were_not_measured_are_left_out():
    """Two calls are joined by `and`; without the empty loop nothing is said of it; without calls nothing at all."""
    rows = [("function", {}, 50e-8), ("method", {}, 60e-8)]
    assert said(reading(BENCH, rows, {"calls": 10})) == [
        "An empty call from Python takes 60.0 ns (…) for a method and 50.0 ns (…) for a Python function."
    ]
    assert said(reading(BENCH, [("nothing", {}, 1e-8)], {"calls": 10})) == []
