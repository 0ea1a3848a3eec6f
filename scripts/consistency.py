"""Does what readers see of a run contradict itself anywhere? Try mutations of the committed runs, whole.

    python scripts/consistency.py [--number 1000] [--first 0] [--records 0]

Each mutation is seeded by its number, checked by its page, `hwbench show`, findings and JSON, and reported where a
share above 1.05 or a doubtful figure stands without its mark, or a quantity is printed with two figures. The suite
tries 200 smaller ones. `--records` leaves each run about so many records. Uses all CPUs.
Exit code: 0 where there is no fault, else 1, with a line for each kind of fault, its number and an example.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

from inspection.consistency import Checked, Fault, check, summary  # noqa: E402
from made_up.mutations import mutated  # noqa: E402


def checked(seed: int, records: int) -> Checked:
    """A mutation's faults, each with its seed; one for a mutation that cannot be shown."""
    try:
        found = check(mutated(seed, records), whole=True)
    except Exception as error:  # noqa: BLE001 - whatever it is, a reader would get no page
        return Checked([Fault("no page", type(error).__name__, f"seed {seed}: {error}")])
    found.faults = [Fault(one.rule, one.place, f"seed {seed}: {one.what}") for one in found.faults]
    return found


def main(arguments: Sequence[str] | None = None, say: Callable[[str], object] = print) -> int:
    """Check the mutations and say what contradicts itself; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--number", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--records", type=int, default=0)
    given = parser.parse_args(arguments)
    total = Checked()
    seeds = range(given.first, given.first + given.number)
    with ProcessPoolExecutor(mp_context=get_context("forkserver")) as pool:
        for one in pool.map(partial(checked, records=given.records), seeds, chunksize=4):
            total.add(one)
    for line in summary(total.faults):
        say(line)
    say(f"{given.number} mutations: " + ", ".join(f"{count} {kind}" for kind, count in total.seen.most_common()))
    return 1 if total.faults else 0


if __name__ == "__main__":
    sys.exit(main())
