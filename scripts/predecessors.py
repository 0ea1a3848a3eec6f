"""Does a sample depend on the variant that was sampled before it? The effect of predecessors, from run files.

    python scripts/predecessors.py RUN.json [RUN.json …] [--json FILE]

The order of a contrast's rounds is drawn from the run's seed, so that it can be read back. A variant may leave
something behind: spinning threads of OpenMP or BLAS, dirty lines, a lower clock. For each contrast that has a variant
on a pool of threads (prange, BLAS), every sample of the other variants is divided by its case's median, and those that
follow the pool are set against those that follow another variant: the difference of the medians, with its 95%
bootstrap interval. Several runs of the same cases are taken together.

Exit code: 0 where no contrast's samples are more than 2% longer after the pool by the whole of its interval and the
median of all contrasts is at most 0.5%; else 1; 2 where no file has such a contrast.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from hwbench import catalog, errors
from hwbench.bench import Bench
from hwbench.measurement.order import balanced_orders, generator
from hwbench.record import store
from hwbench.record.estimate import Estimate, unpaired_ratio
from hwbench.record.model import Record, Run

MOST, MIDDLE = 0.02, 0.005
LEAST = 6  # samples on each side
Group = tuple[str, tuple[tuple[str, object], ...]]


def groups(run: Run, benches: dict[str, Bench]) -> dict[Group, list[Record]]:
    """The records that were sampled in turn, in the order of their cases; without those that were not sampled."""
    found: dict[Group, list[Record]] = defaultdict(list)
    for record in run.records:
        bench = benches.get(record.bench)
        if bench is not None and record.samples:
            apart = tuple((axis, value) for axis, value in record.params.items() if axis not in bench.together)
            found[record.bench, apart].append(record)
    return found


def on_pool(record: Record) -> bool:
    """Whether several threads of a pool, which may spin on, did the work: a crew names its CPUs."""
    return int(record.facts.get("threads") or 1) > 1 and "cpus" not in record.facts


def sampled(records: Sequence[Record], seed: int) -> Iterator[tuple[Record, Record, float]]:
    """Each sample's record, that of the sample before it, and the sample over its case's median."""
    rounds = {len(record.samples) for record in records}
    if len(rounds) != 1:
        return  # one of them failed in between, so that the order is not known
    orders = balanced_orders(generator(seed, records[0]), len(records))  # type: ignore[arg-type]
    before = None
    middles = [median(record.samples) for record in records]
    for at, order in zip(range(rounds.pop()), orders, strict=False):
        for index in order:
            if before is not None:
                yield records[index], before, records[index].samples[at] / middles[index]
            before = records[index]


def effects(runs: Sequence[Run]) -> dict[Group, Estimate]:
    """For each contrast the extra time of a sample after the pool, as a share."""
    benches = catalog.benches()
    after: dict[Group, tuple[list[float], list[float]]] = defaultdict(lambda: ([], []))
    for run in runs:
        for group, records in groups(run, benches).items():
            if any(map(on_pool, records)):
                for record, before, share in sampled(records, run.policy.seed):
                    if not on_pool(record):
                        after[group][on_pool(before)].append(share)
    found = {}
    for group, (others, pool) in after.items():
        if min(len(others), len(pool)) >= LEAST:
            ratio = unpaired_ratio(pool, others)
            found[group] = Estimate(*(bound - 1 for bound in ratio))
    return found


def name_of(group: Group) -> str:
    """`stream.copy L1 f8 all huge`."""
    return " ".join([group[0], *(str(value) for _, value in group[1])])


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, widest effect first."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN.json")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep the effects, as JSON")
    chosen = parser.parse_args(arguments)
    try:
        found = effects([store.read(path) for path in chosen.runs])
    except errors.UsageError as error:
        print(error, file=sys.stderr)
        return 2
    if not found:
        print("no contrast has variants on a pool of threads and others, with six samples each", file=sys.stderr)
        return 2
    for group, effect in sorted(found.items(), key=lambda item: -item[1].value):
        low, high = (f"{100 * bound:+6.1f}" for bound in (effect.low, effect.high))
        print(f"{100 * effect.value:+6.1f}%  ({low} … {high})  {name_of(group)}")
    middle = median(effect.value for effect in found.values())
    worst = [group for group, effect in found.items() if effect.low > MOST]
    spread = sum(effect.high > MOST for effect in found.values())
    print(f"{len(found)} contrasts, median {100 * middle:+.2f}%; above {MOST:.0%}: {len(worst)} by the whole interval, "
          f"{spread} by its upper end")  # fmt: skip
    if chosen.json:
        about = {name_of(group): list(effect) for group, effect in found.items()}
        chosen.json.write_text(json.dumps({"effects": about, "median": middle}, indent=1) + "\n", encoding="utf-8")
    return 1 if worst or middle > MIDDLE else 0


if __name__ == "__main__":
    raise SystemExit(main())
