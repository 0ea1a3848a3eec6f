"""How long commands take that only read: median wall time of 10, beside a Python that does nothing.

    python scripts/start_times.py [RUN]

RUN is the largest file of reports/runs where none is named. Measure on a quiet machine.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

RUNS = Path(__file__).resolve().parents[1] / "reports" / "runs"
TIMES = 10
# The command, and the seconds that it may take.
COMMANDS = {
    "pass": (["-c", "pass"], None),
    "--help": (["-m", "hwbench", "--help"], 0.3),
    "show": (["-m", "hwbench", "show", "RUN"], 0.4),
    "list": (["-m", "hwbench", "list"], 0.6),
    "machine": (["-m", "hwbench", "machine"], 0.6),
}


def taken(arguments: list[str], times: int = TIMES) -> float:
    """The median wall time of a Python with these arguments, in seconds, after a first run that fills caches."""
    found = []
    for _ in range(times + 1):
        begin = time.perf_counter()
        subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, check=True)
        found.append(time.perf_counter() - begin)
    return statistics.median(found[1:])


def main(given: list[str] | None = None) -> int:
    """Print a line for each command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, nargs="?")
    run = parser.parse_args(given).run or max(RUNS.glob("*/*.json"), key=lambda path: path.stat().st_size)
    for name, (arguments, most) in COMMANDS.items():
        seconds = taken([str(run) if one == "RUN" else one for one in arguments])
        print(f"{name:8} {seconds:.2f} s{f' (at most {most} s)' if most else ''}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
