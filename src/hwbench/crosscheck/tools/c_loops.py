"""C loops of ours, compiled on this machine: what plain C source gives without tuning.

`chase.c` follows the same ring in memory as `latency.chase`; `triad.c` is STREAM's triad on OpenMP threads; `bounce.c`
hands a cache line from one CPU to another as `latency.core_to_core` does; `region.c` enters empty OpenMP regions.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from ...bench import Skip

HERE = Path(__file__).parent
CHASE_FLAGS = ("-O2", "-shared", "-fPIC")
TRIAD_FLAGS = ("-O3", "-march=native", "-fopenmp")
BOUNCE_FLAGS = ("-O2", "-shared", "-fPIC", "-pthread")
REGION_FLAGS = ("-O3", "-fopenmp")
LIMIT_S = 120


def compiler() -> str | None:
    """The C compiler: gcc, or what `cc` is here."""
    return next((name for name in ("gcc", "cc") if shutil.which(name)), None)


def why_not() -> str:
    """What is missing to compile; "" where nothing is missing."""
    return "" if compiler() else "no C compiler is installed (Debian, Ubuntu: apt-get install gcc)"


def command(source: str, flags: tuple[str, ...]) -> str:
    """How the source is compiled, for the table."""
    return " ".join([compiler() or "cc", *flags, source])


@contextlib.contextmanager
def built(source: str, flags: tuple[str, ...]) -> Iterator[Path]:
    """The compiled source in a temporary directory; Skip with the compiler's message."""
    with tempfile.TemporaryDirectory(prefix="hwbench-") as directory:
        target = Path(directory) / Path(source).stem
        done = subprocess.run(  # noqa: S603 - our own source
            [compiler() or "cc", *flags, str(HERE / source), "-o", str(target)],
            capture_output=True, text=True, check=False, timeout=LIMIT_S,
        )  # fmt: skip
        if done.returncode:
            raise Skip("tool_failed", f"{command(source, flags)} failed: {' '.join(done.stderr.split())[:200]}")
        yield target


def chase_function(library: Path) -> Callable[[int, int], int]:
    """`chase(address, hops) -> address` of the compiled library; it runs without the GIL."""
    function = ctypes.CDLL(str(library)).chase
    function.argtypes, function.restype = (ctypes.c_void_p, ctypes.c_long), ctypes.c_void_p
    walk: Callable[[int, int], int] = function
    return walk


def bounce_function(library: Path) -> Callable[[int, int, int, int], float]:
    """`bounce(cpu, cpu, trips, exchange) -> seconds` of the compiled library; it starts two threads of its own."""
    function = ctypes.CDLL(str(library)).bounce
    function.argtypes, function.restype = (ctypes.c_int, ctypes.c_int, ctypes.c_long, ctypes.c_int), ctypes.c_double
    bounce: Callable[[int, int, int, int], float] = function
    return bounce


def triad_seconds(program: Path, elements: int, times: int, threads: int, *, huge: bool) -> float:
    """Median seconds of one repetition over arrays of so many float64."""
    return statistics.median(_run(program, threads, elements, times, int(huge)))


def region_seconds(program: Path, times: int, threads: int) -> float:
    """Seconds of one empty region, the mean of so many."""
    return _run(program, threads, times)[0]


def _run(program: Path, threads: int, *arguments: int) -> list[float]:
    """The numbers that a compiled program prints, run on so many OpenMP threads; Skip where it fails."""
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "OMP_PROC_BIND": "spread", "OMP_PLACES": "threads"}
    done = subprocess.run(  # noqa: S603 - compiled above
        [str(program), *map(str, arguments)],
        capture_output=True, text=True, check=False, timeout=LIMIT_S, env=environment,
    )  # fmt: skip
    if done.returncode:
        raise Skip(
            "tool_failed",
            f"the compiled {program.name} ended with {done.returncode}: {' '.join(done.stderr.split())[:200]}",
        )
    return [float(line) for line in done.stdout.split()]
