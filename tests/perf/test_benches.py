"""Every bench under pytest-benchmark.

`pytest tests/perf --benchmark-only` measures: variants of one contrast in one group, rates and shares of the machine's
limits in `extra_info`. Without that option each case is built, checked against its reference and called once.
"""

from __future__ import annotations

import numpy as np
import pytest

from hwbench.record import interference
from hwbench.record.model import Record, metrics

ROUNDS = 10
_elapsed = 0.0


def device_clock() -> float:
    """Seconds by a clock that stands still but for the calls that are measured.

    A crew of threads or a GPU knows best how long its calls took, so what its device says moves this clock on, by the
    time of one call for each round.
    """
    return _elapsed


@pytest.mark.benchmark(timer=device_clock, warmup=False)
def test_bench(benchmark, request, engine, limits, group, trial):
    """The variant gives the reference answer, and its times are recorded where measuring was asked for."""
    bench, case = group.bench, trial.case
    if trial.status == "skipped":
        benchmark.skipped = True
        pytest.skip(trial.why)
    assert trial.status == "ok", trial.why
    benchmark.disabled = benchmark.disabled or not request.config.getoption("benchmark_only")
    benchmark.name = case.label
    benchmark.group = f"{bench.name} [{', '.join(map(str, case.params.values()))}]"
    benchmark.params = {"variant": case.variant, **case.params}
    if benchmark.disabled:
        benchmark.pedantic(trial.work.call)
        return
    engine.warm_up(trial)

    def one_sample() -> None:
        global _elapsed
        _elapsed += engine.sample(trial, trial.loops)

    benchmark.pedantic(one_sample, rounds=ROUNDS)
    samples = benchmark.stats.stats.data
    assert len(samples) == ROUNDS
    assert min(samples) > 0
    benchmark.extra_info |= told(bench, trial, samples, limits)


def told(bench, trial, samples, limits):
    """What stands beside the times: version, loops, counts, rates by unit, share of the limit, codes of doubts."""
    reasons = interference.shape(samples)
    record = Record(
        bench=bench.name, version=bench.version, variant=trial.case.variant, device=trial.case.device,
        params=trial.case.params, status="suspect" if reasons else "ok", reasons=reasons, loops=trial.loops,
        samples=samples, counts=trial.counts, facts=trial.facts,
    )  # fmt: skip
    seconds = float(np.median(samples))
    info = {"bench": bench.name, "version": bench.version, "loops": trial.loops, "counts": record.counts}
    info |= {metric.unit: metric.value(seconds, record.counts) for metric in metrics(record)}
    reading = limits.reading(record, bench)
    share, [mine, *_] = reading.share(record), reading.records
    if share is not None:
        info |= {"limit": share.limit.name, "% of limit": 100 * share.value}
    return info | {"doubt": list(dict.fromkeys([*mine.codes, *(share.doubt if share is not None else ())]))}
