"""The benches of the system and of files beside the same loops in C, Python's objects beside pyperf, in turns.

    python scripts/system_peers.py [NAME…] [--pairs 11] [--kept] [--dir .] [--json FILE]

Compiles system_peers.cpp by g++. Each pair times a variant here and there, in an order that alternates, by the loops
that take 20 ms here. Printed for each: both times of an operation, the median ratio (hwbench over the peer) and its 95%
interval. `pyperf` names the statements of python.objects, which pyperf times in processes of its own (needs pyperf);
so they are timed here. On both sides the objects are made once in a process, before a value that warms up. `file` names
the cases of io.file, in a file of 64 MiB in `--dir`; C's loop takes the place of hwbench's around the same descriptor
and buffer. Nothing is subtracted from either side. `--json` keeps the rows for docs/peers.md (see peer_rows.py).
"""

from __future__ import annotations

import argparse
import ctypes
import functools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from peer_rows import compiler, keep

from hwbench import catalog
from hwbench.bench import Skip, Work
from hwbench.benches.io import file as files_bench
from hwbench.benches.python._operations import OPERATIONS
from hwbench.benches.system import mapped
from hwbench.devices.cpu import CpuDevice
from hwbench.record import text

SOURCE = Path(__file__).with_suffix(".cpp")
SAMPLE_S = 0.02
VALUES = 5  # of a statement in a process
WARM = 20  # statements before them: objects of several MiB come from new pages in the first calls, and ever fewer
SIZE = 32 * 2**20
WAYS = {
    **{f"call/{way}": ("system.call", way, {}) for way in ("native", "clock")},
    **{f"{work}/{way}": ("system.faults", way, {"work": work, "size": SIZE})
       for work in ("touch", "memset") for way in ("small", "huge", "populate", "reused")},
    **{f"mapped/{way}": ("system.mapped", way, {"size": SIZE}) for way in ("read", "mmap", "populate", "kept")},
    **{f"switch/{way}": ("system.switch", way, {}) for way in ("alone", "one-cpu", "two-cpus")},
    "thread/native": ("system.thread", "native", {}),
    **{f"process/{way}": ("system.process", way, {}) for way in ("shell", "bare", "python", "numpy")},
    **{f"file/{operation}-{way}": ("io.file", way, {"operation": operation, "size": 64 * 2**20})
       for operation in files_bench.OPERATIONS for way in ("cached", "disk", "direct")},
}  # fmt: skip


def interval(ratios: list[float]) -> tuple[float, float, float]:
    """The median and the order statistics that hold it with 95% confidence, or nearly so for few values."""
    ordered = sorted(ratios)
    n = len(ordered)
    out = max(0, int(n / 2 - 0.98 * n**0.5))
    return statistics.median(ordered), ordered[out], ordered[n - 1 - out]


def built(device: CpuDevice, bench: str, way: str, values: dict[str, Any]) -> Work:
    """The work of a variant, as the engine builds it."""
    one = catalog.benches()[bench]
    given = {**values, "device": device, "variant": way, "rng": np.random.default_rng(0)}
    return one.build(way, given, one.make_inputs(given))


def kept_files() -> list[int]:
    """The files that `system.mapped` makes from now on: the peer reads the same one.

    Pages of another file lie elsewhere in memory, which made reading it 8% faster or 24% slower.
    """
    files: list[int] = []
    real = mapped.filled

    def filled(held: Any) -> int:
        files.append(real(held))
        return files[-1]

    mapped.filled = filled  # type: ignore[assignment]
    return files


def pairs(here: Callable[[], float], there: Callable[[], float], count: int) -> Iterator[tuple[float, float]]:
    """Seconds here and there, in turns: the order alternates from pair to pair."""
    for number in range(count):
        if number % 2:
            second = there()
            yield here(), second
        else:
            first = here()
            yield first, there()


def against_c(names: list[str], count: int, place: Path) -> Iterator[tuple[str, list[tuple[float, float]]]]:
    """For each variant the seconds of an operation by hwbench and by C; files are made in `place`."""
    device = CpuDevice()
    with tempfile.TemporaryDirectory() as folder:
        program = str(Path(folder) / "peers")
        compiler = ["g++", "-O3", "-march=native", "-pthread", str(SOURCE), "-o"]
        subprocess.run([*compiler, program], check=True)
        subprocess.run([*compiler, f"{program}.so", "-shared", "-fPIC"], check=True)
        library = ctypes.CDLL(f"{program}.so")
        mapped_here, ours = library.mapped_here, files_bench.move
        mapped_here.restype = ctypes.c_double
        library.move_here.restype = ctypes.c_int64

        def move(file: int, address: int, block: int, places: np.ndarray, stamp: int, sync: bool) -> int:
            given = address, block, places.ctypes.data, len(places), stamp
            return int(library.move_here(file, *map(ctypes.c_int64, given), int(sync)))

        peer = subprocess.Popen([program, sys.executable], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert peer.stdin is not None
        assert peer.stdout is not None
        cpus, files = device.crew(device.host.usable).cpus, kept_files()
        for name in names:
            bench, way, values = WAYS[name]
            if bench == "io.file":
                values = {**values, "dir": str(place)}
            try:
                work = built(device, bench, way, values)
            except Skip as skip:
                print(f"{name}: {skip}", file=sys.stderr)
                continue
            counted = catalog.benches()[bench].count(values, catalog.benches()[bench].make_inputs(
                {**values, "device": device, "variant": way, "rng": np.random.default_rng(0)}))  # fmt: skip
            amount = counted.get("items") or counted.get("hops") or counted.get("calls") or 1.0
            device.time(work, 1)
            loops = min(work.most or 2**62, max(1, int(SAMPLE_S / device.time(work, 1))))

            def there(name: str = name, loops: int = loops, amount: float = amount, work: Work = work) -> float:
                if name.startswith("file"):
                    files_bench.move = move
                    try:
                        return device.time(work, loops) / loops / amount
                    finally:
                        files_bench.move = ours
                if name.startswith("mapped"):  # on the same file, on the same thread
                    given = name.partition("/")[2].encode(), ctypes.c_long(loops), f"/proc/self/fd/{files[-1]}".encode()
                    (taken,) = device.crew(1).each(lambda _rank: mapped_here(*given))
                    return float(taken) / loops / amount
                print(name, loops, cpus[0], cpus[-1], file=peer.stdin, flush=True)
                return float(peer.stdout.readline()) / loops / amount

            def here(work: Work = work, loops: int = loops, amount: float = amount) -> float:
                return device.time(work, loops) / loops / amount

            there(), here()
            yield name, list(pairs(here, there, count))
            if work.close is not None:
                work.close()
        peer.communicate()
    device.close()


def against_pyperf(names: list[str], count: int, *, kept: bool) -> Iterator[tuple[str, list[tuple[float, float]]]]:
    """For each statement the seconds here and by `pyperf timeit`: the median of a process's values.

    Each pair has a hash seed of its own, which decides where the keys of a dict collide. With `kept` all values here
    are of one process, as the bench takes them: its memory has been used before, and it has one seed.
    """
    from hwbench.benches.python import _operations

    for name in names:
        operation = OPERATIONS[name]
        if operation.before:
            continue  # pyperf has nothing that runs around a sample
        timed = _operations.Timed(name)
        given = "; ".join(f"{one} = _given[{one!r}]" for one in timed._names if not one.startswith("__"))
        once = (
            "import builtins, gc\ngc.disable()\n_given = builtins.__dict__.setdefault('_given', {})\n"
            f"if not _given: exec({operation.given!r}, _given)\n{given}"
        )
        timed.seconds(2)
        loops = max(1, int(SAMPLE_S / (timed.seconds(2) / 2)))
        warm = max(1, WARM // loops)
        command = [
            sys.executable, "-m", "pyperf", "timeit", "-p1", f"-n{VALUES}", f"-w{warm}", f"--loops={loops}", "--quiet",
            "--inherit-environ=PYTHONHASHSEED", f"--duplicate={operation.copies}",
            "-s", once, operation.statement,
        ]  # fmt: skip
        numbers = {"here": 0, "there": 0}

        def seeded(side: str, numbers: dict[str, int] = numbers) -> dict[str, str]:
            numbers[side] += 1
            return {**os.environ, "PYTHONHASHSEED": str(numbers[side])}

        def there(command: list[str] = command, times: int = operation.times, seeded: Any = seeded) -> float:
            with tempfile.TemporaryDirectory() as place:
                file = Path(place) / "out.json"
                environment = seeded("there")
                subprocess.run([*command, "-o", str(file)], check=True, capture_output=True, env=environment)
                (one,) = json.loads(file.read_text())["benchmarks"]
                return statistics.median(one["runs"][-1]["values"]) / times

        def here(
            name: str = name, loops: int = loops, warm: int = warm, each: int = operation.copies * operation.times,
            timed: Any = timed, seeded: Any = seeded,
        ) -> float:  # fmt: skip
            if kept:
                return statistics.median(timed.seconds(loops) for _ in range(VALUES)) / loops / each
            asked = f"{name} {loops}\n" * (warm + VALUES)
            program = [sys.executable, _operations.__file__]
            done = subprocess.run(
                program, input=asked, check=True, capture_output=True, text=True, env=seeded("here")
            )  # fmt: skip
            return statistics.median(map(float, done.stdout.split()[-VALUES:])) / loops / each

        yield f"pyperf/{name}", list(pairs(here, there, count))
        timed.close()


def main() -> int:
    """Print a line for each variant."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", help="such as call, touch/small, pyperf, pyperf/dict; all of C without any")
    parser.add_argument("--pairs", type=int, default=11)
    parser.add_argument("--kept", action="store_true", help="statements in one process, as the bench has them")
    parser.add_argument("--dir", type=Path, default=Path(), help="where io.file makes its file")
    parser.add_argument("--json", type=Path, help="keep the rows there, beside those that it has")
    given = parser.parse_args()
    wanted = [name for name in WAYS if not given.names or {name, name.partition("/")[0]} & set(given.names)]
    statements = [name for name in OPERATIONS if {"pyperf", f"pyperf/{name}"} & set(given.names)]
    begun = time.perf_counter()
    beside = functools.partial(against_pyperf, kept=given.kept)
    in_c = functools.partial(against_c, place=given.dir)
    for source, names in ((in_c, wanted), (beside, statements)):
        for name, times in source(names, given.pairs) if names else ():
            ratio, low, high = interval([one / other for one, other in times])
            ours, theirs = (statistics.median(side) for side in zip(*times, strict=True))
            print(f"{name:18} {text.seconds(ours):>9} {text.seconds(theirs):>9}  {ratio:.3f} ({low:.3f}–{high:.3f})",
                  flush=True)  # fmt: skip
            if given.json is not None:
                bench, peer = (WAYS[name][0], compiler()) if name in WAYS else ("python.objects", "pyperf")
                keep(given.json, bench, peer, {name: (ratio, low, high, given.pairs)})
    print(f"{given.pairs} pairs each, {time.perf_counter() - begun:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
