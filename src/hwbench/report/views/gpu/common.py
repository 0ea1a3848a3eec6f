"""What the GPU's views share: which records a GPU was timed in, its limits, and why there are none."""

from __future__ import annotations

from ....record.facts import gpu_of, this_cpu
from ....record.model import Record
from ....record.phrases import listed
from ...dataset import Point, Runs


def on_gpu(record: Record) -> bool:
    """Whether the case ran, or should have run, on a GPU or another accelerator, by CUDA or OpenCL."""
    return record.device.partition(":")[0] in ("gpu", "opencl")


def devices(runs: Runs, run: int) -> list[str]:
    """The accelerators that a run timed something on, as `gpu:0` or `opencl:0`."""
    return sorted({point.record.device for point in runs.points if point.run == run and on_gpu(point.record)})


def label(runs: Runs, run: int, device: str) -> str:
    """The GPU's name, with its number where there are several, and the run's where there are several of those."""
    gpu = gpu_of(runs[run], device)
    name = gpu.name if gpu else device
    if len(devices(runs, run)) > 1:
        name = f"{name} ({device})"
    return f"{name} · {runs.labels[run]}" if runs.several else name


def plain(variant: str) -> str:
    """`opencl` for `opencl (this CPU)`, `raw` for `raw (gpu:1)`: what colours and shapes are known by."""
    return variant.partition(" (")[0]


def cautions(runs: Runs) -> list[str]:
    """A sentence for a section's introduction where a device in it is a machine's own CPU."""
    own = [label(runs, i, one) for i in range(len(runs)) for one in devices(runs, i) if this_cpu(runs[i], one)]
    if not own:
        return []
    return [
        f"{listed(own)}: this is no GPU but the machine's own CPU, driven by OpenCL. What is said of a GPU here is "
        "what OpenCL makes of that CPU, whose own figures stand elsewhere."
    ]


def points_of(runs: Runs, measures: str, run: int, device: str) -> list[Point]:
    """The timed records on one GPU of one run, of the benches that measure this."""
    return [p for p in runs.measuring(measures) if p.run == run and p.record.device == device]


def absent(runs: Runs) -> list[tuple[str, int]]:
    """Each reason why no GPU could be measured, with the number of cases that it skipped."""
    reasons: dict[str, int] = {}
    for record in (record for run in runs for record in run.records):
        if record.device in ("gpu", "opencl") and record.status == "skipped":
            reasons[record.why] = reasons.get(record.why, 0) + 1
    return sorted(reasons.items(), key=lambda pair: -pair[1])
