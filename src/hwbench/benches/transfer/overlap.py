"""TODO benches.transfer.overlap."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ...analysis.fits import overlap
from ...bench import Bench, Work
from ...protocols import Results
from .._gpu import BLOCK, DOWN, STEP, UP, B, E, starts
from ._copies import TILE, _one_after_the_other

# --- copying beside computing -----------------------------------------------------------------------------------------

PARTS = 16  # pieces of the array: of 64 MiB each is 4, large against the latency of a copy
LOOPS = 32  # of 16 pairs: 1024 operations an element, some 2 GFLOP for 8 MB both ways, so that neither is nothing

overlap_bench = Bench(
    "transfer.overlap",
    question="How much of copying there, computing and copying back can go on at the same time?",
    axes={"stage": ("all",), "streams": (1, 2, 4, 8), "size": ("64MiB",)},
    sweeps=({"stage": ("h2d", "kernel", "d2h"), "streams": (1,)},),
    quick={"streams": (1, 4)},
    baseline="pipeline",
    together=("stage", "streams"),
    tolerance=0.0,
    core=False,
)


@overlap_bench.inputs
def numbers(rng: np.random.Generator, size: int) -> np.ndarray:
    """Numbers on which the kernel rounds nothing, in `size` bytes of float32; the first MiB over and over."""
    whole = size // 4 // (PARTS * BLOCK) * (PARTS * BLOCK)
    return np.resize(starts(rng, min(TILE // 4, whole), np.float32), whole)


@overlap_bench.reference
def computed(data: np.ndarray, stage: str) -> np.ndarray:
    """What the kernel adds in all its pairs; copies alone change nothing."""
    return data + np.float32(LOOPS * 16 * STEP) if stage in ("all", "kernel") else data


@overlap_bench.counts
def moved(data: np.ndarray, stage: str) -> dict[str, float]:
    """Each element crosses the link once each way, and takes 32 operations a loop."""
    ways = {"all": 2, "kernel": 0}.get(stage, 1)
    flops = 2 * 32 * LOOPS * data.size if stage in ("all", "kernel") else 0
    return {"bytes": ways * data.nbytes, "flops": flops, "items": data.size}


@overlap_bench.memory
def at_both_ends(size: int) -> int:
    """An array to send and one to fetch, on each side."""
    return 4 * size


@overlap_bench.variant("pipeline", on="gpu", inputs="host")
def pipeline(device: Any, data: np.ndarray, stage: str, streams: int) -> Work:
    """Pieces in turn on several streams: copy there, kernel, copy back."""
    here, back = device.host("pinned", data.nbytes), device.host("pinned", data.nbytes)
    here.array[:] = data.view(np.uint8)
    back.array[:] = 0
    sent = device.put(data if stage == "kernel" else np.zeros_like(data))
    made = device.put(data if stage == "d2h" else np.zeros_like(data))
    lanes = tuple(device.streams(streams))
    part = data.size // PARTS
    launches: list[Callable[[], Any]] = []
    arguments = (np.int32(LOOPS), *(np.float32(x) for x in (UP, B, DOWN, E)))
    for index in range(PARTS):
        lane, at = lanes[index % streams], slice(index * part, (index + 1) * part)
        offset = at.start * data.itemsize
        if stage in ("all", "h2d"):
            launches.append(device.copier(sent.data.ptr + offset, here.ptr + offset, part * data.itemsize, stream=lane))
        if stage in ("all", "kernel"):
            ends = (sent[at], made[at])
            launches.append(
                device.launcher("transfer.copy", "chain", part // BLOCK, BLOCK, (*ends, *arguments), stream=lane)
            )
        if stage in ("all", "d2h"):
            launches.append(device.copier(back.ptr + offset, made.data.ptr + offset, part * data.itemsize, stream=lane))

    def output() -> np.ndarray:
        if stage in ("all", "d2h"):
            return np.asarray(back.array).view(np.float32)
        return np.asarray(device.get(sent if stage == "h2d" else made))

    def close() -> None:
        here.close()
        back.close()

    work: Work = device.timed(
        _one_after_the_other(launches), output=output, streams=lanes, launches=len(launches), close=close,
        facts={"stage": stage, "parts": PARTS, "loops": LOOPS, "footprint": 2 * data.nbytes},
    )  # fmt: skip
    return work


@overlap_bench.finding
def overlap_finding(results: Results) -> Iterator[str]:
    """The share of the ideal overlap that each number of streams reaches."""
    found = overlaps(results)
    if not found:
        return
    parts = {name: results.find("pipeline", stage=name) for name in ("h2d", "kernel", "d2h")}
    serial = results.find("pipeline", stage="all", streams=1)
    best = max(found, key=lambda streams: found[streams].value)
    whole = results.find("pipeline", stage="all", streams=best)
    gain = results.versus(serial, whole)
    longest = max(parts, key=lambda name: float(np.median(parts[name].samples)))
    what = {"h2d": "copying there", "kernel": "the kernel", "d2h": "copying back"}[longest]
    yield (
        f"Copying there, computing and copying back on {best} streams is {gain.value:.2f}× as fast as in turn: "
        f"{found[best].value:.0%} ({found[best].low:.0%}–{found[best].high:.0%}) of the overlap that there is to be "
        f"had, since nothing is shorter than {what}."
    )


def overlaps(results: Results) -> dict[int, Any]:
    """By number of streams above one, the share of the ideal overlap (`fits.overlap`)."""
    parts = [results.find("pipeline", stage=name) for name in ("h2d", "kernel", "d2h")]
    serial = results.find("pipeline", stage="all", streams=1)
    if serial is None or None in parts:
        return {}
    found = {}
    for record in results.records:
        if record.timed and record.params["stage"] == "all" and record.params["streams"] > 1:
            try:
                found[record.params["streams"]] = overlap(
                    record.samples, serial.samples, [part.samples for part in parts]
                )
            except ValueError:
                continue
    return found
