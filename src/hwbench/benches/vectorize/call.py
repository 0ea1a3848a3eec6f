"""Call overhead: what it costs in Python to call a function that does nothing.

Every operation of a Python loop is one such call or several, which is why the loop of `vectorize.add` takes so long;
and every library that is called once per element pays its own entry cost. All functions here return their argument; the
difference is the way in. An empty function needs an interpreter frame; a method one more look-up, though no bound
object since CPython 3.11. `numpy` on one element selects the loop for the dtype, checks the shape, and allocates the
result. Numba checks the types of all arguments and dispatches to the compiled code; ctypes converts each argument and
the result, and releases the GIL around the call.

The timed loop has ten calls in its body, so that the loop itself and the assignments add only a few ns to each call;
`nothing` has the same ten assignments without a call, to be subtracted. No hardware limit applies: a call of 50 ns is
some 200 cycles, in which the core could have added 3 000 numbers.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable, Iterator
from itertools import repeat
from typing import Any, TypeVar

import numba
import numpy as np

from ...bench import Bench, Work
from ...kernels.compiling import compiled
from ...protocols import Loop, Results
from ...record import text
from ...record.phrases import listed, marked

S = TypeVar("S")
T = TypeVar("T")

CALLS = 10  # in one turn of the loop
NUMBER = 12345

bench = Bench(
    "vectorize.call",
    question="What does an empty call cost?",
    axes={},
    baseline="function",
    measures="call",
    core=False,
)

# --- what is called ---------------------------------------------------------------------------------------------------


def same(x: T) -> T:
    """What it is given."""
    return x


class Holder:
    """Something with a method."""

    def same(self, x: T) -> T:
        """What it is given."""
        return x


@compiled
def numba_same(x: int) -> int:
    """What it is given, compiled: only the dispatch is left."""
    return x


@functools.cache
def c_same() -> Any:
    """The same as a C function; its machine code lives as long as this object, so it is cached for the process."""
    return numba.cfunc("int64(int64)")(same)


# --- the loops --------------------------------------------------------------------------------------------------------


def call_nothing(x: T, n: int) -> T | None:
    """Ten statements that call nothing, n times."""
    y = None
    for _ in repeat(None, n):
        y = x
        y = x
        y = x
        y = x
        y = x
        y = x
        y = x
        y = x
        y = x
        y = x
    return y


def call_function(f: Callable[[S], T], x: S, n: int) -> T | None:
    """Ten calls of f(x), n times."""
    y = None
    for _ in repeat(None, n):
        y = f(x)
        y = f(x)
        y = f(x)
        y = f(x)
        y = f(x)
        y = f(x)
        y = f(x)
        y = f(x)
        y = f(x)
        y = f(x)
    return y


def call_method(o: Holder, x: T, n: int) -> T | None:
    """Ten calls of o.same(x), n times."""
    y = None
    for _ in repeat(None, n):
        y = o.same(x)
        y = o.same(x)
        y = o.same(x)
        y = o.same(x)
        y = o.same(x)
        y = o.same(x)
        y = o.same(x)
        y = o.same(x)
        y = o.same(x)
        y = o.same(x)
    return y


# --- the bench --------------------------------------------------------------------------------------------------------


@bench.reference
def reference() -> int:
    """What was given."""
    return NUMBER


@bench.counts
def counts() -> dict[str, float]:
    """Ten calls a turn."""
    return {"calls": CALLS}


def looped(loop: Loop) -> Work:
    """The loop as work: one turn, or many."""
    return Work(lambda: loop(1), repeat=loop)


@bench.variant("nothing")
def nothing() -> Work:
    """No call, only the statement: what is to be subtracted from the others."""
    return looped(lambda n: call_nothing(NUMBER, n))


@bench.variant("function")
def function() -> Work:
    """An empty Python function."""
    return looped(lambda n: call_function(same, NUMBER, n))


@bench.variant("method")
def method() -> Work:
    """An empty method of an object."""
    holder = Holder()
    return looped(lambda n: call_method(holder, NUMBER, n))


@bench.variant("builtin")
def builtin() -> Work:
    """A function of Python written in C: abs(x)."""
    return looped(lambda n: call_function(abs, NUMBER, n))


@bench.variant("numpy")
def ufunc() -> Work:
    """A ufunc of NumPy on an array of one element: np.positive(a)."""
    one = np.array([NUMBER])
    work = looped(lambda n: call_function(np.positive, one, n))
    return Work(lambda: int(work.call()[0]), repeat=work.repeat)


@bench.variant("numba")
def dispatched() -> Work:
    """A compiled function of Numba."""
    return looped(lambda n: call_function(numba_same, NUMBER, n))


@bench.variant("ctypes")
def foreign() -> Work:
    """The same machine code through ctypes."""
    pointer = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(c_same().address)
    return looped(lambda n: call_function(pointer, NUMBER, n))


NAMES = {
    "function": "a Python function",
    "method": "a method",
    "builtin": "a C function of CPython",
    "numpy": "a NumPy ufunc on 1 element",
    "numba": "a Numba function",
    "ctypes": "a C function through ctypes",
}
INTERPRETED = ("function", "method", "builtin")


@bench.finding
def finding(results: Results) -> Iterator[str]:
    """What each empty call costs, the loop around it included; the most expensive first."""
    loop = results.each("calls", "nothing")
    spent = f"; each figure includes {text.seconds(loop.value)} for the loop around it" if loop is not None else ""
    found = []
    for group in ([name for name in NAMES if name not in INTERPRETED], INTERPRETED):
        calls = {name: call for name in group if (call := results.each("calls", name)) is not None}
        if calls:
            dearest = sorted(calls, key=lambda name: -calls[name].value)
            each = listed(f"{text.seconds(calls[name])} for {NAMES[name]}" for name in dearest)
            records = [results.find(name) for name in (*dearest, "nothing")]
            said = marked(f"An empty call from Python takes {each}{spent}", *records)
            found.append((-calls[dearest[0]].value, said))
    yield from (said for _, said in sorted(found))
