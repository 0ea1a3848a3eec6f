"""Even noise: memory below this machine's best through a contrast, by what was seen between rounds."""

from __future__ import annotations

import pytest

from doubles.scripted import record
from hwbench.analysis import run_quality, witness
from hwbench.analysis.plausibility import concluded
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


def codes(run):
    return {one.params["size"]: one.codes for one in concluded(run).records}


def test_a_contrast_below_the_best_marks_the_cases_of_that_level():
    """Memory at 71% says nothing of L3 or L1; what it says is told with its share."""
    low = {"l3": [30e9], "dram": [7.1e9, 6e9]}
    run = run_of(load("DRAM", **low), load("L3", **low), load("L1", **low),
                 earlier={"witness_l3": 31e9, "witness_dram": 10e9})  # fmt: skip
    assert codes(run) == {"DRAM": ["slow_memory"], "L3": [], "L1": []}
    [slow] = [one for one in concluded(run).records if one.reasons]
    assert (slow.status, slow.why) == ("suspect", "memory was at 71% of this machine's best")


def test_one_good_reading_clears_a_contrast():
    """Below the best *through* the contrast: one glance near the best shows that memory was free in part of it."""
    run = run_of(load("DRAM", dram=[5e9, 9.1e9]), earlier={"witness_dram": 10e9})
    assert codes(run) == {"DRAM": []}


def test_a_run_without_history_is_held_against_itself():
    """The part of a run that is slower than the rest shows; a run that is slow all through does not."""
    rest = load("L1", dram=[10e9] * 10, n=1)
    assert codes(run_of(load("DRAM", dram=[7e9]), rest))["DRAM"] == ["slow_memory"]
    assert codes(run_of(load("DRAM", dram=[7e9] * 9)))["DRAM"] == []


def test_it_is_concluded_anew_and_no_glance_is_no_doubt():
    """A conclusion that a file brings along is dropped; files of before the witness have no readings."""
    run = run_of(load("DRAM", dram=[7e9]), earlier={"witness_dram": 10e9})
    assert codes(replace(concluded(run), witness={})) == {"DRAM": []}
    assert codes(run_of(load("DRAM"), earlier={"witness_dram": 10e9})) == {"DRAM": []}


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
