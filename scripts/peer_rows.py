"""What the scripts beside C have measured (`--json FILE`), and docs/peers.md, which shows it.

    python scripts/peer_rows.py [--check]

memory_peers.py, more_peers.py and system_peers.py keep their rows in reports/peers/MACHINE.json; a row replaces the one
of the same bench and case. This script writes the tables of docs/peers.md from them, below the text by hand. With
`--check` it says whether they are current. Exit code: 0 where they are, else 1.
"""

from __future__ import annotations

import argparse
import functools
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
KEPT, PAGE = ROOT / "reports" / "peers", ROOT / "docs" / "peers.md"
MARK = "<!-- Below: scripts/peer_rows.py -->\n"
NEAR = 0.03


@functools.cache
def compiler() -> str:
    """The name and version of g++."""
    told = subprocess.run(
        [shutil.which("g++") or "g++", "-dumpfullversion"], capture_output=True, text=True, check=True
    )
    return f"g++ {told.stdout.strip()}"


def keep(file: Path, bench: str, peer: str, rows: dict[str, tuple[float, float, float, int]]) -> None:
    """Put rows into a file: by case the time of hwbench over the peer's, its 95% interval, and how many pairs."""
    found = json.loads(file.read_text()) if file.exists() else {}
    for case, (ratio, low, high, pairs) in rows.items():
        found.setdefault(bench, {})[case] = {
            "ratio": round(ratio, 4), "low": round(low, 4), "high": round(high, 4), "pairs": pairs, "peer": peer,
            "date": time.strftime("%Y-%m-%d", time.gmtime()),
        }  # fmt: skip
    lines = [
        f'"{name}": {{\n' + ",\n".join(f" {json.dumps(one)}: {json.dumps(row)}" for one, row in cases.items()) + "\n}"
        for name, cases in sorted(found.items())
    ]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def near(row: dict[str, Any]) -> bool:
    """Whether the median lies within 3%."""
    return abs(row["ratio"] - 1) <= NEAR


def apart(row: dict[str, Any]) -> bool:
    """Whether it does not, and the interval does not contain 1."""
    return not near(row) and not row["low"] <= 1 <= row["high"]


def tables(machine: str, found: dict[str, dict[str, dict[str, Any]]]) -> str:
    """A table of all benches, and one of each bench's cases."""
    shown = [
        f"\n## {machine}\n", "| bench | peer | cases | median ratio | from | to | within 3% | apart |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]  # fmt: skip
    for bench, cases in found.items():
        ratios = [row["ratio"] for row in cases.values()]
        peers = ", ".join(dict.fromkeys(row["peer"] for row in cases.values()))
        shown.append(
            f"| `{bench}` | {peers} | {len(cases)} | {median(ratios):.3f} | {min(ratios):.3f} | {max(ratios):.3f} "
            f"| {sum(map(near, cases.values()))} | {sum(map(apart, cases.values()))} |"
        )
    for bench, cases in found.items():
        shown.append(f"\n### {bench}\n\n| case | ratio (95% interval) | pairs | date |\n| --- | --- | --- | --- |")
        for case, row in cases.items():
            value = f"{row['ratio']:.3f} ({row['low']:.3f}–{row['high']:.3f})"
            shown.append(f"| {case} | {f'**{value}**' if apart(row) else value} | {row['pairs']} | {row['date']} |")
    return "\n".join(shown) + "\n"


def page() -> str:
    """The page as it should be."""
    by_hand = PAGE.read_text().partition(MARK)[0]
    machines = (tables(one.stem, json.loads(one.read_text())) for one in sorted(KEPT.glob("*.json")))
    return by_hand + MARK + "".join(machines)


def main(arguments: list[str] | None = None) -> int:
    """Write the page, or say whether it is current."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    if parser.parse_args(arguments).check:
        return int(PAGE.read_text() != page())
    PAGE.write_text(page())
    return 0


if __name__ == "__main__":
    sys.exit(main())
