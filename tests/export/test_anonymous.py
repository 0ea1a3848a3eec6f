"""What an anonymous run says no more, and what it still says."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from doubles.scripted import MACHINE, record, run_of
from hwbench.analysis.reading import Reading
from hwbench.export import files, openmetrics
from hwbench.export.anonymous import anonymous
from hwbench.export.table import table
from hwbench.record import store
from hwbench.record.model import Disturbance, Gpu
from hwbench.record.reasons import because

RUNS = sorted((Path(__file__).parents[2] / "reports" / "runs").glob("*/*.json"))
SECRET = "acme"


def named():
    """A run that names its machine and its user wherever one can."""
    machine = replace(
        MACHINE, name=f"{SECRET}-box", virtual=f"KVM, {SECRET}fs", os=f"Debian 12, Linux 6.1.0-{SECRET}",
        settings={"kernel command line": SECRET}, topology=[SECRET],
        gpus=[Gpu(name="NVIDIA X", driver=SECRET, pcie={"address": SECRET})],
    )  # fmt: skip
    return run_of(
        record(params={"file": f"/home/{SECRET}/x.bin", "n": 3}, status="suspect",
               reasons=[because("failed_after", f"no /home/{SECRET}/x")]),
        id=f"{SECRET}-box-2026", machine=machine, hwbench={"version": "0.1.0", "commit": SECRET, "pid": 3},
        software={"numpy": "2.4", "os": f"Linux 6.1-{SECRET}"}, variables={"OMP_X": SECRET},
        disturbances=[Disturbance("a", SECRET, "b", "c")],
    )  # fmt: skip


def test_nothing_names_the_machine_or_its_user():
    """In no format, nor in the run itself; hardware, versions, figures and codes stay."""
    run = anonymous(named(), 3)
    reading = Reading(run)
    made = table([reading])
    for data in (store.encode(run), files.as_csv(made), files.as_json(made), openmetrics.text([reading])):
        assert SECRET.encode() not in data
    [row] = made.rows()
    assert row == row | {
        "run": "run-3", "machine": "scripted-2cpu", "cpu": "Scripted CPU", "virtual": "KVM, another", "gpu": "NVIDIA X",
        "os": "Debian 12, Linux 6.1", "numpy": "2.4", "hwbench": "0.1.0", "commit": None, "param_file": "x.bin",
        "param_n": 3, "reasons": "failed_after", "median_s": 1.0,
    }  # fmt: skip


@pytest.mark.parametrize("path", RUNS, ids=lambda path: path.stem)
def test_a_committed_run_keeps_its_figures_and_loses_its_names(path):
    """Its id, its machine's name where a person gave one, its commit and its kernel's build are gone."""
    run = store.read(path)
    given = anonymous(run, 1)
    one, other = table([Reading(run)]), table([Reading(given)])
    lost = {"run", "commit", "machine", "os", "setup", "why"}
    for before, after in zip(one.columns, other.columns, strict=True):
        if before.name not in lost:
            assert after.values == before.values, before.name
    data = files.as_csv(other).decode()
    gone = [run.id, str(run.hwbench["commit"] or run.id), run.software["os"].partition(" ")[2]]
    assert [word for word in gone if word in data] == []
