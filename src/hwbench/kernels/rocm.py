"""The CUDA C++ beside the benches as hiprtc takes it: a prelude, the width of a wavefront, and what it does not take.

Compiled to assembly for AMD's GPUs (`scripts/rocm_assembly.py`), and never run on one.
"""

from __future__ import annotations

from pathlib import Path

from . import cuda

# What is compiled, by the threads of its wavefronts: MI200, MI300, and RDNA 3, which has both.
ARCHS = (("gfx90a", 64), ("gfx942", 64), ("gfx1100", 32), ("gfx1100", 64))
PRELUDE = Path(__file__).with_suffix(".h")
MATRIX = "mma.sync"  # PTX
NO_MATRIX = (
    f"its kernels are PTX ({MATRIX}) for NVIDIA's tensor cores; AMD's matrix cores take other shapes, with other "
    "elements in a lane"
)


def refused(topic: str, file: Path | None = None) -> str:
    """Why hiprtc does not take the kernels of a topic; "" where it does."""
    return NO_MATRIX if MATRIX in cuda.source(topic, file) else ""


def topics() -> list[str]:
    """The sources that hiprtc takes, those of the device itself first."""
    return [topic for topic in (*cuda.OWN, *cuda.topics()) if not refused(topic)]


def source(topic: str, file: Path | None = None) -> str:
    """The prelude and the kernels of a topic; ValueError where hiprtc does not take them, with the reason."""
    if why := refused(topic, file):
        raise ValueError(f"no kernels of '{topic}' for ROCm: {why}")
    name = file.name if file else f"{topic}.cu"
    return f'{PRELUDE.read_text(encoding="utf-8")}#line 1 "{name}"\n{cuda.source(topic, file)}'


def options(warp: int) -> tuple[str, ...]:
    """The options of hiprtc on a GPU with so many threads in a wavefront; ValueError for a number that none has."""
    if warp not in (32, 64):
        raise ValueError(f"a wavefront has 32 or 64 threads, not {warp}")
    return (*cuda.OPTIONS, f"-DWARP={warp}")
