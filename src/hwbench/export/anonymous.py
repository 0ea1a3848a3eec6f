"""A run without what names its machine or its user. `docs/privacy.md` lists what a run file says of a machine."""

from __future__ import annotations

import re

from msgspec.structs import replace

from ..record import private
from ..record.microarchitectures import machine_name
from ..record.model import Gpu, Machine, Record, Run, Scalar

VIRTUAL = {
    "Amazon EC2", "Google Compute Engine", "VMware", "VirtualBox", "Parallels", "Hyper-V", "Firecracker", "QEMU", "KVM",
    "Xen", "Docker", "Podman", "Kubernetes", "LXC", "Sysbox", "gVisor", "WSL",
}  # fmt: skip
RELEASE = re.compile(r"(\d+\.\d+)[^\s,]*")  # of a kernel: what follows may name who built it
SOFTWARE = (
    "python",
    "gil",
    "numpy",
    "scipy",
    "numba",
    "llvmlite",
    "blas",
    "numba_threads",
    "threading_layer",
    "cupy",
    "nvrtc",
)


def anonymous(run: Run, number: int) -> Run:
    """The run as `run-<number>` of a machine that is called by its CPU.

    Names, texts of errors, variables, settings and commits are left out; figures, hardware and versions stay.
    """
    return replace(
        run,
        id=f"run-{number}",
        hwbench={"version": run.hwbench.get("version")},
        machine=_machine(run.machine),
        software={name: run.software[name] for name in SOFTWARE if name in run.software},
        variables=None,
        disturbances=[],
        records=[_record(record) for record in run.records],
    )


def _machine(machine: Machine) -> Machine:
    known = [part if part in VIRTUAL else "another" for part in (machine.virtual or "").split(", ") if part]
    return replace(
        machine,
        name=machine_name(machine.cpu),
        virtual=", ".join(known) or None,
        os=RELEASE.sub(r"\1", machine.os),
        gpus=[Gpu(name=gpu.name, memory=gpu.memory, sm=gpu.sm) for gpu in machine.gpus],
        opencl=[Gpu(name=one.name, memory=one.memory, sm=one.sm, state=one.state) for one in machine.opencl],
        settings={},
        topology=[],
    )


def _record(record: Record) -> Record:
    return replace(
        record,
        params={axis: _value(value) for axis, value in record.params.items()},
        reasons=[replace(reason, detail="") for reason in record.reasons],
    )


def _value(value: Scalar) -> Scalar:
    return private.without_ids(private.without_places(value)) if isinstance(value, str) else value
