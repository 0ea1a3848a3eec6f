"""The CUDA C++ beside the benches, and how it is compiled: what the GPU device and the tests without a GPU share.

Nothing heavy is imported here, so that a test can compile the very same text with the very same options by NVRTC alone,
or run it on the CPU.
"""

from __future__ import annotations

from pathlib import Path

# What is compiled everywhere: Turing, Ampere, Hopper, and data centre and workstation Blackwell, the architectures that
# NVRTC of CUDA 13 and the cards in use have in common.
ARCHS = (75, 80, 90, 100, 120)
OPTIONS = ("-std=c++17",)
# CuPy adds these by itself (cupy.cuda.compiler, 13 and 14): denormals in float32 are flushed to zero, and functions
# without an execution space are device code.
CUPY_OPTIONS = ("-ftz=true", "--device-as-default-execution-space")

PACKAGE = Path(__file__).parents[1]
# Kernels of the device itself; all others lie beside the bench that they belong to.
OWN = ("gpu_gate",)


def topics() -> list[str]:
    """The sources that benches have, named as their file: `device.stream` is benches/device/stream.cu."""
    return sorted(f"{file.parent.name}.{file.stem}" for file in (PACKAGE / "benches").glob("*/*.cu"))


def source(topic: str, file: Path | None = None) -> str:
    """The CUDA C++ of a topic (`device.stream`), or of a `file`; ValueError, with the known names, without one."""
    folder = PACKAGE / ("devices" if topic in OWN else "benches")
    try:
        return (file or folder / f"{topic.replace('.', '/')}.cu").read_text(encoding="utf-8")
    except OSError:
        where = f" in {file.name}" if file else ""
        raise ValueError(f"no kernels of '{topic}'{where}; there are {', '.join([*OWN, *topics()])}") from None


def toolkit(cuda: int, library: str) -> str:
    """How to install a library of this generation of CUDA: NVIDIA's wheels change their names from one to the next."""
    return f"pip install 'cuda-toolkit[{library}]=={cuda}.*'"
