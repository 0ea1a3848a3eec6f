"""A made-up GPU that computes: the device of hwbench on `fake_cupy`, its kernels run on the CPU by g++.

What a bench builds for a GPU (grids, arguments, layouts, copies) then gives real answers where there is no GPU. An
entry runs when it is queued, one that talks to the host meanwhile on a thread; its time is the script's. Beside what
`fake_cupy` has, the module knows the few operations of CuPy that benches call, cuBLAS's product as it is specified,
columns first, and a cuBLASLt (stub_cublaslt.c).
"""

from __future__ import annotations

import ctypes
import functools
import importlib
import sys
import types
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from doubles import on_cpu
from doubles.fake_cupy import FakeGpu, FakeNvml, Memory, MemoryPointer, install
from doubles.fake_cupy import ndarray as DeviceArray
from hwbench import catalog
from hwbench.benches.workload import _mlp, house_prices
from hwbench.benches.workload._mlp import Fold, Recipe
from hwbench.kernels import cuda

SM = 2  # a small GPU: a fiber a thread takes its time
SECONDS = 1e-5  # of a kernel
# Sizes that benches fix for real GPUs, cut to what fibers do in a moment; by the module that uses them.
SMALL = {
    "_gpu": {"BLOCK": 32},  # in `blocks`, of peak and tensor
    "device.atomics": {"THREADS": 2**11, "ROUNDS": 5},
    "device.banks": {"READS": 512},
    "device.cache": {"TURNS": 5},
    "device.clock": {"N": 64, "COPIED": 2**16, "STEP_S": 1e-4},
    "device.coalescing": {"TILE": 2**10},
    "device.divergence": {"N": 2**11, "ROUNDS": 3},
    "device.graph": {"BLOCK": 32, "STEPS": 5},
    "device.latency": {"WARMERS": 32, "HOPS": 64},
    "device.launch": {"CALLS": 3},
    "device.layout": {"ELEMENTS": 2**14},
    "device.occupancy": {"EACH": 1024, "PASSES": 2},
    "device.peak": {"BLOCK": 32, "PASSES": 2},
    "device.stream": {"LEAST": 3 * 2**20},
    "device.sync": {"BARRIERS": {"block": 64, "grid": 32, "launch": 32}},
    "device.tensor": {"BLOCK": 32, "MMA_LOOPS": 1},
    "transfer.latency": {"LEAST": 2**14, "HOPS": 64},
    # Looks at the CPU's own cache: a second of them, if the host's thread has to wait for a CPU so long.
    "transfer.mailbox": {"TRIPS": 5, "LOOKS": 2**29, "LIMIT_S": 60.0},
    "transfer.overlap": {"LOOPS": 3},
}
TALKING = {"reply"}  # kernels that wait for the host while they run
SHORT = {name: Recipe(optimizer=name, epochs=1) for name in ("adam", "sgd")}


def learn_little(monkeypatch: Any) -> None:
    """Training takes one epoch, of a few sales of two folds."""
    whole, errors = house_prices.five_folds, house_prices.held_out_errors.__wrapped__

    def few_folds(data: str) -> tuple[Fold, ...]:
        return tuple(replace(one, train=one.train[:400], held_out=one.held_out[:100]) for one in whole(data)[:2])

    monkeypatch.setattr(_mlp, "RECIPES", SHORT)
    monkeypatch.setattr(house_prices, "five_folds", few_folds)
    monkeypatch.setattr(house_prices, "held_out_errors", functools.cache(errors))


def shrink(monkeypatch: Any) -> None:
    """The benches with small sizes and short training."""
    learn_little(monkeypatch)
    catalog.benches()  # first: a module that is imported later would keep the small BLOCK of `_gpu`
    for name, values in SMALL.items():
        for constant, value in values.items():
            monkeypatch.setattr(importlib.import_module(f"hwbench.benches.{name}"), constant, value)


def computing_gpu(monkeypatch: Any, root: Path, capability: tuple[int, int] = (9, 0), sm: int = SM) -> Any:
    """The device `gpu:0`, whose kernels compute."""
    gpu = FakeGpu(count=2)
    gpu.attributes |= {16: sm, 38: 2**20, 75: capability[0], 76: capability[1]}
    install(monkeypatch, gpu, FakeNvml())
    _extend(sys.modules["cupy"], gpu)
    from hwbench.devices import cublas_lt
    from hwbench.devices.gpu import GpuDevice

    sys.modules["cupy"].gpu = gpu  # type: ignore[attr-defined]
    monkeypatch.setattr(cublas_lt, "library", lambda cuda: CublasLt(gpu))
    monkeypatch.setattr(sys.modules["hwbench.devices.gpu"], "HBM_LEAST", 2**20)
    monkeypatch.setattr(sys.modules["hwbench.devices.gpu"], "HBM_FACTOR", 5)
    monkeypatch.setattr(sys.modules["hwbench.devices.gpu"], "HBM_TIMED", 6 * 2**20)
    device = GpuDevice(0, root=root)
    monkeypatch.setattr(device._cpu, "free_memory", lambda: 2**33)  # an empty root states none
    return device


@functools.cache
def stub_cublaslt() -> Any:
    """The stub of cuBLASLt, built once."""
    source = Path(__file__).with_name("stub_cublaslt.c")
    flags = ("-x", "c", "-std=c11", "-O2", "-shared", "-fPIC")
    return ctypes.CDLL(str(on_cpu.compiled(source.read_text(), flags, source.name)))


class CublasLt:
    """The stub as ctypes has a library; a product takes its time in the queue."""

    def __init__(self, gpu: FakeGpu) -> None:
        self.gpu = gpu

    def __getattr__(self, name: str) -> Any:
        return getattr(stub_cublaslt(), name)

    def cublasLtMatmul(self, *arguments: Any) -> int:
        self.gpu.queue("product", arguments[-1].value, SECONDS)
        return int(stub_cublaslt().cublasLtMatmul(*arguments))


@functools.cache
def module(topic: str) -> on_cpu.Module:
    """The kernels of a topic for the CPU, built once."""
    return on_cpu.Module(cuda.source(topic), name=f"{topic}.cu")


def at(address: int, count: int, dtype: Any) -> np.ndarray:
    """What lies at an address."""
    raw = ctypes.c_uint8 * (count * np.dtype(dtype).itemsize)
    return np.ctypeslib.as_array(raw.from_address(address)).view(dtype)


def _extend(cupy: Any, gpu: FakeGpu) -> None:
    real_module, stream, event = cupy.RawModule, cupy.cuda.Stream, cupy.cuda.Event
    topics = {cuda.source(topic): topic for topic in cuda.topics()}
    threads, running, wait = ThreadPoolExecutor(1), list[Future[None]](), gpu.synchronize

    def synchronize() -> None:
        while running:
            running.pop().result()
        wait()

    gpu.synchronize = synchronize

    class Function:
        ptr = 1

        def __init__(self, topic: str, name: str) -> None:
            self.topic, self.name = topic, name

        def __call__(self, grid, block, args, shared_mem=0, stream=None, enable_cooperative_groups=False) -> None:
            built = module(self.topic)
            kinds = [kind for kind, _ in built.parameters(self.name)]
            given = [
                at(int(one), 1, np.uint8) if kind == "p" and isinstance(one, np.uint64) else one
                for kind, one in zip(kinds, args, strict=True)
            ]
            launch = functools.partial(
                built.launch, self.name, grid, block, given, shared=shared_mem, cooperative=enable_cooperative_groups
            )
            if self.name in TALKING:
                running.append(threads.submit(launch))
            else:
                launch()
            gpu.queue(self.name, (stream or gpu.stream).ptr, SECONDS)

    class RawModule:
        def __init__(self, *, code: str, options: tuple[str, ...] = ()) -> None:
            self.code, self.real = code, real_module(code=code, options=options)

        def get_function(self, name: str) -> Any:
            if self.code not in topics:
                return self.real.get_function(name)
            if name not in module(topics[self.code]).kernels:  # some are made by macros
                raise cupy.cuda.runtime.CUDARuntimeError(500, f"CUDA_ERROR_NOT_FOUND: named symbol not found: {name}")
            found = real_module(code=f"{name}(").get_function(name)
            found.kernel = Function(topics[self.code], name)
            return found

    def on_device(host: Any) -> Any:
        array = np.asarray(host, order="C")
        there = DeviceArray(array.shape, array.dtype, MemoryPointer(Memory(max(1, array.nbytes)), 0))
        there[...] = array
        return there

    def elementwise(operation: Any) -> Any:
        def queued(*args: Any, **more: Any) -> Any:
            gpu.queue(operation.__name__, gpu.stream.ptr, SECONDS)
            return operation(*args, **more)

        return queued

    kinds = {0: np.float32, 1: np.float64, 2: np.float16, 3: np.int8, 10: np.int32, 14: np.uint16}

    def gemm_ex(handle, ta, tb, m, n, k, alpha, a, akind, lda, b, bkind, ldb, beta, c, ckind, ldc, compute, algo):
        assert (ta, tb, lda, ldb, ldc) == (akind == 3, 0, k if ta else m, k, m)
        assert (akind, ckind, compute) in {(0, 0, 68), (0, 0, 77), (1, 1, 70), (2, 0, 68), (3, 10, 72), (14, 0, 68)}
        left, right = at(a, m * k, kinds[akind]), at(b, k * n, kinds[bkind])
        if akind == 14:
            left, right = ((x.astype(np.uint32) << 16).view(np.float32) for x in (left, right))
        factor = at(alpha, 1, kinds[ckind])[0]
        left = left.reshape(m, k) if ta else left.reshape(k, m).T
        product = left.astype(np.float64) @ right.reshape(n, k).T.astype(np.float64)
        at(c, m * n, kinds[ckind])[:] = (factor * product.T).reshape(-1)
        gpu.queue("gemm", gpu.stream.ptr, SECONDS)

    def fetched(self: Any, out: Any = None) -> Any:
        if out is None:
            return np.array(self, subok=False)
        out[...] = self
        return out

    DeviceArray.get = fetched
    DeviceArray.set = lambda self, host: self.__setitem__(..., host)
    stream.begin_capture = lambda self: None
    stream.end_capture = lambda self: types.SimpleNamespace(
        launch=lambda stream: gpu.queue("graph", stream.ptr, SECONDS)
    )
    event.done = property(lambda self: True)
    cupy.RawModule = RawModule
    cupy.asarray = on_device
    for operation in (np.add, np.multiply, np.copyto, np.matmul, np.sum):
        setattr(cupy, operation.__name__, elementwise(operation))
    cupy.sum = lambda a: on_device(np.sum(a.view(np.ndarray), dtype=np.float64).astype(a.dtype))
    cupy.fft = types.SimpleNamespace(fft=lambda a: on_device(np.fft.fft(a.view(np.ndarray)).astype(np.complex64)))
    cupy.cuda.device = types.SimpleNamespace(get_cublas_handle=lambda: 1)
    cupy.cuda.cublas = types.SimpleNamespace(gemmEx=gemm_ex)
