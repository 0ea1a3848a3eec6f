"""cuBLASLt by ctypes, for the one product that cuBLAS itself lacks: of two matrices in fp8.

CuPy binds only cuBLAS, which is built on cuBLASLt: once cuBLAS is loaded, cuBLASLt is in the process already. The
numbers are those of cublasLt.h, cublas_api.h and library_types.h, unchanged since CUDA 11.8. In fp8 cublasLtMatmul
takes the first matrix transposed, the second not, both by columns, and sizes in multiples of 16 (cuBLAS's
documentation). Scales stay at 1, and sums are in float32, the default, unless they are to be "fast".
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from typing import TypeAlias

from ..bench import Skip
from ..kernels.cuda import toolkit
from ..protocols import DeviceArray

Number: TypeAlias = ctypes.c_int8 | ctypes.c_int | ctypes.c_int32 | ctypes.c_int64 | ctypes.c_uint64 | ctypes.c_size_t

R_32F, R_8F_E4M3 = 0, 28  # cudaDataType_t
COMPUTE_32F = 68  # cublasComputeType_t
TRANSPOSED = 1  # cublasOperation_t
TRANSA, FAST_ACCUM = 3, 25  # cublasLtMatmulDescAttributes_t
MAX_WORKSPACE_BYTES = 1  # cublasLtMatmulPreferenceAttributes_t
NOT_SUPPORTED = 15  # cublasStatus_t
WORKSPACE = 32 * 2**20  # bytes: what NVIDIA recommends for Hopper


class Heuristic(ctypes.Structure):
    """An algorithm that cuBLASLt proposes: cublasLtMatmulHeuristicResult_t."""

    _fields_ = (
        ("algorithm", ctypes.c_uint64 * 8), ("workspace", ctypes.c_size_t), ("state", ctypes.c_int),
        ("waves", ctypes.c_float), ("reserved", ctypes.c_int * 4),
    )  # fmt: skip


def library(cuda: int) -> ctypes.CDLL:
    """The cuBLASLt of a generation of CUDA; Skip where it cannot be loaded."""
    name = f"cublasLt64_{cuda}.dll" if sys.platform == "win32" else f"libcublasLt.so.{cuda}"
    try:
        return ctypes.CDLL(name)
    except OSError as error:
        first = str(error).partition("\n")[0]
        raise Skip(
            "needs_library", f"needs cuBLASLt, which could not be loaded ({first}); {toolkit(cuda, 'cublas')}"
        ) from None


def version(cuda: int) -> str:
    """The version of cuBLAS, `13.1.0`, which cuBLASLt knows too."""
    number = library(cuda).cublasLtGetVersion
    number.restype = ctypes.c_size_t
    found = int(number())  # 130100; 120803 of CUDA 12
    return f"{found // 10000}.{found % 10000 // 100}.{found % 100}"


class Fp8Product:
    """What enqueues `to = left · right` each time it is called; square matrices of n rows.

    Parameters
    ----------
    lt
        The library.
    n
        Rows and columns, a multiple of 16.
    left, right, to
        Addresses on the device: `left` row by row and `right` column by column in e4m3, the result in float32 row by
        row.
    workspace
        The address of `WORKSPACE` bytes there.
    stream
        The handle of the stream.
    fast
        Sums are taken over into float32 less often: faster, of fewer bits.
    """

    def __init__(
        self,
        lt: ctypes.CDLL,
        n: int,
        left: int,
        right: int,
        to: int,
        workspace: int,
        stream: int,
        *,
        fast: bool = False,
    ) -> None:
        if n % 16:
            raise Skip("bad_value", f"fp8 takes sizes in multiples of 16, not {n}")
        self.lt = lt
        self.kept: tuple[DeviceArray, ...] = ()  # what owns the memory
        self._made: list[tuple[Callable[..., int], ctypes.c_void_p]] = []
        try:
            handle, operation, narrow, wide, found = self._described(n, fast=fast)
        except Exception:
            self.close()
            raise
        one, zero = ctypes.c_float(1), ctypes.c_float(0)
        # cuBLAS stores by columns: right' · left' of the transposed is the transposed of left · right, and `right` by
        # columns is right' by rows, the first factor transposed.
        self._arguments = (
            handle, operation, ctypes.byref(one), ctypes.c_void_p(right), narrow, ctypes.c_void_p(left), narrow,
            ctypes.byref(zero), ctypes.c_void_p(to), wide, ctypes.c_void_p(to), wide, ctypes.byref(found),
            ctypes.c_void_p(workspace), ctypes.c_size_t(WORKSPACE), ctypes.c_void_p(stream),
        )  # fmt: skip

    def __call__(self) -> None:
        """Enqueue it."""
        _check(self.lt.cublasLtMatmul, self.lt.cublasLtMatmul(*self._arguments))

    def close(self) -> None:
        """Give back what describes it."""
        while self._made:
            destroy, one = self._made.pop()
            destroy(one)

    def _described(
        self, n: int, *, fast: bool
    ) -> tuple[ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, Heuristic]:
        """The handle, the operation, the layouts of fp8 and float32, and the first algorithm proposed."""
        lt = self.lt
        handle = self._new(lt.cublasLtCreate, lt.cublasLtDestroy)
        operation = self._new(
            lt.cublasLtMatmulDescCreate, lt.cublasLtMatmulDescDestroy, ctypes.c_int(COMPUTE_32F), ctypes.c_int(R_32F)
        )
        self._set(lt.cublasLtMatmulDescSetAttribute, operation, TRANSA, ctypes.c_int32(TRANSPOSED))
        if fast:
            self._set(lt.cublasLtMatmulDescSetAttribute, operation, FAST_ACCUM, ctypes.c_int8(1))
        narrow, wide = (self._layout(kind, n) for kind in (R_8F_E4M3, R_32F))
        preference = self._new(lt.cublasLtMatmulPreferenceCreate, lt.cublasLtMatmulPreferenceDestroy)
        most = ctypes.c_size_t(WORKSPACE)
        self._set(lt.cublasLtMatmulPreferenceSetAttribute, preference, MAX_WORKSPACE_BYTES, most)
        found, count = Heuristic(), ctypes.c_int()
        status = lt.cublasLtMatmulAlgoGetHeuristic(
            handle, operation, narrow, narrow, wide, wide, preference, 1, ctypes.byref(found), ctypes.byref(count)
        )
        if status == NOT_SUPPORTED or (not status and not count.value):
            raise Skip("gpu_lacks", "cuBLASLt has no product in fp8 for this card")
        _check(lt.cublasLtMatmulAlgoGetHeuristic, status)
        return handle, operation, narrow, wide, found

    def _new(self, create: Callable[..., int], destroy: Callable[..., int], *arguments: Number) -> ctypes.c_void_p:
        made = ctypes.c_void_p()
        _check(create, create(ctypes.byref(made), *arguments))
        self._made.append((destroy, made))
        return made

    def _set(self, attribute: Callable[..., int], what: ctypes.c_void_p, which: int, value: Number) -> None:
        _check(attribute, attribute(what, which, ctypes.byref(value), ctypes.c_size_t(ctypes.sizeof(value))))

    def _layout(self, kind: int, n: int) -> ctypes.c_void_p:
        size = ctypes.c_uint64(n)
        return self._new(
            self.lt.cublasLtMatrixLayoutCreate, self.lt.cublasLtMatrixLayoutDestroy, ctypes.c_int(kind), size, size,
            ctypes.c_int64(n),
        )  # fmt: skip


def _check(function: Callable[..., int], status: int) -> None:
    if status:
        raise RuntimeError(f"{function.__name__} of cuBLASLt failed with status {status}")
