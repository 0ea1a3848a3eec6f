"""`hwbench machine`: what this machine is and what will disturb measuring on it, as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .quantity import format_bytes

if TYPE_CHECKING:
    from rich.console import Console

    from .machine import Disturbance
    from .model import Machine


def show(machine: Machine, software: Mapping[str, Any], disturbances: Sequence[Disturbance], console: Console) -> None:
    """Print the machine, the software under the benches, and each disturbance with what to do about it."""
    for name, value in [*_facts(machine), *((name, value) for name, value in software.items() if value)]:
        console.print(f"{name + ':':18}{value}", markup=False, highlight=False, soft_wrap=True)
    console.print()
    if not disturbances:
        console.print("Nothing was found that disturbs measuring here.")
    for one in disturbances:
        for line in (f"{one.name}: {one.state}", f"  does: {one.affects}", f"  remedy: {one.remedy}"):
            console.print(line, markup=False, highlight=False, soft_wrap=True)


def _facts(machine: Machine) -> list[tuple[str, str]]:
    cpu = machine.cpu
    quota = "" if cpu.quota is None else f", of which a quota leaves {cpu.quota:g}"
    caches = ", ".join(
        f"L{cache.level} {format_bytes(cache.bytes)} (lines of {cache.line} B, shared by {cache.shared_by})"
        for cache in cpu.caches
    )
    return [
        ("machine", machine.name),
        ("CPU", f"{cpu.model} ({cpu.arch})"),
        ("CPUs", f"{cpu.physical} cores, {cpu.logical} logical, {len(cpu.allowed)} allowed{quota}"),
        ("instructions", " ".join(cpu.isa)),
        ("caches", caches or "not reported"),
        (
            "memory",
            f"{format_bytes(machine.memory.total)}, transparent huge pages: {machine.memory.huge_pages or 'none'}",
        ),
        ("NUMA nodes", str(max(1, len(machine.numa)))),
        ("virtual", machine.virtual or "no"),
        ("GPUs", ", ".join(gpu.name for gpu in machine.gpus) or "none"),
        ("system", machine.os),
    ]
