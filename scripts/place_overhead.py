"""Does `hwbench place` give the time that `pyperf timeit` gives? Both in turn, on a function that takes about 1 ms.

    python -m pip install pyperf
    python scripts/place_overhead.py [--rounds 15]

Prints each pair, the median of the ratios and its interval; exits with 1 where that is off by more than 3%. Each side
has one process of its own in each round, which takes a second; the order alternates. Longer rounds, as of pyperf's
usual twenty processes, compare different minutes of a machine that others use as well.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from hwbench.record import text
from hwbench.record.estimate import estimate

TOLERANCE = 0.03
SETUP = "import numpy as np; x = np.random.default_rng(0).random(25_000); f = np.sort"
CALL = "f(x)"
PLACE = f"""
{SETUP}
from hwbench.devices import selection
from hwbench.placing import timing
call = lambda: f(x)
record = timing.measure({{"f": call}}, selection.devices("cpu"), 1e-3)["f"]
print(timing.timed(record).seconds.value)
"""


def by_place() -> float:
    """Seconds a call by the timing of `place`."""
    return float(subprocess.run([sys.executable, "-c", PLACE], capture_output=True, text=True, check=True).stdout)


def by_pyperf() -> float:
    """The median of `pyperf timeit` over the values of one process, after one that calibrates it."""
    with tempfile.TemporaryDirectory() as made:
        out = Path(made) / "out.json"
        command = ["-m", "pyperf", "timeit", "--quiet", "-p", "1", "-n", "10", "-o", str(out), "--inherit-environ",
                   "PYTHONPATH,OMP_NUM_THREADS", "-s", SETUP, CALL]  # fmt: skip
        subprocess.run([sys.executable, *command], capture_output=True, check=True)
        data = json.loads(out.read_text())
    values = [value for run in data["benchmarks"][0]["runs"] for value in run.get("values", ())]
    return estimate(values).value


def main(arguments: list[str] | None = None, echo: Callable[[str], object] = print) -> int:
    """Run both in turn; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=15)
    given = parser.parse_args(arguments)
    ratios = []
    for number in range(given.rounds):
        sides = [by_place, by_pyperf] if number % 2 else [by_pyperf, by_place]
        found = {side: side() for side in sides}
        ratios.append(found[by_place] / found[by_pyperf])
        shown = [text.seconds(found[side]) for side in (by_place, by_pyperf)]
        echo(f"place {shown[0]}, pyperf {shown[1]}: {text.amount(ratios[-1])}")
    ratio = estimate(ratios)
    off = abs(ratio.value - 1) > TOLERANCE
    echo(f"place / pyperf: {text.amount(ratio)}; within {text.share(TOLERANCE)}: {'no' if off else 'yes'}")
    return int(off)


if __name__ == "__main__":
    sys.exit(main())
