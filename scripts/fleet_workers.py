"""Runs through eight Dask workers on this machine, and what the death of one in the middle costs.

    python scripts/fleet_workers.py [-o FILE] [--select BENCH] [--workers N]

The workers are those of a `LocalCluster` (`--dask-local`), then those of `dask scheduler` and `dask worker` as one
starts them by hand, with nannies and without. A worker is killed (SIGKILL) while its run measures. The script counts
which machines answered, which runs arrived twice or broken, which were left running, and whether two ever overlapped.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import gzip
import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import psutil

from hwbench.record import tickets
from hwbench.record.model import Run
from hwbench.version import __version__

OUT = Path(__file__).resolve().parents[1] / "reports" / "fleet" / "workers.json"
START = 60.0  # seconds in which a scheduler and its workers come up
LIMIT = 900.0  # seconds of a scenario


@dataclass(frozen=True)
class Scenario:
    """How workers are started, whether one is killed, and how often a run that was cut off is started again."""

    name: str
    by_hand: bool = False
    nanny: bool = True
    kill: bool = False
    retries: int = 0


SCENARIOS = (
    Scenario("LocalCluster"),
    Scenario("LocalCluster, a worker killed, not retried", kill=True),
    Scenario("LocalCluster, a worker killed, retried", kill=True, retries=1),
    Scenario("dask scheduler and dask worker", by_hand=True),
    Scenario("dask scheduler and dask worker, a worker killed, retried", by_hand=True, kill=True, retries=1),
    Scenario("dask scheduler and dask worker --no-nanny, a worker killed, retried", by_hand=True, nanny=False,
             kill=True, retries=1),
)  # fmt: skip


def launched() -> list[psutil.Process]:
    """The runs on this machine that a launcher started."""
    found = []
    for one in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if tickets.LAUNCH in one.environ() and "run" in one.cmdline()[:5]:
                found.append(one)
    return found


def measuring(folder: Path) -> psutil.Process | None:
    """The run that has the machine's turn: that whose file is there and unfinished."""
    for run in launched():
        with contextlib.suppress(psutil.Error):
            ticket = tickets.here(run.environ())
            if any(path.name.endswith(f"{ticket}.json") for path in (folder / "reports" / "runs").glob("*/*.json")):
                return run
    return None


def killed(folder: Path, after: float, launch: subprocess.Popen[str]) -> dict[str, object]:
    """Kill the worker whose run measures, once it has measured for some seconds; which it was, and when."""
    began = time.monotonic()
    while launch.poll() is None:
        run = measuring(folder)
        if run is None or time.monotonic() - began < after:
            time.sleep(0.05)
            continue
        task = int(run.environ()[tickets.TASK])
        worker = run.parent()
        if worker is None:
            continue
        worker.kill()
        gone, _ = psutil.wait_procs([run], timeout=30)
        return {"task": task, "seconds": round(time.monotonic() - began, 1), "its run ended too": bool(gone)}
    return {}


@contextlib.contextmanager
def cluster(folder: Path, workers: int, *, nanny: bool) -> Iterator[str]:
    """A scheduler and workers in processes of their own, as an administrator starts them; the address."""
    place = folder / "scheduler.json"
    known = ["--scheduler-file", str(place), "--no-dashboard"]
    worker = ["worker", *known, "--nthreads", "1", "--nanny" if nanny else "--no-nanny", "--local-directory",
              str(folder / "scratch"), "--name"]  # fmt: skip
    programs = [["scheduler", *known, "--host", "127.0.0.1", "--port", "0"]]
    programs += [[*worker, f"node{number}"] for number in range(workers)]
    started: list[subprocess.Popen[bytes]] = []
    try:
        with (folder / "dask.log").open("wb") as log:
            for program in programs:
                started.append(subprocess.Popen(  # noqa: PERF401 - what is started is ended, also after a failure
                    [sys.executable, "-m", "dask", *program], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    cwd=folder,
                ))  # fmt: skip
        until = time.monotonic() + START
        while not place.exists():
            if time.monotonic() > until:
                raise SystemExit("the scheduler did not come up; see its log")
            time.sleep(0.1)
        address = json.loads(place.read_text())["address"]
        from distributed import Client

        with Client(address) as client:
            client.wait_for_workers(workers, timeout=START)
        yield address
    finally:
        for one in reversed(started):
            one.terminate()
        _, left = psutil.wait_procs([psutil.Process(one.pid) for one in started if one.poll() is None], timeout=10)
        for one in left:
            one.kill()


def seconds(stamp: str) -> float:
    """The time of a run's stamp."""
    return datetime.datetime.fromisoformat(stamp).timestamp()


def overlaps(runs: list[Run]) -> int:
    """How many runs began before the one before them had ended; stamps have whole seconds."""
    spans = sorted((seconds(run.started), seconds(run.finished or run.started)) for run in runs)
    return sum(later[0] < earlier[1] - 1 for earlier, later in itertools.pairwise(spans))


def measured(scenario: Scenario, workers: int, select: str, after: float) -> dict[str, object]:
    """What a scenario came to."""
    with tempfile.TemporaryDirectory(prefix="hwbench-workers-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        if scenario.by_hand:
            address = stack.enter_context(cluster(folder, workers, nanny=scenario.nanny))
            engine = ["--dask", address, "--each", "worker"]
        else:
            engine = ["--dask-local", str(workers)]
        words = ["fleet", "run", "--to", str(folder / "store"), *engine, "--preset", "quick", "--device", "cpu",
                 "--json", "--retries", str(scenario.retries), "--wait", f"{LIMIT:g}s", select]  # fmt: skip
        began = time.monotonic()
        with (folder / "launch.log").open("wb") as log:
            launch = subprocess.Popen(
                [sys.executable, "-m", "hwbench", *words], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=log, text=True,
            )  # fmt: skip
        try:
            death = killed(folder, after, launch) if scenario.kill else {}
            out, _ = launch.communicate(timeout=LIMIT + 60)
        finally:
            launch.terminate()
        took = time.monotonic() - began
        time.sleep(1)
        left = [run.pid for run in launched()]
        if not out:
            raise SystemExit((folder / "launch.log").read_text())
        told = json.loads(out)
        keys = sorted((folder / "store" / "runs").rglob("*.json.gz"))
        runs = [msgspec.json.decode(gzip.decompress(path.read_bytes()), type=Run) for path in keys]
        return {
            "scenario": scenario.name, "seconds": round(took, 1), "exit code": launch.returncode,
            "asked": told["asked"], "answered": len(told["answered"]), "silent": told["silent"], "killed": death,
            "started again": (folder / "launch.log").read_text().count("; started again"),
            "runs in the store": len(runs), "unfinished": sum(run.finished is None for run in runs),
            "machines": len({run.machine.name for run in runs}),
            "cases": sorted({sum(record.timed for record in run.records) for run in runs}),
            "overlapping": overlaps(runs), "runs left behind": len(left),
        }  # fmt: skip


def main(given: list[str] | None = None) -> int:
    """Print what each scenario came to, and write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", type=Path, default=OUT, metavar="FILE", help="where the results go")
    parser.add_argument("--select", default="vectorize.call", help="the bench that each run measures")
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--after", type=float, default=12.0, help="seconds until a worker is killed, at the earliest")
    asked = parser.parse_args(given)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    found = []
    for scenario in SCENARIOS:
        one = measured(scenario, asked.workers, asked.select, asked.after)
        found.append(one)
        print(json.dumps(one), flush=True)
    import distributed

    told = {
        "hwbench": __version__, "distributed": distributed.__version__, "python": sys.version.split()[0],
        "cpus": os.cpu_count(), "workers": asked.workers, "bench": asked.select, "scenarios": found,
    }  # fmt: skip
    asked.o.parent.mkdir(parents=True, exist_ok=True)
    asked.o.write_text(json.dumps(told, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
