"""The OpenCL C beside the benches, by name: what the OpenCL device and the tests share. Nothing heavy is imported."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).parents[1]
OWN = ("opencl_clock",)  # kernels of the device itself; all others lie beside the bench that they belong to
OPTIONS = ("-cl-std=CL1.2",)  # what every driver in use compiles


def topics() -> list[str]:
    """The sources that benches have, named as their file: `device.stream` is benches/device/stream.cl."""
    return sorted(f"{file.parent.name}.{file.stem}" for file in (PACKAGE / "benches").glob("*/*.cl"))


def source(topic: str) -> str:
    """The OpenCL C of a topic (`device.stream`); ValueError, with the known names, without one."""
    folder = PACKAGE / ("devices" if topic in OWN else "benches")
    try:
        return (folder / f"{topic.replace('.', '/')}.cl").read_text(encoding="utf-8")
    except OSError:
        raise ValueError(f"no OpenCL kernels of '{topic}'; there are {', '.join([*OWN, *topics()])}") from None
