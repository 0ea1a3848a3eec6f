"""The product in fp8 that cuBLASLt makes: what is asked of it, and what it refuses, on a stub that computes."""

from __future__ import annotations

import ctypes
import sys

import numpy as np
import pytest

from doubles import gpu_on_cpu
from hwbench.bench import Skip
from hwbench.benches.device._formats import e4m3
from hwbench.devices import cublas_lt

pytestmark = pytest.mark.skipif(bool(gpu_on_cpu.on_cpu.lacking()), reason=gpu_on_cpu.on_cpu.lacking() or "-")
N = 32


@pytest.fixture
def lt():
    """The stub, which counts what is made and given back."""
    found = gpu_on_cpu.stub_cublaslt()
    alive = ctypes.c_int.in_dll(found, "stub_alive")
    before = alive.value
    yield found
    ctypes.c_int.in_dll(found, "stub_refuses").value = 0
    assert alive.value == before, "what describes a product was not given back"


def operands():
    """Two matrices of whole numbers, neither of them symmetric."""
    rng = np.random.default_rng(3)
    return (rng.integers(-8, 9, (N, N), dtype=np.int8) for _ in range(2))


def product(lt, left, right, to, n=N):
    """Of matrices that lie in host memory, which to the stub is the device's."""
    workspace = np.zeros(cublas_lt.WORKSPACE, np.uint8)
    made = cublas_lt.Fp8Product(lt, n, *(one.ctypes.data for one in (left, right, to, workspace)), 1)
    made.kept = (left, right, to, workspace)
    return made


def test_the_product_is_left_times_right(lt):
    """To the last digit, twice: the second matrix lies by columns, the result by rows."""
    left, right = operands()
    to = np.full((N, N), np.nan, np.float32)
    made = product(lt, e4m3(left), e4m3(np.ascontiguousarray(right.T)), to)
    for _ in range(2):
        to[...] = np.nan
        made()
        np.testing.assert_array_equal(to, left.astype(int) @ right.astype(int))
    made.close()


@pytest.mark.parametrize("fast", [False, True])
def test_fast_accumulation_is_asked_for_by_name_alone(lt, fast):
    """cuBLASLt's default are sums in float32."""
    left, right = operands()
    to, workspace = np.zeros((N, N), np.float32), np.zeros(cublas_lt.WORKSPACE, np.uint8)
    given = (e4m3(left), e4m3(np.ascontiguousarray(right.T)), to, workspace)
    counted = ctypes.c_int.in_dll(lt, "stub_fast")
    before = counted.value
    made = cublas_lt.Fp8Product(lt, N, *(one.ctypes.data for one in given), 1, fast=fast)
    made()
    made.close()
    np.testing.assert_array_equal(to, left.astype(int) @ right.astype(int))
    assert counted.value - before == fast


def test_a_card_without_such_a_product_is_a_skip(lt):
    """Where the library proposes no algorithm, and for sizes that fp8 does not take."""
    left, right = operands()
    to = np.zeros((N, N), np.float32)
    ctypes.c_int.in_dll(lt, "stub_refuses").value = 1
    with pytest.raises(Skip, match="no product in fp8 for this card"):
        product(lt, e4m3(left), e4m3(right), to)
    with pytest.raises(Skip, match="multiples of 16, not 20"):
        product(lt, e4m3(left), e4m3(right), to, n=20)


def test_a_call_that_fails_is_named(lt):
    """The function of cuBLASLt and its status: here no stream was given."""
    left, right = operands()
    to = np.zeros((N, N), np.float32)
    workspace = np.zeros(cublas_lt.WORKSPACE, np.uint8)
    addresses = (one.ctypes.data for one in (e4m3(left), e4m3(right), to, workspace))
    made = cublas_lt.Fp8Product(lt, N, *addresses, 0)
    with pytest.raises(RuntimeError, match=r"^cublasLtMatmul of cuBLASLt failed with status 7$"):
        made()
    made.close()


@pytest.mark.skipif(sys.platform != "linux", reason="the library's name is Linux's")
def test_a_library_that_is_not_there_is_a_skip_with_the_remedy():
    """CUDA of a generation that nobody has installed."""
    with pytest.raises(
        Skip, match=r"needs cuBLASLt, .*libcublasLt\.so\.999.*; pip install 'cuda-toolkit\[cublas\]==999"
    ):
        cublas_lt.library(999)
