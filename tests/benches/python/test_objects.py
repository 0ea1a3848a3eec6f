"""Python's operations here and in a free-threaded build, which runs or is refused in one line."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hwbench.bench import Skip
from hwbench.benches.python import _operations, objects
from hwbench.benches.python.objects import Interpreter, bench
from hwbench.devices.cpu import CpuDevice
from inspection.answers import reading, verdict, work_of
from inspection.told import STOLEN, doubt, said, spread


@pytest.fixture
def device() -> Iterator[CpuDevice]:
    made = CpuDevice()
    yield made
    made.close()


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """A program called python3.13t, alone on PATH."""

    def put(code: str) -> None:
        program = tmp_path / "python3.13t"
        program.write_text(f"#!{sys.executable}\n{code}")
        program.chmod(0o755)

    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(Interpreter, "running", None)
    return put


def test_this_interpreter_answers() -> None:
    """With its version and lock."""
    assert verdict(bench, "here", {"operation": "attribute"}) == ""
    work, _ = work_of(bench, "here", {"operation": "dict"})
    assert work.facts == {"python": sys.version.split()[0], "gil": _operations.gil()}
    assert bench.count({"operation": "handover"}) == {"items": 2}
    assert bench.count({"operation": "attribute"}) == {"items": 100}


def test_without_a_free_threaded_build_one_line_says_so(
    on_path: Callable[[str], None], device: CpuDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Skip, match=r"no free-threaded Python on PATH \(python3.13t, python3.14t or later\)"):
        work_of(bench, "free-threaded", {"operation": "dict", "device": device})
    monkeypatch.setattr(_operations, "gil", lambda: "off")
    with pytest.raises(Skip, match="variant `here` is the free-threaded one"):
        work_of(bench, "free-threaded", {"operation": "dict", "device": device})


@pytest.mark.parametrize("code", ["print('3.13.0 on')", "raise SystemExit(1)"])
def test_a_build_with_a_lock_is_refused(code: str, on_path: Callable[[str], None], device: CpuDevice) -> None:
    on_path(code)
    with pytest.raises(Skip, match=r"python3\.13t has a GIL, or does not run"):
        work_of(bench, "free-threaded", {"operation": "dict", "device": device})
    assert Interpreter.running is None


def test_operations_share_the_process_of_the_other_build(on_path: Callable[[str], None], device: CpuDevice) -> None:
    """The same file, by an interpreter that says that it has no lock; the process ends with its last user."""
    on_path(
        "import sys; sys._is_gil_enabled = lambda: False\n"
        "import runpy; runpy.run_path(sys.argv[1], run_name='__main__')"
    )
    assert verdict(bench, "free-threaded", {"operation": "dict", "device": device}) == ""
    assert Interpreter.running is None
    first, _ = work_of(bench, "free-threaded", {"operation": "dict", "device": device})
    second, _ = work_of(bench, "free-threaded", {"operation": "list", "device": device})
    running = Interpreter.running
    assert running is not None
    assert first.facts["gil"] == "off"
    assert first.timer is not None
    assert first.timer(2) > 0
    assert first.close is not None
    assert second.close is not None
    first.close()
    assert running.process.poll() is None
    running.process.kill()
    running.process.wait()
    with pytest.raises((RuntimeError, BrokenPipeError)):
        second.call()
    second.close()
    assert Interpreter.running is None


def test_the_finding_tells_operations_and_the_largest_change() -> None:
    """Seconds of the call of 100 attributes, of 2000 switches: counts are the record's."""
    rows = [("here", {"operation": name}, at) for name, at in (("attribute", 10e-9), ("call", 40e-9), ("wait", 5e-3))]
    rows += [("free-threaded", {"operation": name}, at) for name, at in (("attribute", 12e-9), ("wait", 5e-5))]
    told = said(spread(reading(bench, rows, {"items": 1})))
    assert told == [
        "An attribute read takes 10.0 ns (…) and a method call 40.0 ns (…).",
        "Getting the interpreter back from a thread that computes takes 5.00 ms (…).",
        "Without the GIL, getting the interpreter back from a thread that computes is 100× faster (…).",
    ]
    assert all(one.endswith(STOLEN) for one in said(doubt(spread(reading(bench, rows, {"items": 1})))))
    assert objects.BUILDS[-1] == "python3.13t"
