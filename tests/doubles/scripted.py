"""A device whose clock obeys a script, so that every rule of the engine can be checked to the digit.

Nothing here waits: `Clock` moves only when a scripted call "takes" time. A scripted work's timer says how long each
sample's calls took; the device moves the clock by it and writes down who was timed.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from hwbench.bench import Bench, Skip, Sweep, Threads, Work
from hwbench.measurement.cases import Group
from hwbench.record import units
from hwbench.record.model import LEVELS, BenchInfo, Cache, Case, Cpu, Machine, Memory, Policy, Record, Run, Scalar

SIZES = {"L1": 16 * 2**10, "L2": 512 * 2**10, "DRAM": 128 * 2**20}
TICK = 1 / 64  # a power of two, so that sums of ticks are exact


class Clock:
    """Seconds that pass only when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class ScriptedDevice:
    """A `Device` on a scripted clock.

    `rates` gives counters that grow by so much a second of the clock; `gauge` what each round reads; `share` the
    core's share after each sample; `overhead` what timing a sample costs beside the calls themselves. `timed` lists
    (variant, loops) in the order of timing.
    """

    kind = "cpu"

    def __init__(
        self,
        name: str = "cpu",
        *,
        rates: Mapping[str, float] | None = None,
        gauge: Callable[[int], Mapping[str, float]] = lambda _round: {},
        free: int = 2**40,
        overhead: float = 0.0,
        share: Callable[[int], float] | None = None,
    ) -> None:
        self.name = name
        self.share = share
        self.clock = Clock()
        self.rates = dict(rates or {})
        self.gauge = gauge
        self.free = free
        self.overhead = overhead
        self.sizes = dict(SIZES)
        self.timed: list[tuple[str, int]] = []
        self.settled: list[float] = []
        self.reclaimed = 0
        self.rounds = 0
        self.left, self.left_by = 0.0, ""

    def spread(self, value: Any) -> Sequence[Scalar]:
        if isinstance(value, Threads):
            return [1, 2]
        if isinstance(value, Sweep):
            return [units.exact(x) for x in units.octaves(value.first, SIZES[value.last], value.points)]
        raise TypeError(value)

    def resolve(self, params: Mapping[str, Scalar]) -> dict[str, Any]:
        values: dict[str, Any] = dict(params)
        if "dtype" in params:
            values["dtype"] = np.dtype(str(params["dtype"]))
        if "threads" in params:
            values["threads"] = 2 if params["threads"] == "all" else int(params["threads"])
            if values["threads"] > 2:
                raise Skip("needs_cpus", f"needs {values['threads']} CPUs; 2 may be used")
        if params.get("size") in LEVELS:
            if params["size"] not in SIZES:
                raise Skip("needs_level", f"this machine has no {params['size']}")
            values["size"] = SIZES[str(params["size"])]
        elif "size" in params:
            values["size"] = units.parse(str(params["size"]))
        return values

    def place(self, inputs: tuple[Any, ...], where: str) -> tuple[Any, ...]:
        return inputs

    def host_empty(self, shape: Any, dtype: Any) -> Any:
        return np.empty(shape, dtype)

    def busy(self, what: str) -> None:
        pass

    def reclaim(self) -> None:
        self.reclaimed += 1

    def free_memory(self) -> int:
        return self.free

    def settle(self, seconds: float) -> None:
        self.settled.append(seconds)
        self.clock.now += 0.5

    def time(self, work: Work, loops: int) -> float:
        """A work with the fact `leaves` goes on for so many seconds after its call and slows others meanwhile."""
        assert work.timer is not None
        who = str(work.facts.get("who", ""))
        self.timed.append((who, loops))
        taken = work.timer(loops)
        if self.left > 0 and who != self.left_by:
            slowed = min(self.left, taken)
            self.left -= slowed
            taken += slowed
        self.clock.now += taken + self.overhead
        if "leaves" in work.facts:
            self.left, self.left_by = float(work.facts["leaves"]), who
        return taken

    def lost(self, error: Exception) -> str:
        """After an error that says so."""
        return str(error) if "is lost" in str(error) else ""

    def quiet(self) -> bool:
        """Wait for what an earlier work has left behind, for a second at most."""
        self.clock.now += min(self.left, 1.0)
        self.left = max(0.0, self.left - 1.0)
        return not self.left

    def counters(self) -> dict[str, float]:
        return {"wall_s": self.clock.now, **{name: rate * self.clock.now for name, rate in self.rates.items()}}

    def core_share(self, work: Work) -> float | None:
        """By the sample's number, where the script has one."""
        return self.share(len(self.timed) - 1) if self.share else None

    def gauges(self) -> dict[str, float]:
        self.rounds += 1
        return dict(self.gauge(self.rounds - 1))


Script = float | Sequence[float] | Callable[[int], float]


def seconds(script: Script) -> Iterator[float]:
    """Seconds a call, sample by sample: a constant, a list whose last entry goes on, or a function of the sample."""
    if callable(script):
        yield from map(script, itertools.count())
    elif isinstance(script, int | float):
        yield from itertools.repeat(float(script))
    else:
        yield from script
        yield from itertools.repeat(script[-1])


def scripted_work(script: Script, who: str = "", output: Any = 42, **more: Any) -> Work:
    """Work that takes what its script says and gives `output`."""
    each = seconds(script)
    facts = {"who": who, **more.pop("facts", {})}
    return Work(call=lambda: output, timer=lambda loops: next(each) * loops, facts=facts, **more)


def scripted_bench(
    scripts: Mapping[str, Script | Callable[..., Work]],
    name: str = "test.bench",
    axes: Mapping[str, tuple[Any, ...]] | None = None,
    **more: Any,
) -> Bench:
    """A bench whose variants take what their scripts say. A script that is a builder is taken as one."""
    bench = Bench(
        name, question="Which script is shorter?", axes=axes or {}, baseline=next(iter(scripts)), **more
    )  # fmt: skip
    bench.reference(lambda: 42)
    for variant, script in scripts.items():
        bench.variant(variant)(builder(script, variant))
    return bench


def builder(script: Any, who: str) -> Callable[..., Work]:
    """A builder for a script; a function named `build…` is one already."""
    if callable(script) and getattr(script, "__name__", "").startswith("build"):
        return script  # type: ignore[no-any-return]

    def build() -> Work:
        """Take what the script says."""
        return scripted_work(script, who)

    return build


def group(bench: Bench, device: str = "cpu", **params: Scalar) -> Group:
    """All variants of a bench at one value for each axis."""
    return Group(bench, tuple(Case(bench.name, variant, device, params) for variant in bench.variants))


MACHINE = Machine(
    name="box",
    cpu=Cpu(model="Scripted CPU", arch="x86_64", logical=2, physical=2, allowed=[0, 1],
            caches=[Cache(level=1, bytes=32 * 2**10, line=64, shared_by=1)]),
    memory=Memory(total=2**34, huge_pages="madvise"),
)  # fmt: skip


# As files of today have it: a run that describes its benches is read without Numba, which their modules import.
DESCRIBED = {"test.bench": BenchInfo("How fast?", "a", variants=["a"])}


def record(variant: str = "a", samples: Sequence[float] = (1.0, 1.0, 1.0), **more: Any) -> Record:
    """A record with what a test does not care about filled in."""
    given = {"bench": "test.bench", "version": 1, "device": "cpu", "params": {}, "status": "ok"} | more
    return Record(variant=variant, samples=list(samples), **given)


def run_of(*records: Record, **more: Any) -> Run:
    """A finished run of these records on a made-up machine."""
    given: dict[str, Any] = {
        "id": "box-20261122T180000Z-abcdef", "started": "2026-11-22T18:00:00Z", "finished": "2026-11-22T18:01:00Z",
        "machine": MACHINE, "policy": Policy(sizes=dict(SIZES)),
    }  # fmt: skip
    return Run(records=list(records), **(given | more))
