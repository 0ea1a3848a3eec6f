"""clpeak (https://github.com/krrishnarraj/clpeak): reading memory and peaks of OpenCL devices."""

from __future__ import annotations

import re
import shutil
import subprocess

from ...bench import Skip

TOOL = "clpeak"
TESTS = {
    "Global memory bandwidth": "--global-bandwidth", "Single-precision": "--compute-sp",
    "Double-precision": "--compute-dp",
}  # fmt: skip
LIMIT_S = 300


def why_not() -> str:
    """What is missing to run it; "" where nothing is missing."""
    return "" if shutil.which(TOOL) else f"{TOOL} is not installed (Debian, Ubuntu: apt-get install {TOOL})"


def arguments(place: tuple[int, int], section: str) -> list[str]:
    """The command that measures a section of its output on the device of a platform, timed by events as ours is."""
    return [TOOL, "-p", str(place[0]), "-d", str(place[1]), "--use-event-timer", TESTS[section]]


class Runs:
    """Runs of a section, which measures all widths and takes seconds: a run answers once for each width."""

    def __init__(self, section: str) -> None:
        self.section, self.said = section, ""
        self.asked: set[str] = set()

    def rate(self, command: list[str], width: str) -> float:
        """Bytes or operations a second of a vector width (`float4`; "": the best); Skip where it reports none."""
        if width in self.asked or not self.said:
            self.said, self.asked = "", set()
            try:
                done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LIMIT_S)  # noqa: S603
            except subprocess.TimeoutExpired:
                raise Skip("tool_failed", f"{' '.join(command)} did not end within {LIMIT_S} s") from None
            self.said = done.stdout
        self.asked.add(width)
        return parse(self.said, self.section, width, " ".join(command))


def parse(text: str, section: str, width: str, name: str) -> float:
    """The rate of a width in a section of its output."""
    _, found, after = text.partition(section)
    lines = re.split(r"\n\s*\n", after)[0] if found else ""
    rates = {one: 1e9 * float(value) for one, value in re.findall(r"^\s+(\w+)\s*: ([\d.]+)\s*$", lines, re.MULTILINE)}
    value = rates.get(width, 0.0) if width else max(rates.values(), default=0.0)
    if not value > 0:
        raise Skip("tool_failed", f"{name} reported no rate: {' '.join(text.split())[-200:]}")
    return value
