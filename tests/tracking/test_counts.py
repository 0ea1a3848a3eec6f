"""The work of a call, which runs tell for what asv measured."""

from __future__ import annotations

import json

import msgspec
import pytest

from doubles.scripted import MACHINE, record, run_of
from hwbench.record import store
from hwbench.tracking import counts, sides
from hwbench.tracking.readers import asv_history
from made_up.histories import (
    BOX,
    LOAD,
    SUM,
    asv_file,
    benchmarks_file,
    commit,
    five_commits,
    row,
)


def machine(cpus: int = 2, memory: int = 2**34):
    """The box, resized."""
    cpu = msgspec.structs.replace(MACHINE.cpu, allowed=list(range(cpus)), logical=cpus)
    return msgspec.structs.replace(MACHINE, cpu=cpu, memory=msgspec.structs.replace(MACHINE.memory, total=memory))


def test_a_resized_machine_leaves_the_old_work_alone(tmp_path):
    """A box that got more CPUs and memory: each series by the run of its time, and none where no run fits."""
    benchmarks_file(tmp_path, {LOAD: {"param_names": ["variant", "size"]}})
    for number, facts in enumerate(({}, {"num_cpu": "4", "ram": str(32 * 2**20)}, {"num_cpu": "8"}), 1):
        asv_file(tmp_path, number, {LOAD: row([1e-6], [["'simd'"], ["'DRAM'"]])}, {**BOX, **facts})

    def run(amount, there, day):
        one = record("simd", bench="stream.load", params={"size": "DRAM"}, counts={"bytes": amount})
        return run_of(one, machine=there, started=f"2026-11-{day}T18:00:00Z")

    measured = [run(1e6, machine(), 20), run(2e6, machine(4, 2**35), 22), run(3e6, machine(8, 2**33), 23)]
    rated = counts.with_counts(asv_history.history(tmp_path), measured)
    known = {dict(rated.settings[one.setting].identity)["num_cpu"]: dict(one.counts) for one in rated.series}
    assert known == {"2": {"bytes": 1e6}, "4": {"bytes": 2e6}, "8": {}}


@pytest.mark.parametrize("facts", [(), (("CPU", "Scripted CPU"),), (("CPU", "Other"), ("num_cpu", "2"))])
def test_a_machine_that_is_not_stated_has_no_work(facts):
    """A name alone may be anything's."""
    one = counts.KnownCounts([run_of(record("simd", counts={"bytes": 1e6}))])
    entry = sides.Entry("test.bench", "simd", "cpu", {}, "1")
    assert one.of("box", dict(facts), entry) == {}
    assert one.of("box", {"CPU": "Scripted CPU", "num_cpu": "2"}, entry) == {"bytes": 1e6}


@pytest.fixture
def out(tmp_path):
    """Where runs and asv's results lie."""
    return tmp_path / "reports"


@pytest.fixture
def results(out):
    """Five commits on a box, of which the last is slower by half."""
    return five_commits(out / "asv" / "results")


def test_ratios_of_asv_are_for_the_same_work_where_runs_tell_it(command, out, results):
    """A fox whose L1 is twice as large takes twice as long for twice the bytes; what no run measured is said."""
    fox = {**BOX, "machine": "fox", "cpu": "Other"}
    asv_file(results, 5, {SUM: row([0.75], width=0.002), LOAD: row([2e-6], [["'simd'"], ["'L1'"]], width=0.002)}, fox)
    pair = ("compare", f"asv:{commit(5)}@box", f"asv:{commit(5)}@fox", "--out", out, "--across-machines", "--json")
    for known in (False, True):
        told = {one["bench"]: one for one in json.loads(command(*pair).out)["cases"]}
        assert told["stream.load"]["ratio"] == pytest.approx(1.0 if known else 2.0)
        assert ("the work of a call is not known" in told["stream.load"]["reason"]) is not known
        assert "the work of a call is not known" in told[SUM]["reason"]
        for name, cpu, amount in (("box", "Scripted CPU", 1e6), ("fox", "Other", 2e6)):
            machine = msgspec.structs.replace(MACHINE, name=name, cpu=msgspec.structs.replace(MACHINE.cpu, model=cpu))
            one = record("simd", bench="stream.load", params={"size": "L1"}, counts={"bytes": amount})
            run = run_of(one, machine=machine, id=f"{name}-20261122T180000Z-a")
            store.write(run, out / "runs" / name / f"{run.id}.json")


def test_work_is_told_under_the_former_name():
    """Results of asv under a machine's old default name go with runs under its new one, and the other way round."""
    for asv, mine in (("amd-epyc-2cpu", "amd-epyc-zen4-2cpu"), ("amd-epyc-zen4-2cpu", "amd-epyc-2cpu")):
        run = run_of(record(counts={"bytes": 1e6}), machine=msgspec.structs.replace(MACHINE, name=mine))
        known = counts.KnownCounts([run])
        one = run.records[0]
        entry = sides.Entry(one.bench, one.variant, "cpu", one.params, str(one.version))
        assert known.of(asv, sides.identity(MACHINE), entry) == one.counts != {}
        assert known.of("box", sides.identity(MACHINE), entry) == {}
