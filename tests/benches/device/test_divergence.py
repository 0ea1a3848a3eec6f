"""Divergence: the price of each path, and the kernel's 32 paths."""

from __future__ import annotations

from hwbench.benches.device import divergence
from hwbench.record.model import Record
from made_up.gpu_records import record, said, suspect


def diverged(variant: str, paths: int, seconds: float) -> Record:
    return record("device.divergence", variant, {"paths": paths}, seconds, counts={"items": 1e6})


def warps(*paths):
    """A warp's time is that of its paths, one after the other; uniform warps take that of one."""
    return [
        diverged(variant, n, seconds) for n in paths for variant, seconds in (("divergent", 1.0 * n), ("uniform", 1.0))
    ]


def branches():
    """A predictor knows a thousand branches by heart, and half of as many as it can't are guessed wrongly."""
    return [
        record("branch.prediction", name, {"share": share, "n": n}, 1e-9 * n * each, device="cpu", counts={"items": n})
        for name, share, n, each in (
            ("sorted", 0.5, 1000, 1.0), ("shuffled", 0.5, 1000, 1.1), ("sorted", 0.1, 10**5, 1.0),
            ("shuffled", 0.1, 10**5, 1.6), ("sorted", 0.5, 10**5, 1.0), ("shuffled", 0.5, 10**5, 4.0),
        )
    ]  # fmt: skip


def test_divergence_is_told_beside_the_cpus_misprediction():
    """The most paths, what each adds, and what the same run's CPU pays for a wrong guess."""
    assert said(divergence.bench, *warps(1, 2, 32), *branches()) == [
        "A warp whose threads diverge to 32 paths is 32.00× slower than a warp whose threads all take one "
        "path (31.97–32.03).",
        "Each further path of a warp adds 100.0% (99.9–100.1) of the time of one path.",
        "For comparison, a mispredicted branch costs this machine's CPU 6.00 ns.",
    ]


def test_divergence_needs_paths_to_be_told():
    """Two paths without one have no slope; one path alone is no divergence."""
    [two] = said(divergence.bench, *warps(2))
    assert two.startswith("A warp whose threads diverge to 2 paths is 2.00")
    assert said(divergence.bench, *warps(1)) == said(divergence.bench, *branches()) == []


def test_disturbed_warps_are_marked():
    """Each sentence has the mark of its own records."""
    warp, path, guess = said(divergence.bench, *map(suspect, warps(1, 32)), *branches())
    assert warp.endswith(" (suspect: the GPU was held back by its power limit).")
    assert path.endswith(" (suspect: the GPU was held back by its power limit).")
    assert "suspect" not in guess


def test_each_way_of_the_kernel_is_another():
    """The ways' bits are read from the source itself: 32, no two alike, so that no compiler can make one of two."""
    ways = divergence.ways()
    assert len(ways) == len(set(ways)) == 32
    assert all(0 < bits < 2**16 for bits in ways)
