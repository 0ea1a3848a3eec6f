"""Does a move of code leave every figure, case, timed kernel and name as it was? Write them down before, check after.

    python scripts/golden.py write [FILE]
    python scripts/golden.py check [FILE] [--skip SECTION …]

FILE is tests/golden.json.xz where none is named. The sections:

    runs      of each file of reports/runs: every record's status, times, rates and limit; limits, levels, noise
    findings  the sentences on these runs
    benches   version, baseline, limit and the like of each bench
    policies  how the presets measure
    cases     every case of the presets, in order and in groups
    lock      what each variant times, wherever it is defined
    asv       names, versions and parameters of asv's benchmarks
    perf      ids of pytest-benchmark's tests

Exit code: 0 where all is the same; 1 where it is not, with a line for each difference; 2 where there is no answer.
"""

from __future__ import annotations

import argparse
import json
import lzma
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

FILE = Path(__file__).resolve().parents[1] / "tests/golden.json.xz"


def plain(value: Any) -> Any:
    """Nested dicts of text; numbers to ten digits, since the last may differ between versions of NumPy."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return plain(dict(enumerate(value)))
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def differences(old: Any, new: Any, place: str) -> Iterator[str]:
    """A line for each value that is not the same."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            yield from differences(old.get(key, "missing"), new.get(key, "missing"), f"{place}: {key}")
    elif old != new:
        yield f"{place}: {' -> '.join('there' if isinstance(one, dict) else one for one in (old, new))}"


def main() -> int:
    """Write or check; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=("write", "check"))
    parser.add_argument("file", type=Path, nargs="?", default=FILE)
    parser.add_argument("--skip", nargs="+", default=(), metavar="SECTION")
    given = parser.parse_args()
    try:
        old = json.loads(lzma.decompress(given.file.read_bytes())) if given.action == "check" else {}
        from golden_sections import SECTIONS

        if unknown := set(given.skip) - SECTIONS.keys():
            raise ValueError(f"no section is called {' or '.join(sorted(unknown))}")
        new = {name: plain(section()) for name, section in SECTIONS.items() if name not in given.skip}
        if given.action == "write":
            given.file.write_bytes(lzma.compress(json.dumps(new, sort_keys=True).encode()))
            return 0
        lines = [line for name in new for line in differences(old.get(name, "missing"), new[name], name)]
    except Exception as error:  # noqa: BLE001 - whatever it is, there is no answer
        print(f"no answer: {type(error).__name__}: {error}", file=sys.stderr)
        return 2
    print(*lines, sep="\n", end="\n" * bool(lines))
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
