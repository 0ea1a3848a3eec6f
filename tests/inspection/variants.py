"""Build a variant as the engine does, on this CPU or on a strict made-up GPU, and compare its answer."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from doubles.strict_cupy import StrictGpu
from hwbench.bench import Bench, Work
from hwbench.devices.cpu import CpuDevice
from hwbench.measurement.verify_output import mismatch
from hwbench.record.model import Record

try:
    import ml_dtypes
except ImportError:
    ml_dtypes = None

CPU = CpuDevice()


def type_of(name: str) -> np.dtype:
    """The dtype of an axis value; skips the test where bf16 cannot be had."""
    if name != "bf16":
        return np.dtype(name)
    if ml_dtypes is None:
        pytest.skip("bf16 needs the package ml_dtypes")
    return np.dtype(ml_dtypes.bfloat16)


def values_of(bench: Bench, **given: Any) -> dict[str, Any]:
    """What builders are given on the CPU: each axis' first value, or the given one."""
    first = {axis: values[0] for axis, values in bench.axes.items()} | given
    return first | {"dtype": type_of(first["dtype"]), "device": CPU, "rng": np.random.default_rng(2)}


def built(
    bench: Bench, variant: str, values: dict[str, Any], gpu: StrictGpu | None = None
) -> tuple[Work, tuple[Any, ...]]:
    """The work of a variant, on `gpu` or a new one where it wants a GPU; and the inputs, on the host."""
    wants = bench.variants[variant]
    if wants.on == "gpu":
        values = values | {"device": gpu or StrictGpu()}
    inputs = bench.make_inputs(values)
    there = inputs
    if wants.on == "gpu" and wants.inputs == "device":
        there = tuple(values["device"].put(one) if isinstance(one, np.ndarray) else one for one in inputs)
    return bench.build(variant, values, there), inputs


def verdict(bench: Bench, variant: str, values: dict[str, Any]) -> str:
    """What the engine's check says of a variant: "" where the answer is right."""
    return checked(bench, variant, values)[0]


def checked(bench: Bench, variant: str, values: dict[str, Any]) -> tuple[str, Work]:
    """The verdict of a variant, and its work."""
    work, inputs = built(bench, variant, values)
    output = work.call()
    output = output if work.output is None else work.output()
    flops = bench.count(values, inputs).get("flops", 0.0)
    return mismatch(output, bench.ask("reference", values, inputs), values, flops, bench.tolerance), work


def record_of(bench: Bench, variant: str, seconds: float, **params: Any) -> Record:
    """A record with the counts and facts of the variant as built here, and ten samples of so many seconds."""
    values = values_of(bench, **params)
    work, inputs = built(bench, variant, values)
    return Record(
        bench=bench.name, version=1, variant=variant, status="ok", loops=1, samples=[seconds] * 10,
        device="gpu:0" if bench.variants[variant].on == "gpu" else "cpu",
        params={axis: params.get(axis, listed[0]) for axis, listed in bench.axes.items()},
        counts=bench.count(values, inputs), facts=json.loads(json.dumps(dict(work.facts))),
    )  # fmt: skip


# --- GPUs that lack something -----------------------------------------------------------------------------------------


def without_bfloat16() -> StrictGpu:
    """A GPU whose CuPy holds bfloat16 as bytes and refuses to compute in it."""
    device, bfloat16 = StrictGpu(), type_of("bf16")
    launch = device.launch

    def refusing(function: Any, *given: Any, **more: Any) -> Any:
        if any(getattr(one, "dtype", None) == bfloat16 for one in given):
            raise TypeError("Unsupported dtype bfloat16\nin line 2")
        return launch(function, *given, **more)

    device.launch = refusing
    return device


def without_cublas() -> StrictGpu:
    """A GPU whose CuPy does not find cuBLAS."""
    device = StrictGpu()

    def missing() -> None:
        raise ImportError("libcublas.so.13: cannot open shared object file")

    device.xp.cuda.device.get_cublas_handle = missing
    return device
