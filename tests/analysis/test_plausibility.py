"""What the limits of a run say of its records, concluded when it is read."""

from pathlib import Path

import msgspec
import pytest

from doubles.scripted import record, run_of
from hwbench.analysis.plausibility import concluded
from hwbench.record import store
from hwbench.record.model import BenchInfo

PARAMS = {"size": "L1", "dtype": "f8"}
LIMIT = record(samples=(1.0,) * 3, bench="stream.load", params=PARAMS, counts={"bytes": 1e9})
FAST = record(
    samples=(0.5,) * 3, bench="access.steps", params=PARAMS, counts={"bytes": 1e9}, status="suspect", reason="steal"
)
BENCHES = {
    "access.steps": BenchInfo("How fast?", "fast", "load"),
    "stream.load": BenchInfo("How fast?", "simd", "load"),
}


def test_a_figure_above_its_limit_becomes_suspect_and_keeps_its_first_reason():
    """A rate above the measured limit is suspect, with what was said before it kept; nothing is dropped."""
    run = concluded(run_of(LIMIT, FAST, benches=BENCHES))
    assert run.records[0] == LIMIT
    assert (run.records[1].status, run.records[1].samples) == ("suspect", FAST.samples)
    assert run.records[1].reason == (
        "steal; cannot be true: 2.00 times the limit it should touch (L1 load, 1 thread: 1 GB/s)"
    )
    assert concluded(run) == run  # once said, a verdict is not said again


def test_a_run_that_does_not_describe_its_benches_is_as_it_was_stored():
    """Older files hold the verdicts of when they were measured."""
    run = run_of(LIMIT, FAST)
    assert concluded(run) is run
    paths = (Path(__file__).parents[2] / "reports/runs").rglob("*.json")
    assert all(concluded(run) is run for path in paths if not (run := store.read(path)).benches)


@pytest.mark.parametrize("limit", [None, "gpu matmul", "something newer"])
def test_a_bench_without_a_known_limit_accuses_nobody(limit):
    """A file may name a kind of limit that this hwbench does not know."""
    benches = BENCHES | {"access.steps": BenchInfo("How fast?", "fast", limit)}
    run = run_of(LIMIT, FAST, benches=benches)
    assert concluded(run) == run
    on_gpu = msgspec.structs.replace(FAST, device="gpu:0")
    assert concluded(run_of(LIMIT, on_gpu, benches=benches)).records[1] == on_gpu
