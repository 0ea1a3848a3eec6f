"""On a real GPU: kernels load and spill nothing, every bench's answers are right, nothing reads out of bounds, and
each kernel takes as long as the same source built by nvcc."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import targets
from beside_nvcc import beside, copies, recorded

from hwbench import cuda, registry, runner, store
from hwbench.devices.cpu import CpuDevice
from hwbench.engine import Engine

BENCHES = [name for name, bench in registry.benches().items() if "gpu" in bench.kinds]
LONGEST_S = 480  # that the GPU's cases of the standard set may take
SHARE = 0.98  # of nvcc's speed that each kernel is to have
COPY_SHARE = 0.95


@pytest.mark.parametrize("topic", cuda.topics())
def test_kernels_load_and_spill_nothing(device, topic):
    """NVRTC makes code of each source that this card runs, and no kernel keeps registers in memory."""
    from on_cpu import kernels

    for kernel in kernels(cuda.source(topic)):
        facts = device.attributes(topic, kernel)
        assert facts["local_bytes"] == 0, f"{kernel} spills {facts['local_bytes']} bytes"
        assert facts["registers"] > 0


def test_arguments_arrive_as_they_were_given(device):
    """64-bit, 32-bit and floating-point arguments reach the kernel whole, pointers as arrays and as addresses."""
    source = device.put(np.arange(4 * 4096, dtype=np.uint32))
    for given in (source, np.uint64(source.data.ptr)):
        target = device.put(np.zeros(4 * 4096, np.uint32))
        device.launcher("transfer", "move16", 3, 256, (given, target, np.int64(4095)))()
        np.testing.assert_array_equal(device.get(target)[: 4 * 4095], np.arange(4 * 4095))
        assert not device.get(target)[4 * 4095 :].any()
    x, y = device.put(np.full(256, 1.0, np.float32)), device.put(np.zeros(256, np.float32))
    factors = (np.float32(3), np.float32(0.25), np.float32(1 / 3), np.float32(-0.5))
    device.launcher("transfer", "chain", 1, 256, (x, y, np.int32(0), *factors))()
    assert (device.get(y) == 1).all()
    device.launcher("transfer", "chain", 1, 256, (x, y, np.int32(1), *factors))()
    expected = np.float32(1)
    for _ in range(16):
        expected = np.float32(np.float64(expected) * 3 + 0.25)
        expected = np.float32(np.float64(expected) * np.float64(factors[2]) - 0.5)
    np.testing.assert_allclose(device.get(y), expected, rtol=1e-5)


@pytest.mark.parametrize("name", BENCHES)
def test_answers_are_numpys(device, name):
    """Every GPU variant of the quick set gives the reference answer, or says what the card lacks."""
    bench = registry.benches()[name]
    known = {"gpu:0": device}
    cpu = CpuDevice()
    groups = registry.groups([bench], preset="quick", devices={"gpu:0": "gpu"}, spread=runner.spread(known))
    engine = Engine({**known, "cpu": cpu}, runner.POLICIES["quick"])
    for group in groups:
        with engine.prepared(group) as trials:
            for trial in trials:
                assert trial.status in ("ok", "skipped"), f"{trial.case.label}: {trial.status}: {trial.reason}"
    cpu.close()


CHECKED = """
import sys
from hwbench import registry, runner
from hwbench.engine import Engine
known = runner.gpus("gpu:0")
bench = registry.benches()[sys.argv[1]]
engine = Engine(known, runner.POLICIES["quick"])
for group in registry.groups([bench], preset="quick", devices={"gpu:0": "gpu"}, spread=runner.spread(known))[:2]:
    with engine.prepared(group) as trials:
        bad = [trial.reason for trial in trials if trial.status not in ("ok", "skipped")]
        assert not bad, bad
"""


@pytest.mark.parametrize("tool", ["memcheck", "racecheck"])
@pytest.mark.parametrize("name", [name for name in BENCHES if name.startswith(("transfer.", "device."))])
def test_nothing_is_read_or_written_out_of_bounds(name, tool):
    """NVIDIA's compute-sanitizer finds no bad access, and no race in shared memory."""
    sanitizer = shutil.which("compute-sanitizer")
    if sanitizer is None:
        pytest.skip("compute-sanitizer is not installed; it comes with the CUDA toolkit")
    if name == "device.matmul":
        pytest.skip("cuBLAS is NVIDIA's to check")
    command = [sanitizer, "--tool", tool, "--error-exitcode", "9", sys.executable, "-c", CHECKED, name]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]


@pytest.fixture(scope="module")
def by_nvcc(device):
    """A library of a topic's kernels that nvcc has built for this card."""
    import nvcc

    if nvcc.lacking():
        pytest.skip(nvcc.lacking())
    major, minor = device.properties.capability
    return lambda topic: nvcc.Native(nvcc.build(topic, 10 * major + minor), device.index)


@pytest.fixture(scope="module")
def compared():
    """Kernels that were set beside nvcc's already: several benches launch the same ones."""
    return set()


@pytest.mark.parametrize("name", [name for name in BENCHES if name.startswith(("transfer.", "device."))])
def test_kernels_are_as_fast_as_nvccs(device, by_nvcc, compared, name):
    """Each kernel that a bench launches has at least 0.98 of the speed of the same source built by nvcc."""
    slow = []
    cpu, bench = CpuDevice(), registry.benches()[name]
    engine = Engine({"gpu:0": device, "cpu": cpu}, runner.POLICIES["quick"])
    spread = runner.spread({"gpu:0": device})
    for group in reversed(registry.groups([bench], preset="quick", devices={"gpu:0": "gpu"}, spread=spread)):
        with recorded(device) as launches, engine.prepared(group):
            for launch in launches:
                if (launch.topic, launch.kernel) in compared:
                    continue
                compared.add((launch.topic, launch.kernel))
                ratio = beside(device, launch, by_nvcc(launch.topic))
                targets.tell(f"{launch.topic}/{launch.kernel} of nvcc's speed", ratio, SHARE)
                if ratio.high < SHARE:
                    slow.append(f"{launch.kernel}: {ratio.value:.3f} ({ratio.low:.3f}–{ratio.high:.3f})")
    cpu.close()
    assert not slow, "; ".join(slow)


@pytest.mark.parametrize("direction", ["h2d", "d2h"])
def test_copies_are_as_fast_as_a_loop_of_memcpy_async(device, by_nvcc, direction):
    """Pinned copies of 256 MiB have at least 0.95 of the rate that a C loop of cudaMemcpyAsync has."""
    ratio = copies(device, by_nvcc(""), direction, 2**28)
    targets.tell(f"pinned {direction} of a loop of cudaMemcpyAsync", ratio, COPY_SHARE)
    assert ratio.high >= COPY_SHARE


def test_the_whole_set(run_file: Path):
    """The standard set ends within eight minutes with nothing wrong; its run is a file that hwbench reads."""
    command = [sys.executable, "-m", "hwbench", "run", *BENCHES, "--device", "gpu:0", "--no-report"]
    started = time.monotonic()
    done = subprocess.run(
        [*command, "--json", str(run_file), "--out", str(run_file.parent / "gpu-run")], capture_output=True, text=True
    )
    took = time.monotonic() - started
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    run = store.read(run_file)
    assert {record.bench for record in run.records} >= set(BENCHES)
    bad = [f"{r.bench}/{r.variant} {r.params}: {r.status}: {r.reason}" for r in run.records
           if r.status in ("wrong", "error")]  # fmt: skip
    assert not bad, "\n".join(bad)
    targets.TOLD.extend(target.line for target in targets.targets(run))
    assert took <= LONGEST_S, f"the set took {took:.0f} s; {json.dumps(run.policy.phases)}"
