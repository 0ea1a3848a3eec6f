"""Which devices `--device` names, which of them can be used, and which values machine-dependent axes have there."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence

import msgspec

from .. import errors
from ..bench import Bench, Sweep
from ..record.model import Gpu, Machine, Scalar
from ..record.reasons import because, told
from . import AxisValue, Device
from .absent import AbsentGpu

NOT_USED = Gpu(name="not used")


def devices(which: str, *, measuring: bool = True, gate: bool = True) -> dict[str, Device]:
    """The devices named by `--device`: cpu, gpu, gpu:N, opencl, opencl:N or all.

    Where there is no GPU, one that says why; so for OpenCL where it was asked for by name.

    Without `gate` GPUs time work that is not held back until it is queued. Without `measuring` the CPU's sizes are
    those that were measured earlier or that the system reports.
    """
    from .cpu import CpuDevice

    if not re.fullmatch("cpu|(gpu|opencl)(:[0-9]{1,3})?|all", which):
        raise errors.UsageError(f"--device {which}: must be one of cpu, gpu, gpu:N, opencl, opencl:N, all")
    found: dict[str, Device] = {"cpu": CpuDevice(measuring=measuring)} if which in ("cpu", "all") else {}
    if which == "all" or which.startswith("gpu"):
        found |= gpus(which, gate=gate)
    if which == "all" or which.startswith("opencl"):
        found |= opencls(which)
    return found


def gpus(which: str = "gpu", *, gate: bool = True) -> dict[str, Device]:
    """All GPUs, or `gpu:N`; in the place of one that cannot be used, a device that says why."""
    from ..host.gpu_probe import probe, refusal

    there = probe()
    if there.state != "ok":
        return {"gpu": AbsentGpu(there.because)}
    index = which.partition(":")[2]
    if index and int(index) >= there.count:
        names = ", ".join(f"gpu:{i}" for i in range(there.count))
        raise errors.UsageError(f"--device {which}: this machine has no such GPU; there is {names}")
    from .gpu import GpuDevice
    from .gpu_gate import blocking

    ungated = blocking(os.environ) if gate else "--no-gate"
    found: dict[str, Device] = {}
    for number in [int(index)] if index else range(there.count):
        name = f"gpu:{number}"
        if number in there.unusable:
            found[name] = AbsentGpu(there.unusable[number], name)
            continue
        try:
            found[name] = GpuDevice(number, ungated=ungated)
        except Exception as error:  # noqa: BLE001 - in exclusive use, out of memory, fallen off the bus …
            found[name] = AbsentGpu(because("gpu_broken", refusal(error)), name)
    return found


def opencls(which: str = "opencl") -> dict[str, Device]:
    """All OpenCL devices, or `opencl:N`; with `all` those alone that can be used, else one that says why."""
    from ..host.opencl_probe import line_of, probe

    there = probe()
    if there.state != "ok":
        return {} if which == "all" else {"opencl": AbsentGpu(there.because, "opencl", "opencl")}
    index = which.partition(":")[2]
    if index and int(index) >= len(there.devices):
        names = ", ".join(f"opencl:{i}" for i in range(len(there.devices)))
        raise errors.UsageError(f"--device {which}: this machine has no such OpenCL device; there is {names}")
    from .opencl import OpenClDevice

    found: dict[str, Device] = {}
    for number in [int(index)] if index else range(len(there.devices)):
        name, one = f"opencl:{number}", there.devices[number]
        try:
            if one.why:
                found[name] = AbsentGpu(because("opencl_broken", f"{one.title}: {one.why}"), name, "opencl")
            else:
                found[name] = OpenClDevice(number, one)
        except Exception as error:  # noqa: BLE001 - a driver may raise anything
            found[name] = AbsentGpu(because("opencl_broken", f"{one.title}: {line_of(error)}"), name, "opencl")
    usable = {name: device for name, device in found.items() if not isinstance(device, AbsentGpu)}
    return usable if which == "all" else found


def with_opencl(here: Machine) -> tuple[Machine, str]:
    """The machine with what its OpenCL drivers say of their devices, and what is wrong with them, "" where nothing."""
    from ..host.opencl_probe import describe, probe

    there = probe()
    bad = [f"opencl:{number} cannot be used: {one.why}" for number, one in enumerate(there.devices) if one.why]
    why = there.why if there.state != "ok" else "; ".join([*bad, *there.troubles])
    return msgspec.structs.replace(here, opencl=[describe(one) for one in there.devices]), why


def with_gpus(here: Machine, known: Mapping[str, Device]) -> tuple[Machine, str]:
    """The machine with its GPUs and OpenCL devices described, and why GPUs that cannot be used are missing, or "".

    A device's place in the list is its number, by which records name it; places in between are `NOT_USED`.
    """
    cards, others = (_numbered(kind, known) for kind in ("gpu", "opencl"))
    why = told(device.why for device in known.values() if isinstance(device, AbsentGpu) and device.kind == "gpu")
    return msgspec.structs.replace(here, gpus=cards or here.gpus, opencl=others or here.opencl), why


def _numbered(kind: str, known: Mapping[str, Device]) -> list[Gpu]:
    described = {
        name: device.describe() for name, device in known.items() if device.kind == kind and hasattr(device, "describe")
    }
    last = max((int(name.partition(":")[2]) for name in described), default=-1)
    return [described.get(f"{kind}:{number}", NOT_USED) for number in range(last + 1)]


def refuse_absent(which: str, known: Mapping[str, Device]) -> None:
    """UsageError where `--device` names devices of which none can be used: no case could be measured."""
    if known and all(isinstance(device, AbsentGpu) for device in known.values()):
        why = told(device.why for device in known.values() if isinstance(device, AbsentGpu))
        raise errors.UsageError(f"--device {which}: {why}")


def opencl_troubles(known: Mapping[str, Device], which: str) -> list[str]:
    """A line for each OpenCL driver that crashes, and for each device that `all` leaves out."""
    from ..host.opencl_probe import probe

    if which != "all" and not which.startswith("opencl"):
        return []
    there = probe()
    lines = [there.why] if there.state == "crashed" else there.crashes
    return [
        *lines,
        *(
            f"opencl:{number} is left out: {one.title}: {one.why}"
            for number, one in enumerate(there.devices)
            if one.why and which == "all" and f"opencl:{number}" not in known
        ),
    ]


def needed(which: str, chosen: Sequence[Bench]) -> str:
    """`--device`, but `cpu` for `all` where no bench has a variant for an accelerator, which then need not be woken."""
    return "cpu" if which == "all" and all(bench.kinds == ("cpu",) for bench in chosen) else which


def spread(known: Mapping[str, Device]) -> Callable[[AxisValue], Sequence[Scalar]]:
    """What machine-dependent axis values stand for, said by the first usable device of the kind they are about."""

    def values(value: AxisValue) -> Sequence[Scalar]:
        kind = value.on if isinstance(value, Sweep) else "cpu"
        fitting = [device for device in known.values() if device.kind == kind]
        if kind == "gpu" and not any(":" in device.name for device in fitting):  # an OpenCL device has such levels, too
            fitting += [device for device in known.values() if device.kind == "opencl"]
        if not fitting:  # a bench with CPU and GPU variants, where one kind is not measured
            return AbsentGpu(because("needs_gpu")).spread(value) if kind == "gpu" else _cpu_spread(value)
        return min(fitting, key=lambda device: isinstance(device, AbsentGpu)).spread(value)

    return values


def _cpu_spread(value: AxisValue) -> Sequence[Scalar]:
    from .cpu import CpuDevice

    return CpuDevice().spread(value)
