"""The campaign against files, kills and pages: `python tests/campaign` runs all of it, and prints a table.

`--only KIND`, `--from SEED` and `--to SEED` run a part of it; the same seed is the same file. Pages need Chromium.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])

from campaign import kills, kinds, large, pages  # noqa: E402

WHOLE = {"run": 20_000, "asv": 5_000, "pytest": 5_000, "large": len(large.EVERY), "pages": 200, "kills": 100,
         "signals": 40}  # fmt: skip


def faults(kind: str, seeds: range, folder: Path) -> dict[int, str]:
    """The seeds of a kind that show a fault."""
    if kind == "large":
        found = large.faults(folder, large.EVERY[seeds.start : seeds.stop])
        return {number: f"{name}: {wrong}" for number, (name, wrong) in enumerate(found.items())}
    if kind == "pages":
        return pages.faults(seeds, folder)
    if kind in ("kills", "signals"):
        return kills.faults(kind, seeds, folder)
    return kinds.faults(kind, seeds, folder)


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=WHOLE)
    parser.add_argument("--from", dest="first", type=int, default=0)
    parser.add_argument("--to", dest="last", type=int)
    asked = parser.parse_args()
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        for kind, count in WHOLE.items():
            if asked.only in (None, kind):
                seeds = range(asked.first, min(count, asked.last or count))
                begun = time.perf_counter()
                found = faults(kind, seeds, Path(folder))
                print(f"{kind:8} {len(seeds):6} {len(found):4} faults {time.perf_counter() - begun:6.0f} s")
                for seed, wrong in found.items():
                    print(f"  {kind} {seed}: {wrong}")
                bad += len(found)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
