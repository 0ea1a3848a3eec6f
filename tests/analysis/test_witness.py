"""Even noise: memory below this machine's best through a run, by what was seen between rounds."""

from __future__ import annotations

import pytest

from doubles.scripted import record
from hwbench.analysis import run_quality, witness
from made_up.declared import described
from made_up.sample import replace, sample_run

MIB = 2**20
SIZES = {"L1": 16 * 2**10, "L2": MIB, "L3": 16 * MIB, "DRAM": 128 * MIB}


def load(size, l3=(), dram=(), n=0, **more):
    params = {"size": size, "dtype": "f8", "threads": 1, "pages": "huge"}
    telemetry = {"wall_s": [0.1 + n / 1000], "witness_l3": list(l3), "witness_dram": list(dram)}
    return record("simd", bench="stream.load", samples=(1.0, 1.01, 1.02), counts={"bytes": 1e10}, params=params,
                  facts={"threads": 1, "footprint": SIZES[size]}, telemetry=telemetry, **more)  # fmt: skip


def run_of(*records, earlier=None):
    run = replace(sample_run(benches=()), records=list(records), witness=earlier or {})
    return described(replace(run, policy=replace(run.policy, sizes=SIZES)))


@pytest.mark.parametrize(
    ("earlier", "told"),
    [
        ({}, "Memory has no history on this machine yet: later runs are compared with this one."),
        ({"witness_dram": 10e9}, "Memory is at 71% of this machine's best."),
        (
            {"witness_l3": 20e9, "witness_dram": 10e9},
            "The last-level cache is at 100% and memory is at 71% of this machine's best.",
        ),
    ],
)
def test_a_run_says_how_fast_memory_was(earlier, told):
    """Beside the best of earlier runs; on a first run that there is no history."""
    run = run_of(load("DRAM", l3=[20e9], dram=[7.1e9]), earlier=earlier)
    assert witness.sentence(run) == told
    assert told in run_quality.sentences(run)
    assert witness.sentence(run_of(load("DRAM"))) == ""


def test_slow_memory_makes_a_run_noisy():
    """More than 10% below the best is a failed check, with its remedy; 5% is not."""
    for reading, noisy in ((7e9, True), (9.5e9, False)):
        run = run_of(load("DRAM", dram=[reading]), earlier={"witness_dram": 10e9})
        [check] = [one for one in run_quality.check(run) if one.name.startswith("memory below")]
        assert check.passed != noisy
