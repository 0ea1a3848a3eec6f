"""McCalpin's STREAM (https://www.cs.virginia.edu/stream/), as a binary that the user compiled.

It reports the best rate of its repetitions (NTIMES, 10 by default, without the first), in 10⁶ B/s.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from ...bench import Skip

LIMIT_S = 300
ROWS = {"copy": "Copy", "scale": "Scale", "add": "Add", "triad": "Triad"}


@dataclass(frozen=True)
class Output:
    """What one call reported: the elements of each array, threads, repetitions, and B/s by row."""

    elements: int
    threads: int
    times: int
    rates: dict[str, float]


def why_not(binary: Path | None) -> str:
    """What is missing to run it; "" where nothing is missing."""
    if binary is None:
        return "no STREAM binary was named (--stream PATH)"
    if not (binary.is_file() and os.access(binary, os.X_OK)):
        return f"{binary} is no program that can be run; --stream names a compiled STREAM"
    return ""


def run(binary: Path, threads: int) -> Output:
    """Run the binary on `threads` threads of OpenMP; Skip where its output is not STREAM's."""
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "OMP_PROC_BIND": "spread", "OMP_PLACES": "threads"}
    try:
        done = subprocess.run(  # noqa: S603 - the user named it
            [str(binary.resolve())], capture_output=True, text=True, check=False, timeout=LIMIT_S, env=environment
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Skip("tool_failed", f"{binary}: {error}") from None
    return parse(done.stdout, str(binary))


def parse(text: str, name: str) -> Output:
    """What STREAM's output says."""
    rates = {row: float(found.group(1)) * 1e6 for row, word in ROWS.items() if (found := _rate(word, text))}
    elements = re.search(r"^Array size = (\d+)", text, re.MULTILINE)
    times = re.search(r"executed (\d+) times", text)
    threads = re.search(r"^Number of Threads counted = (\d+)", text, re.MULTILINE)
    if len(rates) != len(ROWS) or elements is None:
        raise Skip(
            "tool_failed", f"{name}: does not print what STREAM 5.10 prints (Array size, Copy, Scale, Add, Triad)"
        )
    return Output(
        elements=int(elements.group(1)),
        threads=int(threads.group(1)) if threads else 1,
        times=int(times.group(1)) if times else 10,
        rates=rates,
    )


def _rate(word: str, text: str) -> re.Match[str] | None:
    return re.search(rf"^{word}:\s+([\d.]+)", text, re.MULTILINE)
