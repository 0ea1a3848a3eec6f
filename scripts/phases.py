"""Where the wall time of runs went, by phase and bench, and what two runs of the same cases cost and know.

    python scripts/phases.py RUN                       seconds of each phase by bench
    python scripts/phases.py OLD[,OLD…] NEW[,NEW…]     both, and the interval widths of the cases that they share

The widths are those of the medians' 95% intervals, relative to the median; of several runs the median counts, so that
old and new ones may be measured in turn.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from statistics import median

from hwbench.record import store
from hwbench.record.estimate import estimate
from hwbench.record.model import CaseKey, Run, key

FIRST = ("resolve", "inputs", "check", "build", "warm-up", "telemetry", "sample", "save")


def table(run: Run) -> str:
    """Seconds by phase, a row for each bench, the slowest first."""
    cases = Counter(record.bench for record in run.records if record.timed)
    named = {name for phases in run.policy.bench_phases.values() for name in phases}
    columns = [name for name in FIRST if name in named]
    rows = []
    for bench, phases in sorted(run.policy.bench_phases.items(), key=lambda item: -sum(item[1].values())):
        cells = [phases.get(name, 0.0) for name in columns]
        rows.append(f"{bench:26}{cases[bench]:6}" + "".join(f"{cell:10.2f}" for cell in [*cells, sum(phases.values())]))
    whole = [run.policy.phases.get(name, 0.0) for name in [*columns, "total"]]
    head = f"{'bench':26}{'cases':>6}" + "".join(f"{name:>10}" for name in [*columns, "all"])
    return "\n".join([head, *rows, f"{'run':26}{cases.total():6}" + "".join(f"{cell:10.2f}" for cell in whole)])


def widths(runs: list[Run]) -> dict[CaseKey, float]:
    """The relative half width of each case's interval, the median over the runs that timed it."""
    found: dict[CaseKey, list[float]] = {}
    for run in runs:
        for record in run.records:
            if record.timed and (one := estimate(record.samples)).low > 0:
                found.setdefault(key(record), []).append(one.relative)
    return {case: median(each) for case, each in found.items()}


def comparison(old: list[Run], new: list[Run]) -> str:
    """Interval widths of the cases that both sides have, in all and by bench where they differ most."""
    before, after = widths(old), widths(new)
    shared = [case for case in before if case in after]
    if not shared:
        return "no case is in both"
    ratios = {case: after[case] / before[case] for case in shared if before[case] > 0}
    lines = [
        f"{len(shared)} cases in both; median half width {median(before[c] for c in shared):.3%} before, "
        f"{median(after[c] for c in shared):.3%} after; median of the ratios {median(ratios.values()):.3f}; "
        f"wider in {sum(ratio > 1 for ratio in ratios.values())} of {len(ratios)}"
    ]
    for bench in sorted({case[0] for case in ratios}):
        own = [ratio for case, ratio in ratios.items() if case[0] == bench]
        lines.append(f"{bench:26}{len(own):6} cases, median of the ratios {median(own):.3f}")
    return "\n".join(lines)


def main(arguments: list[str]) -> None:
    """Print tables for each run, and the comparison of two sets."""
    sets = [[store.read(Path(name)) for name in one.split(",")] for one in arguments]
    for runs in sets:
        for run in runs:
            print(table(run))
    if len(sets) == 2:
        print(comparison(*sets))


if __name__ == "__main__":
    main(sys.argv[1:])
