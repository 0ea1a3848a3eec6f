"""Overlap: how much of copying there, computing and copying back goes on at the same time on several streams.

An array is cut into pieces that take turns on the streams: copy there, kernel, copy back. Each stage is timed alone,
too, since no overlap can take less time than the longest of them.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...bench import Bench, Work
from ...protocols import Call, Gpu, Results
from ...record import phrases
from ...record.estimate import Estimate
from ...record.model import Record
from .._gpu import BLOCK, DOWN, STEP, UP, B, E, starts
from ._copies import TILE, one_after_the_other

PARTS = 16  # pieces of the array: of 64 MiB each has 4, long against the latency of a copy
LOOPS = 32  # of 16 pairs: 1024 operations an element, some 2 GFLOP for 8 MB both ways, so that both take time

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
def pipeline(device: Gpu, data: np.ndarray, stage: str, streams: int) -> Work:
    """Pieces in turn on several streams: copy there, kernel, copy back."""
    here, back = device.host("pinned", data.nbytes), device.host("pinned", data.nbytes)
    here.array[:] = data.view(np.uint8)
    back.array[:] = 0
    sent = device.put(data if stage == "kernel" else np.zeros_like(data))
    made = device.put(data if stage == "d2h" else np.zeros_like(data))
    lanes = tuple(device.streams(streams))
    part = data.size // PARTS
    launches: list[Call] = []
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
        one_after_the_other(launches), output=output, streams=lanes, launches=len(launches), close=close,
        facts={"stage": stage, "parts": PARTS, "loops": LOOPS, "footprint": 2 * data.nbytes},
    )  # fmt: skip
    return work


@overlap_bench.finding
def overlap_finding(results: Results) -> Iterator[str]:
    """What streams gain, the share of the ideal overlap that they reach, and what bounds it."""
    found = overlaps(results)
    if not found:
        return
    best = max(found, key=lambda streams: found[streams].value)
    serial, whole = (results.find("pipeline", stage="all", streams=streams) for streams in (1, best))
    if serial is None or whole is None:
        return
    gain = phrases.against(results.versus(whole, serial), "1 stream")
    alone = stages(results)
    longest = max(alone, key=lambda name: float(np.median(alone[name].samples)))
    what = {"h2d": "the copy to the GPU", "kernel": "the kernel", "d2h": "the copy back"}[longest]
    yield (
        f"Copies and kernel on {phrases.counted(best, 'stream')}: {gain}{phrases.mark(whole, serial)}, "
        f"{phrases.of_limit(found[best], 'the possible overlap')}; {what} takes longest."
    )


def stages(results: Results) -> dict[str, Record]:
    """The records of the stages that were timed alone."""
    found = {name: results.find("pipeline", stage=name) for name in ("h2d", "kernel", "d2h")}
    return {name: record for name, record in found.items() if record is not None}


def overlaps(results: Results) -> dict[int, Estimate]:
    """By number of streams above one, the share of the ideal overlap; none where a stage was not timed alone."""
    alone = stages(results)
    serial = results.find("pipeline", stage="all", streams=1)
    if serial is None or len(alone) < 3:
        return {}
    found = {}
    for record in results.records:
        streams = int(record.params["streams"])
        if record.timed and record.params["stage"] == "all" and streams > 1:
            try:
                found[streams] = results.fits.overlap(
                    record.samples, serial.samples, [part.samples for part in alone.values()]
                )
            except ValueError:
                continue
    return found
