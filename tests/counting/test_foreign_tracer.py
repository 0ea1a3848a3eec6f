"""Arrays of another library: made-up ones with NumPy's protocols, and kernels that cannot be looked into."""

from __future__ import annotations

import sys
from types import ModuleType

import numpy as np
import pytest

from doubles.protocol_arrays import Device, take
from hwbench.counting import count


class RawKernel:
    """A compiled kernel."""

    __module__ = "cupy._core.raw"
    name = "my_kernel"

    def __call__(self, grid, block, args):
        args[0].data[...] = 1


LAUNCH = RawKernel()
N = 1000
PLACES = np.array([3, 1, 4])


def array():
    return Device(np.arange(float(N)))


def update(x, y):
    y[1:] += x[:-1]


def launched(x):
    LAUNCH((1,), (1,), (x,))
    return x + 1


@pytest.mark.parametrize(
    ("function", "arrays", "compulsory", "issued", "flops"),
    [
        (lambda x, y: x * y + 1, 2, 24 * N, 40 * N, 2 * N),
        (lambda x: np.exp(-x), 1, 16 * N, 32 * N, N),
        (lambda x: x.sum(), 1, 8 * N + 8, 8 * N + 8, N),
        (lambda x, y: np.concatenate([x, y[:10]]), 2, 16 * N + 160, 16 * N + 160, 0),
        (update, 2, 24 * N - 24, 24 * N - 24, N - 1),
        (lambda x, y: np.add(x, 1, out=y), 2, 16 * N, 16 * N, N),
        (lambda x: float(x[3]) + len(x), 1, 0, 0, 0),
        (lambda x: [float(one) for one in x[:3]][1], 1, 0, 0, 0),
        (lambda x: x[PLACES], 1, 24 + 24, 24 + 48, 0),
        (lambda x: x.__setitem__(PLACES, 1.0), 1, 24, 24 + 24, 0),
        (lambda x, y: y.__setitem__(slice(None), x), 2, 16 * N, 16 * N, 0),
        (lambda x, y: x.__matmul__(y), 2, 16 * N, 16 * N, 2 * N),
    ],
)
def test_bytes_and_flops(function, arrays, compulsory, issued, flops):
    """As for NumPy's arrays; nothing of the caller's changes."""
    given = [array() for _ in range(arrays)]
    found = count(function, given)
    assert (found.kind, found.compulsory, found.issued.low, found.flops.low) == ("cupy", compulsory, issued, flops)
    assert not found.unknown
    assert all((one.data == np.arange(N)).all() for one in given)


def test_counters_of_the_cpu_say_nothing_of_a_gpu():
    """They are not read, and the counts say so."""
    found = count(lambda x: x + 1, (array(),), hardware=True)
    assert (found.moved, found.moved_note) == (None, "the counters are the CPU's")


def test_a_mask_lets_through_what_cannot_be_seen():
    """All elements are then counted, and an update by numbers is named."""
    found = count(lambda x, y: np.add(x, 1.0, out=y, where=np.arange(N) > 3), (array(), array()))
    assert found.flops.low == N
    assert count(lambda x: np.add.at(x, PLACES, 1.0), (array(),)).unknown == ("add.at",)


def test_a_compiled_kernel_is_named():
    """The answer is a bound."""
    found = count(launched, (array(),))
    assert found.unknown == ("my_kernel",)
    assert (found.issued.low, found.issued.high) == (16 * N, float("inf"))


def test_functions_of_the_librarys_module_are_recorded(monkeypatch):
    """By NumPy's names; afterwards they are as before."""
    module = ModuleType("made_up_library")
    module.exp = lambda x: Device(np.exp(x.data))
    module.ones = lambda n: Device(np.ones(n))
    module.full = lambda n, value: Device(take(module.ones(n)) * value)
    before = module.exp
    monkeypatch.setitem(sys.modules, "made_up_library", module)
    monkeypatch.setattr(Device, "__module__", "made_up_library")
    found = count(lambda x: module.exp(-x) * module.full(N, 2.0), (array(),))
    assert (found.issued.low, found.flops.low) == (16 * N + 16 * N + 8 * N + 24 * N, 2 * N)
    assert module.exp is before
