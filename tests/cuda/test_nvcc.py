"""The kernels beside those of nvcc: that nvcc builds each source, and what the lines around them do, on fibers."""

from __future__ import annotations

import numpy as np
import pytest

from doubles import on_cpu
from hwbench.kernels import cuda
from inspection import nvcc


class OnHost:
    """An array as CuPy has one: with an address."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    @property
    def data(self):
        return type("Memory", (), {"ptr": self.array.ctypes.data})


@pytest.mark.parametrize("topic", ["", *cuda.OWN, *cuda.topics()])
def test_nvcc_builds_every_source(topic):
    """Each kernel can be launched from the library; without a GPU CUDA says so, in words."""
    if nvcc.compiler() is None:
        pytest.skip(nvcc.lacking())
    native = nvcc.Native(nvcc.build(topic, 90, fast=False))
    kernels = on_cpu.kernels(cuda.source(topic)) if topic else ["copy"]
    assert all(hasattr(native.library, f"native_{kernel}") for kernel in kernels)
    assert native.library.native_error(100) == b"no CUDA-capable device is detected"


def test_a_launch_gets_its_grid_and_its_arguments_and_is_counted():
    """Pointers, 64-bit and 32-bit scalars arrive; of five launches each is said to take what one takes."""
    native = nvcc.Native(nvcc.build_on_cpu("transfer.copy"))
    source = np.random.default_rng(1).integers(0, 2**32, 4 * 1000, dtype=np.uint32)
    target = np.zeros_like(source)
    given = [OnHost(source), OnHost(target), np.int64(999)]
    assert native.launched("move16", (3,), (64,), given, 5) == pytest.approx(1e-3)
    np.testing.assert_array_equal(target, np.where(np.arange(4000) < 4 * 999, source, 0))
    x = np.full(64, 0.25, np.float32)
    scalars = [np.int32(1), *np.float32([2.0, 0.25, 0.5, -0.075])]  # a pair adds 0.05
    native.launched("chain", (1, 1), (64, 1, 1), [OnHost(x), OnHost(x), *scalars], 2)
    np.testing.assert_allclose(x, 0.25 + 3 * 16 * 0.05, rtol=1e-5)  # two that are timed, and one before them


def test_a_launch_is_cooperative_where_it_is_asked_to_be():
    """Blocks that wait for one another end only if all are there at once."""
    native = nvcc.Native(nvcc.build_on_cpu("device.sync"))
    state, token = np.zeros(1, np.uint32), np.zeros(1, np.int32)
    given = [OnHost(state), OnHost(token), np.int32(4)]
    native.launched("barriers_grid", (5,), (32,), given, 2, cooperative=True)
    assert (int(token[0]), int(state[0])) == (3 * 4, 3 * 4 * 5)


def test_what_cuda_refuses_is_said_in_its_words():
    """More threads a block than there can be."""
    native = nvcc.Native(nvcc.build_on_cpu("device.sync"))
    with pytest.raises(nvcc.NativeError, match="invalid configuration"):
        native.launched("mark", (1,), (2048,), [OnHost(np.zeros(1, np.int32))], 1)


def test_copies_are_counted_alike():
    """All bytes, from there to here."""
    native = nvcc.Native(nvcc.build_on_cpu(""))
    source, target = np.arange(1000, dtype=np.uint8), np.zeros(1000, np.uint8)
    assert native.copied(target.ctypes.data, source.ctypes.data, 1000, 3) == pytest.approx(1e-3)
    np.testing.assert_array_equal(target, source)
