"""Which devices `--device` names, and which of them can be measured on."""

from __future__ import annotations

import sys

import pytest

from doubles.fake_cupy import CUDARuntimeError, FakeGpu, FakeNvml, install
from doubles.scripted import MACHINE, ScriptedDevice
from hwbench.bench import Bench, Sweep, Threads
from hwbench.devices import selection
from hwbench.devices.absent import AbsentGpu
from hwbench.errors import UsageError
from hwbench.host import gpu_probe, opencl_probe
from hwbench.host.opencl_probe import Found
from hwbench.record.reasons import Reason


def test_a_gpu_that_has_no_such_number_is_a_usage_error(monkeypatch):
    """There is gpu:0 and gpu:1; a third was asked for."""
    monkeypatch.setattr(gpu_probe, "probe", lambda: gpu_probe.Gpus("ok", count=2))
    with pytest.raises(UsageError, match="--device gpu:2: this machine has no such GPU; there is gpu:0, gpu:1"):
        selection.devices("gpu:2")


def test_a_gpu_that_cannot_be_taken_says_so(monkeypatch):
    """In exclusive use by somebody else, say: its cases are skipped, the other's are not."""
    gpu = FakeGpu(count=2)
    install(monkeypatch, gpu)
    monkeypatch.setattr(gpu_probe, "probe", lambda: gpu_probe.Gpus("ok", count=2))
    attribute = sys.modules["cupy"].cuda.runtime.deviceGetAttribute

    def busy(which, index):
        if index == 0:
            raise CUDARuntimeError(46, "cudaErrorDevicesUnavailable: busy or unavailable")
        return attribute(which, index)

    monkeypatch.setattr(sys.modules["cupy"].cuda.runtime, "deviceGetAttribute", busy)
    found = selection.devices("gpu")
    assert list(found) == ["gpu:0", "gpu:1"]
    assert str(found["gpu:0"].why) == (
        "the GPU cannot be used: cudaErrorDevicesUnavailable: busy or unavailable; another process has it to itself: "
        "stop that, or sudo nvidia-smi -c DEFAULT where it is in exclusive mode"
    )
    assert found["gpu:1"].properties.sm == 132


def test_launches_that_wait_are_timed_without_the_gate(monkeypatch):
    """CUDA_LAUNCH_BLOCKING=1 and --no-gate: each device is told, and its records say which of the two."""
    install(monkeypatch, FakeGpu())
    monkeypatch.setattr(gpu_probe, "probe", lambda: gpu_probe.Gpus("ok", count=1))
    monkeypatch.delenv("CUDA_LAUNCH_BLOCKING", raising=False)
    [calm], [asked] = selection.gpus("gpu").values(), selection.gpus("gpu", gate=False).values()
    monkeypatch.setenv("CUDA_LAUNCH_BLOCKING", "1")
    [blocking] = selection.gpus("gpu").values()
    told = [one.timing.ungated for one in (calm, asked, blocking)]
    assert told == ["", "--no-gate", "CUDA_LAUNCH_BLOCKING=1"]


def test_a_card_that_is_too_old_leaves_the_one_beside_it_usable(monkeypatch):
    """CUDA 13 makes no code for Pascal: its cases are skipped with that reason, and not tried; the other is measured.

    Records name a card by its number, so that the machine lists each at its own place.
    """
    gpu = FakeGpu(count=2)
    install(monkeypatch, gpu)
    runtime = sys.modules["cupy"].cuda.runtime
    monkeypatch.setattr(gpu_probe.util, "find_spec", lambda name: object())
    monkeypatch.setattr(
        runtime, "deviceGetAttribute", lambda which, index: gpu.attributes[which] - 3 * (which == 75 and index == 0)
    )
    found = selection.devices("gpu")
    assert isinstance(found["gpu:0"], AbsentGpu)
    assert str(found["gpu:0"].why).startswith("the GPU has compute capability 6.0; the installed CUDA compiles for 7.5")
    assert found["gpu:1"].properties.capability == (9, 0)
    assert selection.spread(found)(Sweep(2**23, "L2", 1, on="gpu")) == ["8MiB", "16MiB"]
    machine, why = selection.with_gpus(MACHINE, found)
    assert [card.name for card in machine.gpus] == ["not used", "NVIDIA H100 80GB HBM3"]
    assert why == str(found["gpu:0"].why)


def test_sweeps_are_spread_by_the_device_that_they_are_about(monkeypatch):
    """The CPU's by the CPU, the GPU's by the first GPU; one that is absent has a single value."""
    install(monkeypatch, FakeGpu(), FakeNvml())
    from hwbench.devices.gpu import GpuDevice

    spread = selection.spread({"cpu": ScriptedDevice(), "gpu:0": GpuDevice(0)})
    assert spread(Sweep(64, "256B", 1, on="gpu")) == ["64B", "128B", "256B"]
    assert spread(Sweep(4096, "L1", 1)) == ["4KiB", "8KiB", "16KiB"]
    assert selection.spread({"cpu": ScriptedDevice()})(Sweep(64, "HBM", 4, on="gpu")) == ["64B"]


@pytest.mark.parametrize("which", ["tpu", "gpu:", "gpu:x", "opencl:x", "cpu,gpu", ""])
def test_what_is_no_device_is_a_usage_error(which):
    """The message has the words that are taken."""
    with pytest.raises(UsageError, match="must be one of cpu, gpu, gpu:N, opencl, opencl:N, all"):
        selection.devices(which)


CPU = Found(place=(0, 0), name="pthread", platform="PoCL", type="CPU", memory=2**33)
BROKEN = Found(place=(1, 0), name="gfx", platform="AMD", type="GPU", why="its compiler says: no")


def test_an_opencl_device_that_has_no_such_number_is_a_usage_error(monkeypatch):
    """As of GPUs."""
    monkeypatch.setattr(opencl_probe, "probe", lambda: opencl_probe.OpenCls("ok", devices=(CPU, BROKEN)))
    with pytest.raises(
        UsageError, match="opencl:7: this machine has no such OpenCL device; there is opencl:0, opencl:1"
    ):
        selection.devices("opencl:7")


def test_without_opencl_a_device_that_was_asked_for_says_why_and_all_leaves_it_out(monkeypatch):
    """`all` is what there is: a machine without OpenCL lacks nothing."""
    none = opencl_probe.OpenCls("no-platform", "no OpenCL platform was found", "install a driver")
    monkeypatch.setattr(opencl_probe, "probe", lambda: none)
    [(name, absent)] = selection.devices("opencl").items()
    assert (name, absent.kind, str(absent.why)) == ("opencl", "opencl", none.why)
    assert selection.opencls("all") == {}
    with pytest.raises(UsageError) as refused:
        selection.refuse_absent("opencl", {name: absent})
    assert str(refused.value) == f"--device opencl: {none.why}"
    selection.refuse_absent("all", {"cpu": ScriptedDevice(), name: absent})
    assert selection.opencl_troubles({}, "all") == []
    assert selection.with_opencl(MACHINE) == (MACHINE, none.why)


def test_all_tells_in_a_line_what_it_leaves_out_of_opencl(monkeypatch):
    """A driver that crashed, alone or beside others, and a device that cannot be used; `gpu` has no part in it."""
    crashed = opencl_probe.OpenCls("crashed", "the OpenCL driver of a.icd hung", "remove a.icd")
    monkeypatch.setattr(opencl_probe, "probe", lambda: crashed)
    assert selection.opencl_troubles({}, "all") == ["the OpenCL driver of a.icd hung; remove a.icd"]
    assert selection.opencl_troubles({}, "gpu") == []
    lines = ("a.icd hung, and is left out: remove a.icd", "b.icd names x.so, which is not there")
    beside = opencl_probe.OpenCls("ok", devices=(CPU, BROKEN), troubles=lines)
    monkeypatch.setattr(opencl_probe, "probe", lambda: beside)
    assert selection.opencl_troubles({"opencl:0": ScriptedDevice()}, "all") == [
        lines[0], "opencl:1 is left out: gfx: its compiler says: no",
    ]  # fmt: skip


def test_an_opencl_device_that_cannot_be_used_leaves_the_one_beside_it(monkeypatch):
    """What the probe found broken is not tried; what fails later is told by its error. Places are numbers."""
    monkeypatch.setattr(opencl_probe, "probe", lambda: opencl_probe.OpenCls("ok", devices=(CPU, BROKEN, CPU)))
    from hwbench.devices import opencl

    def made(number, found):
        if number:
            raise RuntimeError("clCreateContext failed: DEVICE_NOT_AVAILABLE")
        device = ScriptedDevice()
        device.kind, device.describe = "opencl", lambda: opencl_probe.describe(found)
        return device

    monkeypatch.setattr(opencl, "OpenClDevice", made)
    found = selection.opencls()
    assert str(found["opencl:1"].why) == "an OpenCL device cannot be used: gfx: its compiler says: no"
    assert str(found["opencl:2"].why).endswith("pthread (this CPU): clCreateContext failed: DEVICE_NOT_AVAILABLE")
    assert list(selection.opencls("all")) == ["opencl:0"]
    machine, why = selection.with_gpus(MACHINE, found)
    assert ([one.name for one in machine.opencl], machine.gpus, why) == (["pthread (this CPU)"], [], "")
    machine, why = selection.with_opencl(MACHINE)
    assert [one.name for one in machine.opencl] == ["pthread (this CPU)", "gfx", "pthread (this CPU)"]
    assert why == "opencl:1 cannot be used: its compiler says: no"


def test_a_gpu_that_no_bench_needs_is_not_woken():
    """`all` is the CPU where no chosen bench has a variant for a GPU; a GPU that was asked for stays asked for."""
    on_cpu, on_gpu = (Bench(f"test.{kind}", question="?", axes={}, baseline="one") for kind in ("cpu", "gpu"))
    on_cpu.variant("one")(lambda: None)
    on_gpu.variant("one", on="gpu")(lambda: None)
    assert selection.needed("all", [on_cpu]) == "cpu"
    assert selection.needed("all", [on_cpu, on_gpu]) == "all"
    assert selection.needed("gpu", [on_cpu]) == "gpu"


def test_an_axis_of_a_kind_that_is_not_measured_has_a_value_all_the_same():
    """A bench of CPU and GPU variants, of which only the GPU's are measured, still has its number of threads."""
    assert selection.spread({"gpu": AbsentGpu(Reason("needs_gpu"))})(Threads())[0] == 1
