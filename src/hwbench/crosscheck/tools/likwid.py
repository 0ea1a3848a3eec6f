"""likwid-bench (https://github.com/RRZE-HPC/likwid): hand-written assembly for each kernel and instruction set."""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
from dataclasses import dataclass

from ...bench import Skip

TOOL = "likwid-bench"
GUESS = 5e9  # bytes a second: a tenth or a half of what is to be expected, for a first run
LIMIT_S = 120  # for one call, which takes a second unless it hangs


def why_not() -> str:
    """What is missing to run it; "" where nothing is missing."""
    return "" if shutil.which(TOOL) else f"{TOOL} is not installed (Debian, Ubuntu: apt-get install likwid)"


@functools.cache
def tests() -> frozenset[str]:
    """The tests that this build has."""
    said = subprocess.run([TOOL, "-a"], capture_output=True, text=True, check=False, timeout=LIMIT_S)  # noqa: S603
    return frozenset(re.findall(r"^(\w+) - ", said.stdout, re.MULTILINE))


def best_test(base: str, width: int, *, fma: bool = False) -> str:
    """The test of a kernel for registers of `width` bits: `load` at 512 is `load_avx512`; Skip without one."""
    kind = {512: "_avx512", 256: "_avx", 128: "_sse"}[width]
    names = [f"{base}{kind}_fma", f"{base}{kind}"] if fma else [f"{base}{kind}"]
    for name in names:
        if name in tests():
            return name
    raise Skip("tool_failed", f"this {TOOL} has no test {' or '.join(names)}")


@dataclass(frozen=True)
class Output:
    """What one call reported; rates in B/s and FLOP/s, `footprint` in bytes a thread."""

    seconds: float
    bytes: float
    flops: float
    footprint: int


class Likwid:
    """One test at one footprint, with as many iterations as take about `seconds`.

    `size` is in bytes a thread. likwid allocates with malloc: small pages, unless huge pages are always on.
    """

    def __init__(self, test: str, size: int, threads: int, seconds: float) -> None:
        # likwid's kB are 1000 bytes, and its size is for all threads together.
        thousands = max(1, round(size * threads / 1000))
        self.arguments = [TOOL, "-t", test, "-w", f"S0:{thousands}kB:{threads}"]
        # One run tells how many iterations are needed: each takes a second to find the clock, whatever is measured.
        tried = max(1, int(GUESS * seconds / (size * threads) / 16))
        said = self.run(16 * tried)
        self.iterations = 16 * max(1, round(tried * seconds / said.seconds))
        self.footprint = said.footprint

    @property
    def command(self) -> str:
        """The command line, to run it by hand."""
        return " ".join([*self.arguments, "-i", str(self.iterations)])

    def run(self, iterations: int) -> Output:
        """Run it; Skip with its message where it reports no rate."""
        done = subprocess.run(  # noqa: S603 - the arguments are ours
            [*self.arguments, "-i", str(iterations)], capture_output=True, text=True, check=False, timeout=LIMIT_S
        )
        said = dict(re.findall(r"^([A-Z][\w/ ()]+):\s+([\d.e+-]+)", done.stdout, re.MULTILINE))
        try:
            seconds = float(said["Time"])
            moved, flops = float(said["Data volume (Byte)"]), float(said["Number of Flops"])
            return Output(seconds, moved / seconds, flops / seconds, int(float(said["Size per thread"])))
        except (KeyError, ValueError, ZeroDivisionError):
            words = " ".join((done.stderr or done.stdout).split())[:200]
            raise Skip("tool_failed", f"{' '.join(self.arguments)} reported no rate: {words}") from None
