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
    """The devices named by `--device`: cpu, gpu, gpu:N or all; where there is no GPU, one that says why.

    Without `gate` GPUs time work that is not held back until it is queued. Without `measuring` the CPU's sizes are
    those that were measured earlier or that the system reports.
    """
    from .cpu import CpuDevice

    if not re.fullmatch("cpu|gpu|gpu:[0-9]{1,3}|all", which):
        raise errors.UsageError(f"--device {which}: must be one of cpu, gpu, gpu:N, all")
    found: dict[str, Device] = {"cpu": CpuDevice(measuring=measuring)} if which in ("cpu", "all") else {}
    return found if which == "cpu" else found | gpus(which, gate=gate)


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


def with_gpus(here: Machine, known: Mapping[str, Device]) -> tuple[Machine, str]:
    """The machine with its GPUs described, and why those that cannot be used are missing ("" where none is).

    A GPU's place in the list is its number, by which records name it; places in between are `NOT_USED`.
    """
    described = {name: device.describe() for name, device in known.items() if hasattr(device, "describe")}
    last = max((int(name.partition(":")[2]) for name in described), default=-1)
    cards = [described.get(f"gpu:{number}", NOT_USED) for number in range(last + 1)]
    why = told(device.why for device in known.values() if isinstance(device, AbsentGpu))
    return msgspec.structs.replace(here, gpus=cards or here.gpus), why


def needed(which: str, chosen: Sequence[Bench]) -> str:
    """`--device`, but `cpu` for `all` where no bench has a variant for a GPU, which then need not be woken."""
    return "cpu" if which == "all" and not any("gpu" in bench.kinds for bench in chosen) else which


def spread(known: Mapping[str, Device]) -> Callable[[AxisValue], Sequence[Scalar]]:
    """What machine-dependent axis values stand for, said by the first usable device of the kind they are about."""

    def values(value: AxisValue) -> Sequence[Scalar]:
        kind = value.on if isinstance(value, Sweep) else "cpu"
        fitting = [device for device in known.values() if device.kind == kind]
        if not fitting:  # a bench with CPU and GPU variants, where one kind is not measured
            return AbsentGpu(because("needs_gpu")).spread(value) if kind == "gpu" else _cpu_spread(value)
        return min(fitting, key=lambda device: isinstance(device, AbsentGpu)).spread(value)

    return values


def _cpu_spread(value: AxisValue) -> Sequence[Scalar]:
    from .cpu import CpuDevice

    return CpuDevice().spread(value)
