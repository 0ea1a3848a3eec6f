"""The GPU device on a made-up GPU: the gate, streams, the L2 flush, kinds of memory, labels, telemetry.

What a real one does beside (cubins, argument marshalling, true times) is for the tests that need it.
"""

from __future__ import annotations

import ast
import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest

from doubles.fake_cupy import FakeGpu, FakeNvml, install
from hwbench.bench import Skip, Sweep
from hwbench.devices import gpu_gate as gates
from hwbench.kernels import cuda

KERNEL = 2e-6  # seconds, less than a launch takes


@pytest.fixture
def gpu(monkeypatch):
    """A made-up H100 whose kernel `copy16` takes 2 µs; its source needs no compiling."""
    made = FakeGpu({"copy16": KERNEL, "slow": 0.5, "gather": 1e-3})
    real = cuda.source
    kernels = 'extern "C" __global__ void copy16(); void slow(); void gather();'
    monkeypatch.setattr(cuda, "source", lambda topic: kernels if topic == "stream" else real(topic))
    return made


@pytest.fixture
def nvml():
    return FakeNvml()


@pytest.fixture
def device(gpu, nvml, monkeypatch, tmp_path):
    install(monkeypatch, gpu, nvml)
    from hwbench.devices.gpu import GpuDevice

    return GpuDevice(0, root=tmp_path)


def launcher(device, name="copy16", **more):
    return device.launcher("stream", name, 132, 256, (np.uint64(1),), **more)


# --- events behind the gate -------------------------------------------------------------------------------------------


def test_launching_is_no_part_of_the_time(device, gpu):
    """Each launch takes the host 3 µs and the kernel 2: only the 2 are told."""
    work = device.timed(launcher(device))
    assert work.timer(100) == pytest.approx(100 * KERNEL)
    assert work.facts["timed_by"] == "events"
    [gate] = gpu.ran("gate")[1:]  # the first was passed to load it
    assert gate[2] >= 100 * gpu.launch_s + gate[1]  # it held until all was queued


def test_the_queue_is_never_filled_behind_the_gate(device, gpu):
    """Thousands of calls go through many gates, none with more entries than half a queue."""
    work = device.timed(launcher(device))
    assert work.timer(5000) == pytest.approx(5000 * KERNEL)
    assert len(gpu.ran("copy16")) == 5001  # and the one that loads
    assert gates.QUEUE // 2 < gpu.fullest <= gates.QUEUE
    assert gpu.ran("gate")


@pytest.mark.parametrize("cold", [False, True])
@pytest.mark.parametrize("streams", [0, 3])
@pytest.mark.parametrize("launches", [1, 7, 2000])
def test_a_call_of_many_launches_counts_as_many(device, gpu, cold, streams, launches):
    """What one call queues, and the events and waits around it, is what fills the queue."""
    others = device.streams(streams)
    few = min(launches, 200)
    one = launcher(device)

    def launch():
        for _ in range(few):
            one()

    work = device.timed(launch, cold=cold, streams=others, launches=launches)
    assert work.timer(20) == pytest.approx(20 * few * KERNEL)
    assert gpu.fullest <= gates.QUEUE


def test_everything_runs_once_before_the_gate_closes(device, gpu):
    """What is loaded at its first launch would wait behind the gate for ever."""
    device.timed(launcher(device)).timer(1)
    first = [entry[0] for entry in gpu.log]
    assert first.index("copy16") < [i for i, name in enumerate(first) if name == "gate"][1]


def test_a_failing_launch_opens_the_gate(device, gpu):
    """An exception leaves no stream closed behind it."""
    work = device.timed(launcher(device))
    work.call()
    with pytest.raises(ZeroDivisionError):
        device.timing.stopwatch.together(lambda: 1 / 0, 1)
    gpu.synchronize()
    assert work.timer(1) == pytest.approx(KERNEL)
    assert device.timing.stopwatch.gate.timeouts == 0


def test_a_gate_that_opened_itself_is_counted(device, gpu):
    """A host that takes longer than the limit to queue: its time is in the figure, and the counter says so."""
    work = device.timed(launcher(device))
    work.call()
    before = device.counters()["gpu_gate_timeouts"]
    assert before == 0
    gpu.launch_s = 0.4
    assert work.timer(4) > 4 * KERNEL
    assert device.counters()["gpu_gate_timeouts"] == 1


def test_cold_flushes_l2_before_each_call_outside_the_clock(device, gpu):
    """Twice the L2 is written before each kernel; only kernels are timed; at most 64 calls a sample."""
    work = device.timed(launcher(device), cold=True)
    work.call()
    gpu.log.clear()
    assert work.timer(10) == pytest.approx(10 * KERNEL)
    names = [entry[0] for entry in gpu.log if entry[0] in ("memset", "copy16")]
    assert names == ["memset", "copy16"] * 10
    flushed = gpu.ran("memset")[0]
    assert (flushed[2] - flushed[1]) * gpu.memset_bytes_s == pytest.approx(2 * 50 * 2**20)
    assert (work.most, work.facts["l2"]) == (64, "flushed")


@pytest.mark.parametrize("cold", [False, True])
def test_streams_start_together_and_are_waited_for(device, gpu, cold):
    """Two streams of unlike work: the whole takes as long as the longer, and each tells its own time."""
    left, right = device.streams(2)
    fast, slow = launcher(device, stream=left), launcher(device, "gather", stream=right)

    def launch():
        fast()
        slow()

    work = device.timed(launch, streams=(left, right), launches=2, cold=cold)
    assert work.timer(8) == pytest.approx(8e-3)
    assert work.facts["stream_s"] == pytest.approx([KERNEL, 1e-3])
    main = device.stream.ptr
    assert {entry[3] for entry in gpu.ran("gather")} == {right.ptr} != {main}


def test_outputs_come_back_as_host_arrays(device):
    """A reference is compared with NumPy's arrays, whatever the work's are."""
    there = device.put(np.arange(4.0))
    work = device.timed(launcher(device), output=lambda: there)
    work.call()
    found = work.output()
    assert type(found) is np.ndarray
    assert found.tolist() == [0, 1, 2, 3]
    answered = device.timed(lambda: there)
    answered.call()
    assert answered.output().tolist() == [0, 1, 2, 3]


# --- the host's clock -------------------------------------------------------------------------------------------------


@pytest.fixture
def host_clock(gpu, monkeypatch):
    """The host's clock is the script's."""
    from hwbench.devices import gpu as module

    monkeypatch.setattr(module.time, "perf_counter", lambda: gpu.now)


@pytest.mark.parametrize(("sync", "each"), [("end", 3e-6), ("each", 5e-6), ("none", 3e-6)])
def test_the_host_sees_the_launch(device, gpu, host_clock, sync, each):
    """Launches alone take 3 µs; waiting after each adds the kernel's 2; the last kernel's end is waited for."""
    work = device.host_timed(launcher(device), sync=sync)
    work.call()
    tail = KERNEL if sync == "end" else 0.0
    assert work.timer(100) == pytest.approx(100 * each + tail)
    assert work.facts["timed_by"] == "host"


def test_cold_host_calls_are_timed_one_by_one(device, gpu, host_clock, monkeypatch):
    """The caches are filled with other data between calls, which is no part of the time."""
    evicted = []
    monkeypatch.setattr(device.timing, "_evict_host", lambda: evicted.append(setattr(gpu, "now", gpu.now + 1)))
    work = device.host_timed(launcher(device), sync="each", cold=True)
    work.call()
    assert work.timer(4) == pytest.approx(4 * 5e-6)
    assert (len(evicted), work.most) == (4, 8)


def test_eviction_writes_more_than_the_caches_hold(device):
    """Twice the last-level caches, every word."""
    device.timing._evict_host()
    cached = device._cpu.host.last_level_total() or 64 * 2**20
    assert device.timing._evicting.nbytes >= 2 * cached - 8
    assert set(device.timing._evicting[:: 2**16].tolist()) == {2}


# --- kernels ----------------------------------------------------------------------------------------------------------


def test_modules_are_compiled_once_with_the_fixed_options(device):
    """The tests without a GPU compile the same text with the same options."""
    module = device.module("stream")
    assert module is device.module("stream")
    assert module.options == cuda.OPTIONS
    assert device.attributes("stream", "copy16")["local_bytes"] == 0
    assert device.resident("stream", "copy16", 256) == 4


def test_what_the_card_lacks_is_a_skip(device, gpu):
    """More shared memory than a block may have, and launches that need all blocks at once."""
    with pytest.raises(Skip, match=r"needs 300 KiB of shared memory a block; this GPU has 227 KiB"):
        launcher(device, shared=300 * 1024)
    gpu.attributes[95] = 0
    with pytest.raises(Skip, match="wait for one another"):
        launcher(device, cooperative=True)


# --- memory -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["pageable", "pinned", "registered", "mapped", "managed"])
def test_every_kind_of_host_memory_can_be_copied_from(device, gpu, kind):
    """Each buffer has as many bytes as asked for; what is copied from it arrives; closing gives it back."""
    buffer = device.host(kind, 8192)
    buffer.array.view(np.int64)[:] = np.arange(1024)
    there = device.empty(1024, np.int64)
    device.copier(there, buffer, 8192)()
    device.synchronize()
    assert device.get(there).tolist() == list(range(1024))
    assert gpu.ran("copy")[-1][3] == device.stream.ptr
    if kind in ("pageable", "pinned"):
        with pytest.raises(Skip, match=f"cannot reach {kind}"):
            _ = buffer.device_ptr
    else:
        assert buffer.device_ptr == buffer.ptr
    assert gpu.registered == ([buffer.ptr] if kind == "registered" else [])
    buffer.close()
    assert gpu.registered == []


def test_memory_that_is_not_to_be_had_is_a_skip(device, gpu):
    """Never more managed memory than is free; attributes that the card lacks; a kind that does not exist."""
    gpu.free = 4096
    with pytest.raises(Skip, match=r"8 KiB of managed memory; the GPU has 4 KiB free"):
        device.host("managed", 8192)
    gpu.attributes |= {83: 0, 91: 0, 99: 0}
    with pytest.raises(Skip, match="no managed memory"):
        device.host("managed", 16)
    with pytest.raises(Skip, match="cannot register"):
        device.host("registered", 4096)
    gpu.attributes[99] = 1
    with pytest.raises(Skip, match="cannot reach registered"):
        _ = device.host("registered", 4096).device_ptr
    with pytest.raises(ValueError, match="'texture' is no kind of host memory; there are pageable, pinned"):
        device.host("texture", 1)


def test_host_memory_is_taken_near_the_gpu_and_the_affinity_put_back(gpu, nvml, monkeypatch, tmp_path):
    """On the CPUs that sysfs calls local while it is allocated; on all of them before and after."""
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("this system has no affinity")
    mine = os.sched_getaffinity(0)
    near = max(mine)
    folder = tmp_path / "sys/bus/pci/devices/0000:01:00.0"
    folder.mkdir(parents=True)
    (folder / "local_cpulist").write_text(f"{near}\n")
    (folder / "numa_node").write_text("1\n")
    install(monkeypatch, gpu, nvml)
    from hwbench.devices import gpu as module

    device = module.GpuDevice(0, root=tmp_path)
    assert device.properties.numa_node == 1
    seen = []
    monkeypatch.setattr(module.memory, "of_cuda", lambda kind, nbytes: seen.append(os.sched_getaffinity(0)))
    device.host("pinned", 4096)
    assert seen == [{near}]
    assert os.sched_getaffinity(0) == mine
    device.host_timed(lambda: seen.append(os.sched_getaffinity(0))).timer(1)
    assert seen[1] == {near}
    assert os.sched_getaffinity(0) == mine


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i4", "u1"])
def test_random_data_is_finite_and_not_the_same_everywhere(device, dtype):
    """Zeros would compress; floats lie in [0.5, 1.5); one seed gives one array; tiles repeat."""
    from hwbench.devices.gpu_memory import TILE

    made = device.get(device.random(TILE + 5, dtype, np.random.default_rng(7)))
    again = device.get(device.random((5, 1), dtype, np.random.default_rng(7)))
    assert made.dtype == np.dtype(dtype)
    assert np.array_equal(made[TILE:], made[:5])
    assert np.array_equal(again[:, 0], made[:5])
    assert len(np.unique(made[:4096])) > 100
    if made.dtype.kind == "f":
        assert made.min() >= 0.5
        assert made.max() <= 1.5


def test_bfloat16_is_held_as_its_two_bytes(device):
    """CuPy need not know the type that the kernel names."""
    ml_dtypes = pytest.importorskip("ml_dtypes")
    made = device.get(device.random(64, ml_dtypes.bfloat16, np.random.default_rng(0)))
    assert made.dtype == np.uint16
    floats = made.view(ml_dtypes.bfloat16).astype(float)
    assert floats.min() >= 0.5
    assert floats.max() <= 1.5


def test_inputs_are_placed_where_the_builder_wants_them(device):
    """Copies on the device, other values as they are; or the very host arrays."""
    host = (np.arange(3.0), "n", 5)
    there = device.place(host, "device")
    assert type(there[0]).__module__ == "doubles.fake_cupy"
    assert device.get(there[0]).tolist() == [0, 1, 2]
    assert there[1:] == ("n", 5)
    assert device.place(host, "host") is host


def test_free_memory_is_the_scarcer_of_device_and_host(device, gpu):
    """CuPy's pool is emptied before; inputs are made on the host."""
    gpu.free = 12345
    assert device.free_memory() == 12345
    assert gpu.freed_pool == 1
    gpu.free = 2**60
    assert device.free_memory() < 2**60


# --- axis values ------------------------------------------------------------------------------------------------------


def test_size_labels_are_the_gpus_own(device, gpu, monkeypatch):
    """Half of L2; eight times L2 and at least 512 MiB for certain memory; named apart from a CPU's."""
    monkeypatch.setattr(type(device._cpu), "free_memory", lambda self: 2**40)
    assert device.resolve({"size": "L2"})["size"] == 25 * 2**20
    assert device.resolve({"size": "HBM"})["size"] == 512 * 2**20
    assert device.resolve({"size": "1MiB", "dtype": "f4"}) == {"size": 2**20, "dtype": np.dtype("f4")}
    assert device.sizes == {"gpu:0/L2": 25 * 2**20, "gpu:0/HBM": 512 * 2**20}
    with pytest.raises(Skip, match="a GPU has no L3; its levels are L2, HBM"):
        device.resolve({"size": "L3"})


def test_device_memory_that_is_not_free_is_a_skip_with_the_numbers(device, gpu):
    """60% of what is free may be taken."""
    gpu.free = 600 * 2**20
    with pytest.raises(Skip, match=r"HBM takes 512 MiB \(8 times L2, at least 512 MiB\); 60% of the 600 MiB free"):
        device.resolve({"size": "HBM"})


def test_sweeps_end_at_the_gpus_levels(device):
    """From the first size to the label's or a quantity; a CPU's sweep is none of its."""
    assert device.spread(Sweep(2**23, "L2", 1, on="gpu")) == ["8MiB", "16MiB"]
    assert device.spread(Sweep(64, "256B", 1, on="gpu")) == ["64B", "128B", "256B"]
    with pytest.raises(TypeError, match="no axis value"):
        device.spread(Sweep(4096, "DRAM"))


# --- telemetry --------------------------------------------------------------------------------------------------------


def test_gauges_are_read_once_a_round_while_the_gpu_works(device, gpu, nvml, monkeypatch):
    """The first sample of a round reads them with its work still queued; the round's gauges are that reading."""
    busy = []
    nvml.values["clock"][1] = lambda: busy.append(len(gpu.pending)) or 1755
    work = device.timed(launcher(device))
    work.call()
    for _ in range(3):
        device.counters()
        work.timer(10)
        work.timer(10)
        told = device.gauges()
    assert len(busy) == 3
    assert min(busy) >= 10
    assert told["gpu_clock_hz"] == 1755e6
    assert told["gpu_clock_limit_hz"] == 1980e6
    assert (told["gpu_pcie_gen"], told["gpu_pcie_width"]) == (5, 16)
    assert told["gpu_power_w"] == 350
    assert told["gpu_temperature_c"] == 55


@pytest.mark.parametrize(
    ("bits", "name"), [(0x04, "power"), (0x80, "power"), (0x20, "thermal"), (0x40, "thermal"), (0x08, "hardware")]
)
def test_throttle_reasons_are_told_apart(device, nvml, bits, name):
    """By what is to be done about them; idling and applications' own clocks are none."""
    nvml.values["throttle"] = bits | 0x1 | 0x2
    told = {key: value for key, value in device.gauges().items() if "throttle" in key}
    assert told == {f"gpu_throttle_{one}": float(one == name) for one in ("power", "thermal", "hardware")}


def test_what_the_card_does_not_tell_is_absent(device, nvml):
    """No zero stands for it."""
    nvml.values |= {"power": None, "throttle": None, "generation": None}
    assert set(device.gauges()) == {
        "gpu_clock_hz", "gpu_memory_clock_hz", "gpu_temperature_c", "gpu_pcie_width", "gpu_clock_limit_hz"
    }  # fmt: skip


@pytest.mark.parametrize("broken", [None, FakeNvml(init=None)])
def test_without_nvml_there_is_a_device_and_no_telemetry(gpu, monkeypatch, tmp_path, broken):
    """The package missing, or its library: figures without clocks; the clock's limit is the driver's word."""
    install(monkeypatch, gpu, broken)
    from hwbench.devices.gpu import GpuDevice

    device = GpuDevice(0, root=tmp_path)
    assert device.gauges() == {}
    assert device.properties.clock_hz == 1980e6
    assert device.describe().driver is None
    device.settle(0.0)


def test_settling_ends_when_the_clock_stays(device, gpu, nvml):
    """The clock climbs for four readings, then stays: load for five more, and no longer."""
    climbing = iter([300, 900, 1400, 1800])
    nvml.values["clock"][1] = lambda: next(climbing, 1980)
    device.settle(60.0)
    assert len(gpu.ran("burn")) == 9


def test_the_card_is_described_for_the_run_file(device):
    """Name, bytes, multiprocessors, versions, and the link that card and slot can have."""
    about = device.describe()
    assert (about.name, about.sm, about.memory) == ("NVIDIA H100 80GB HBM3", 132, 80 * 2**30)
    assert (about.driver, about.cuda) == ("580.65.06", "13.2")
    assert about.pcie == {
        "address": "0000:01:00.0", "generation": 5, "width": 16, "max_generation": 5, "max_width": 16
    }  # fmt: skip
    assert device.properties.capability == (9, 0)
    assert device.properties.numa_node is None


# --- the real CuPy ----------------------------------------------------------------------------------------------------


def names_used() -> set[str]:
    """Every dotted name below `cupy` that the device's modules write, `self._runtime` being `cupy.cuda.runtime`."""
    folder = Path(gates.__file__).parent
    found = set()
    for file in ("gpu.py", "gpu_memory.py"):
        for node in ast.walk(ast.parse((folder / file).read_text())):
            if isinstance(node, ast.Attribute):
                text = ast.unparse(node).replace("self._runtime.", "cupy.cuda.runtime.")
                if text.startswith("cupy.") and "(" not in text:
                    found.add(text)
    return found


@pytest.mark.skipif(importlib.util.find_spec("cupy") is None, reason="needs CuPy (tox -e gpu)")
def test_the_real_cupy_has_every_name_that_the_device_uses():
    """The made-up one has them because the test was written so; this says that the real one has them too."""
    import cupy

    used = names_used()
    assert len(used) > 20
    for name in sorted(used):
        found = cupy
        for part in name.split(".")[1:]:
            found = getattr(found, part)


@pytest.mark.skipif(importlib.util.find_spec("pynvml") is None, reason="needs nvidia-ml-py (tox -e gpu)")
def test_the_real_nvml_has_every_name_that_is_asked_for():
    """As above, for what is read of a card."""
    import pynvml

    source = (Path(gates.__file__).parent / "nvml.py").read_text()
    used = {node.attr for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute)}
    used = {name for name in used if name.lower().startswith("nvml") and name != "nvml"}
    assert len(used) > 10
    assert all(hasattr(pynvml, name) for name in used)
