"""mbw (https://github.com/raas/mbw): one thread copies between two arrays, by memcpy or a plain loop in C.

Its MiB/s count a copied byte once; STREAM and hwbench count it twice, once read and once written.
"""

from __future__ import annotations

import re
import shutil
import statistics
import subprocess

from ...bench import Skip

TOOL = "mbw"
METHODS = {"memcpy": "-t0", "loop": "-t1"}
LIMIT_S = 120


def why_not() -> str:
    """What is missing to run it; "" where nothing is missing."""
    return "" if shutil.which(TOOL) else f"{TOOL} is not installed (Debian, Ubuntu: apt-get install mbw)"


def arguments(method: str, mebibytes: int, runs: int) -> list[str]:
    """The command: `runs` copies of an array of so many MiB."""
    return [TOOL, "-q", "-a", "-n", str(runs), METHODS[method], str(mebibytes)]


def rate(command: list[str]) -> float:
    """Bytes a second as STREAM counts, the median of its runs; Skip where it reports none."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LIMIT_S)  # noqa: S603
    return parse(done.stdout, " ".join(command))


def parse(text: str, name: str) -> float:
    """The median of the rates in its output."""
    found = [float(value) for value in re.findall(r"^\d+\s.*Copy:\s+([\d.]+) MiB/s", text, re.MULTILINE)]
    if not found:
        raise Skip("tool_failed", f"{name} reported no rate: {' '.join(text.split())[:200]}")
    return 2 * 2**20 * statistics.median(found)
