"""Quality: troubles by reason with a remedy each, telemetry, disturbances."""

from __future__ import annotations

import msgspec
import pytest

from hwbench.record.model import Disturbance
from hwbench.record.reasons import CONCLUDED, TABLE, Reason, because
from hwbench.report.sections import Issues, Notes, Table
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
        ("suspect", Reason("steal", "4% of a CPU"), "guests"),
        ("suspect", Reason("gpu_power_cap", "5 of 10 rounds"), "power limit"),
        ("suspect", Reason("of_a_newer_hwbench", "something new"), "again"),
        ("skipped", Reason("needs_memory", "needs 4 GiB for 2 variants"), "memory"),
        ("skipped", Reason("needs_smt", "a GPU and a clock"), "one thread a core"),
        ("wrong", Reason("wrong_answer", "the clock on the wall"), "compiler"),
        ("error", Reason("of_a_newer_hwbench"), "HWBENCH_DEBUG"),
    ],
)
def test_the_remedy_follows_from_the_code(status: str, reason: Reason, word: str) -> None:
    """Whatever the detail says; an unknown code has the remedy of its status."""
    case = record("stream.copy", "simd", 1e-3, {"bytes": 1.0})
    section = quality(dataset(run_of(msgspec.structs.replace(case, status=status, reasons=[reason], samples=[]))))
    assert section is not None
    [trouble] = next(block for block in section.blocks if isinstance(block, Issues)).items
    assert word in trouble.remedy
    assert trouble.reason == str(reason)


def test_a_gpu_run_with_every_code_has_each_remedy() -> None:
    """A GPU at its power limit is never told to install an extra."""
    case = msgspec.structs.replace(record("device.peak", "fma", 1e-3, {"flops": 1.0}), device="gpu:0")
    every = [
        msgspec.structs.replace(
            case,
            bench="gone.bench" if code in CONCLUDED else case.bench,  # stored conclusions on known benches are dropped
            params={"n": n},
            status="suspect",
            reasons=[because(code, "5 of 10 rounds")],
        )
        for n, code in enumerate(TABLE)
    ]
    # Twins are concluded anew: a label and a sweep's point of one footprint, and the second takes twice as long.
    every += [
        msgspec.structs.replace(case, params={"size": size}, samples=[seconds] * 5, facts={"footprint": 64})
        for size, seconds in (("L2", 1e-3), ("64B", 2e-3))
    ]
    # So is the order of levels, on a CPU: L2 answers earlier than L1.
    chase = record("latency.chase", "follow", 1e-3, {"hops": 1e3})
    every += [
        msgspec.structs.replace(
            chase, device="cpu", params={"size": size, "pages": "4K", "order": "random"}, samples=[seconds] * 5
        )
        for size, seconds in (("L1", 2e-6), ("L2", 1e-6))
    ]
    section = quality(dataset(run_of(*every)))
    assert section is not None
    troubles = next(block for block in section.blocks if isinstance(block, Issues)).items
    assert sorted(trouble.remedy for trouble in troubles) == sorted(meaning.remedy for meaning in TABLE.values())
    extras = {code for code, meaning in TABLE.items() if "cupy-cuda12x" in meaning.remedy}
    assert extras == {"needs_gpu", "needs_cupy", "gpu_too_old"}


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


def test_the_commonest_words_stand_for_a_reason() -> None:
    """A rare detail that comes first does not name what the others have."""
    case = record("dsp.dot", "numpy", 1e-3, {"bytes": 1.0})
    skips = [
        msgspec.structs.replace(
            case, params={"n": n}, status="skipped", reasons=[Reason("needs_threads", words)], samples=[]
        )
        for n, words in enumerate(("too few elements", "NumPy runs on one thread", "NumPy runs on one thread"))
    ]
    section = quality(dataset(run_of(*skips)))
    assert section is not None
    [trouble] = next(block for block in section.blocks if isinstance(block, Issues)).items
    assert trouble.reason.endswith("NumPy runs on one thread (and 1 more)")
    assert len(trouble.cases) == 3


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
    [([42e-9] * 9 + [163e-9], "42.0 ns, in 10% of rounds 163 ns"), ([42e-9] * 10, "42.0 ns"), ([], "–")],
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
    assert said.sentences == ["swap (warning): 1 GiB in use. Affects: memory is short. Remedy: end what takes it."]
    assert not any(isinstance(block, Notes) for block in quality(dataset(sample_run())).blocks)  # type: ignore[union-attr]
