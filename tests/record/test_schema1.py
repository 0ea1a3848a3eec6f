"""Run files of schema 1: sentences become codes, and the text stays."""

import json
from pathlib import Path

import msgspec
import pytest

from doubles.scripted import record, run_of
from hwbench.record import store
from hwbench.record.installing import INSTALL_CUPY, command
from hwbench.record.model import BenchInfo
from hwbench.record.reasons import CONCLUDED, LONGEST, TABLE, Reason, because
from hwbench.record.schema1 import SKIPPED, SUSPECT, reasons_of

COMMITTED = sorted((Path(__file__).parents[2] / "reports").glob("*/*/*.json"))


def old(*records):
    """A run file of schema 1: its records hold `reason`."""
    run = json.loads(msgspec.json.encode(run_of(*[one for one, _ in records])))
    for made, (_, text) in zip(run["records"], records, strict=True):
        del made["reasons"]
        made["reason"] = text
    return json.dumps(run | {"schema": 1}).encode()


@pytest.mark.parametrize(
    ("status", "text", "reasons"),
    [
        ("ok", "", []),
        (
            "suspect",
            "the hypervisor took 4% of a CPU (steal); samples fall into two heaps, 12% apart",
            [Reason("steal", "4% of a CPU"), Reason("bimodal", "12% apart")],
        ),
        (
            "skipped",
            "no NVIDIA driver was found; then pip install \"hwbench[gpu-cuda13]\" (driver >= 580)"
            " or \"hwbench[gpu-cuda12]\" (driver >= 525)",
            [Reason("needs_gpu", f"no NVIDIA driver was found; then {INSTALL_CUPY}")],  # never a foreign `hwbench`
        ),
        (
            "suspect",
            "the GPU was held back by its power limit in 5 of 10 rounds",
            [Reason("gpu_power_cap", "5 of 10 rounds")],
        ),
        (
            "suspect",
            "slower than a level further from the core (L2 store, 2 threads: 210 GB/s), so it was disturbed",
            [Reason("doubtful", "L2 store, 2 threads: 210 GB/s")],
        ),
        ("suspect", "cannot be true: faster than light", [Reason("implausible", "faster than light")]),
        ("suspect", "the moon was full", [Reason("other", "the moon was full")]),
        ("skipped", "needs SMT: its cores are one CPU each", [Reason("needs_smt", "its cores are one CPU each")]),
        ("skipped", "60% of 1 GiB free may be taken", [Reason("needs_memory", "60% of 1 GiB free may be taken")]),
        ("skipped", "the budget of 5 s was spent before its turn; raise --budget", [Reason("budget", "5 s")]),
        ("wrong", "differs; much", [Reason("wrong_answer", "differs; much")]),
        ("error", "OSError: the clock drifted by 5%", [Reason("error", "OSError: the clock drifted by 5%")]),
        ("skipped", "x" * 10**6, [Reason("other", "x" * LONGEST)]),
    ],
)  # fmt: skip
def test_a_sentence_becomes_a_code(status, text, reasons):
    """By the status, then by the words; what nobody knows stays as text."""
    assert reasons_of(status, text) == reasons
    one = record(status=status, samples=(1.0,) if status in ("ok", "suspect") else ())
    run = store.decode(old((one, text)), "old.json")
    assert (run.schema, run.records[0].status, run.records[0].reasons) == (store.SCHEMA, status, reasons)


def with_packages(text):
    """The sentence with the packages of hwbench's former extras."""
    text = text.replace('pip install "hwbench[gpu-cuda13]"', command("gpu-cuda13"))
    return text.replace('"hwbench[gpu-cuda12]"', command("gpu-cuda12"))


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.stem)
def test_committed_runs_read_as_before(path):
    """The same statuses, a reason wherever there was a sentence, and the same text for all that was skipped.

    Only the hint at an extra of `hwbench` is replaced: that name is another project on the package index.
    """
    was = json.loads(path.read_bytes())["records"]
    run = store.read(path)
    assert [one.status for one in run.records] == [one["status"] for one in was]
    for one, before in zip(run.records, was, strict=True):
        assert bool(one.reasons) == bool(before.get("reason")) or one.reasons == [
            Reason(**reason) for reason in before["reasons"]
        ]
        if one.status == "skipped" and "reason" in before:
            assert one.why == with_packages(before["reason"])[:LONGEST]
    assert "other" not in {reason.code for one in run.records for reason in one.reasons}


def test_an_old_conclusion_is_shown_and_not_written_again():
    """What an older hwbench stored as a verdict is a conclusion when it is read; it goes once a file has the bench."""
    run = store.decode(old((record(status="suspect"), "cannot be true: faster than light")), "old.json")
    assert [one.code for one in run.records[0].reasons] == ["implausible"]
    described = msgspec.structs.replace(run, benches={run.records[0].bench: BenchInfo("How fast?", "a")})
    again = store.decode(store.encode(described), "new.json")
    assert (again.records[0].status, again.records[0].reasons) == ("ok", [])
    assert not any(code in store.encode(described).decode() for code in CONCLUDED)


def test_every_code_is_of_the_table():
    """A code that leaves the table would make old files unreadable."""
    assert {code for _, code in (*SUSPECT, *SKIPPED)} <= set(TABLE)


def test_a_long_sentence_is_cut_before_it_is_compared():
    """So that no pattern takes long; half a million characters."""
    assert reasons_of("skipped", "needs " * 10**5) == [because("other", "needs " * 100)]
