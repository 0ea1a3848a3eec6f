"""Made-up records of the lecture's other systems, for the sample runs: from closed forms, but the array's frames."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np

from hwbench.benches.stability._networks import ACTIVATIONS, INITS
from hwbench.benches.systolic._simulator import frames
from hwbench.benches.systolic._tiling import Tiling
from hwbench.benches.systolic.matmul import BATCHES
from hwbench.record.model import Scalar

Row = tuple[str, str, dict[str, Scalar], float, dict[str, float], dict[str, Any]]
RANGE = {"f2": (-4.2, 4.8), "f4": (-37.9, 38.5), "f8": (-307.7, 308.2)}  # log₁₀ of the smallest normal and the largest
LAYERS, WIDTH = 100, 128


def lecture_rows() -> Iterator[Row]:
    """One record or more for each picture of the lecture's sections."""
    for dtype in RANGE:
        for init, factor in (("orthogonal-1.5", 1.5), ("orthogonal-0.8", 0.8), ("xavier-normal", 0.98), ("he", 1.4)):
            yield _gradient(dtype, "identity", init, "plain", factor)
    for remedy in ("normalised", "clipped", "loss-scaled"):
        yield _gradient("f2", "identity", "orthogonal-1.5", remedy, 1.0)
    for activation in ("relu", "sigmoid", "tanh"):
        yield _gradient("f2", activation, "xavier-normal", "plain", 0.5)
    for init, factor in (("xavier-normal", 1.0), ("xavier-uniform", 1.0), ("he", 2.0)):
        yield _variance(init, "square", factor)
    yield _variance("xavier-normal", "alternating", 0.75)
    yield _variance("he", "alternating", 1.5)
    for activation, taylor in (("sigmoid", [0.5, 0.25, 0.0, -1 / 48]), ("tanh", [0.0, 1.0, 0.0, -1 / 3])):
        yield _activation(activation, taylor)
    for rows, shape in ((3, "3x3x2"), (8, "64x64x32"), (32, "64x64x32")):
        yield from _systolic(rows, shape)
    yield "fpga.systolic", "ecp5-85k", {"array": "4x4", "batch": 32}, 1e-2, {"calls": 1.0}, _compiled()
    for size, bytes_ in (("L1", 16384), ("DRAM", 2**28)):
        yield ("dsp.dot", "blas", {"size": size, "dtype": "f8"}, bytes_ / 20e9, {"bytes": float(bytes_),
               "flops": bytes_ / 8}, {"threads": 1, "footprint": bytes_})  # fmt: skip
    for taps in (8, 64, 512):
        for variant, seconds in (("numpy", 2e-6 * taps), ("numba", 6e-7 * taps), ("oaconvolve", 2e-4)):
            counts = {"flops": 2.0 * taps * 16384, "items": 16384.0}
            yield "dsp.convolution", variant, {"n": 16384, "taps": taps, "dtype": "f8"}, seconds, counts, {}
    for n in (256, 8192):
        for variant, rate in (("numpy", 4e9), ("scipy", 5e9), ("scipy-workers", 8e9)):
            flops = 5 * 2**17 * math.log2(n)
            facts = {"rows": 2**17 // n, "footprint": 2**22, "own_bytes": 2**22, "threads": 1}
            yield "dsp.fft", variant, {"n": n, "dtype": "f8"}, flops / rate, {"flops": flops}, facts
    for variant, step in (("numpy", 1e-4), ("numba", 3e-5)):
        for batch in (16, 64, 256):
            yield _house(variant, batch, step)


def _compiled() -> dict[str, Any]:
    """The facts of an array on a large ECP5."""
    return {
        "rows": 4, "columns": 4, "cycles": 43, "closed_form": 43, "part": "LFE5U-85F", "clocks": [110e6, 90e6, 100e6],
        "gops": 3.2, "luts": 266, "luts_of": 83640, "flip_flops": 500, "flip_flops_of": 83640, "multipliers": 16,
        "multipliers_of": 156, "synthesis_s": 2.0, "place_and_route_s": [5.0, 6.0, 4.0], "largest": 12,
        "limited_by": "multipliers",
    }  # fmt: skip


def lecture_gpu_rows(l2: int) -> Iterator[Row]:
    """The same on a GPU with so many bytes of L2: launches of 5 µs, and 2 TB/s of its memory."""
    for dtype in RANGE:
        for init, factor in (("orthogonal-1.5", 1.5), ("orthogonal-0.8", 0.8)):
            bench, _, params, _, counts, facts = _gradient(dtype, "identity", init, "plain", factor)
            yield bench, "cupy", params, 600 * 5e-6, counts, facts | {"transfers": False}
    for bench, _, params, _, counts, facts in (
        _variance("xavier-normal", "square", 1.0),
        _activation("tanh", [0, 1, 0, -1 / 3]),
    ):
        yield bench, "cupy", params, 200 * 5e-6, counts, facts | {"transfers": False}
    for size, bytes_ in (("L2", l2 // 2), ("HBM", 16 * l2)):
        facts = {"transfers": False, "footprint": bytes_, "l2_bytes": l2}
        counts = {"bytes": float(bytes_), "flops": bytes_ / 8}
        yield "dsp.dot", "cupy", {"size": size, "dtype": "f8"}, 1e-5 + bytes_ / 2e12, counts, facts
    for taps in (8, 64, 512):
        counts = {"flops": 2.0 * taps * 16384, "items": 16384.0}
        yield "dsp.convolution", "cupy", {"n": 16384, "taps": taps, "dtype": "f8"}, 5e-5, counts, {"transfers": False}
    for variant, sending in (("cupy", 0.0), ("cupy-copies", 3e-5)):
        for batch in (16, 64, 256):
            bench, _, params, seconds, counts, facts = _house(variant, batch, 60 * 5e-6)
            facts |= {"busy_s": facts["steps"] * 5e-5} if variant == "cupy" else {}
            phases = facts["phases_s"] | ({"send": facts["steps"] * sending} if sending else {})
            yield bench, variant, params, seconds + facts["steps"] * sending, counts, facts | {"phases_s": phases}


def _gradient(dtype: str, activation: str, init: str, remedy: str, factor: float) -> Row:
    low, high = RANGE[dtype]
    powers = [k * math.log10(factor) for k in range(LAYERS + 1)]
    safe = sum(low < power < high for power in powers) - 1
    norms = [round(power, 4) if low < power < high else None for power in powers]
    lost = safe + 1 if safe < LAYERS else None
    facts = {
        "layers": LAYERS, "width": WIDTH, "log10_norms": norms, "log10_forward": norms, "safe_depth": safe,
        "overflow": lost if factor > 1 else None, "underflow": lost if factor < 1 else None,
        "dead": lost if factor < 1 else None, "forward_overflow": None, "forward_underflow": None,
        "forward_dead": None, "proper_depth": min(safe, 17),
        "trouble": None if lost is None else "overflow" if factor > 1 else "underflow",
        "smallest_normal": 2.0**-14 if dtype == "f2" else 1e-38, "largest": 65504.0 if dtype == "f2" else 3.4e38,
    }  # fmt: skip
    if (dtype, activation, init, remedy) == ("f4", "identity", "orthogonal-1.5", "plain"):
        facts["map"] = _map()
    work = float(LAYERS * WIDTH**2)
    size = int(dtype[1])
    params = {"activation": activation, "init": init, "dtype": dtype, "remedy": remedy}
    return "stability.gradients", "numba", params, work * size / 1e10, {"bytes": 2 * size * work}, facts


def _map() -> dict[str, Any]:
    """Every network of 100 layers in three types: the nth stretches a gradient by 0.7 + n / 25."""
    networks = [[activation, init] for init in INITS[:5] for activation in ACTIVATIONS]
    depths = [1, 2, 5, 10, 20, 50, 100]
    told: dict[str, Any] = {"networks": networks, "depths": depths, "lacking": {"bf16": "bf16 needs ml_dtypes"}}
    for dtype, (low, high) in RANGE.items():
        powers = [math.log10(0.7 + number / 25) for number in range(len(networks))]
        safe = [min(LAYERS, int((high if power > 0 else low) / power) if power else LAYERS) for power in powers]
        told[dtype] = {
            "log10_norms": [
                [round(k * power, 1) if k <= depth else None for k in depths]
                for power, depth in zip(powers, safe, strict=True)
            ],
            "overflow": [
                depth + 1 if power > 0 and depth < LAYERS else None for power, depth in zip(powers, safe, strict=True)
            ],
            "safe_depth": safe,
        }  # fmt: skip
    return told


def _variance(init: str, shape: str, factor: float) -> Row:
    values = [factor**layer for layer in range(21)]
    facts = {
        "forward": [1.02 * v for v in values], "expected_forward": values, "backward": values[::-1],
        "expected_backward": values[::-1], "weight_variance": 0.0078, "gamma": 1 / 128, "largest_weight": 0.1531,
    }  # fmt: skip
    params = {"init": init, "activation": "identity", "shape": shape, "dtype": "f4"}
    return "stability.initialization", "numpy", params, 2e-3, {"flops": 4e7}, facts


def _activation(name: str, taylor: list[float]) -> Row:
    facts = {
        "taylor": [c + 1e-7 for c in taylor], "taylor_expected": taylor, "taylor_tolerance": [1e-5] * 4,
        "steps": [0.125, 0.25, 0.5, 1.0], "cubic_errors": [0.0, 2e-6, 6e-5, 1.8e-3], "largest_error_eps": 1.0,
    }  # fmt: skip
    params = {"activation": name, "dtype": "f4", "n": 4096}
    return "stability.activations", "numpy", params, 2e-5, {"items": 4096.0}, facts


def _systolic(rows: int, shape: str) -> Iterator[Row]:
    m, k, n = map(int, shape.split("x"))
    tiling = Tiling("weight-stationary", rows, rows, m, k, n)
    facts = {
        "rows": rows, "columns": rows, "used_rows": tiling.r, "used_columns": tiling.c, "tiles": tiling.tiles,
        "cycles": tiling.cycles, "closed_form": tiling.cycles, "single_buffer": tiling.cycles + 5,
        "pe_cycles": tiling.cycles * tiling.r * tiling.c, "utilisation": tiling.utilisation, "words": tiling.words,
        "words_per_cycle": sum(tiling.words.values()) / tiling.cycles, "batches": list(BATCHES),
        "cycles_by_batch": [Tiling(tiling.flow, rows, rows, m, k, batch).cycles for batch in BATCHES],
    }  # fmt: skip
    if shape == "3x3x2":
        facts |= _example()
    params = {"array": f"{rows}x{rows}", "shape": shape}
    flops = {"flops": 2.0 * m * k * n}
    yield "systolic.matmul", "weight-stationary", params, facts["pe_cycles"] / 1e8, flops, facts
    yield "systolic.matmul", "blas", params, 1e-6, flops, {"threads": 1}


@functools.cache
def _example() -> dict[str, Any]:
    """The lecture's 3 × 3 by 3 × 2 as it is simulated, frame by frame."""
    w = np.array([[1, -2, 3], [4, 0, -5], [-6, 7, 2]], np.float32)
    x = np.array([[2, -1], [0, 3], [-4, 5]], np.float32)
    shots = frames(Tiling("weight-stationary", 3, 3, 3, 3, 2), w, x)
    told = {"w": w, "x": x, "y": w @ x, "frames": shots}
    plain: dict[str, Any] = json.loads(msgspec.json.encode(told, enc_hook=lambda value: value.tolist()))
    return plain


def _house(variant: str, batch: int, step: float) -> Row:
    steps = math.ceil(2344 / batch)
    seconds = steps * (step + batch * 1e-6)
    facts = {
        "fold_rmse": [0.128, 0.119, 0.141, 0.124, 0.132], "rmse": 0.129, "curve": [0.4, 0.2, 0.15, 0.129],
        "phases_s": {"gather": seconds / 10, "forward": seconds / 4, "backward": seconds / 2, "update": seconds / 5},
        "rows": 2344, "sales": 2930, "columns": 340, "parameters": 12001, "steps": steps, "recipe_batch": 64,
    }  # fmt: skip
    params = {"data": "ames", "batch": batch, "dtype": "f4", "optimizer": "adam"}
    counts = {"flops": 1.5e8, "items": 2344.0, "calls": 1.0}
    return "workload.house_prices", variant, params, seconds, counts, facts
