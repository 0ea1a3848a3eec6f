"""Functions compiled with counters."""

from __future__ import annotations

import numba
import numpy as np
import pytest

from hwbench.counting import count
from hwbench.counting.numba_code import Compiled
from hwbench.errors import UsageError

N = 1000


@numba.njit
def add(x, y):
    for i in range(x.size):
        y[i] += x[i]


def test_the_counted_code_does_what_the_function_does():
    """Each run counts from zero, and the function itself goes on."""
    x, y = np.ones(N), np.ones(N)
    compiled = Compiled("add", add, (x, y))
    for _ in range(2):
        compiled.run((x, y))
        counters = compiled.counters.copy()
    assert (y == 3).all()
    add(x, y)
    assert (y == 4).all()
    assert (compiled.counters == counters).all()


def test_numpy_code_that_calls_numba():
    """Both are counted, once for each call; what is written is read before."""

    def work(x, y):
        z = x + 1
        add(z, y)
        add(x=z, y=y)
        return y

    found = count(work, (np.ones(N), np.ones(N)))
    assert (found.kind, found.issued.low, found.flops.low) == ("numpy", (16 + 24 + 24) * N, 3 * N)
    assert found.compulsory == 24 * N
    assert found.calls == ("add", "add")[:1]


def test_a_function_that_cannot_be_compiled_is_refused():
    """In one line."""
    with pytest.raises(UsageError, match="add cannot be compiled"):
        Compiled("add", add, ("text", 1))


def test_code_that_cannot_be_read_leaves_a_bound(monkeypatch):
    """What goes in, what changes, what comes out."""

    def refuse(*_args):
        raise RuntimeError("LLVM IR parsing error")

    monkeypatch.setattr("hwbench.counting.numba_code.instrument", refuse)
    found = count(add, (np.ones(N), np.ones(N)))
    assert (found.compulsory, found.issued.low, found.issued.high) == (24 * N, 24 * N, float("inf"))
    assert found.unknown == ("the compiled code of add",)
