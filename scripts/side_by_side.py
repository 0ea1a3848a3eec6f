"""Our kernels against likwid-bench's hand-written assembly: the same footprint, interleaved, in one run.

    python scripts/side_by_side.py [--rounds 9] [--pages 4K|huge] [--json FILE] [GLOB …]

Each cell of the table is measured in rounds; a round runs likwid-bench and then our kernel, or the other way round,
for about as long, each in memory allocated for it. The ratio is ours over likwid's, the median of the rounds' ratios
with its 95% interval: above 1 ours is faster. likwid-bench allocates with malloc, which means small pages unless the
system makes all memory huge; so `4K`, the default, compares like with like, and `huge` compares with what the benches
measure in the standard set.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np

from hwbench import bench as words
from hwbench.benches import peak, stream
from hwbench.check import mismatch
from hwbench.devices.cpu import CpuDevice
from hwbench.simd import widths
from hwbench.stats import Estimate, estimate

LEVELS = ("L1", "L2", "DRAM")


@dataclass(frozen=True)
class Cell:
    """One comparison: a test of likwid-bench and a case of ours with the same work."""

    test: str
    bench: words.Bench
    variant: str
    level: str
    threads: int
    dtype: str = "f8"

    @property
    def name(self) -> str:
        """`stream.load/simd L1 2`: for the table, and to select by."""
        return f"{self.bench.name}/{self.variant} {self.dtype} {self.level} {self.threads}"


@dataclass(frozen=True)
class Result:
    """Rates in SI units (B/s or FLOP/s), a pair for each round; `command` is likwid's."""

    name: str
    command: str
    footprint: int
    likwid: list[float]
    ours: list[float]
    ratio: Estimate


def cells(device: CpuDevice) -> list[Cell]:
    """All comparisons that this machine's vectors allow: AVX-512 where it is, else AVX."""
    kind = "avx512" if widths()[-1] == 512 else "avx"
    widest = str(widths()[-1])
    counts = sorted({1, device.host.usable})
    out = []
    for threads in counts:
        for level in LEVELS:
            out.append(Cell(f"load_{kind}", stream.load_bench, "simd", level, threads))
            out.append(Cell(f"copy_{kind}", stream.copy_bench, "simd", level, threads))
        out.append(Cell(f"copy_mem_{kind}", stream.copy_bench, "simd-nt", "DRAM", threads))
        out.append(Cell(f"peakflops_{kind}_fma", peak.bench, widest, "L1", threads))
        out.append(Cell(f"peakflops_sp_{kind}_fma", peak.bench, widest, "L1", threads, "f4"))
    return out


def run_likwid(arguments: list[str], iterations: int) -> dict[str, float]:
    """What likwid-bench says of `iterations` by each thread: bytes or flops a second, seconds, bytes a thread."""
    done = subprocess.run(  # noqa: S603 - the program was found on the path, the arguments are ours
        [*arguments, "-i", str(iterations)], capture_output=True, text=True, check=False
    )
    said = dict(re.findall(r"^([A-Z][\w/ ()]+):\s+([\d.e+-]+)", done.stdout, re.MULTILINE))
    try:
        seconds = float(said["Time"])
        flops, moved = float(said["Number of Flops"]), float(said["Data volume (Byte)"])
        footprint = float(said["Size per thread"])
    except KeyError as missing:
        raise SystemExit(f"{' '.join(arguments)} said nothing of {missing}: {done.stdout}{done.stderr}") from None
    return {"seconds": seconds, "flops": flops / seconds, "bytes": moved / seconds, "footprint": footprint}


def calibrate(run: Any, seconds: float) -> int:
    """Repetitions of which `run(n)` says that they take about `seconds`."""
    n = 16
    while (taken := run(n)) < seconds / 2:
        n = int(n * min(64.0, max(2.0, 0.9 * seconds / max(taken, 1e-6))))
    return n


def measure(cell: Cell, device: CpuDevice, likwid: str, rounds: int, seconds: float, pages: str) -> Result:
    """Both sides of one cell, in turn."""
    threads = cell.threads
    size = device.size(cell.level, threads)
    thousands = max(1, round(size * threads / 1000))  # its kB are 1000 bytes, and the size is that of the whole group
    arguments = [likwid, "-t", cell.test, "-w", f"S0:{thousands}kB:{threads}"]
    count = "flops" if cell.bench is peak.bench else "bytes"
    iterations = calibrate(lambda n: run_likwid(arguments, n)["seconds"], seconds)
    footprint = int(run_likwid(arguments, iterations)["footprint"])

    values: dict[str, Any] = {"device": device, "dtype": np.dtype(cell.dtype), "threads": threads}
    values |= {"chains": 12} if count == "flops" else {"size": footprint, "pages": pages}
    values["rng"] = np.random.default_rng(0)
    inputs = cell.bench.make_inputs(values)
    amount = cell.bench.count(values, inputs)[count]
    answer = cell.bench.ask("reference", values, inputs)
    theirs: list[float] = []
    ours: list[float] = []
    loops = 0
    for round_ in range(rounds + 1):
        for side in (0, 1) if round_ % 2 else (1, 0):
            if side:
                theirs.append(run_likwid(arguments, iterations)[count])
                continue
            # Built anew each time, as likwid's process is: which pages one happens to get shows in memory's figures.
            work = cell.bench.build(cell.variant, values, inputs)
            work.call()
            output = work.output() if work.output else None
            if reason := mismatch(output, answer, values, 0.0, cell.bench.tolerance):
                raise SystemExit(f"{cell.name} {reason}")
            loops = loops or calibrate(lambda n, work=work: device.time(work, n), seconds)
            ours.append(amount * loops / device.time(work, loops))
            if work.close:
                work.close()
    theirs, ours = theirs[1:], ours[1:]  # the first round compiles and calibrates
    ratio = estimate([a / b for a, b in zip(ours, theirs, strict=True)])
    return Result(cell.name, " ".join([*arguments, "-i", str(iterations)]), footprint, theirs, ours, ratio)


def main() -> int:
    """Print the table; exit 1 where a ratio is below --least."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("select", nargs="*", default=["*"], metavar="GLOB", help="cells, e.g. 'stream.load*L1*'")
    parser.add_argument("--rounds", type=int, default=9, help="pairs of runs in each cell (9)")
    parser.add_argument("--seconds", type=float, default=0.2, help="of each side in each round (0.2)")
    parser.add_argument("--pages", choices=("4K", "huge"), default="4K", help="of our memory (4K, as likwid's)")
    parser.add_argument("--least", type=float, default=0.95, help="the ratio to reach (0.95)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the rates of every round")
    options = parser.parse_args()
    likwid = shutil.which("likwid-bench")
    if likwid is None:
        sys.stderr.write("likwid-bench is not on the path; on Debian: apt-get install likwid\n")
        return 2
    device = CpuDevice()
    results = []
    sys.stdout.write(f"ours over likwid-bench's, {options.rounds} rounds, our memory on {options.pages} pages\n")
    sys.stdout.write(f"{'':38}{'likwid':>8}{'ours':>8}   ratio\n")
    for cell in cells(device):
        if not any(fnmatchcase(cell.name, pattern) for pattern in options.select):
            continue
        found = measure(cell, device, likwid, options.rounds, options.seconds, options.pages)
        results.append(found)
        ratio = found.ratio
        sys.stdout.write(
            f"{found.name:38}{np.median(found.likwid) / 1e9:8.1f}{np.median(found.ours) / 1e9:8.1f}   "
            f"{ratio.value:.3f} ({ratio.low:.3f}–{ratio.high:.3f})  {found.command}\n"
        )
        sys.stdout.flush()
    if options.json:
        options.json.write_text(json.dumps([asdict(x) | {"ratio": x.ratio._asdict()} for x in results], indent=1))
    return int(any(found.ratio.value < options.least for found in results))


if __name__ == "__main__":
    sys.exit(main())
