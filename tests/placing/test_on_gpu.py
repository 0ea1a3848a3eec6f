"""Functions on a GPU: timed by events on a made-up one, under made-up roofs. None of this has run on a card."""

from __future__ import annotations

import re

import msgspec
import numpy as np
import pytest

from doubles.fake_cupy import FakeGpu, FakeNvml, install
from doubles.protocol_arrays import OnGpu
from hwbench.errors import UsageError
from hwbench.placing import engine, on_gpu, page, timing
from hwbench.placing.model import Placed, as_json
from hwbench.placing.subject import Inputs
from made_up import trees
from made_up.gpu_placed import HBM, made_roofs
from made_up.placed import counts as made_counts

N = 1000
KERNEL_S = 20e-6


@pytest.fixture
def gpu():
    """A made-up GPU on a scripted clock: each kernel that an array launches takes 20 µs."""
    return FakeGpu({"user": KERNEL_S})


@pytest.fixture
def gpu_device(gpu, monkeypatch, tmp_path):
    """hwbench's device on it, without a gate."""
    install(monkeypatch, gpu, FakeNvml())
    from hwbench.devices.gpu import GpuDevice

    trees.write(tmp_path, {"proc/meminfo": "MemAvailable: 67108864 kB"})
    return GpuDevice(0, root=tmp_path, ungated="--no-gate")


def no_cpu_roofs():
    """To measure the CPU's roofs would take half a minute that nothing comes of."""
    raise AssertionError("the roofs of the CPU were asked for")


@pytest.fixture
def setting(gpu_device, monkeypatch):
    """What placing needs, and what was told; three short samples are enough of a clock that obeys a script."""
    few = msgspec.structs.replace(timing.POLICY, rounds=3, max_rounds=3, min_sample_s=1e-4, warmup_s=0.0)
    monkeypatch.setattr(timing, "POLICY", few)
    told = []
    made = engine.Setting(
        no_cpu_roofs, {}, tell=told.append, gpu=lambda _name: gpu_device, gpu_roofs=lambda *_: made_roofs()
    )
    return made, told


@pytest.fixture
def array(gpu):
    """Makes arrays whose kernels are queued on the made-up GPU."""

    def make(n=N):
        return OnGpu(np.ones(n), launched=lambda: gpu.queue("user", gpu.stream.ptr, gpu.kernels["user"]))

    return make


def added(x, y):
    return x * y + 1.0


def test_a_function_of_cupy_is_set_against_its_gpu(setting, array):
    """Two kernels of 20 µs, 24 bytes an element of which 40 are asked for: events tell the time, and L2 is the roof."""
    known, told = setting
    point = engine.place("added", added, Inputs((array(), array())), known, n=N)["added"]
    assert point.seconds.value == pytest.approx(2 * KERNEL_S, rel=0.2)
    assert (point.counts.compulsory, point.counts.issued.low, point.counts.flops.low) == (24 * N, 40 * N, 2 * N)
    assert (point.level, point.roof.name, point.threads) == ("L2", "L2 triad of gpu:0", 1)
    assert point.share == pytest.approx(24 * N / (2 * HBM["triad"]) / point.seconds.value)
    [advice] = point.advice
    assert advice.code == "fuse"
    assert "in 2 kernels" in advice.text
    assert "cupy.fuse" in advice.text
    assert advice.gain.expected <= advice.gain.at_most
    assert told == []
    assert {"L2", "HBM"} <= set(re.findall(r"\w+", repr(page.roofline([Placed("added", (point,))], made_roofs()))))
    assert as_json(Placed("added", (point,)))["points"][0]["roof"]["name"] == "L2 triad of gpu:0"


def test_a_variant_elsewhere_is_left_out(setting, array):
    """NumPy's and CuPy's times are not those of one roof, whichever of them is asked for."""
    known, told = setting
    held, inputs = array(), Inputs((np.ones(N),))
    found = engine.place("gpu", lambda _x: held * 2.0, inputs, known, variants={"cpu": lambda x: x * 2.0})
    assert list(found) == ["gpu"]
    assert told == ["left out: cpu runs on the CPU, and gpu on a GPU"]
    counts = {"cpu": made_counts(kind="numpy"), "gpu": made_counts(kind="cupy"), "other": made_counts(kind="numba")}
    assert on_gpu.kinds("cpu", counts) == ["cpu", "other"]


def test_what_a_call_writes_is_told_by_its_results_and_arguments(array):
    """New arrays, and arguments that hold something else after it; a result that is an argument is no new one."""

    def updated(x, y):
        np.add(x, y, out=x.data)
        return x

    assert on_gpu.written(added, Inputs((array(), array()))) == (8 * N, 8 * N)
    assert on_gpu.written(updated, Inputs((array(), array()))) == (8 * N, 0)
    assert on_gpu.written(lambda x: 1.0, Inputs((array(),))) == (0, 0)


def test_arrays_that_cannot_be_timed_are_refused(array):
    """On two GPUs, or on none that is known."""

    class Second(OnGpu):
        number = 1

    with pytest.raises(UsageError, match="added: has arrays on gpu:0, gpu:1; give it arrays of one GPU"):
        on_gpu.device_of("added", added, Inputs((array(), Second(np.ones(N)))))
    with pytest.raises(UsageError, match="added: its arrays have no address on an NVIDIA GPU"):
        on_gpu.device_of("added", added, Inputs((np.ones(N), np.ones(N))))
    assert on_gpu.device_of("f", lambda x: x, Inputs((Second(np.ones(N)),))) == "gpu:1"


def test_without_a_gpu_the_reason_is_told(monkeypatch):
    """In one line, with the remedy."""
    from hwbench.devices.absent import AbsentGpu
    from hwbench.record.reasons import because

    monkeypatch.setattr(on_gpu.selection, "gpus", lambda name, gate: {name: AbsentGpu(because("needs_gpu", "no card"))})
    with pytest.raises(UsageError, match="gpu:0 cannot be timed: "):
        on_gpu.opened("gpu:0")


def test_roofs_to_draw_under_are_those_of_the_points_device(monkeypatch, setting, array):
    """The CPU's for functions of the CPU."""
    known, _ = setting
    point = engine.place("added", added, Inputs((array(), array())), known)["added"]
    monkeypatch.setattr(on_gpu.gpu_roofs, "get", lambda name, _tell: f"those of {name}")
    assert on_gpu.roofs_for([point], no_cpu_roofs) == "those of gpu:0"
    assert on_gpu.roofs_for([], lambda: "cpu") == "cpu"
