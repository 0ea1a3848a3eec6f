"""On a real GPU: kernels load and spill nothing, every bench's answers are right, nothing reads out of bounds."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from targets import TARGETS

from hwbench import cuda, limits, registry, runner, store
from hwbench.devices.cpu import CpuDevice
from hwbench.engine import Engine

BENCHES = [name for name, bench in registry.benches().items() if "gpu" in bench.kinds]
SET = ("transfer.*", "device.*", "offload.*", "vectorize.add", "dsp.*", "stability.*", "workload.*")
LONGEST_S = 480  # that the GPU's cases of the standard set may take

# What others reach (nvbandwidth, BabelStream, cuBLAS, chases), by the card's name: kind of limit, level, dtype, figure.
REACHED = {
    "H100": [("gpu copy", "HBM", "", 3.0e12), ("h2d", "", "", 50e9), ("d2h", "", "", 50e9),
             ("gpu matmul", "", "bf16", 0.9 * 798e12)],
    "H200": [("gpu copy", "HBM", "", 4.3e12), ("h2d", "", "", 50e9), ("d2h", "", "", 50e9),
             ("gpu matmul", "", "bf16", 0.9 * 798e12)],
}  # fmt: skip


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


def test_the_whole_set(run_file: Path):
    """The standard set ends within eight minutes with nothing wrong; its run is a file that hwbench reads."""
    command = [
        *(sys.executable, "-m", "hwbench", "run", *SET, "--device", "gpu:0"),
        "--no-report",
        "--json",
        str(run_file),
    ]
    started = time.monotonic()
    done = subprocess.run([*command, "--out", str(run_file.parent / "gpu-run")], capture_output=True, text=True)
    took = time.monotonic() - started
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    run = store.read(run_file)
    assert {record.bench for record in run.records} >= set(BENCHES)
    bad = [f"{r.case.label}: {r.status}: {r.reason}" for r in run.records if r.status in ("wrong", "error")]
    assert not bad, "\n".join(bad)
    _tell(run)
    assert took <= LONGEST_S, f"the set took {took:.0f} s; {json.dumps(run.policy.phases)}"


def _tell(run) -> None:
    """What this card reached beside what others reach on its like, for the end of the session."""
    name = run.machine.gpus[0].name if run.machine.gpus else ""
    found = limits.measured(run.records)
    for card, rows in REACHED.items():
        if card not in name:
            continue
        for kind, level, dtype, wanted in rows:
            here = [x.value for x in found if (x.kind, x.level) == (kind, level) and dtype in ("", x.dtype)]
            reached = max(here, default=0.0)
            said = "reached" if reached >= wanted else "NOT REACHED"
            TARGETS.append(f"{kind} {level} {dtype}: {reached:.3g} of {wanted:.3g}: {said}")
