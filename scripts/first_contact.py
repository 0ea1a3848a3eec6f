"""Six minutes with a GPU that nobody has measured on: what matters most first, each step kept as soon as it is done.

    python scripts/first_contact.py DIR                 from a checkout, hwbench installed with its extra for the GPU
    python scripts/first_contact.py DIR --nvcc          and kernels beside those that nvcc builds (70 s)
    python scripts/first_contact.py DIR --sanitizer     and each kernel under compute-sanitizer (some minutes)

Each step is a process with a limit of its own: one that hangs, or whose kernel ends the CUDA context, costs the others
nothing. DIR has at most eight files, and no folder: `steps.txt` says how each step ended, `targets.txt` what was
reached of what is wanted, rewritten after every step, `machine.txt` and `checks.txt` what was printed, `goals.json` the
cases that targets are read off, `run.json` the whole set. On a machine without a network:

    python -m pip wheel '.[gpu-cuda13]' pytest --wheel-dir wheels      here: hwbench and all that it needs
    python -m pip install --no-index --find-links wheels 'hwbench-suite[gpu-cuda13]' pytest       there
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from hwbench import errors
from hwbench.record import store
from hwbench.record.model import Run, key

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from gpu import targets  # noqa: E402 - found beside the tests of a GPU

HWBENCH = (sys.executable, "-m", "hwbench")
PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(ROOT / "tests/gpu/test_on_a_gpu.py"))
# What targets are read off, most important first, and what no card has run yet: benches with their parameters.
GOALS: Sequence[Sequence[str]] = (
    ("device.stream", "--param", "size=HBM", "--variant", "bytes16"),
    ("transfer.copy", "--param", "memory=pinned", "--param", "size=256MiB", "--variant", "raw"),
    ("device.latency", "--param", "size=16KiB", "--param", "size=L2", "--param", "size=HBM"),
    ("device.peak", "--param", "chains=8"),
    ("device.matmul", "--param", "n=8192", "--param", "precision=bf16", "--param", "precision=fp8"),
    ("device.launch",),
    ("device.clock", "--param", "work=product", "--param", "seconds=30"),
    ("device.roofline", "device.graph"),
    ("transfer.engines", "transfer.latency", "transfer.mailbox", "transfer.managed", "transfer.peer"),
)
# Seconds of those that 30 do not suffice for: half a minute of load; answers on 1 GB, compared with NumPy's.
LONGER = {"device.clock": 75, "device.roofline": 45}
BESIDE = "copy16 or pick or fma_f4_8 or barriers_block or memcpy_async"  # kernels that are set beside nvcc's
WHOLE = ("device.*", "transfer.*", "offload.*")
LIMIT = "cut off"


@dataclass(frozen=True)
class Step:
    """A process: its name, command, most seconds, and the file that its output or its run goes to."""

    name: str
    command: Sequence[str]
    limit_s: float
    file: str


@dataclass(frozen=True)
class Ended:
    """How a step ended: its exit code, or why it has none, and what it printed."""

    code: int | str
    output: str


Runner = Callable[[Sequence[str], float], Ended]


def steps(*, nvcc: bool = False, sanitizer: bool = False, device: str = "gpu:0") -> Iterator[Step]:
    """All of them, in order."""
    if shutil.which("nvidia-smi"):
        yield Step("nvidia-smi", ("nvidia-smi", "-q"), 30, "machine.txt")
    yield Step("machine", (*HWBENCH, "machine"), 60, "machine.txt")
    measured = ("--device", device, "--preset", "quick", "--no-report")
    for goal in GOALS:
        limit = LONGER.get(goal[0], 30)
        yield Step(f"goal {goal[0]}", (*HWBENCH, "run", *goal, *measured), limit, "goals.json")
    yield Step("kernels load", (*PYTEST, "-k", "load_and_spill or arguments_arrive"), 60, "checks.txt")
    yield Step("answers", (*PYTEST, "-k", "answers_are_numpys"), 150, "checks.txt")
    if nvcc:
        yield Step("beside nvcc", (*PYTEST, "-k", BESIDE), 120, "checks.txt")
    if sanitizer:
        yield Step("compute-sanitizer", (*PYTEST, "-k", "out_of_bounds"), 600, "checks.txt")
    whole = ("--device", device, "--no-report", "--budget", "90")
    yield Step("the whole set", (*HWBENCH, "run", *WHOLE, *whole), 150, "run.json")


def contact(folder: Path, chosen: Sequence[Step], run: Runner, say: Callable[[str], None] = print) -> int:
    """Take the steps; the number of those that failed. Whatever ends it, what came before is in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("steps.txt", "machine.txt", "checks.txt", "targets.txt", "goals.json", "run.json"):
        (folder / name).unlink(missing_ok=True)
    bad = 0
    for step in chosen:
        begun = time.monotonic()
        with tempfile.TemporaryDirectory() as out:
            runs = step.file.endswith(".json")
            ended = run((*step.command, *(("--out", out) if runs else ())), step.limit_s)
            if runs:
                _keep(folder / step.file, Path(out))
        if not runs:
            _append(folder / step.file, f"=== {step.name}\n{ended.output.strip()}\n")
        bad += ended.code != 0
        last = next((line for line in reversed(ended.output.splitlines()) if line.strip()), "") if ended.code else ""
        line = f"{step.name}: {ended.code or 'done'} in {time.monotonic() - begun:.0f} s{f': {last}' if last else ''}"
        _append(folder / "steps.txt", f"{line}\n")
        say(line)
        _targets(folder)
    return bad


def _keep(file: Path, out: Path) -> None:
    """Add what a step has measured, finished or cut off, to the run in a file."""
    for path in store.find(out):
        with contextlib.suppress(errors.StoreError):
            new = store.read(path)
            store.write(_merged(store.read(file), new) if file.is_file() else new, file)


def _merged(run: Run, new: Run) -> Run:
    """The run with the other's records in the place of those of the same cases."""
    fresh = {key(record) for record in new.records}
    policy = msgspec.structs.replace(run.policy, sizes=run.policy.sizes | new.policy.sizes)
    records = [*(old for old in run.records if key(old) not in fresh), *new.records]
    return msgspec.structs.replace(run, records=records, benches=run.benches | new.benches, policy=policy)


def _targets(folder: Path) -> None:
    """Write what was reached so far: the goals' own cases count before those of the whole set."""
    found = [store.read(folder / name) for name in ("run.json", "goals.json") if (folder / name).is_file()]
    if found:
        run = found[0] if len(found) == 1 else _merged(*found)
        text = "\n".join(target.line for target in targets.targets(run))
        (folder / "targets.txt").write_text(f"{text}\n", "utf-8")


def _append(file: Path, text: str) -> None:
    with file.open("a", encoding="utf-8") as to:
        to.write(text)


def process(command: Sequence[str], limit_s: float) -> Ended:
    """A step in a process group of its own, ended as a whole: by SIGTERM, so that hwbench saves, then for good."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
        child = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True, cwd=ROOT)
        code: int | str
        try:
            code = child.wait(limit_s)
        except subprocess.TimeoutExpired:
            code = f"{LIMIT} after {limit_s:g} s"
            for sent in (signal.SIGTERM, signal.SIGKILL):
                with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
                    os.killpg(child.pid, sent)
                    child.wait(10)
        output.seek(0)
        return Ended(code, output.read())


def main(arguments: Sequence[str]) -> int:
    """The exit code: 0 where all steps ended well."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--nvcc", action="store_true", help="kernels beside those that nvcc builds")
    parser.add_argument("--sanitizer", action="store_true", help="each kernel under compute-sanitizer")
    parser.add_argument("--device", default="gpu:0")
    asked = parser.parse_args(arguments)
    bad = contact(asked.folder, list(steps(nvcc=asked.nvcc, sanitizer=asked.sanitizer, device=asked.device)), process)
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
