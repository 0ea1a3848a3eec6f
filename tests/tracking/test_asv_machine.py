"""The plugin that has asv state what the machine is."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import msgspec
import pytest

from doubles.scripted import MACHINE
from hwbench.tracking import asv_machine
from hwbench.tracking.sides import identity, normalize_machine_keys


def test_a_machine_is_stated_by_asvs_keys_and_read_back_by_ours():
    """Memory in kB as asv has it; what the plugin wrote means the same as a run's own machine."""
    stated = asv_machine.facts(MACHINE)
    assert stated["cpu"] == "Scripted CPU"
    assert stated["ram"] == str(MACHINE.memory.total // 1024)
    assert all(isinstance(value, str) for value in stated.values())
    known = normalize_machine_keys(stated)
    own = identity(MACHINE)
    assert {key: own[key] for key in known if key != "memory"} == {k: known[k] for k in known if k != "memory"}
    assert {"CPU", "CPUs allowed", "CPU quota", "L1d", "memory", "huge pages"} <= set(known)


def test_the_facts_come_from_a_process_of_its_own(monkeypatch):
    """`hwbench machine --json` by the Python that runs asv."""
    said = msgspec.json.encode({"machine": MACHINE})
    asked = []

    def run(command, **how):
        asked.append(command)
        return SimpleNamespace(stdout=said)

    monkeypatch.setattr(subprocess, "run", run)
    assert asv_machine.here() == asv_machine.facts(MACHINE)
    assert asked == [[sys.executable, "-m", "hwbench", "machine", "--json"]]


@pytest.mark.parametrize("fails", [False, True])
def test_what_asv_loads_is_replaced_once(monkeypatch, fails):
    """asv may load a plugin twice; where the machine cannot be told, asv keeps its facts and warns."""
    pytest.importorskip("asv", reason="asv is not installed: pip install '.[asv]'")
    from asv.console import log
    from asv.machine import Machine

    def here():
        if fails:
            raise OSError("no such program")
        return {"cpu": "Found"}

    warned = []
    monkeypatch.setattr(Machine, "load", staticmethod(lambda: SimpleNamespace(cpu="Old", ram="1")))
    monkeypatch.setattr(Machine, "hwbench", True, raising=False)
    monkeypatch.delattr(Machine, "hwbench")
    monkeypatch.setattr(asv_machine, "here", here)
    monkeypatch.setattr(log, "warning", warned.append)
    asv_machine.setup()
    first = Machine.load
    asv_machine.setup()
    assert Machine.load is first
    known = Machine.load()
    assert (known.cpu, known.ram) == (("Old" if fails else "Found"), "1")
    assert len(warned) == fails
    del Machine.hwbench
