"""Does the suite repeat itself? Several runs in a row, and how far their limits are apart.

    python scripts/five_runs.py [--runs 5] [--out DIR] [--json FILE] [-- SELECT … --preset quick …]
    python scripts/five_runs.py --from DIR

Arguments after `--` go to `hwbench run`; without any the standard set is measured. `--from` reads existing runs. The
table has a row for each limit of the machine: its best in each run, and the spread (largest over smallest, less 1). A
limit repeats where the spread is within 3%. A larger spread is excused only by the runs themselves: each says, from its
telemetry and samples, whether its machine was too noisy. A second table does so for the twelve headline quantities:
where a run is more than 3% off the middle run, does it say so of this quantity, by a mark, by its interval, or by the
name of the case among those that do not repeat? A third table says of each reason for doubt how many of the records
that it marks are more than 5% off the median of that case over the runs.

Exit code: 0 where every limit repeats, or some run said that it was too noisy; 1 where limits differ and no run
noticed; 2 where a run failed.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

import trust_score

from hwbench import catalog, errors
from hwbench.analysis import headline, run_quality
from hwbench.analysis.limits import Limit, measured
from hwbench.analysis.plausibility import concluded
from hwbench.record import store, text
from hwbench.record.model import Record, Run


@dataclass(frozen=True)
class Row:
    """A limit over the runs, in `unit`; None where a run has none."""

    name: str
    unit: str
    values: list[float | None]
    spread: float

    @property
    def repeats(self) -> bool:
        """Whether the runs agree as far as two measurements on a quiet machine do."""
        return self.spread <= run_quality.REPEATS


def compare(runs: Sequence[Run]) -> list[Row]:
    """A row for each limit that two runs or more have, the widest spread first."""
    found: dict[str, list[Limit | None]] = {}
    for position, run in enumerate(runs):
        for limit in measured(run.records, run.benches):
            name = f"{limit.name}, {limit.dtype}" if limit.dtype else limit.name
            found.setdefault(name, [None] * len(runs))[position] = limit
    rows = []
    for name, limits in found.items():
        there = [limit for limit in limits if limit is not None]
        if len(there) > 1:
            values = [limit.value for limit in there]
            shown = [None if limit is None else limit.shown for limit in limits]
            rows.append(Row(name, there[0].metric.unit, shown, max(values) / min(values) - 1))
    return sorted(rows, key=lambda row: -row.spread)


def headlines(runs: Sequence[Run]) -> list[str]:
    """A line for each of the twelve headline quantities: its value in each run, and whether what is off is told."""
    each = [{one.name: one for one in headline.headline(run)} for run in runs]
    cases = [" ".join(case for one in run_quality.check(run) for case in one.cases) for run in runs]
    out, told = [], []
    for name in headline.TWELVE:
        found = [run.get(name) for run in each]
        middle = statistics.median([one.value for one in found if one is not None] or [math.nan])
        words = []
        for one, named in zip(found, cases, strict=True):
            far = one is not None and abs(one.value / middle - 1) > run_quality.REPEATS
            said = "–" if one is None else _shown(one)
            if one is None or not far:
                words.append(said)
                continue
            why = "mark" if one.doubt else "interval" if one.low <= middle <= one.high else ""
            why = why or ("named" if one.record in named else "")
            told.append(bool(why))
            words.append(f"{said} ({why or 'silent'})")
        out.append(f"{name:16} {', '.join(words)}")
    return [*out, f"{len(told)} values are more than {run_quality.REPEATS:.0%} off; runs tell it of {sum(told)}."]


def _shown(one: headline.Headline) -> str:
    return text.seconds(one.value) if one.unit == "s" else text.rate(one.value, f"G{one.unit}")


def reasons(runs: Sequence[Run]) -> list[str]:
    """A line for each reason: how often it is right, and its skill (Peirce's: 0 is a coin's, 1 is perfect)."""
    cases: dict[str, list[Record]] = {}
    for record in itertools.chain.from_iterable(run.records for run in runs):
        if record.timed:
            cases.setdefault(f"{record.case.label} {record.device}", []).append(record)
    marked: dict[str, list[int]] = {}
    totals = [0, 0]  # those that are off, and the others
    for records in cases.values():
        if len(records) == len(runs):
            medians = [statistics.median(record.samples) for record in records]
            for record, value in zip(records, medians, strict=True):
                right = abs(value / statistics.median(medians) - 1) > trust_score.OFF
                totals[not right] += 1
                for code in {reason.code for reason in record.reasons} | (
                    {"any"} if record.status == "suspect" else set()
                ):
                    marked.setdefault(code, [0, 0])[not right] += 1
    out = [f"{'reason':20} marked   off  right  skill   of {totals[0]} records off and {totals[1]} others"]
    for code, (hits, false) in sorted(marked.items(), key=lambda item: -sum(item[1])):
        skill = trust_score.peirce(np.array([hits, totals[0] - hits, false, totals[1] - false]))
        said = "–" if skill is None else f"{skill:.2f}"
        out.append(f"{code:20} {hits + false:6} {hits:5} {hits / (hits + false):6.0%} {said:>6}")
    return out


def lines(rows: Sequence[Row], runs: Sequence[Run]) -> list[str]:
    """The table, what each run says of its own noise, and what follows."""
    wide = max((len(row.name) for row in rows), default=5)
    out = [f"{'limit':{wide}}  {'unit':8} {' '.join(f'run {i}'.rjust(8) for i in range(1, len(runs) + 1))}  spread"]
    for row in rows:
        values = " ".join(("–" if value is None else text.amount(value)).rjust(8) for value in row.values)
        out.append(f"{row.name:{wide}}  {row.unit:8} {values}  {row.spread:6.1%}{'' if row.repeats else '  *'}")
    for number, run in enumerate(runs, start=1):
        told = run_quality.sentences(run) or ["Nothing was timed."]
        out += ["", f"run {number}, {run.id}", *(f"  {sentence}" for sentence in told)]
    return [*out, "", *headlines(runs), "", *reasons(runs), "", verdict(rows, runs)]


def verdict(rows: Sequence[Row], runs: Sequence[Run]) -> str:
    """Whether the limits repeat, and if not, whether the runs say so themselves, in one sentence."""
    apart = [row for row in rows if not row.repeats]
    loud = sum(run_quality.noisy(run_quality.check(run)) for run in runs)
    said = f"{loud} of {len(runs)} runs say that the machine was too noisy"
    if not apart:
        return f"All {len(rows)} limits repeat within {run_quality.REPEATS:.0%} over {len(runs)} runs; {said}."
    widest = f"{len(apart)} of {len(rows)} limits (*) differ by more than {run_quality.REPEATS:.0%}"
    return f"{widest}, by {apart[0].spread:.1%} at most; {said}{'' if loud else ': it went unnoticed'}."


def measure(count: int, out: Path, arguments: Sequence[str]) -> list[Path]:
    """Run `hwbench run` so many times, one after the other; the run files in order."""
    for number in range(1, count + 1):
        print(f"run {number} of {count}", file=sys.stderr, flush=True)
        command = [sys.executable, "-m", "hwbench", "run", "--no-report", "--out", str(out), *arguments]
        done = subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
        if done.returncode not in (0, 1):  # 1: something is wrong, and the run says what
            raise SystemExit(2)
    return store.find(out)


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse, measure or read, print; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=5, metavar="N", help="how many runs in a row (default: 5)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where the runs go (default: a temporary directory)")
    parser.add_argument("--from", type=Path, dest="source", metavar="DIR", help="read the runs that lie here")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write rows and verdicts here")
    parser.add_argument("rest", nargs="*", metavar="ARGUMENT", help="for hwbench run, after --")
    given = parser.parse_args(arguments)
    if given.runs < 2 and given.source is None:
        parser.error("--runs: it takes two runs to compare")
    try:
        paths = (
            store.find(given.source)
            if given.source
            else measure(given.runs, given.out or Path(tempfile.mkdtemp(prefix="five-runs-")), given.rest)
        )
        runs = [concluded(store.read(path), catalog.benches()) for path in paths]
    except errors.StoreError as error:
        parser.error(str(error))
    if len(runs) < 2:
        parser.error(f"{given.source}: holds {len(runs)} runs; it takes two to compare")
    rows = compare(runs)
    print("\n".join(lines(rows, runs)))
    if given.json:
        checks = {run.id: [asdict(one) | {"passed": one.passed} for one in run_quality.check(run)] for run in runs}
        data = {"limits": [asdict(row) for row in rows], "noise": checks, "verdict": verdict(rows, runs)}
        given.json.write_text(f"{json.dumps(data, indent=1)}\n")
    unnoticed = any(not row.repeats for row in rows) and not any(
        run_quality.noisy(run_quality.check(run)) for run in runs
    )
    return 1 if unnoticed else 0


if __name__ == "__main__":
    raise SystemExit(main())
