"""Quality: troubles by reason with a remedy each, telemetry, disturbances."""

from __future__ import annotations

import msgspec
import pytest

from hwbench.record.model import Disturbance
from hwbench.record.reasons import Reason
from hwbench.report.sections import Issues, Notes, Table
from hwbench.report.views.quality import remedy
from hwbench.report.views.quality import view as quality
from made_up.page import column, dataset, record, run_of
from made_up.sample import replace, sample_run


def test_every_trouble_is_told_with_a_remedy() -> None:
    """All cases that are not ok stand under Quality, grouped by reason, the gravest first."""
    run = sample_run()
    section = quality(dataset(run))
    assert section is not None
    troubles = next(block for block in section.blocks if isinstance(block, Issues)).items
    assert sum(len(trouble.cases) for trouble in troubles) == sum(one.status != "ok" for one in run.records)
    assert [trouble.status for trouble in troubles] == ["wrong", "error", "suspect", "suspect", "skipped"]
    assert all(trouble.remedy for trouble in troubles)


@pytest.mark.parametrize(
    ("status", "reason", "word"),
    [
        ("suspect", "the hypervisor took 4% of a CPU (steal)", "guests"),
        ("suspect", "other processes took 138% of a CPU", "Close"),
        ("suspect", "the clock drifted by 4.2%", "clock"),
        ("suspect", "samples fall into two heaps, 12% apart", "two states"),
        ("suspect", "faster than L2 load, 1 thread (70 GB/s), a level nearer to the core", "cannot be true"),
        ("suspect", "slower than a level further from the core (L2 store, 2 threads: 210 GB/s)", "too high"),
        ("suspect", "after measuring: OSError: the clock is gone", "kept"),
        ("suspect", "something new", "again"),
        ("skipped", "needs 4 GiB for 2 variants; 60% of the 1 GiB free may be taken", "memory"),
        ("skipped", "the budget of 5 s was spent before its turn; raise --budget", "--resume"),
        ("wrong", "the clock on the wall", "reference"),
    ],
)
def test_remedies_fit_their_reasons(status: str, reason: str, word: str) -> None:
    """Each reason the engine gives has a remedy of its own; an unknown one gets its status's."""
    assert word in remedy(status, reason)


def test_a_case_disturbed_twice_is_told_twice() -> None:
    """Two reasons of one case are two troubles with a remedy each; a semicolon within a skip's reason is none."""
    case = record("stream.copy", "simd", 1e-3, {"bytes": 1.0})
    twice = msgspec.structs.replace(
        case, status="suspect", reasons=[Reason("clock_drift", "5%"), Reason("other_processes", "90% of a CPU")]
    )
    skip = msgspec.structs.replace(
        case, status="skipped", reasons=[Reason("needs_memory", "needs 2 GiB; 60% of it")], samples=[]
    )
    section = quality(dataset(run_of(twice, skip)))
    assert section is not None
    troubles = next(block for block in section.blocks if isinstance(block, Issues)).items
    assert len(troubles) == 3
    assert len({trouble.remedy for trouble in troubles}) == 3


def test_telemetry_is_counted_once_a_contrast() -> None:
    """The variants of a contrast carry the same telemetry; its seconds are not added up for each of them."""
    telemetry = {"wall_s": [1.0, 1.0], "steal_s": [0.1, 0.1], "clock_hz": [3e9, 3e9, 3e9]}
    run = run_of(
        *(record("stream.copy", variant, 1e-3, {"bytes": 1.0}, telemetry=telemetry) for variant in ("simd", "numba"))
    )
    section = quality(dataset(run))
    assert section is not None
    table = next(block for block in section.blocks if isinstance(block, Table) and "telemetry" in block.caption)
    assert column(table, "time in rounds") == ["2.00 s"]
    assert column(table, "steal") == ["10%"]


@pytest.mark.parametrize(
    ("handovers", "shown"),
    [([42e-9] * 9 + [163e-9], "42 ns, in 10% of rounds 163 ns"), ([42e-9] * 10, "42 ns"), ([], "–")],
)
def test_where_cpus_were_stands_in_the_telemetry(handovers: list[float], shown: str) -> None:
    """One state of the machine, or both with the share of the rarer; a run from before is silent."""
    timed = record("stream.load", "simd", 1.0, {"bytes": 1e10}, params={"size": "L1", "dtype": "f8", "threads": 2})
    telemetry = {"wall_s": [0.1] * 10, "handover_s": handovers}
    section = quality(dataset(run_of(msgspec.structs.replace(timed, telemetry=telemetry))))
    assert section is not None
    [table] = [block for block in section.blocks if isinstance(block, Table) and "telemetry" in block.caption]
    assert column(table, "line between CPUs") == [shown]


def test_what_disturbs_is_kept_with_the_run() -> None:
    """Each disturbance of the machine stands in the report with what it bends and the remedy, as the run found it."""
    one = Disturbance("swap", "1 GiB in use", "memory is short", "end what takes it")
    section = quality(dataset(replace(sample_run(), disturbances=[one])))
    assert section is not None
    [said] = [block for block in section.blocks if isinstance(block, Notes)]
    assert "before the run" in said.title
    assert said.sentences == ["swap (warning): 1 GiB in use. Bends: memory is short. Remedy: end what takes it."]
    assert not any(isinstance(block, Notes) for block in quality(dataset(sample_run())).blocks)  # type: ignore[union-attr]
