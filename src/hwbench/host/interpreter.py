"""What watches this process and slows it down: a tracer, a profiler, a debugger, development mode."""

from __future__ import annotations

import re
import sys
import sysconfig
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

from ..record.model import Disturbance
from .pseudo_files import ROOT, read_text

CALLS = "Python code is slower, a loop several times, and so is each call into NumPy or a kernel"
ALLOCATIONS = "whatever allocates memory is slower, NumPy's temporary arrays too"


def gil() -> str:
    """Whether one lock holds back all threads of this interpreter: `on`, `off`, and and whether it could do without."""
    enabled = getattr(sys, "_is_gil_enabled", lambda: True)()
    return ("on" if enabled else "off") + " (free-threaded build)" * bool(sysconfig.get_config_var("Py_GIL_DISABLED"))


def watched(root: Path = ROOT) -> list[Disturbance]:
    """What watches this process now."""
    return [*_traced(root), *_hooked(), *_checked()]


def _traced(root: Path) -> Iterator[Disturbance]:
    """By another process, with ptrace."""
    found = re.search(r"^TracerPid:\s*([1-9]\d{0,8})$", read_text(root / "proc/self/status") or "", re.MULTILINE)
    if found:
        name = read_text(root / f"proc/{found[1]}/comm") or "another process"
        yield Disturbance(
            "debugger", f"{name[:50]} traces this process", "system calls and signals take many times as long, and "
            "breakpoints stop threads", "start without strace, gdb or another debugger",
        )  # fmt: skip


def _hooked() -> Iterator[Disturbance]:
    """By functions that the interpreter calls."""
    hooks = {"sys.settrace": sys.gettrace(), "sys.setprofile": sys.getprofile()}
    found = [f"{_owner(hook)} ({name})" for name, hook in hooks.items() if hook is not None]
    if monitoring := getattr(sys, "monitoring", None):  # from Python 3.12 on
        tools = (monitoring.get_tool(number) for number in range(6))
        found += [f"{tool} (sys.monitoring)" for tool in tools if tool]
    if getattr(sys, "is_stack_trampoline_active", bool)():
        found.append("perf (sys.activate_stack_trampoline)")
    if found:
        yield Disturbance("tracer", ", ".join(found), CALLS, "start without coverage, a profiler or a debugger")


def _checked() -> Iterator[Disturbance]:
    """By the interpreter itself."""
    if sys.flags.dev_mode:
        affects = f"memory is checked as it is allocated: {ALLOCATIONS}"
        yield Disturbance("development mode", "python -X dev", affects, "start without -X dev, and unset PYTHONDEVMODE")
    if tracemalloc.is_tracing():
        remedy = "start without -X tracemalloc, and unset PYTHONTRACEMALLOC"
        yield Disturbance("tracemalloc", "on", f"each allocation is noted: {ALLOCATIONS}", remedy)
    if hasattr(sys, "gettotalrefcount"):
        yield Disturbance("debug build", "of Python", CALLS, "use a Python that was built without --with-pydebug")


def _owner(hook: object) -> str:
    """The package that a hook is of."""
    module = getattr(hook, "__module__", None) or type(hook).__module__
    return str(module).partition(".")[0]
