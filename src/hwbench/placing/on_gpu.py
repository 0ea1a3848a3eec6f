"""Places functions of CuPy: timed by events on the GPU that holds their arrays, under that GPU's measured roofs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..counting import Counts
from ..counting.inputs import is_foreign, subject, walk
from ..devices import Device, selection
from ..devices.absent import AbsentGpu
from ..errors import UsageError
from ..protocols import Call
from ..record import text
from ..record.estimate import estimate
from ..record.measures import TOLERANCE
from ..record.phrases import counted
from . import gpu_roofs, timing
from .advice import LEAST
from .asked import middle
from .gpu_roofs import GpuRoofs
from .model import Advice, Gain, Point
from .roofs import Roofs
from .subject import Function, Inputs

NAME = "gpu:{}"
Memory = tuple[int, int]
"""The address of an array and its bytes."""


def addressed(value: object) -> list[tuple[Memory, Any]]:
    """The arrays of a GPU in a value, with where they lie."""
    found = []
    for _, one in walk(value, ""):
        told = getattr(one, "__cuda_array_interface__", None)
        if told and is_foreign(one):
            found.append(((int(told["data"][0]), int(one.nbytes)), one))
    return found


def arrays(function: Function, inputs: Inputs) -> list[Any]:
    """The arrays of a GPU that a function is given, in its arguments, its closure and its globals."""
    made = subject(function, inputs.args, inputs.kwargs)
    return [one for _, each in made.given() for _, one in addressed(each)]


def device_of(name: str, function: Function, inputs: Inputs) -> str:
    """`gpu:0`: where the arrays of a function lie; UsageError for several GPUs, and for none that hwbench can time."""
    given = arrays(function, inputs)
    numbers = {int(getattr(getattr(one, "device", None), "id", 0)) for one in given}
    if not given:
        raise UsageError(f"{name}: its arrays have no address on an NVIDIA GPU; those of NumPy and CuPy are timed")
    if len(numbers) > 1:
        which = ", ".join(NAME.format(number) for number in sorted(numbers))
        raise UsageError(f"{name}: has arrays on {which}; give it arrays of one GPU")
    return NAME.format(*numbers)


def opened(device: str) -> Device:
    """The GPU, which times work as it is launched: behind a gate a function that waits for a result would hang."""
    (found,) = selection.gpus(device, gate=False).values()
    if isinstance(found, AbsentGpu):
        raise UsageError(f"{device} cannot be timed: {found.why}")
    return found


def written(function: Function, inputs: Inputs) -> tuple[int, int]:
    """Bytes that a call writes, and those of them that are new: results, and arguments that are others after it."""
    before = addressed([*inputs.args, *inputs.kwargs.values()])
    held = [one.get() for _, one in before]
    result = function(*inputs.args, **inputs.kwargs)
    old = {place[0] for place, _ in before}
    made = sum(place[1] for place, _ in addressed(result) if place[0] not in old)
    changed = [
        place[1] for (place, one), was in zip(before, held, strict=True) if one.get().tobytes() != was.tobytes()
    ]  # fmt: skip
    return made + sum(changed), made


def measured(calls: Mapping[str, Call], device: Any, stop: Callable[[], None]) -> dict[str, timing.Timed]:
    """The time of each call by events; UsageError for one that could not be timed."""
    slowest = max(device.timed(call, output=lambda: 0).timer(1) for call in calls.values())
    records = timing.measure(calls, {device.name: device}, slowest, stop=stop)
    for name, record in records.items():
        if not record.timed:
            raise UsageError(f"{name}: could not be timed: {record.why}")
    return {name: timing.Timed(estimate(one.samples), one.why if one.status == "suspect" else "")
            for name, one in records.items()}  # fmt: skip


def advise(point: Point, roofs: GpuRoofs, kind: str) -> tuple[Advice, ...]:
    """One kernel in place of a chain, where this is worth a sentence."""
    counts, seconds = point.counts, point.seconds.value
    usual, best = (roofs.band(kind, counts.data or counts.footprint, usual=one) for one in (True, False))
    issued, fused = middle(counts.issued), middle(counts.fusable)
    if usual is None or best is None or not counts.temporaries or not 0 < fused < issued:
        return ()
    kernels = len(counts.temporaries) + 1
    rest = max(0.0, seconds - issued / usual.value)  # launches, and what they leave idle
    at_most = TOLERANCE * seconds / max(counts.compulsory / best.high, 1e-12)
    gain = Gain(min(seconds / (fused / usual.value + rest / kernels), at_most), at_most)
    if gain.expected < LEAST:
        return ()
    said = (
        f"expect {text.amount(gain.expected)}× as fast, at most {text.amount(gain.at_most)}×: it asks for "
        f"{text.size(issued)} in {counted(kernels, 'kernel')}, and one would ask for {text.size(fused)}. Write one "
        "kernel: cupy.fuse or cupy.ElementwiseKernel."
    )
    return (Advice("fuse", said, gain),)


def roofs_for(points: Iterable[Point], cpu: Callable[[], Roofs]) -> Roofs:
    """The roofs to draw points under: of the GPU that they were timed on, else the CPU's."""
    on = next((point.roof.device for point in points if point.roof.device.startswith("gpu")), None)
    return cpu() if on is None else gpu_roofs.get(on, lambda _line: None)


def kinds(name: str, counts: Mapping[str, Counts]) -> list[str]:
    """Which of the functions run where the first does."""
    gpu = counts[name].kind == "cupy"
    return [one for one, each in counts.items() if (each.kind == "cupy") == gpu]
