"""What benches of the operating system share."""

from __future__ import annotations

from hwbench.benches.system._posix import lacks, pinned
from hwbench.devices.cpu import CpuDevice
from hwbench.kernels import libc


def test_a_missing_function_is_a_reason(monkeypatch):
    monkeypatch.setattr(libc, "lacking", lambda *names: f"no {names[0]}" if names[0] == "absent" else "")
    assert lacks("there")() is None
    assert str(lacks("absent")()) == "no absent"


def test_a_job_runs_on_the_first_cpu_of_crews():
    device, seen = CpuDevice(), []
    try:
        work = pinned(device, lambda loops, gate: seen.append((loops, gate > 0)), lambda: len(seen))
        work.call()
        assert seen == [(1, False), (1, True)]  # first where it is compiled, then at the gate
        assert work.facts["cpus"] == list(device.crew(1).cpus)
    finally:
        device.close()
