"""The check in the engine: a variant gives the answer, writes it itself, and leaves what others share alone."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from types import SimpleNamespace
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


@numba.njit
def gather(a, at, out):
    """The elements at these places."""
    for i in range(len(at)):
        out[i] = a[at[i]]


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
    return device.crew(1).work([lambda _loops, _gate: kernel(a, out)], output=lambda: out)


def by_blas(device: Any, writes: bool, a: Any, out: Any) -> Work:
    return device.blas(lambda: np.multiply(a, 2, out=out) if writes else None, 1, output=lambda: out)


WAYS = [by_numpy, by_numba, by_sum, by_pool, by_crew, by_blas]


CHANGED = "it changed '{}', an input that all variants share; copy it in the builder"


def bench_of(
    build: Callable[..., Work], dtype: str, reference: str, on: str = "cpu", scratch: tuple[str, ...] = (), **more: Any
) -> Bench:
    """A bench whose inputs hold the output: `first` writes, `planted` does not, `last` writes again."""
    tolerance = 1e-9 if dtype == "f8" else None
    made = Bench("test.double", question="?", axes={}, baseline="first", tolerance=tolerance, scratch=scratch)

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
def test_a_variant_that_writes_an_input_is_wrong(cpu, build, dtype, reference):
    """However it is built; the one that writes nothing between two others does not find their answer."""
    found = checked(cpu, bench_of(build, dtype, reference))
    assert found["first"] == found["last"] == ("wrong", CHANGED.format("out"))
    assert found["planted"][0] == "wrong"
    assert "differs from the reference at element 0: 0" in found["planted"][1]


@pytest.mark.parametrize("reference", ["apart", "in the output"])
@pytest.mark.parametrize("dtype", ["f8", "i8"])
@pytest.mark.parametrize("build", WAYS)
def test_a_declared_scratch_input_may_be_written(cpu, build, dtype, reference):
    """Its variants share it, and the one that writes nothing is wrong where it is the output itself."""
    found = checked(cpu, bench_of(build, dtype, reference, scratch=("out",)))
    planted = "ok" if build is by_sum else "wrong"  # a number made of it shares no memory with it
    assert {name: status for name, (status, _) in found.items()} == {"first": "ok", "planted": planted, "last": "ok"}


@pytest.mark.parametrize("where", ["device", "host"])
def test_a_variant_on_a_gpu_that_writes_an_input_is_wrong(monkeypatch, where):
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
    assert found["first"] == found["last"] == ("wrong", CHANGED.format("out"))
    assert "0 instead of 6" in found["planted"][1]


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


def judged(inputs: Any, reference: Any, **builders: Callable[..., Work]) -> dict[str, tuple[str, str]]:
    """Status and reason of each builder's work; `inputs` is called for the one input."""
    made = Bench("test.judged", question="?", axes={}, baseline=next(iter(builders)))
    made.inputs(inputs)
    made.reference(reference)
    for name, build in builders.items():
        made.variant(name)(build)
    return checked(ScriptedDevice(), made)


def numbers(rng: np.random.Generator) -> np.ndarray:
    """Random numbers from the seed."""
    return rng.random(N)


def summed(a: Any) -> Work:
    """A right variant for a sum."""
    return Work(lambda: float(a.sum()))


def doubled(a: Any) -> Work:
    """A right variant for twice the input, in memory of each call."""
    return Work(lambda: 2 * a)


def zeroing(a: np.ndarray) -> Work:
    """Sets the input to 0 and sums it."""
    return Work(lambda: float(np.multiply(a, 0, out=a).sum()))


def test_a_variant_that_zeroes_an_input_is_wrong_and_no_other():
    """The reference and the variants before and after it see the input as it was made."""
    wrong, right = ("wrong", CHANGED.format("a")), ("ok", "")
    assert judged(numbers, lambda a: float(a.sum()), zero=zeroing, after=summed) == {"zero": wrong, "after": right}
    found = judged(numbers, lambda a: float(a.sum()), before=summed, zero=zeroing, after=summed)
    assert found == {"before": right, "zero": wrong, "after": right}


def test_a_variant_built_before_the_inputs_were_changed_is_built_anew():
    """Else it would be timed on what the other variant left."""
    inputs, closed = [], []

    def before(a: np.ndarray) -> Work:
        inputs.append(a)
        return Work(lambda: float(a.sum()), close=lambda: closed.append(a))

    judged(numbers, lambda a: float(a.sum()), before=before, zero=zeroing)
    assert [float(a.sum()) == 0 for a in inputs] == [True, False]
    assert closed[0] is inputs[0]
    assert closed[1] is inputs[1]


@pytest.mark.parametrize(
    ("write", "reference"),
    [
        (lambda a: a.sort() or a, np.sort),
        (lambda a: np.copyto(a, a[::-1].copy()) or 2 * a, lambda a: 2 * a),
        (lambda a: np.multiply(a, 2, out=a), lambda a: 2 * a),
    ],
)
def test_an_input_in_another_order_is_changed(write, reference):
    """The digest depends on the order; a variant that returns what the sorting one left is wrong, too."""
    found = judged(numbers, reference, place=lambda a: Work(lambda: write(a)), lazy=lambda a: Work(lambda: a))
    assert found["place"] == ("wrong", CHANGED.format("a"))
    assert "differs from the reference" in found["lazy"][1]


def test_a_variant_that_fails_after_a_write_spoils_no_other():
    """It ends as an error, and the next gets new inputs."""

    def fail(a: np.ndarray) -> Work:
        def call() -> None:
            a[:] = 0
            raise ValueError("x")

        return Work(call)

    found = judged(numbers, lambda a: 2 * a, fails=fail, after=doubled)
    assert found == {"fails": ("error", "ValueError: x"), "after": ("ok", "")}


def test_a_builder_that_writes_an_input_is_wrong():
    """As its call would be."""

    def build(a: np.ndarray) -> Work:
        a *= 0
        return doubled(a)

    found = judged(numbers, lambda a: 2 * a, builder=build, after=doubled)
    assert found == {"builder": ("wrong", CHANGED.format("a")), "after": ("ok", "")}


def test_a_reference_that_changes_the_inputs_blames_no_variant():
    """They are made anew after it."""
    found = judged(numbers, lambda a: np.multiply(a, 2, out=a), one=doubled, two=doubled)
    assert {status for status, _ in found.values()} == {"ok"}


def test_inputs_in_structured_arrays_and_objects_are_watched():
    """A field, and an array that is an attribute."""
    pairs = np.dtype([("x", "f8"), ("y", "i4")])

    def in_place(a: np.ndarray) -> Work:
        return Work(lambda: np.multiply(a["x"], 2, out=a["x"]).copy())

    found = judged(lambda: np.ones(N, pairs), lambda a: 2 * a["x"], wrong=in_place, right=lambda a: doubled(a["x"]))
    assert found == {"wrong": ("wrong", CHANGED.format("a")), "right": ("ok", "")}
    found = judged(
        lambda rng: SimpleNamespace(data=rng.random(N)), lambda a: float(a.data.sum()),
        wrong=lambda a: zeroing(a.data), right=lambda a: summed(a.data),
    )  # fmt: skip
    assert found == {"wrong": ("wrong", CHANGED.format("a")), "right": ("ok", "")}


def test_a_written_index_is_never_poisoned():
    """A compiled gather by an inverted index would end the process."""

    def build(a: np.ndarray, at: np.ndarray, writes: bool = False) -> Work:
        out = np.empty(N)

        def call() -> None:
            if writes:
                at[0] = at[1]
            gather(a, at, out)

        return Work(call, output=lambda: out)

    found = judged(
        lambda rng: (rng.random(N), rng.permutation(N).astype("u4")), lambda a, at: a[at],
        first=lambda a, at: build(a, at), writes=lambda a, at: build(a, at, True), last=lambda a, at: build(a, at),
    )  # fmt: skip
    assert found == {"first": ("ok", ""), "writes": ("wrong", CHANGED.format("at")), "last": ("ok", "")}


def test_an_input_may_be_the_answer():
    """A variant that returns it unchanged is compared as it is."""
    found = judged(numbers, lambda a: a.copy(), one=lambda a: Work(lambda: a), two=lambda a: Work(lambda: a))
    assert found == {"one": ("ok", ""), "two": ("ok", "")}


@pytest.mark.parametrize("dtype", ["f8", "i8", "?"])
def test_a_view_of_constant_data_is_a_right_answer(dtype):
    """A table that nobody writes: each may return a view of it, and it keeps its values."""
    table = np.arange(100).astype(dtype)
    before = table.copy()
    found = judged(
        numbers, lambda: table[10:20], view=lambda a: Work(lambda: table[10:20]),
        copied=lambda a: Work(lambda: table[10:20].copy()), again=lambda a: Work(lambda: table[10:20]),
    )  # fmt: skip
    assert {status for status, _ in found.values()} == {"ok"}
    assert np.array_equal(table, before)


def test_half_an_output_that_another_wrote_is_wrong():
    """One array of the module, of which the second variant writes a half."""
    out = np.zeros(N)

    def build(part: slice) -> Callable[..., Work]:
        return lambda a: Work(lambda: np.multiply(a[part], 2, out=out[part]), output=lambda: out)

    found = judged(numbers, lambda a: 2 * a, all=build(slice(None)), half=build(slice(N // 2)), last=build(slice(None)))
    assert [status for status, _ in found.values()] == ["ok", "wrong", "ok"]
    assert found["half"][1] == "its call does not write the output, where it finds the answer of an earlier variant"


@pytest.mark.parametrize("n", [10, N, 10 * N])
def test_freed_memory_holds_no_answer(n):
    """What a call or the reference allocated for an answer is overwritten once it is freed."""

    def build(written: int) -> Callable[..., Work]:
        def stale(a: np.ndarray) -> Work:
            out = np.empty(n)
            return Work(lambda: np.multiply(a[:written], 2, out=out[:written]), output=lambda: out)

        return stale

    found = judged(
        lambda rng: rng.random(n), lambda a: (2 * a + 0) * 1.0,
        nothing=build(0), right=doubled, half=build(n // 2), again=doubled,
    )  # fmt: skip
    assert [status for status, _ in found.values()] == ["wrong", "ok", "wrong", "ok"]


@pytest.mark.parametrize("answer", [None, {"x": 1.0}, "text", object])
def test_a_reference_that_gives_no_numbers_is_an_error_of_its_own(answer):
    """No variant is called wrong for it."""
    found = judged(numbers, lambda: answer, one=lambda a: Work(lambda: answer), two=doubled)
    assert {status for status, _ in found.values()} == {"error"}
    assert all(why.startswith("TypeError: the reference gave ") for _, why in found.values())


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
