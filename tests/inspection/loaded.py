"""What a command imports, seen in an interpreter of its own."""

from __future__ import annotations

import subprocess
import sys

RUN = """
import sys
from hwbench.cli import app
sys.argv = ["hwbench", *{arguments!r}]
try:
    app.main()
except SystemExit as end:
    print("exit", end.code, file=sys.stderr)
print("modules", *sorted(sys.modules), file=sys.stderr)
"""


def modules_of(*arguments: object) -> tuple[int, set[str]]:
    """The exit code of `hwbench ARGUMENTS`, and the modules that it had loaded at its end."""
    code = RUN.format(arguments=[str(one) for one in arguments])
    done = subprocess.run(
        [sys.executable, "-c", code], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True, timeout=60
    )
    said = [line.split() for line in done.stderr.splitlines()]
    ends = [int(words[1]) for words in said if words[:1] == ["exit"] and words[1] != "None"]
    [modules] = [set(words[1:]) for words in said if words[:1] == ["modules"]]
    return (ends or [0])[0], modules
