"""`hwbench machine`: what this machine is and what disturbs measuring on it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from .console import echo, echo_err, print_json
from .options import AsJson
from .signals import load_numpy

if TYPE_CHECKING:
    from ..protocols import Facts
    from ..record.model import Disturbance, Gpu, Machine

NAME = 18  # columns of a fact's name
UNWRAPPED = 10**6  # columns off a terminal: a line a fact can be searched
LIBRARIES = {"nvrtc": "NVRTC", "cublas": "cuBLAS"}


def machine(json: AsJson = False) -> None:
    """Describe this machine, and what disturbs measurements on it.

    Each disturbance has its effect and its remedy beside it.
    """
    load_numpy()
    from ..devices import selection
    from ..host import disturbances, namesake, numba_pool
    from ..host import machine as facts
    from ..host.variables import variables
    from ..measurement import numba_settings

    numba_settings.check()
    if other := namesake.found():
        echo_err(f"warning: {other}")
    here, no_gpu = selection.with_gpus(facts.describe(), selection.gpus())
    here, no_opencl = selection.with_opencl(here)
    pool, inherited = numba_pool.kept(), variables()
    software = facts.software(lambda: pool)
    troubles = disturbances.here(here, software, inherited, pool.places)
    if json:
        found = {
            "machine": here,
            "no_gpu": no_gpu,
            "no_opencl": no_opencl,
            "software": software,
            "variables": inherited,
        }
        print_json({**found, "variables": inherited, "disturbances": troubles})
    else:
        print_machine(here, software, troubles, no_gpu, inherited, no_opencl)


def print_machine(
    described: Machine,
    software: Facts,
    disturbances: Sequence[Disturbance],
    no_gpu: str = "",
    variables: Mapping[str, str] | None = None,
    no_opencl: str = "",
) -> None:
    """Print the machine, the software under the benches, and each disturbance with what to do about it.

    `no_gpu` says why there is no GPU to measure on, `no_opencl` what is wrong with OpenCL; `variables` are those of the
    environment that change figures.
    """
    facts = [*_facts(described, no_gpu, no_opencl), *((name, value) for name, value in software.items() if value)]
    told = [f"{name}={value}" for name, value in (variables or {}).items()]
    facts.append(("variables", " ".join(told) or "none that changes figures"))
    on_terminal = sys.stdout is not None and sys.stdout.isatty()
    width = shutil.get_terminal_size().columns if on_terminal else UNWRAPPED
    for line in (*_told(facts, width), "", *_disturbed(disturbances, width)):
        echo(line)


def _told(facts: Sequence[tuple[str, object]], width: int) -> Iterator[str]:
    from ..record import text
    from .aligned import wrapped

    for name, value in facts:
        yield from wrapped(text.printable(str(value)) or "none", width, f"{name}:", NAME)


def _disturbed(disturbances: Sequence[Disturbance], width: int) -> Iterator[str]:
    """Each with what it does and what helps."""
    from ..record import text
    from .aligned import wrapped

    if not disturbances:
        yield "Nothing was found that disturbs measuring here."
    for one in disturbances:
        yield from wrapped(text.printable(f"{one.name}: {one.state}"), width)
        for name, said in (("effect", one.affects), ("remedy", one.remedy)):
            yield from wrapped(text.printable(said), width, f"  {name}: ", 10)


def _gpu(gpu: Gpu) -> str:
    """`NVIDIA H100 80GB HBM3, 79.6 GiB, 132 SMs, driver 580.65, CUDA 13.0, PCIe 5 x16, 700 W, ECC on, GPU-…`."""
    from ..record import text

    pcie, state, versions = gpu.pcie or {}, gpu.state or {}, gpu.versions or {}
    parts = [
        gpu.name,
        text.size(gpu.memory) if gpu.memory else "",
        f"{gpu.sm} SMs" if gpu.sm else "",
        f"driver {gpu.driver}" if gpu.driver else "",
        f"CUDA {gpu.cuda}" if gpu.cuda else "",
        f"PCIe {pcie['max_generation']} x{pcie['max_width']}" if {"max_generation", "max_width"} <= set(pcie) else "",
        *(f"{title} {versions[name]}" for name, title in LIBRARIES.items() if versions.get(name)),
        f"{state['power_limit_w']:g} W" if state.get("power_limit_w") else "",
        f"ECC {'on' if state['ecc'] else 'off'}" if "ecc" in state else "",
        "MIG" if state.get("mig") else "",
        gpu.uuid or "",
    ]
    return ", ".join(part for part in parts if part)


def _opencl(device: Gpu) -> str:
    """`gfx1100, GPU, 20 GiB, 48 units, AMD Accelerated Parallel Processing, OpenCL 2.1, driver 3.6, no halves`."""
    from ..record import text

    versions, state = device.versions or {}, device.state or {}
    parts = [
        device.name,
        "" if state.get("this_cpu") else str(state.get("type") or ""),
        text.size(device.memory) if device.memory else "",
        f"{device.sm} units" if device.sm else "",
        str(versions.get("platform") or ""),
        " ".join(str(versions.get("opencl") or "").split()[:2]),
        f"driver {device.driver}" if device.driver else "",
        f"without {', '.join(state['lacks'])}" if state.get("lacks") else "",
    ]
    return ", ".join(part for part in parts if part)


def _facts(described: Machine, no_gpu: str, no_opencl: str = "") -> list[tuple[str, str]]:
    from ..record import text
    from ..record.microarchitectures import title

    cpu = described.cpu
    quota = "" if cpu.quota is None else f"; a quota limits them to {cpu.quota:g}"
    caches = ", ".join(
        f"L{cache.level} {text.size(cache.bytes)} (lines of {cache.line} B, shared by {cache.shared_by})"
        for cache in cpu.caches
    )
    return [
        ("machine", described.name),
        ("CPU", f"{title(cpu)}, {cpu.arch}"),
        ("CPUs", f"{cpu.physical} cores, {cpu.logical} logical, {len(cpu.allowed)} allowed{quota}"),
        ("instructions", " ".join(cpu.isa)),
        ("caches", caches or "not reported"),
        (
            "memory",
            f"{text.size(described.memory.total)}, transparent huge pages: {described.memory.huge_pages or 'none'}",
        ),
        ("NUMA nodes", str(max(1, len(described.numa)))),
        ("virtual", described.virtual or "no"),
        *((f"GPU {number}", _gpu(gpu)) for number, gpu in enumerate(described.gpus)),
        *([] if described.gpus else [("GPUs", f"none: {no_gpu}" if no_gpu else "none")]),
        *((f"OpenCL {number}", _opencl(device)) for number, device in enumerate(described.opencl)),
        *([("OpenCL", no_opencl if described.opencl else f"none: {no_opencl}")] if no_opencl else []),
        ("system", described.os),
        *([("microcode", cpu.microcode)] if cpu.microcode else []),
        *(
            ("command line" if name == "kernel command line" else name, told)
            for name, told in described.settings.items()
        ),
    ]
