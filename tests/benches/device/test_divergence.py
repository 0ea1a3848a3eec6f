"""Divergence: the price of each path, and the kernel's 32 paths."""

from __future__ import annotations

from hwbench.benches.device import divergence
from hwbench.record.model import Record
from made_up.gpu_records import record, said


def diverged(variant: str, paths: int, seconds: float) -> Record:
    return record("device.divergence", variant, {"paths": paths}, seconds, counts={"items": 1e6})


def test_divergence_is_told_beside_the_cpus_misprediction():
    """Ways that are gone one after the other cost all of one each; half of shuffled branches are mispredicted."""
    ways = [diverged("divergent", paths, 1e-4 * paths) for paths in (1, 2, 32)]
    same = [diverged("uniform", paths, 1e-4) for paths in (1, 2, 32)]
    cpu = [
        record("branch.prediction", name, {"share": share, "n": n}, 1e-9 * n * each, device="cpu", counts={"items": n})
        # A predictor knows a thousand branches by heart, and half of as many as it can't are guessed wrongly.
        for name, share, n, each in (
            ("sorted", 0.5, 1000, 1.0), ("shuffled", 0.5, 1000, 1.1), ("sorted", 0.1, 10**5, 1.0),
            ("shuffled", 0.1, 10**5, 1.6), ("sorted", 0.5, 10**5, 1.0), ("shuffled", 0.5, 10**5, 4.0),
        )
    ]  # fmt: skip
    gpu, guess = said(divergence.bench, *ways, *same, *cpu)
    assert gpu.startswith("A warp whose threads go 32 ways takes 32.0× as long as warps that each go one")
    assert gpu.endswith("each further way costs 100% of going one.")
    assert guess == "On this machine's CPU a mispredicted branch costs 5.99 ns, and a predicted one nothing."


def test_each_way_of_the_kernel_is_another():
    """The ways' bits are read from the source itself: 32, no two alike, so that no compiler can make one of two."""
    ways = divergence.ways()
    assert len(ways) == len(set(ways)) == 32
    assert all(0 < bits < 2**16 for bits in ways)
