"""The benches of the operating system beside the same loops in C, and of Python's objects beside pyperf, in turns.

    python scripts/system_peers.py [NAME…] [--pairs 11] [--json FILE]

Compiles system_peers.cpp by g++. Each pair times a variant here and there, in an order that alternates, by the loops
that take 20 ms here. Printed for each: both times of an operation, the median ratio (hwbench over the peer) and its 95%
interval. `pyperf` names the statements of python.objects, which pyperf times in processes of its own (needs pyperf).
Nothing is subtracted from either side.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from hwbench import catalog
from hwbench.bench import Skip, Work
from hwbench.benches.python._operations import OPERATIONS
from hwbench.devices.cpu import CpuDevice
from hwbench.record import text

SOURCE = Path(__file__).with_suffix(".cpp")
SAMPLE_S = 0.02
SIZE = 32 * 2**20
WAYS = {
    **{f"call/{way}": ("system.call", way, {}) for way in ("native", "clock")},
    **{f"{work}/{way}": ("system.faults", way, {"work": work, "size": SIZE})
       for work in ("touch", "memset") for way in ("small", "huge", "populate", "reused")},
    **{f"mapped/{way}": ("system.mapped", way, {"size": SIZE}) for way in ("read", "mmap", "populate", "kept")},
    **{f"switch/{way}": ("system.switch", way, {}) for way in ("alone", "one-cpu", "two-cpus")},
    "thread/native": ("system.thread", "native", {}),
    **{f"process/{way}": ("system.process", way, {}) for way in ("shell", "bare", "python", "numpy")},
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


def pairs(here: Callable[[], float], there: Callable[[], float], count: int) -> Iterator[tuple[float, float]]:
    """Seconds here and there, in turns: the order alternates from pair to pair."""
    for number in range(count):
        if number % 2:
            second = there()
            yield here(), second
        else:
            first = here()
            yield first, there()


def against_c(names: list[str], count: int) -> Iterator[tuple[str, list[tuple[float, float]]]]:
    """For each variant the seconds of an operation by hwbench and by C."""
    device = CpuDevice()
    with tempfile.TemporaryDirectory() as place:
        program = str(Path(place) / "peers")
        subprocess.run(["g++", "-O3", "-march=native", "-pthread", "-o", program, str(SOURCE)], check=True)  # noqa: S607
        peer = subprocess.Popen([program, sys.executable], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert peer.stdin is not None
        assert peer.stdout is not None
        cpus = device.crew(device.host.usable).cpus
        for name in names:
            bench, way, values = WAYS[name]
            try:
                work = built(device, bench, way, values)
            except Skip as skip:
                print(f"{name}: {skip}", file=sys.stderr)
                continue
            counted = catalog.benches()[bench].count(values, catalog.benches()[bench].make_inputs(
                {**values, "device": device, "rng": np.random.default_rng(0)}))  # fmt: skip
            amount = counted.get("items") or counted.get("hops") or counted.get("calls") or 1.0
            device.time(work, 1)
            loops = max(1, int(SAMPLE_S / device.time(work, 1)))

            def there(name: str = name, loops: int = loops, amount: float = amount) -> float:
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


def against_pyperf(names: list[str], count: int) -> Iterator[tuple[str, list[tuple[float, float]]]]:
    """For each statement the seconds here and by `pyperf timeit`, one value a process."""
    from hwbench.benches.python._operations import Timed

    for name in names:
        operation = OPERATIONS[name]
        if operation.before:
            continue  # pyperf has nothing that runs around a sample
        timed = Timed(name)
        loops = max(1, int(SAMPLE_S / (timed.seconds(2) / 2)))
        command = [
            sys.executable, "-m", "pyperf", "timeit", "-p1", "-n1", "-w1", f"--loops={loops}", "--quiet",
            f"--duplicate={operation.copies}", "-s", f"{operation.given}\nimport gc; gc.disable()", operation.statement,
        ]  # fmt: skip

        def there(command: list[str] = command, times: int = operation.times) -> float:
            with tempfile.TemporaryDirectory() as place:
                file = Path(place) / "out.json"
                subprocess.run([*command, "-o", str(file)], check=True, capture_output=True)
                (one,) = json.loads(file.read_text())["benchmarks"]
                return float(one["runs"][-1]["values"][0]) / times

        def here(timed: Timed = timed, loops: int = loops, each: int = operation.copies * operation.times) -> float:
            return timed.seconds(loops) / loops / each

        yield f"pyperf/{name}", list(pairs(here, there, count))
        timed.close()


def main() -> int:
    """Print a line for each variant."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", help="such as call, touch/small, pyperf, pyperf/dict; all of C without any")
    parser.add_argument("--pairs", type=int, default=11)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    wanted = [name for name in WAYS if not given.names or {name, name.partition("/")[0]} & set(given.names)]
    statements = [name for name in OPERATIONS if {"pyperf", f"pyperf/{name}"} & set(given.names)]
    found = {}
    begun = time.perf_counter()
    for source, names in ((against_c, wanted), (against_pyperf, statements)):
        for name, times in source(names, given.pairs) if names else ():
            ratio, low, high = interval([one / other for one, other in times])
            ours, theirs = (statistics.median(side) for side in zip(*times, strict=True))
            found[name] = {"hwbench_s": ours, "peer_s": theirs, "ratio": ratio, "low": low, "high": high}
            print(f"{name:18} {text.seconds(ours):>9} {text.seconds(theirs):>9}  {ratio:.3f} ({low:.3f}–{high:.3f})",
                  flush=True)  # fmt: skip
    print(f"{given.pairs} pairs each, {time.perf_counter() - begun:.0f} s")
    if given.json:
        given.json.write_text(json.dumps(found, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
