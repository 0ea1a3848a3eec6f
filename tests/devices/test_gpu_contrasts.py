"""The engine with GPUs among its devices: inputs, memory, telemetry and judgement each by their own device."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from doubles.fake_cupy import FakeGpu, FakeNvml, install
from doubles.scripted import ScriptedDevice, record, scripted_work, seconds
from hwbench.analysis.limits import limit_for, measured
from hwbench.bench import Bench, Work
from hwbench.devices import selection
from hwbench.measurement import cases
from hwbench.measurement.engine import Engine
from hwbench.record import interference
from hwbench.record.model import Policy
from hwbench.record.reasons import Reason
from made_up.declared import DECLARED

POLICY = Policy(preset="test", rounds=5, max_rounds=5, warmup_s=1.0, case_s=1e9, precision=0.0)
KERNEL = 1e-3


@pytest.fixture
def nvml():
    return FakeNvml()


@pytest.fixture
def gpu(monkeypatch, nvml):
    """A made-up GPU in the place of CuPy, whose host is told to be still."""
    made = FakeGpu({"burn": KERNEL}, count=2)
    install(monkeypatch, made, nvml)
    return made


def devices(gpu, count=1, **host):
    """A scripted CPU and `count` GPUs on made-up CuPy; `host` are rates of what disturbs the GPU's own host."""
    from hwbench.devices.gpu import GpuDevice

    found = {"cpu": ScriptedDevice()}
    for index in range(count):
        device = found[f"gpu:{index}"] = GpuDevice(index)
        device._cpu.counters = lambda: {"wall_s": gpu.now, **{name: rate * gpu.now for name, rate in host.items()}}
    return found


def bench(**axes):
    """Adds up its input on the CPU and on the GPU."""
    made = Bench("test.sum", question="Which is faster?", axes=axes, baseline="numpy")
    made.inputs(lambda: np.arange(10.0))
    made.reference(lambda a: a.sum())
    made.variant("numpy")(lambda a: scripted_work(0.01, output=a.sum()))

    @made.variant("gpu", on="gpu")
    def gpu_sum(device, a):
        """On the GPU."""
        assert isinstance(a, sys.modules["cupy"].ndarray)
        return device.timed(burn(device), output=lambda: a.sum())

    return made


def burn(device):
    return device.launcher("gpu_gate", "burn", 1, 32, (np.uint64(0), np.uint64(0)))


def measured_by(known, made, policy=POLICY):
    kinds = {name: device.kind for name, device in known.items()}
    groups = cases.groups([made], devices=kinds, spread=selection.spread(known))
    engine = Engine(known, policy, known["cpu"].clock)
    return [found for group in groups for found in engine.measure(group)]


def test_a_contrast_of_cpu_and_gpu_is_measured_interleaved(gpu, nvml):
    """Each gets inputs of its own, the answers are compared, every telemetry has an entry a round."""
    cpu, on_gpu = measured_by(devices(gpu), bench())
    assert (cpu.status, on_gpu.status) == ("ok", "ok"), (cpu.why, on_gpu.why)
    assert len(cpu.samples) == len(on_gpu.samples) == 5
    assert on_gpu.samples == pytest.approx([KERNEL] * 5)
    assert on_gpu.device == "gpu:0"
    assert {len(values) for gauge, values in on_gpu.telemetry.items() if gauge != "unix_s"} == {5}
    assert on_gpu.telemetry["gpu_clock_hz"] == [1980e6] * 5
    assert "wall_s" in on_gpu.telemetry


def test_a_wrong_answer_of_the_gpu_is_wrong(gpu):
    """The check does not end at the bus."""
    made = bench()
    made.variant("gpu", on="gpu")(lambda device, a: device.timed(burn(device), output=lambda: a.sum() + 1))
    assert [found.status for found in measured_by(devices(gpu), made)] == ["ok", "wrong"]


def test_host_inputs_stay_on_the_host(gpu):
    """A transfer starts from the very arrays that were made."""
    made, seen = bench(), []
    made.variant("copy", on="gpu", inputs="host")(
        lambda device, a: device.timed(burn(device), output=lambda: seen.append(type(a)) or a.sum())
    )
    assert [found.status for found in measured_by(devices(gpu), made)] == ["ok"] * 3
    assert seen == [np.ndarray]


def test_variants_share_their_inputs_on_the_device(gpu):
    """One copy of an array, however many variants read it."""
    made, seen = bench(), []

    def build(device, a):
        seen.append(a.ctypes.data)
        return device.timed(burn(device), output=lambda: a.sum())

    made.variant("one", on="gpu")(build)
    made.variant("two", on="gpu")(build)
    measured_by(devices(gpu), made)
    assert len(seen) == 2
    assert len(set(seen)) == 1


def test_memory_is_held_against_the_device_that_it_is_taken_from(gpu):
    """What does not fit the GPU is skipped there, and measured on the host."""
    made = bench()
    made.memory(lambda: 2**20)
    gpu.free = 2**20
    cpu, on_gpu = measured_by(devices(gpu), made)
    assert (cpu.status, on_gpu.status) == ("ok", "skipped")
    assert on_gpu.why == "needs 2 MiB for 1 variants; 60% of the 1 MiB free may be taken"


def test_several_gpus_are_measured_apart(gpu):
    """The telemetry of a record is that of its GPU; the CPU is measured once, beside the first."""
    known = devices(gpu, 2)
    kinds = {name: device.kind for name, device in known.items()}
    groups = cases.groups([bench()], devices=kinds, spread=selection.spread(known))
    assert [[case.device for case in group.cases] for group in groups] == [["cpu", "gpu:0"], ["gpu:1"]]
    assert [found.status for found in measured_by(known, bench())] == ["ok"] * 3


@pytest.mark.parametrize(
    ("script", "reason"),
    [({"throttle": 0x04}, "the GPU was held back by its power limit: 5 of 5 rounds"),
     ({"throttle": 0x20}, "the GPU was held back by its temperature: 5 of 5 rounds"),
     ({"clock": {1: 1200, 2: 2619}}, "the GPU's clock was low: 1.20 GHz of at most 1.98 GHz")],
)  # fmt: skip
def test_a_gpu_that_is_held_back_is_suspect_and_its_figures_stay(gpu, nvml, script, reason):
    """With the reason, and all samples; the CPU's variant of the contrast is not concerned."""
    nvml.values |= script
    cpu, on_gpu = measured_by(devices(gpu), bench())
    assert cpu.status == "ok"
    assert (on_gpu.status, on_gpu.why) == ("suspect", reason)
    assert len(on_gpu.samples) == 5


def test_what_disturbs_the_host_is_nothing_to_the_gpus_own_clock(gpu):
    """Stolen time bends what the host times, not what events time."""
    made = bench()
    made.variant("host", on="gpu")(lambda device, a: device.host_timed(burn(device), output=lambda: a.sum()))
    known = devices(gpu, steal_s=0.5)
    del made.variants["numpy"]
    by_events, by_host = measured_by(known, made)
    assert by_events.status == "ok", by_events.why
    assert by_host.status == "suspect"
    assert "(steal)" in by_host.why


def test_facts_that_are_only_known_after_measuring_are_kept(gpu):
    """What each stream took."""
    made = Bench("test.both", question="How long do both take?", axes={}, baseline="both")
    made.reference(lambda: 0)

    @made.variant("both", on="gpu")
    def both(device):
        """Two streams."""
        streams = device.streams(2)
        kernels = [device.launcher("gpu_gate", "burn", 1, 32, (np.uint64(0),) * 2, stream=stream) for stream in streams]
        return device.timed(lambda: [kernel() for kernel in kernels], streams=streams, launches=2, output=lambda: 0)

    [found] = measured_by(devices(gpu), made)
    assert found.facts["stream_s"] == pytest.approx([KERNEL, KERNEL])


def test_work_that_prepares_each_call_is_never_asked_for_more_than_it_allows():
    """A sample of 10 ms would be 1000 calls of 10 µs."""
    each, asked = seconds(1e-5), []
    made = Bench("test.cold", question="How cold is it?", axes={}, baseline="cold")
    made.reference(lambda: 42)
    made.variant("cold")(
        lambda: Work(call=lambda: 42, timer=lambda loops: asked.append(loops) or next(each) * loops, most=64)
    )
    [found] = measured_by({"cpu": ScriptedDevice()}, made)
    assert found.status == "ok"
    assert max(asked) == found.loops == 64


# --- a context that is lost -------------------------------------------------------------------------------------------


def faulting(gpu, monkeypatch, after, status=700):
    """From the launch of this number on the GPU answers each wait by an illegal address."""
    launched, wait = [], gpu.synchronize

    def queue(name, *rest, plain=gpu.queue, **more):
        launched.extend([name] * (name == "burn"))
        plain(name, *rest, **more)

    def synchronize():
        wait()
        if len(launched) >= after:
            text = "cudaErrorIllegalAddress: an illegal memory access was encountered"
            raise sys.modules["cupy"].cuda.runtime.CUDARuntimeError(status, text)

    monkeypatch.setattr(gpu, "queue", queue)
    monkeypatch.setattr(gpu, "synchronize", synchronize)


def three(gpu):
    """Groups of the CPU and the GPU for three sizes."""
    known = devices(gpu)
    kinds = {name: device.kind for name, device in known.items()}
    made = bench(n=(1, 2, 3))
    made.inputs(lambda n: np.arange(10.0))
    made.variants = {
        "numpy": made.variants["numpy"],
        "gpu": type(made.variants["gpu"])("gpu", lambda device, a, n: made_gpu(device, a), "gpu", None, "device"),
    }
    made.variants["numpy"] = type(made.variants["gpu"])(
        "numpy", lambda a, n: scripted_work(0.01, output=a.sum()), "cpu", None, "device"
    )
    return known, cases.groups([made], devices=kinds, spread=selection.spread(known))


def made_gpu(device, a):
    return device.timed(burn(device), output=lambda: a.sum())


def test_a_kernel_that_ends_the_context_costs_the_gpus_later_cases_and_no_other(gpu, monkeypatch):
    """Its own record says why; the CPU's are measured; the GPU's others have no record, and are yet to be measured."""
    known, groups = three(gpu)
    engine = Engine(known, POLICY, known["cpu"].clock)
    first = engine.measure(groups[0])
    assert [one.status for one in first] == ["ok", "ok"], [one.why for one in first]
    assert engine.lost == {}
    faulting(gpu, monkeypatch, after=1)
    second, third = engine.measure(groups[1]), engine.measure(groups[2])
    assert [(one.device, one.status) for one in second] == [("cpu", "ok"), ("gpu:0", "error")]
    assert second[1].reasons == [
        Reason("gpu_lost", "cudaErrorIllegalAddress: an illegal memory access was encountered")
    ]
    assert [(one.device, one.status) for one in third] == [("cpu", "ok")]
    trial, why = engine.lost["gpu:0"]
    assert trial.case == groups[1].cases[1]
    assert why.startswith("cudaErrorIllegalAddress")


def test_a_context_that_is_lost_between_rounds_leaves_the_other_variants_to_be_measured(gpu, monkeypatch):
    """Two variants of the GPU: the one whose wait fails is named, the other has no record, however many samples."""
    made = bench()
    made.variant("again", on="gpu")(lambda device, a: made_gpu(device, a))
    known = devices(gpu)
    kinds = {name: device.kind for name, device in known.items()}
    [group] = cases.groups([made], devices=kinds, spread=selection.spread(known))
    engine = Engine(known, POLICY, known["cpu"].clock)
    clock = iter(range(10**6))

    def stop():
        if next(clock) == 20:
            faulting(gpu, monkeypatch, after=1)

    engine.stop = stop
    found = engine.measure(group)
    assert [one.status for one in found] == ["ok", "error"]
    assert found[0].device == "cpu"
    assert found[1].reasons[0].code == "gpu_lost"


@pytest.mark.parametrize(("status", "lost"), [(700, True), (719, True), (214, True), (2, False), (712, False)])
def test_errors_that_end_a_context_are_told_from_others(gpu, status, lost):
    """By the driver's number, of the error itself or of what led to it."""
    device = devices(gpu)["gpu:0"]
    error = sys.modules["cupy"].cuda.runtime.CUDARuntimeError(status, "as it says\nin two lines")
    assert device.lost(error) == ("as it says" if lost else "")
    try:
        raise ValueError("what came of it") from error
    except ValueError as later:
        assert device.lost(later) == ("as it says" if lost else "")


# --- rules ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("telemetry", "said"),
    [({}, []), ({"gpu_throttle_power": [0.0, 0.0]}, []),
     ({"gpu_throttle_power": [0.0, 1.0]}, ["the GPU was held back by its power limit: 1 of 2 rounds"]),
     ({"gpu_throttle_hardware": [1.0]}, ["the GPU's hardware slowed its clock down: 1 of 1 rounds"]),
     ({"gpu_sm_clock_hz": [1980e6] * 5 + [1900e6] * 5}, ["the GPU's clock drifted: 4.1%"]),
     ({"gpu_clock_hz": [1980e6] * 5 + [1590e6] * 5, "gpu_clock_limit_hz": [1980e6] * 10}, []),  # as it was before
     ({"gpu_clock_hz": [345e6] * 3, "gpu_sm_clock_hz": [1970e6] * 3, "gpu_clock_limit_hz": [1980e6] * 3}, []),
     ({"gpu_clock_hz": [1980e6] * 3, "gpu_sm_clock_hz": [1400e6] * 3, "gpu_clock_limit_hz": [1980e6] * 3},
      ["the GPU's clock was low: 1.40 GHz of at most 1.98 GHz"]),
     ({"gpu_clock_hz": [1490e6] * 3, "gpu_clock_limit_hz": [1980e6] * 3}, []),
     ({"gpu_clock_hz": [1480e6] * 3, "gpu_clock_limit_hz": [1980e6] * 3},
      ["the GPU's clock was low: 1.48 GHz of at most 1.98 GHz"]),
     ({"gpu_clock_limit_hz": [1980e6]}, []),
     ({"gpu_gate_timeouts": [0, 2, 1]},
      ["the gate opened before all was queued, so that waiting for the host is counted in: 3 times"])],
)  # fmt: skip
def test_what_a_gpus_telemetry_says_against_its_figures(telemetry, said):
    """Each rule by itself, with its numbers."""
    assert list(map(str, interference.disturbed_gpu(telemetry))) == said


CAPPED = {
    "gpu_throttle_power": [0.0, 1.0, 1.0, 1.0], "gpu_sm_clock_hz": [1900e6, 1500e6, 1400e6, 1400e6],
    "gpu_clock_limit_hz": [1980e6] * 4,
}  # fmt: skip


def test_the_power_limit_is_no_doubt_where_the_work_reaches_it():
    """Nor is the clock that it leaves; heat and the hardware's own brakes are."""
    assert interference.disturbed_gpu(CAPPED, may_cap=True) == []
    assert len(interference.disturbed_gpu(CAPPED)) == 3
    hot = CAPPED | {"gpu_throttle_thermal": [1.0] * 4}
    assert interference.disturbed_gpu(hot, may_cap=True) == [Reason("gpu_thermal", "4 of 4 rounds")]
    free = CAPPED | {"gpu_throttle_power": [0.0] * 4}
    assert len(interference.disturbed_gpu(free, may_cap=True)) == 2, "nothing explains the low clock"


def test_the_power_limit_is_told_with_the_clock_it_leaves():
    """By the samples, else by the driver."""
    assert interference.power_cap({}) == {}
    assert interference.power_cap(CAPPED) == {"rounds": 0.75, "clock_hz": 1450e6}
    assert interference.power_cap({"gpu_throttle_power": [1.0], "gpu_clock_hz": [1.4e9]})["clock_hz"] == 1.4e9


def test_a_product_at_the_power_limit_is_kept_with_the_fact(gpu, nvml):
    """Its record is ok and says for how long, and at which clock."""
    nvml.values |= {"throttle": 0x04}
    made = bench()
    made.may_cap = True
    _, on_gpu = measured_by(devices(gpu), made)
    assert (on_gpu.status, on_gpu.why) == ("ok", "")
    assert on_gpu.facts["power_cap"] == {"rounds": 1.0, "clock_hz": 1980e6}


def test_a_limit_bounds_nothing_on_another_device():
    """A GPU's copy is no part of what the CPU's memory can do, and the other way round."""
    cpu, gpu = {"size": "DRAM", "dtype": "f8"}, {"size": "HBM", "dtype": "f8", "kernel": "copy"}
    facts = {"footprint": 2**30, "l2_bytes": 2**20}
    on_cpu = record(samples=(1.0,) * 3, bench="stream.copy", params=cpu, counts={"bytes": 1e9})
    on_gpu = record(
        samples=(0.01,) * 3, bench="device.stream", device="gpu:0", params=gpu, counts={"bytes": 1e9}, facts=facts
    )
    limits = measured([on_cpu, on_gpu], DECLARED)
    assert limit_for(on_cpu, "copy", limits, {}).value == 1e9
    assert limit_for(on_gpu, "copy", limits, {}).value == 1e11
    assert limit_for(on_gpu, "copy", measured([on_cpu], DECLARED), {}) is None
    assert limit_for(on_cpu, "copy", measured([on_gpu], DECLARED), {}) is None


def test_what_two_devices_tell_is_the_first_ones_word(gpu):
    """Both know the host's counters; they are written down once a round, not added up, nor one for the other."""
    known = devices(gpu, others_s=0.5)
    known["cpu"] = ScriptedDevice(rates={"others_s": 0.0})
    cpu, on_gpu = measured_by(known, bench())
    assert cpu.status == "ok", cpu.why
    assert on_gpu.telemetry["others_s"] == [0.0] * 5
