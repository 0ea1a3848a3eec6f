"""What watches this process is told: a debugger, a tracer, development mode."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from hwbench.host import interpreter
from made_up import trees


@pytest.fixture(autouse=True)
def python(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """What stands for `sys`, with nothing that watches: the tests themselves may run under coverage."""
    made = SimpleNamespace(
        gettrace=lambda: None, getprofile=lambda: None, monitoring=None, flags=SimpleNamespace(dev_mode=False)
    )
    monkeypatch.setattr(interpreter, "sys", made)
    return made


@pytest.fixture
def traced_memory() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


def told(root: Path) -> dict[str, str]:
    found = interpreter.watched(root)
    assert all(one.affects and one.remedy and one.severity == "warning" for one in found)
    return {one.name: one.state for one in found}


def test_nothing_watches(tmp_path: Path) -> None:
    """TracerPid is 0, or the file is missing."""
    assert told(tmp_path) == {}
    assert told(trees.write(tmp_path, {"proc/self/status": "Name:\tpython\nTracerPid:\t0\nUid:\t0"})) == {}


def test_a_debugger_is_named(tmp_path: Path) -> None:
    """By the kernel's word; of one that cannot be seen from a container, that there is one."""
    trees.write(tmp_path, {"proc/self/status": "Name:\tpython\nTracerPid:\t42\n", "proc/42/comm": "gdb"})
    assert told(tmp_path) == {"debugger": "gdb traces this process"}
    (tmp_path / "proc/42/comm").unlink()
    assert told(tmp_path) == {"debugger": "another process traces this process"}


def test_hooks_of_the_interpreter_are_named(python: SimpleNamespace, tmp_path: Path) -> None:
    """By the package whose function is called, and a tool of sys.monitoring by its name."""
    tools = {3: "coverage.py"}
    python.gettrace, python.getprofile = lambda: trees.write, lambda: object()
    python.monitoring = SimpleNamespace(get_tool=tools.get)
    assert told(tmp_path) == {
        "tracer": "made_up (sys.settrace), builtins (sys.setprofile), coverage.py (sys.monitoring)"
    }


def test_checks_of_the_interpreter_are_told(python: SimpleNamespace, tmp_path: Path, traced_memory: None) -> None:
    """Development mode and tracemalloc, however they were switched on, and a build for debugging."""
    python.flags, python.gettotalrefcount = SimpleNamespace(dev_mode=True), int
    assert set(told(tmp_path)) == {"development mode", "tracemalloc", "debug build"}


@pytest.mark.parametrize(
    ("enabled", "free", "said"),
    [(None, 0, "on"), (True, 1, "on (free-threaded build)"), (False, 1, "off (free-threaded build)")],
)
def test_the_state_of_the_lock_is_told(
    enabled: bool | None, free: int, said: str, python: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A free-threaded build may run with the lock, where an extension module asks for it."""
    if enabled is not None:
        python._is_gil_enabled = lambda: enabled
    monkeypatch.setattr(interpreter.sysconfig, "get_config_var", lambda _name: free)
    assert interpreter.gil() == said
