"""Runs that are killed, or stopped by a signal, at random moments: what was told as measured is in the file."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

from hwbench.record import store

SMALL = ["run", "vectorize.add", "--variant", "numpy", "--no-report", "--preset", "quick",
         *(x for power in range(7) for x in ("--param", f"n={10**power}"))]  # fmt: skip
LATEST = 6.0  # seconds until a run is hit: starting takes most of them


def faults(kind: str, seeds: range, folder: Path) -> dict[int, str]:
    """The seeds at which something was lost."""
    found = {}
    for seed in seeds:
        rng = random.Random(seed)
        out = folder / f"{kind}-{seed}"
        number = signal.SIGKILL if kind == "kills" else rng.choice((signal.SIGTERM, signal.SIGINT))
        if wrong := _hit(out, number, rng.uniform(0, LATEST)):
            found[seed] = wrong
    return found


def _hit(out: Path, number: signal.Signals, after: float) -> str:
    """Hit a run after some seconds, look at its file, and go on with it."""
    command = [sys.executable, "-m", "hwbench", *SMALL, "--out", str(out)]
    plain = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=plain) as process:
        try:
            process.wait(after)
        except subprocess.TimeoutExpired:
            process.send_signal(number)
        _, err = process.communicate(timeout=60)
    told = sum(line.startswith("[") for line in err.splitlines())
    paths = store.find(out)
    if process.returncode == -number and not err and not paths:
        return ""  # before the program's first line, which takes longer on a busy machine
    if "Traceback" in err or (number != signal.SIGKILL and process.returncode not in (0, 130)):
        return f"exit {process.returncode}: {err[-300:]}"
    if len(paths) > 1 or (told and not paths):
        return f"{told} benches were told, {len(paths)} files are there"
    if not paths:
        return ""
    before = store.read(paths[0])
    if told and before.finished is None and len(before.records) < 7:
        return f"the bench was told, {len(before.records)} of its 7 cases are in the file"
    if before.finished is not None:
        return ""
    done = subprocess.run([*command, "--resume"], capture_output=True, text=True, check=False, env=plain)
    after_all = store.read(paths[0])
    if done.returncode or after_all.finished is None or after_all.records[: len(before.records)] != before.records:
        return f"not gone on with: {done.stderr[-300:]}"
    left = [path.name for path in out.rglob(".*")]
    return f"left: {left}" if left else ""
