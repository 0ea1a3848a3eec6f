"""Do the medians that a run tells keep up with likwid-bench? Contrasts of `hwbench run` in turn with its tests.

    python scripts/parity.py [CELL ...] [--contrasts 15] [--seconds 0.2] [--pages 4K] [--out reports] [--into FILE]

A cell is a kernel, a level and 1 or all threads: load, store, copy and triad in L1, L2, L3 and DRAM, non-temporal
stores in DRAM too. Each pair is a whole contrast as `hwbench run` measures it under the standard policy (new memory,
check, warm-up, rounds with the Numba and NumPy variants), of which the fastest median of the explicit vectors counts,
and one run of likwid-bench on as many bytes. The cells take turns, so that a cell's pairs spread over the whole time.
`--pages 4K` is what likwid-bench gets of malloc where huge pages are on request.

Arguments choose cells by parts or globs of their names. Each pair is saved at once; `--into` adds pairs to an earlier
file of the same machine and code. `--show FILE` prints the table of a file.
Exit code: 0; 1 where the 95% interval of a cell's ratio lies below 0.97 as a whole, or the median of the cells is
below 1; 2 where likwid-bench is missing, or nothing matches.
"""

from __future__ import annotations

import argparse
import itertools
import random
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec

from hwbench.analysis.crosscheck import NATIVE, OURS, PREFIX, ToolComparison, tool_comparisons
from hwbench.bench import Bench, Skip
from hwbench.benches.stream import stream
from hwbench.crosscheck.comparisons import KERNELS
from hwbench.crosscheck.tools import likwid
from hwbench.devices import selection
from hwbench.devices.cpu import CpuDevice
from hwbench.errors import StoreError
from hwbench.host import machine, variables
from hwbench.host.provenance import stamp
from hwbench.kernels.cpu_features import widths
from hwbench.measurement import cases
from hwbench.measurement.engine import Engine
from hwbench.measurement.policy import POLICIES
from hwbench.record import identity, store, text
from hwbench.record.estimate import Estimate, estimate
from hwbench.record.model import LEVELS, Record, Run, Scalar

LEAST, MEDIAN = 0.97, 1.0  # of the upper end of each interval; of the cells' median
BENCHES = (stream.load_bench, stream.store_bench, stream.copy_bench, stream.triad_bench)


@dataclass(eq=False)
class Cell:
    """A kernel at a level on 1 or all threads: our variants of which the fastest counts, likwid's test, the pairs."""

    bench: Bench
    variants: tuple[str, ...]
    base: str
    params: dict[str, Scalar]
    pairs: list[tuple[float, float]] = field(default_factory=list)  # B/s: ours, theirs
    chosen: list[str] = field(default_factory=list)
    suspect: int = 0
    tool: likwid.Likwid | None = None

    @property
    def name(self) -> str:
        """`copy/simd-nt DRAM all`."""
        return f"{self.bench.name.partition('.')[2]}/{self.variants[0]} {self.params['size']} {self.params['threads']}"


def cells(pages: str, patterns: Sequence[str] = ()) -> list[Cell]:
    """The cells whose names match, those of one contrast next to each other."""
    found = []
    for bench, level, threads in itertools.product(BENCHES, LEVELS, (1, "all")):
        params: dict[str, Scalar] = {"size": level, "dtype": "f8", "threads": threads, "pages": pages}
        for variants, base in (
            (("simd", "simd-streams"), "stream" if bench is stream.triad_bench else bench.name.partition(".")[2]),
            (("simd-nt",), next((base for one, name, base, _ in KERNELS if (one, name) == (bench, "simd-nt")), "")),
        ):
            if base and (level == LEVELS[-1] or variants != ("simd-nt",)):
                found.append(Cell(bench, variants, base, params))
    return [one for one in found if not patterns or any(fnmatchcase(one.name, f"*{each}*") for each in patterns)]


class Bout:
    """The pairs of a run file, and both sides that add to them."""

    def __init__(self, chosen: Sequence[Cell], seconds: float, run: Run) -> None:
        self.cells, self.seconds, self.run = [*chosen], seconds, run
        self.device = CpuDevice()
        self.engine = Engine({"cpu": self.device}, POLICIES["standard"])
        self.turns = random.Random()  # noqa: S311 - an order, no secret
        for cell in chosen:
            cell.pairs, cell.chosen, cell.suspect = restored(run, cell)

    def contrasts(self) -> list[list[Cell]]:
        """The cells, those together that one contrast of ours answers."""
        return [[*found] for _, found in itertools.groupby(self.cells, lambda cell: (cell.bench.name, cell.params))]

    def pair(self, together: Sequence[Cell]) -> None:
        """One contrast of ours and a run of the tool for each of its cells, in random order."""
        told: dict[int, list[float]] = {}
        for which in self.turns.sample([0, 1], 2):
            told[which] = [self.theirs(cell) for cell in together] if which else self.ours(together)
        for cell, ours, theirs in zip(together, told[0], told[1], strict=True):
            cell.pairs.append((ours, theirs))

    def ours(self, together: Sequence[Cell]) -> list[float]:
        """Bytes a second by the median of the fastest checked variant of each cell, in one contrast."""
        bench, params = together[0].bench, together[0].params
        [group] = cases.groups(
            [bench], preset="standard", params={axis: [str(value)] for axis, value in params.items()},
            devices={"cpu": "cpu"}, spread=selection.spread({"cpu": self.device}),
        )  # fmt: skip
        records = self.engine.measure(group)
        self.device.forget()  # so that the tool may get the same memory
        return [self.fastest(cell, records) for cell in together]

    def fastest(self, cell: Cell, records: Sequence[Record]) -> float:
        """Bytes a second of the cell's fastest record; Skip where none was timed."""
        mine = [one for one in records if one.variant in cell.variants]
        if wrong := [one for one in mine if one.status in ("wrong", "error")]:
            raise SystemExit(f"{cell.name}: {wrong[0].variant}: {wrong[0].status}: {wrong[0].why}")
        timed = {one.counts["bytes"] / estimate(one.samples).value: one for one in mine if one.timed}
        if not timed:
            raise Skip(mine[0].reasons[0].code, mine[0].reasons[0].detail)
        best = max(timed)
        cell.chosen.append(timed[best].variant)
        cell.suspect += timed[best].status == "suspect"
        return best

    def theirs(self, cell: Cell) -> float:
        """Bytes a second of one run of likwid-bench on as many bytes."""
        if cell.tool is None:
            values = self.device.resolve(cell.params)
            test = likwid.best_test(cell.base, widths()[-1], fma=cell.base.startswith("stream"))
            cell.tool = likwid.Likwid(test, values["size"], values["threads"], self.seconds)
        return cell.tool.run(cell.tool.iterations).bytes

    def records(self) -> list[Record]:
        """Both records of each cell, as `hwbench verify` writes them: a sample is the seconds of a GB."""
        found = []
        for cell in self.cells:
            about = {"case": cell.variants[0], **cell.params, "tool": likwid.TOOL}
            facts = {
                "command": cell.tool.command if cell.tool else "", "chosen": cell.chosen, "suspect": cell.suspect,
            }  # fmt: skip
            for which, side in enumerate((OURS, NATIVE)):
                record = Record(
                    bench=PREFIX + cell.bench.name, version=cell.bench.version, variant=side, device="cpu",
                    params=about, status="ok" if cell.pairs else "skipped", loops=1, facts=facts,
                    counts={"bytes": 1e9}, samples=[1e9 / pair[which] for pair in cell.pairs],
                )  # fmt: skip
                found.append(record)
        kept = {(one.bench, one.variant, str(one.params)) for one in found}
        others = [one for one in self.run.records if (one.bench, one.variant, str(one.params)) not in kept]
        return [*others, *found]

    def saved(self, path: Path) -> Run:
        """The run with all pairs so far, written."""
        policy = msgspec.structs.replace(self.run.policy, sizes=self.device.sizes)
        self.run = msgspec.structs.replace(self.run, policy=policy, finished=store.now(), records=self.records())
        store.write(self.run, path)
        return self.run


def restored(run: Run, cell: Cell) -> tuple[list[tuple[float, float]], list[str], int]:
    """The pairs of a cell that a file has, the variants chosen, and how many were suspect."""
    about = {"case": cell.variants[0], **cell.params, "tool": likwid.TOOL}
    mine = {one.variant: one for one in run.records if one.bench == PREFIX + cell.bench.name and one.params == about}
    if len(mine) < 2:
        return [], [], 0
    facts = mine[OURS].facts
    rates = [[1e9 / sample for sample in mine[side].samples] for side in (OURS, NATIVE)]
    return [*zip(*rates, strict=True)], [*facts["chosen"]], int(facts["suspect"])


def begun(into: Path | None, called: str | None) -> Run:
    """An empty run of this machine, or the one to go on with; SystemExit where it is of another setup or code."""
    here = machine.describe(called)
    fresh = Run(
        id=store.new_id(here.name), started=store.now(), hwbench=stamp(), machine=here,
        software=machine.software(), variables=variables.variables(),
        policy=msgspec.structs.replace(POLICIES["standard"], preset="parity"),
    )  # fmt: skip
    if into is None:
        return fresh
    old = store.read(into)
    if apart := identity.differences(identity.setup(old), identity.setup(fresh), ("the file", "this machine")):
        raise StoreError(f"{into}: is of another setup: {'; '.join(apart)}")
    if old.hwbench.get("commit") != fresh.hwbench.get("commit"):
        raise StoreError(f"{into}: is of commit {old.hwbench.get('commit')}, and this is another; leave out --into")
    return old


def table(run: Run) -> list[str]:
    """A line for each cell, and the median of the cells."""
    found = tool_comparisons(run.records)
    out = [f"{'GB/s':26}{'likwid':>8}{'ours':>8}  ours / likwid, 95% interval    pairs"]
    for one, record in zip(found, [one for one in run.records if one.variant == OURS], strict=True):
        if one.ratio is None or one.ours is None or one.theirs is None:
            continue
        low = "  < 0.97" if one.ratio.high < LEAST else ""
        doubts = f", {record.facts['suspect']} suspect" if record.facts["suspect"] else ""
        name = one.name.removeprefix("stream.").removesuffix(f" {record.params['pages']}").replace(" f8 ", " ")
        rates = "".join(f"{text.amount(side.value / 1e9):>8}" for side in (one.theirs, one.ours))
        out.append(f"{name:26}{rates}  {_ratio(one.ratio)}  {len(record.samples):6}{doubts}{low}")
    ratios = _ratios(found)
    if ratios:
        middle = statistics.median(one.value for one in ratios)
        below = sum(one.high < LEAST for one in ratios)
        out.append(f"{len(ratios)} cells: median {middle:.3f}; {below} with an interval wholly below {LEAST}")
    return out


def _ratio(one: Estimate) -> str:
    return f"{one.value:6.3f}  ({one.low:.3f} to {one.high:.3f})"


def _ratios(found: Sequence[ToolComparison]) -> list[Estimate]:
    return [one.ratio for one in found if one.ratio is not None]


def verdict(run: Run) -> int:
    """1 where a cell is below, or the median of the cells."""
    ratios = _ratios(tool_comparisons(run.records))
    below = any(one.high < LEAST for one in ratios)
    return int(below or not ratios or statistics.median(one.value for one in ratios) < MEDIAN)


def measure(bout: Bout, contrasts: int, path: Path, say: Callable[[str], object]) -> Run:
    """Add so many pairs to each cell, the cells in turns; what is impossible here is told once."""
    for number in range(1, contrasts + 1):
        for together in bout.contrasts():
            try:
                bout.pair(together)
            except Skip as skip:
                say(f"{together[0].name}: left out: {skip.reason}")
                bout.cells = [cell for cell in bout.cells if cell not in together]
        bout.saved(path)
        say(f"{number} of {contrasts}")
    bout.device.close()
    return bout.run


def main(arguments: Sequence[str] | None = None, say: Callable[[str], object] = print) -> int:
    """Parse, measure or read, print; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cells", nargs="*", metavar="CELL", help="parts or globs of cells' names (default: all)")
    parser.add_argument("--contrasts", type=int, default=15, metavar="N", help="pairs of each cell (default: 15)")
    parser.add_argument("--seconds", type=float, default=0.2, help="of a sample of likwid-bench (default: 0.2)")
    parser.add_argument("--pages", choices=("4K", "huge"), default="4K", help="of hwbench's memory (default: 4K)")
    parser.add_argument("--out", type=Path, default=Path("reports"), metavar="DIR")
    parser.add_argument("--into", type=Path, metavar="FILE", help="add the pairs to this file")
    parser.add_argument("--machine", metavar="NAME", help="what to call this machine")
    parser.add_argument("--show", type=Path, metavar="FILE", help="print the table of a file, and measure nothing")
    given = parser.parse_args(arguments)
    try:
        if given.show:
            done = store.read(given.show)
        else:
            if reason := likwid.why_not():
                parser.error(reason)
            chosen = cells(given.pages, given.cells)
            if not chosen:
                parser.error(f"no cell matches {' or '.join(given.cells)}; names are like '{cells('4K')[0].name}'")
            if given.contrasts < 1:
                parser.error(f"--contrasts {given.contrasts}: it takes one at least")
            run = begun(given.into, given.machine)
            path = given.into or given.out / "parity" / run.machine.name / f"{run.id}.json"
            store.prepare(path.parent)
            done = measure(Bout(chosen, given.seconds, run), given.contrasts, path, say)
            say(f"kept: {path}")
    except StoreError as error:
        parser.error(str(error))
    for line in table(done):
        say(line)
    return verdict(done)


if __name__ == "__main__":
    raise SystemExit(main())
