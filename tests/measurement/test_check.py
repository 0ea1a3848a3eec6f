"""The check in the engine: a variant that writes nothing is wrong, wherever another has left the answer."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import numba
import numpy as np
import pytest

from doubles.fake_cupy import FakeGpu, FakeNvml, install
from doubles.scripted import ScriptedDevice, group
from hwbench.bench import Bench, Work
from hwbench.devices.cpu import CpuDevice
from hwbench.measurement.engine import Engine
from hwbench.record.model import Policy

N = 1000


@numba.njit
def double(a, out):
    """Twice each element."""
    for i in range(len(a)):
        out[i] = 2 * a[i]


@numba.njit
def nothing(a, out):
    """No write at all."""
    for i in range(len(a)):
        if a[i] < 0:
            out[i] = a[i]


@numba.njit(parallel=True)
def double_on_all(a, out):
    """Twice each element, a part of them on each thread."""
    for i in numba.prange(len(a)):
        out[i] = 2 * a[i]


@numba.njit(parallel=True)
def nothing_on_all(a, out):
    """No write at all, on each thread."""
    for i in numba.prange(len(a)):
        if a[i] < 0:
            out[i] = a[i]


def by_numpy(_device: Any, writes: bool, a: Any, out: Any) -> Work:
    def call() -> Any:
        return np.multiply(a, 2, out=out) if writes else out

    return Work(call)


def by_numba(_device: Any, writes: bool, a: Any, out: Any) -> Work:
    kernel = double if writes else nothing
    return Work(lambda: kernel(a, out), output=lambda: out)


def by_sum(_device: Any, writes: bool, a: Any, out: Any) -> Work:
    kernel = double if writes else nothing
    return Work(lambda: kernel(a, out), output=lambda: np.full(N, out.sum() / N))


def by_pool(device: Any, writes: bool, a: Any, out: Any) -> Work:
    kernel = double_on_all if writes else nothing_on_all
    return device.pooled(lambda: kernel(a, out), 1, output=lambda: out)


def by_crew(device: Any, writes: bool, a: Any, out: Any) -> Work:
    kernel = double if writes else nothing
    return device.crew(1).work([lambda _loops: kernel(a, out)], output=lambda: out)


def by_blas(device: Any, writes: bool, a: Any, out: Any) -> Work:
    return device.blas(lambda: np.multiply(a, 2, out=out) if writes else None, 1, output=lambda: out)


WAYS = [by_numpy, by_numba, by_sum, by_pool, by_crew, by_blas]


def bench_of(build: Callable[..., Work], dtype: str, reference: str, on: str = "cpu", **more: Any) -> Bench:
    """A bench whose inputs hold the output: `first` writes, `planted` does not, `last` writes again."""
    made = Bench("test.double", question="?", axes={}, baseline="first", tolerance=1e-9 if dtype == "f8" else None)

    @made.inputs
    def arrays() -> tuple[np.ndarray, np.ndarray]:
        """What is read, equal numbers so that a mean is any of them, and what is written."""
        return np.full(N, 3).astype(dtype), np.zeros(N, dtype)

    @made.reference
    def answer(a: np.ndarray, out: np.ndarray) -> np.ndarray:
        """In memory of its own, or in the array that variants write."""
        return a * 2 if reference == "apart" else np.multiply(a, 2, out=out)

    for name, writes in (("first", True), ("planted", False), ("last", True)):

        def builder(device: Any, a: Any, out: Any, writes: bool = writes) -> Work:
            """One call of the kernel."""
            return build(device, writes, a, out)

        made.variant(name, on=on, **more)(lambda device, a, out, builder=builder: builder(device, a, out))
    return made


def checked(device: Any, bench: Bench) -> dict[str, tuple[str, str]]:
    """Status and reason of each variant, built and checked but not timed."""
    engine = Engine({device.name: device}, Policy())
    with engine.prepared(group(bench, device.name)) as trials:
        return {trial.case.variant: (trial.status, trial.why) for trial in trials}


@pytest.fixture(scope="module")
def cpu() -> Iterator[CpuDevice]:
    """This machine's CPUs."""
    device = CpuDevice()
    yield device
    device.close()


@pytest.mark.parametrize("reference", ["apart", "in the output"])
@pytest.mark.parametrize("dtype", ["f8", "i8"])
@pytest.mark.parametrize("build", WAYS)
def test_a_kernel_that_writes_nothing_is_wrong_where_the_inputs_hold_the_output(cpu, build, dtype, reference):
    """However it is built; those before and after it are right."""
    found = checked(cpu, bench_of(build, dtype, reference))
    assert {name: status for name, (status, _) in found.items()} == {"first": "ok", "planted": "wrong", "last": "ok"}
    assert "'first' wrote into the inputs, which variants share and only read" in found["planted"][1]


@pytest.mark.parametrize("where", ["device", "host"])
def test_a_kernel_on_a_gpu_that_writes_nothing_is_wrong(monkeypatch, where):
    """The copy of the inputs on the GPU is shared by its variants, as the host's are by those that copy themselves."""
    install(monkeypatch, FakeGpu(), FakeNvml())
    from hwbench.devices.gpu import GpuDevice

    def build(device: Any, writes: bool, a: Any, out: Any) -> Work:
        assert isinstance(out, sys.modules["cupy"].ndarray) == (where == "device")

        def call() -> None:
            if writes:
                out[...] = 2 * a

        return device.host_timed(call, output=lambda: device.get(out) if where == "device" else out, sync="none")

    found = checked(GpuDevice(0), bench_of(build, "f8", "apart", on="gpu", inputs=where))
    assert {name: status for name, (status, _) in found.items()} == {"first": "ok", "planted": "wrong", "last": "ok"}


@pytest.mark.parametrize("reference", ["apart", "in the output"])
@pytest.mark.parametrize("build", [by_numpy, by_numba])
def test_an_output_that_builders_share_outside_the_inputs_is_no_answer_twice(build, reference):
    """An array of the module: it is poisoned, and the kernel called once more."""
    out = np.zeros(N)
    made = bench_of(lambda device, writes, a, _out: build(device, writes, a, out), "f8", "apart")
    if reference != "apart":
        made.hooks["reference"] = lambda a: np.multiply(a, 2, out=out)
    found = checked(ScriptedDevice(), made)
    assert {name: status for name, (status, _) in found.items()} == {"first": "ok", "planted": "wrong", "last": "ok"}


def test_a_first_variant_that_writes_nothing_does_not_pass_with_the_references_answer():
    """The reference is asked afterwards, and writes where the answer was looked for."""
    made = bench_of(lambda device, _writes, a, out: by_numba(device, False, a, out), "f8", "in the output")
    assert {status for status, _ in checked(ScriptedDevice(), made).values()} == {"wrong"}


def test_a_kernel_that_goes_on_from_its_own_state_is_called_once():
    """An accumulator of the builder's own gives the reference's answer after one call, and is not called again."""
    made, calls = Bench("test.add", question="?", axes={}, baseline="one"), []
    made.inputs(lambda: np.ones(N))
    made.reference(lambda a: a)
    for name in ("one", "two"):

        def build(a: np.ndarray) -> Work:
            """Adds to what was there."""
            state = np.zeros(N)
            return Work(lambda: calls.append(1) or np.add(state, a, out=state), output=lambda: state)

        made.variant(name)(build)
    assert {status for status, _ in checked(ScriptedDevice(), made).values()} == {"ok"}
    assert len(calls) == 2
