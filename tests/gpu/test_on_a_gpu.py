"""On a real GPU: kernels load and spill nothing, every bench's answers are right, nothing reads out of bounds, and
each kernel takes as long as the same source built by nvcc."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import numpy as np
import pytest

import hwbench
from gpu import kernels, targets
from gpu.beside_nvcc import beside, copies
from hwbench import catalog
from hwbench.analysis.findings import findings
from hwbench.benches.offload.breakeven import WORKS
from hwbench.devices import selection
from hwbench.devices.cpu import CpuDevice
from hwbench.kernels import cuda
from hwbench.measurement import cases
from hwbench.measurement.engine import Engine
from hwbench.measurement.policy import POLICIES
from hwbench.record import store
from hwbench.record.model import Run
from hwbench.report.dataset import Runs
from hwbench.report.sections import Figure
from hwbench.report.views import View
from hwbench.report.views.gpu import breakeven, link, roofline

BENCHES = [name for name, bench in catalog.benches().items() if "gpu" in bench.kinds]
LONGEST_S = 480  # that the GPU's cases of the standard set may take
SHARE = 0.98  # of nvcc's speed that each kernel is to have
COPY_SHARE = 0.95
SMALL = False  # sizes that tell no speed, for a rehearsal
# What stands beside the GPU's figures: both ways to do its work, the host's memory, a misprediction.
BESIDE = (
    ("offload.*", "vectorize.add", "--device", "all"),
    ("stream.copy", "latency.chase", "--param", "size=DRAM"),
    ("branch.prediction",),
)


@pytest.mark.parametrize("topic", cuda.topics())
def test_kernels_load_and_spill_nothing(device, topic):
    """NVRTC makes code of each source that this card runs, and no kernel keeps registers in memory."""
    from doubles.on_cpu import kernels as names

    for kernel in names(cuda.source(topic)):
        facts = device.attributes(topic, kernel)
        assert facts["local_bytes"] == 0, f"{kernel} spills {facts['local_bytes']} bytes"
        assert facts["registers"] > 0


def test_a_function_of_cupy_is_placed(device):
    """Two kernels where one would do: most of what memory allows for what they ask for, and no more than it allows."""
    x, y = (device.xp.full(2**27, value, np.float32) for value in (1.0, 2.0))
    found = hwbench.place(lambda x, y: x * y + np.float32(1), x, y)
    assert found.point.roof.device == device.name
    assert (found.point.level, found.bytes.compulsory, found.bytes.issued.low) == ("HBM", 3 * x.nbytes, 5 * x.nbytes)
    assert 0.8 < found.share_issued <= 1.05
    assert found.share < 0.65
    assert [one.code for one in found.advice] == ["fuse"]
    fused = device.xp.fuse(lambda x, y: x * y + np.float32(1))
    after = hwbench.place(lambda x, y: fused(x, y), x, y)
    assert found.seconds / after.seconds == pytest.approx(found.advice[0].gain.expected, rel=0.15)


def test_arguments_arrive_as_they_were_given(device):
    """64-bit, 32-bit and floating-point arguments reach the kernel whole, pointers as arrays and as addresses."""
    source = device.put(np.arange(4 * 4096, dtype=np.uint32))
    for given in (source, np.uint64(source.data.ptr)):
        target = device.put(np.zeros(4 * 4096, np.uint32))
        device.launcher("transfer.copy", "move16", 3, 256, (given, target, np.int64(4095)))()
        np.testing.assert_array_equal(device.get(target)[: 4 * 4095], np.arange(4 * 4095))
        assert not device.get(target)[4 * 4095 :].any()
    x, y = device.put(np.full(256, 1.0, np.float32)), device.put(np.zeros(256, np.float32))
    factors = (np.float32(3), np.float32(0.25), np.float32(1 / 3), np.float32(-0.5))
    device.launcher("transfer.copy", "chain", 1, 256, (x, y, np.int32(0), *factors))()
    assert (device.get(y) == 1).all()
    device.launcher("transfer.copy", "chain", 1, 256, (x, y, np.int32(1), *factors))()
    expected = np.float32(1)
    for _ in range(16):
        expected = np.float32(np.float64(expected) * 3 + 0.25)
        expected = np.float32(np.float64(expected) * np.float64(factors[2]) - 0.5)
    np.testing.assert_allclose(device.get(y), expected, rtol=1e-5)


@pytest.mark.parametrize("name", BENCHES)
def test_answers_are_numpys(device, name):
    """Every GPU variant of the quick set gives the reference answer, or says what the card lacks."""
    bench = catalog.benches()[name]
    known = {"gpu:0": device}
    cpu = CpuDevice()
    groups = cases.groups([bench], preset="quick", devices={"gpu:0": "gpu"}, spread=selection.spread(known))
    engine = Engine({**known, "cpu": cpu}, POLICIES["quick"])
    for group in groups:
        with engine.prepared(group) as trials:
            for trial in trials:
                assert trial.status in ("ok", "skipped"), f"{trial.case.label}: {trial.status}: {trial.why}"
    cpu.close()


CHECKED = """
import sys
from gpu import kernels
from hwbench.devices import selection
from hwbench.devices.cpu import CpuDevice
[device], cpu = selection.gpus("gpu:0").values(), CpuDevice()
for kernel in kernels.SHOWN:
    if kernel[0] == sys.argv[1]:
        with kernels.built(device, cpu, kernel, small=True):
            pass
cpu.close()
"""


@pytest.mark.parametrize("tool", ["memcheck", "racecheck"])
@pytest.mark.parametrize("topic", cuda.topics())
def test_nothing_is_read_or_written_out_of_bounds(topic, tool):
    """NVIDIA's compute-sanitizer finds no bad access of any kernel, and no race in shared memory."""
    sanitizer = shutil.which("compute-sanitizer")
    if sanitizer is None:
        pytest.skip("compute-sanitizer is not installed; it comes with the CUDA toolkit")
    command = [sanitizer, "--tool", tool, "--error-exitcode", "9", sys.executable, "-c", CHECKED, topic]
    here = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, env=here)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]


@pytest.fixture(scope="module")
def by_nvcc(device):
    """A library of a topic's kernels that nvcc has built for this card."""
    from inspection import nvcc

    if nvcc.lacking():
        pytest.skip(nvcc.lacking())
    major, minor = device.properties.capability
    return lambda topic: nvcc.Native(nvcc.build(topic, 10 * major + minor), device.index)


@pytest.fixture(scope="module")
def cpu():
    made = CpuDevice()
    yield made
    made.close()


def test_every_kernel_is_compared():
    """None is shipped that is neither set beside nvcc's and watched by compute-sanitizer, nor named as left out."""
    from doubles.on_cpu import kernels as names

    shipped = {(topic, name) for topic in (*cuda.OWN, *cuda.topics()) for name in names(cuda.source(topic))}
    assert shipped == set(kernels.SHOWN) | kernels.NOT_COMPARED


@pytest.mark.parametrize("kernel", kernels.SHOWN, ids="/".join)
def test_a_kernel_is_as_fast_as_nvccs(device, cpu, by_nvcc, kernel):
    """It answers rightly, and has at least 0.98 of the speed of the same source built by nvcc."""
    name = "/".join(kernel)
    with kernels.built(device, cpu, kernel, SMALL) as (trial, launch):
        if launch is None:
            targets.TOLD.append(f"left out     {name}: {trial.why}")
            pytest.skip(trial.why)
        ratio = beside(device, launch, by_nvcc(launch.topic))
    targets.tell(f"{name} of nvcc's speed", ratio, SHARE)
    assert ratio.high >= SHARE, f"{name}: {ratio.value:.3f} ({ratio.low:.3f}–{ratio.high:.3f})"


@pytest.mark.parametrize("direction", ["h2d", "d2h"])
def test_copies_are_as_fast_as_a_loop_of_memcpy_async(device, by_nvcc, direction):
    """Pinned copies of 256 MiB have at least 0.95 of the rate that a C loop of cudaMemcpyAsync has."""
    ratio = copies(device, by_nvcc(""), direction, 2**28)
    targets.tell(f"pinned {direction} of a loop of cudaMemcpyAsync", ratio, COPY_SHARE)
    assert ratio.high >= COPY_SHARE


def measured(run_file: Path, *arguments: str) -> Run:
    """The run of `hwbench run` with these arguments, written to a file."""
    command = [sys.executable, "-m", "hwbench", "run", *arguments, "--no-report", "--json", str(run_file)]
    done = subprocess.run([*command, "--out", str(run_file.parent / "gpu-run")], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    run = store.read(run_file)
    bad = [f"{r.bench}/{r.variant} {r.params}: {r.status}: {r.why}" for r in run.records
           if r.status in ("wrong", "error")]  # fmt: skip
    assert not bad, "\n".join(bad)
    return run


def test_the_whole_set(run_file: Path):
    """The standard set ends within eight minutes with nothing wrong; its run is a file that hwbench reads."""
    started = time.monotonic()
    run = measured(run_file, *BENCHES, "--device", "gpu:0")
    took = time.monotonic() - started
    assert {record.bench for record in run.records} >= set(BENCHES)
    targets.TOLD.extend(target.line for target in targets.targets(run))
    assert took <= LONGEST_S, f"the set took {took:.0f} s; {json.dumps(run.policy.phases)}"


def test_the_cpu_beside_it(run_file: Path):
    """What the GPU's views set beside the CPU is measured into the same run; each view has all that it can show."""
    assert run_file.is_file(), "the run of test_the_whole_set comes first"
    run = store.read(run_file)
    for arguments in BESIDE:
        part = measured(run_file.with_suffix(".beside.json"), *arguments)
        anew = {record.bench for record in part.records}
        kept = [record for record in run.records if record.bench not in anew]
        policy = msgspec.structs.replace(run.policy, sizes=run.policy.sizes | part.policy.sizes)
        run = msgspec.structs.replace(run, records=[*kept, *part.records], policy=policy)
    store.write(run, run_file)
    way, roofs, even = (figures(module.view, run) for module in (link, roofline, breakeven))
    assert {"Bandwidth from memory to memory", "Copies by their size"} <= set(way)
    stretches = {row[1] for row in way["Bandwidth from memory to memory"].table.rows}
    wanted = {"Host memory – CPU", "CPU – GPU", "GPU – GPU memory"}
    assert stretches == wanted, f"the map lacks {wanted - stretches}"
    assert roofs["Below the GPU's measured roofs"].panels
    drawn = even["Time over size"]
    assert len(drawn.panels) == len(WORKS)
    assert {row[3] for row in drawn.table.rows} == {"best of the CPU", "GPU with transfers", "GPU, data resident"}
    told = findings(run, catalog.benches().values())
    assert any("mispredicted branch" in sentence for sentence in told["device.divergence"])
    assert {"offload.breakeven", "vectorize.add"} <= set(told)


def figures(view: View, run: Run) -> dict[str, Figure]:
    """The figures of a view by title."""
    section = view(Runs([run], catalogue=catalog.benches()))
    assert section is not None
    return {block.title: block for block in section.blocks if isinstance(block, Figure)}
