"""What the place of the memory does to a figure: the same case in several allocations at once, sampled in turns.

    python scripts/allocations.py [CASE ...] [--allocations 5] [--rounds 20]

A guest's pages lie where the host puts them, and a process's where the kernel does: two allocations of one size may
differ in conflicts, in the NUMA node and in the size of the host's pages. All allocations of a case are alive together,
and each is sampled once a round, in random order: what changes with time hits all of them alike.

The table has the slowest allocation's median over the fastest's, the p-value of the hypothesis that all are alike
(Kruskal and Wallis), and the width of the interval that one allocation alone would have been given.
"""

from __future__ import annotations

import argparse
import contextlib
import random
from collections.abc import Sequence
from statistics import median

from scipy.stats import kruskal

from hwbench import catalog
from hwbench.devices import selection
from hwbench.devices.cpu import CpuDevice
from hwbench.measurement import cases
from hwbench.measurement.engine import Engine
from hwbench.measurement.policy import POLICIES
from hwbench.measurement.trial import Trial, caught
from hwbench.record.estimate import estimate

CASES = tuple(
    " ".join(filter(None, (bench, level, threads)))
    for bench, each in (("latency.chase", ("",)), ("stream.load", ("1", "all")), ("stream.triad", ("1", "all")))
    for level in ("L2", "L3", "DRAM")
    for threads in each
)


def group_of(case: str, device: CpuDevice) -> cases.Group:
    """The contrast that a case's name asks for; SystemExit where there is none."""
    if len(case.split()) not in (2, 3):
        raise SystemExit(f"{case}: a case is `BENCH LEVEL [THREADS]`, such as '{CASES[0]}'")
    bench, level, *threads = case.split()
    params = {"size": [level], "pages": ["huge"]} | ({"threads": threads} if threads else {"order": ["random"]})
    found = cases.groups(
        catalog.select([bench]), preset="standard", params=params, devices={"cpu": "cpu"},
        spread=selection.spread({"cpu": device}),
    )  # fmt: skip
    if len(found) != 1:
        raise SystemExit(f"{case}: {len(found)} contrasts have this name, and one is needed")
    return found[0]


def measure(engine: Engine, group: cases.Group, allocations: int, rounds: int) -> list[list[float]] | str:
    """Seconds a call of the group's first live case, a list for each allocation; why not."""
    turns = random.Random()  # noqa: S311 - an order, no secret
    with contextlib.ExitStack() as stack:
        every: list[Trial] = []
        for _ in range(allocations):
            trials = stack.enter_context(engine.prepared(group))
            live = [trial for trial in trials if trial.live and trial.case.variant != "numpy"]
            if not live:
                return trials[0].why
            every.append(live[0])
        for trial in every:
            with caught(trial):
                engine.warm_up(trial)
        loops = max(trial.loops for trial in every)
        for _ in range(rounds):
            for trial in turns.sample(every, len(every)):
                with caught(trial):
                    engine.sample(trial, max(1, loops // 8))  # fills the caches that the others have emptied
                    trial.samples.append(engine.sample(trial, loops))
        return [trial.samples for trial in every]


def line(case: str, samples: Sequence[Sequence[float]]) -> str:
    """A row of the table."""
    middles = [median(one) for one in samples]
    first = estimate(samples[0])
    _, p = kruskal(*samples)
    apart = max(middles) / min(middles) - 1
    return f"| {case} | {len(samples)} | {apart:.1%} | {p:.2g} | {(first.high - first.low) / first.value:.1%} |"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", default=CASES, metavar="CASE", help=f"such as '{CASES[0]}' (default: all)")
    parser.add_argument("--allocations", type=int, default=5, metavar="N", help="(default: 5)")
    parser.add_argument("--rounds", type=int, default=20, metavar="N", help="(default: 20)")
    given = parser.parse_args(arguments)
    device = CpuDevice()
    engine = Engine({"cpu": device}, POLICIES["standard"])
    print("| case | allocations | slowest over fastest | p that they are alike | interval of one alone |")
    print("| --- | --: | --: | --: | --: |")
    for case in given.cases:
        found = measure(engine, group_of(case, device), given.allocations, given.rounds)
        print(f"| {case} | left out: {found} |" if isinstance(found, str) else line(case, found), flush=True)
    device.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
