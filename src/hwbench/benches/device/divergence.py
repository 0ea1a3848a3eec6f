"""Divergence: what it costs when the threads of one warp take several branches.

A warp has one instruction stream. Where its threads branch apart, it runs the paths one after the other, each with the
other threads masked. The kernel has 32 paths of 32 operations, so different that no compiler can merge two of them, and
branches to one of them again and again. `divergent` gives neighbouring threads different paths, `uniform` gives the
same elements the same paths but whole warps together, which is as fast as no branch at all.

`opencl-uniform` and `opencl-divergent` are the same in OpenCL. GPUs of other vendors run 8 to 64 work-items together,
so `opencl-uniform` has 64 neighbours take one path; a CPU's compiler may run as many as a vector has lanes, or one
after the other. A device that is this CPU takes one branch an element instead of 64, which would take seconds a call.

A CPU runs any branch at full speed as long as it predicts it, see `branch.prediction`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import numpy as np

from ...bench import Bench, Work
from ...protocols import DeviceArray, Gpu, OpenCl, OpenClArgument, OpenClArray, Results
from ...record import phrases, text
from ...record.estimate import Estimate
from .. import _opencl as opencl
from .._gpu import BLOCK, DOWN, UP, B, starts
from ..branch import prediction

N = 2**20
ROUNDS = 64  # branches that each thread takes
OPERATIONS = 32  # of a path
STEP = 2.0**-13  # that a pair adds; a 1 among a path's bits adds it twice

bench = Bench(
    "device.divergence",
    question="What does it cost when the threads of a warp take different branches?",
    axes={"paths": (1, 2, 4, 8, 16, 32)},
    quick={"paths": (1, 2, 32)},
    baseline="uniform",
    measures="divergence",
    tolerance=0.0,
    together=("paths",),
    core=False,
    may_cap=True,
)


def ways() -> list[int]:
    """The 16 bits of each path, as the kernel states them."""
    text = Path(__file__).with_suffix(".cu").read_text(encoding="utf-8")
    return [int(bits, 16) for bits in re.findall(r"WAY\(\d+, (0x[0-9a-f]{4})\)", text)]


@bench.inputs
def numbers(rng: np.random.Generator) -> np.ndarray:
    """Numbers on which no path rounds."""
    return starts(rng, N, np.float32)


def rounds(device: Gpu | OpenCl, variant: str) -> int:
    """Branches that each thread takes: one on a device that is this CPU, which computes a hundredth as fast."""
    return 1 if variant.startswith("opencl") and cast(OpenCl, device).about.here else ROUNDS


@bench.reference
def reference(x: np.ndarray, device: Gpu | OpenCl, paths: int, variant: str = "uniform") -> np.ndarray:
    """Each path adds 16 steps, and one more for each 1 among its bits."""
    often = np.float32(rounds(device, variant) * STEP)
    added = np.array([16 + bits.bit_count() for bits in ways()], dtype=np.float32) * often
    return np.asarray(x + added[np.arange(len(x)) % paths])


@bench.counts
def counts(x: np.ndarray, device: Gpu | OpenCl, variant: str = "uniform") -> dict[str, float]:
    """A branch for each element and round, and 32 fused multiply-adds."""
    branches = x.size * rounds(device, variant)
    return {"items": branches, "flops": 2.0 * OPERATIONS * branches}


@bench.memory
def memory() -> int:
    """Two arrays."""
    return 8 * N


def scalars(paths: int, across: int, often: int) -> tuple[np.int32 | np.float32, ...]:
    """What the kernel gets beside its arrays."""
    return (*map(np.int32, (paths, across, often)), *map(np.float32, (UP, B, DOWN, STEP - B / 2)))


def build(across: int, how: str) -> Callable[..., Work]:
    """A builder that hands out elements to threads in one of two orders."""

    def branch(device: Gpu, x: DeviceArray, paths: int) -> Work:
        to = device.put(np.full(len(x), np.nan, np.float32))
        arguments = (x, to, *scalars(paths, across, ROUNDS))
        launch = device.launcher("device.divergence", "paths", len(x) // BLOCK, BLOCK, arguments)
        work: Work = device.timed(launch, output=lambda: device.get(to), facts={"paths": paths, "rounds": ROUNDS})
        return work

    branch.__doc__ = f"A branch {how}."
    return branch


bench.variant("uniform", on="gpu")(build(1, "that all threads of a warp take the same way"))
bench.variant("divergent", on="gpu")(build(0, "that the threads of a warp take different ways"))


def build_opencl(across: int, how: str) -> Callable[..., Work]:
    """A builder that hands out elements to work-items in one of two orders."""

    def branch(device: OpenCl, x: OpenClArray, paths: int) -> Work:
        to, group = device.filled(len(x), np.float32(np.nan)), opencl.group_of(device, BLOCK)
        often = rounds(device, "opencl")
        given: tuple[OpenClArgument, ...] = (x, to, *scalars(paths, across, often))
        macros = [f"-DGROUP={group}", f"-DFMA={'fma' if device.about.fused else 'mad'}"]
        launch = device.launcher("device.divergence", "paths", len(x) // group, group, given, macros)
        work: Work = device.timed(launch, output=to.get, facts={"paths": paths, "rounds": often})
        return work

    branch.__doc__ = f"OpenCL: a branch {how}."
    return branch


bench.variant("opencl-uniform", on="opencl")(build_opencl(1, "that 64 neighbours take the same way"))
bench.variant("opencl-divergent", on="opencl")(build_opencl(0, "that neighbours take different ways"))


def by_opencl(results: Results) -> Iterator[str]:
    """For each OpenCL device what many paths cost."""
    for device, records in opencl.by_device(results, "items"):
        times = {(record.variant, int(record.params["paths"])): record for record in records}
        paths = max((paths for _, paths in times), default=1)
        apart, alike = (times.get((f"opencl-{name}", paths)) for name in ("divergent", "uniform"))
        if apart is not None and alike is not None and paths > 1:
            ratio = phrases.against(results.versus(apart, alike), "64 neighbours on one path")
            head = f"Neighbouring work-items on {paths} paths, by OpenCL on {opencl.name(results, device)}"
            yield f"{head}, are {ratio}{phrases.mark(apart, alike)}."


@bench.finding
def finding(results: Results) -> Iterator[str]:
    """What many paths cost, what each further one adds, and what a misprediction costs the CPU."""
    yield from by_opencl(results)
    paths = max((int(record.params["paths"]) for record in results.records if record.timed), default=1)
    apart, alike = (results.find(name, paths=paths) for name in ("divergent", "uniform"))
    if apart is None or alike is None or paths < 2:
        return
    ratio = phrases.against(results.versus(apart, alike), "a warp whose threads all take one path")
    yield f"A warp whose threads diverge to {paths} paths is {ratio}{phrases.mark(apart, alike)}."
    further = per_path(results)
    if further is not None:
        slow = [r for r in results.records if r.timed and r.variant == "divergent"]
        yield f"Each further path of a warp adds {text.share(further)} of the time of one path{phrases.mark(*slow)}."
    guess = misprediction(results)
    if guess is not None:
        guessed = [r for r in results.beside(prediction.bench).records if r.timed]
        told = f"For comparison, a mispredicted branch costs this machine's CPU {text.seconds(guess)}"
        yield f"{told}{phrases.mark(*guessed)}."


def per_path(results: Results) -> Estimate | None:
    """Seconds of each further path over the seconds of one: 1 where paths are run one after the other."""
    points = [(float(r.params["paths"]), r.samples) for r in results.records if r.timed and r.variant == "divergent"]
    one = results.find("divergent", paths=1)
    if one is None or len(points) < 2:
        return None
    return results.fits.slope(points).scaled(1 / float(np.median(one.samples)))


def misprediction(results: Results) -> float | None:
    """Seconds that a misprediction costs the CPU, from `branch.prediction` of the same run; None without it.

    On the longest array: a predictor memorizes a short one.
    """
    found = results.beside(prediction.bench).headline("mispredict")
    return None if found is None else found.value
