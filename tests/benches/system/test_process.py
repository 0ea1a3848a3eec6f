"""Processes: each ends with the code that was asked for."""

from __future__ import annotations

import pytest

from hwbench.bench import Skip
from hwbench.benches.system import process
from hwbench.benches.system.process import bench, started
from inspection.answers import reading, verdict
from inspection.told import STOLEN, doubt, said, spread

pytestmark = pytest.mark.skipif(process.lacking() is not None, reason="no posix_spawn")


@pytest.mark.parametrize("variant", ["shell", "bare", "python"])
def test_each_process_runs_to_its_end(variant: str) -> None:
    assert verdict(bench, variant, {}) == ""


def test_an_import_that_fails_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """The interpreter ends with 1 then."""
    monkeypatch.setattr(process, "ENDS", "raise ImportError")
    assert "1 instead of 42" in verdict(bench, "bare", {})


def test_a_program_that_is_not_there_is_a_skip() -> None:
    with pytest.raises(Skip, match="none cannot be started here"):
        started("/no/such/none")


def test_the_finding_goes_from_a_shell_to_numpy() -> None:
    rows = [(way, {}, 1e-3 * at) for way, at in (("shell", 1), ("bare", 10), ("python", 20), ("numpy", 100))]
    told = said(spread(reading(bench, rows, {"calls": 1})))
    assert told == [
        "From start to end a shell takes 1.00 ms (…), the bare interpreter takes 10.0 ms (…), Python takes 20.0 ms (…) "
        "and Python with NumPy takes 100 ms (…)."
    ]
    assert all(one.endswith(STOLEN) for one in said(doubt(spread(reading(bench, rows, {"calls": 1})))))
