"""Where the minutes went, from what `tox --result-json` wrote: seconds by environment and command, and by slow test."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SLOWEST = 15
DURATION = re.compile(r"^(\d+\.\d+)s (?:call|setup|teardown) +(\S.*)$", re.MULTILINE)


def seconds(steps: list[dict[str, Any]]) -> float:
    """What some steps of an environment took together."""
    return sum(step["elapsed"] for step in steps)


def main(paths: Sequence[str]) -> None:
    """Print both tables."""
    environments: dict[str, Any] = {}
    for path in paths:
        ran = json.loads(Path(path).read_text("utf-8"))["testenvs"]
        environments |= {name: told for name, told in ran.items() if "result" in told and not name.startswith(".")}
    print("\nseconds  setup  commands")
    total, tests = 0.0, []
    for name, told in environments.items():
        took, setup, commands = told["result"]["duration"], told.get("setup", []), told.get("test", [])
        each = " ".join(f"{step['elapsed']:.0f}" for step in commands)
        state = "" if told["result"]["success"] else "  FAILED"
        print(f"{took:7.0f}  {seconds(setup):5.0f}  {name}: {each}{state}")
        total += took
        for step in commands:
            tests += [(float(took), name, test) for took, test in DURATION.findall(step["output"])]
    print(f"{total:7.0f}         all\n\nThe slowest tests:")
    for took, name, test in sorted(tests, reverse=True)[:SLOWEST]:
        print(f"{took:7.1f}  {name}: {test}")


if __name__ == "__main__":
    main(sys.argv[1:])
