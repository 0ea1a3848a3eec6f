"""The work of a call, which runs tell for what asv measured."""

from __future__ import annotations

import msgspec
import pytest

from doubles.scripted import MACHINE, record, run_of
from hwbench.tracking import sides
from hwbench.tracking.readers import asv, runs
from made_up.histories import BOX, asv_file, benchmarks_file, row

LOAD = "stream.load.track_seconds"


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
    rated = runs.with_work(asv.history(tmp_path), measured)
    counts = {dict(rated.settings[one.setting].identity)["num_cpu"]: dict(one.counts) for one in rated.series}
    assert counts == {"2": {"bytes": 1e6}, "4": {"bytes": 2e6}, "8": {}}


def test_what_our_suite_states_is_the_better_word():
    """pytest-benchmark counts all CPUs, our suite beside it those that may be used; in whatever order they stand."""
    told = {"CPUs allowed": "2", "caches": "L1 32 KiB", "num_cpu": "64", "cpu": "Theirs", "CPU": "Ours"}
    for facts in (told, dict(reversed(told.items()))):
        assert sides.normalize_machine_keys(facts) == {"CPUs allowed": "2", "caches": "L1 32 KiB", "CPU": "Ours"}
    assert sides.normalize_machine_keys({"num_cpu": "64", "ram": "16 GiB"}) == {"num_cpu": "64", "memory": "16 GiB"}


@pytest.mark.parametrize("facts", [(), (("CPU", "Scripted CPU"),), (("CPU", "Other"), ("num_cpu", "2"))])
def test_a_machine_that_is_not_stated_has_no_work(facts):
    """A name alone may be anything's."""
    one = runs.Works([run_of(record("simd", counts={"bytes": 1e6}))])
    entry = runs.Entry("test.bench", "simd", "cpu", {}, "1")
    assert one.of("box", dict(facts), entry) == {}
    assert one.of("box", {"CPU": "Scripted CPU", "num_cpu": "2"}, entry) == {"bytes": 1e6}
