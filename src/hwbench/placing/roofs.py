"""The roofs of this machine: bandwidth by level, kernel and threads, and peaks; measured once, kept for the setup.

They are a run like any other, of the cases that `hwbench check` measures but for latency, and of `stream.store`. What a
check has measured is not measured again.
"""

from __future__ import annotations

import contextlib
import functools
import math
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from .. import cache
from ..analysis.headline import CPU, CPU_RATES
from ..analysis.limits import REACH, Limit, level_of, sharers
from ..analysis.reading import Reading
from ..catalog import LAZY
from ..devices import selection
from ..errors import StoreError, UsageError
from ..host import machine, variables
from ..measurement import planning, session
from ..measurement.observer import Observer, TroubleOnly
from ..record import identity, store, units
from ..record.estimate import estimate
from ..record.facts import threads_of
from ..record.microarchitectures import title
from ..record.model import LEVELS, Record, Run
from ..record.phrases import counted
from . import costs, quantities
from .curve import Band, Node, band, monotone

KINDS = ("load", "store", "copy", "triad", "fma")
NAMES = tuple(name for name, rate in CPU_RATES.items() if rate.measures in KINDS)
STEPS = 2  # sizes between the last cache and memory
COSTS = (costs.FORK, costs.CALL, costs.FRESH, costs.PASS)


class Roofs:
    """What a run says of its machine's roofs.

    A roof is the best sample of any variant. `usual` is the median of ordinary code, which stores through the caches:
    what compilers make of a loop.
    """

    def __init__(self, run: Run, catalogue: object = LAZY) -> None:
        self.run = run
        self.reading = Reading(run, catalogue)  # type: ignore[arg-type]

    @property
    def title(self) -> str:
        """What the roofs are of."""
        return title(self.run.machine.cpu)

    @property
    def machine(self) -> str:
        """The same, with the threads that roofs were measured on."""
        return f"{self.title}, {self.on(self.threads)}"

    def on(self, threads: int) -> str:
        """`2 threads`: the part of it that roofs of so many threads are of."""
        return counted(threads, "thread")

    @functools.cached_property
    def threads(self) -> int:
        """The most threads that roofs were measured on."""
        return max((one.threads for one in self.reading.limits if one.device == CPU), default=1)

    @functools.cached_property
    def levels(self) -> list[str]:
        """The levels whose bandwidth was measured, from the core outwards."""
        known = {one.level for one in self.reading.limits if one.device == CPU and one.kind == "load"}
        return [level for level in LEVELS if level in known]

    @property
    def missing(self) -> list[str]:
        """The quantities of `NAMES` that the run did not try to measure."""
        tried = {(one.bench, one.params.get("threads"), one.params.get("size", one.params.get("dtype")))
                 for one in self.reading.records}  # fmt: skip
        benches = {self.reading.benches[one.bench].measures: one.bench for one in self.reading.records}
        found = []
        for name in NAMES:
            rate = CPU_RATES[name]
            where = rate.params.get("size", rate.params.get("dtype"))
            if (benches.get(rate.measures), rate.params["threads"], where) not in tried:
                found.append(name)
        return found

    def size(self, level: str) -> int:
        """Bytes that stand for a level, for one thread: half of a cache."""
        return int(self.run.policy.sizes.get(level, 0))

    def level(self, footprint: float, threads: int = 1) -> str:
        """The innermost level that holds so many bytes on so many threads."""
        at = _at(footprint, threads)
        found = level_of(at, self.run.policy.sizes, self.run.machine.cpu)
        return next((level for level in self.levels if LEVELS.index(level) >= LEVELS.index(found or "DRAM")), "DRAM")

    @functools.cached_property
    def between(self) -> list[int]:
        """Bytes a thread between the last cache that was measured and memory, where no label says what serves them.

        There may be a cache that its other users fill at times, or one that the system does not report.
        """
        caches = [level for level in self.levels if level != LEVELS[-1]]
        if not caches or LEVELS[-1] not in self.levels:
            return []
        near, far = REACH * 2 * self.size(caches[-1]), self.size(LEVELS[-1])
        if outer := max((one.bytes for one in self.run.machine.cpu.caches if one.level > 2), default=0):
            far = min(far, REACH * outer)  # `DRAM` is larger where there are many, of which a thread has one
        ratio = far / max(near, 1)
        return [int(near * ratio ** (step / STEPS)) // 4096 * 4096 for step in range(STEPS)] if ratio > REACH else []

    def memory(self, threads: int) -> int:
        """Bytes of each of so many threads that stand for memory."""
        found = [
            int(one.facts["footprint"]) for one in self.reading.records
            if one.params.get("size") == LEVELS[-1] and threads_of(one) == threads and "footprint" in one.facts
        ]  # fmt: skip
        return min(found, default=self.size(LEVELS[-1]))

    @property
    def untried(self) -> list[int]:
        """Those of `between` that the run did not try to measure."""
        return [size for size in self.between if not any(_lies(one, size) for one in self.reading.records)]

    def roof(self, kind: str, footprint: float, threads: int = 1) -> Limit | None:
        """The bandwidth that a working set of so many bytes can have at most; None where none was measured."""
        known = self.band(kind, footprint, threads)
        held = self.slope(kind, self.level(footprint, threads), threads)
        if known is None or held is None:
            return held
        return held if known.value == held.value else replace(held, level=known.level, value=known.value)

    def band(self, kind: str, footprint: float, threads: int = 1, *, usual: bool = False) -> Band | None:
        """That bandwidth with what bounds it; `usual`: of ordinary code at the median."""
        return band(self._nodes(kind, threads, usual), max(1.0, footprint / threads))

    def _nodes(self, kind: str, threads: int, usual: bool) -> list[Node]:
        at = kind, threads, usual
        if at not in self._known:
            self._known[at] = self._made(*at)
        return self._known[at]

    @functools.cached_property
    def _known(self) -> dict[tuple[str, int, bool], list[Node]]:
        return {}

    def _made(self, kind: str, threads: int, usual: bool) -> list[Node]:
        found: list[Node] = []
        for level in self.levels:
            slope = self.slope(kind, level, threads)
            rate = self.usual(kind, level, threads) if usual else slope.value if slope else None
            if rate is None:
                continue
            memory = level == LEVELS[-1]
            share = 1 if memory else sharers(level, threads, self.run.machine.cpu)
            held = self.memory(threads) if memory else 2 * self.size(level) / share
            measured = self._steps(kind, threads, usual) if memory else []
            if found and not measured and REACH * found[-1].size < held:  # until there, a noticeable part is served
                found.append(Node(REACH * found[-1].size, rate, level))
            found += [*measured, Node(held, rate, level)]
        return monotone(found)

    def _steps(self, kind: str, threads: int, usual: bool) -> list[Node]:
        """What was measured between the last cache and memory."""
        reported = [f"L{cache.level}" for cache in self.run.machine.cpu.caches]
        name = next((level for level in reversed(LEVELS[:-1]) if level in [*reported, *self.levels]), LEVELS[-1])
        found = []
        for size in self.between:
            by = {}
            for one in self.reading.records:
                if one.timed and self.reading.benches[one.bench].measures == kind and _lies(one, size):
                    seconds = estimate(one.samples).value if usual else min(one.samples)
                    by[threads_of(one)] = one.counts["bytes"] / seconds
            rate = by.get(threads)
            if rate is None and 1 in by:
                rate = min(by[1] * threads, by.get(self.threads, math.inf))
            if rate is not None:
                found.append(Node(size, rate, name))
        return found

    def slope(self, kind: str, level: str, threads: int = 1) -> Limit | None:
        """The bandwidth of a level for a kernel; None where it was not measured."""
        return self._scaled(kind, level, "", threads)

    def peak(self, dtype: str, threads: int = 1) -> Limit | None:
        """The peak of multiply-adds in float64 or float32."""
        return self._scaled("fma", "", "f4" if dtype in ("f4", "c8", "f2") else "f8", threads)

    def _scaled(self, kind: str, level: str, dtype: str, threads: int) -> Limit | None:
        """A limit on so many threads.

        Where it was not measured: that of one thread, multiplied, and no more than that of all.
        """
        by = {
            count: self.reading.best(kind, level=level, dtype=dtype, threads=count)
            for count in {1, threads, self.threads}
        }
        exact, one, every = by[threads], by[1], by[self.threads]
        if exact is not None or one is None:
            return exact or every
        most = every.value if every is not None else math.inf
        return replace(one, threads=threads, value=min(one.value * threads, most))

    def usual(self, kind: str, level: str, threads: int = 1) -> float | None:
        """Bytes a second at the median of ordinary code; None where it was not measured."""
        wanted = {1, threads, self.threads}
        found: dict[int, float] = {}
        for one in self.reading.records:
            what = self.reading.benches[one.bench].measures, one.params.get("size")
            if what != (kind, level) or not one.timed or threads_of(one) not in wanted:
                continue
            if one.variant not in quantities.MEMORY_ONLY:
                rate = one.counts["bytes"] / estimate(one.samples).value
                found[threads_of(one)] = max(rate, found.get(threads_of(one), 0.0))
        if threads in found or 1 not in found:
            return found.get(threads)
        return min(found[1] * threads, found.get(self.threads, math.inf))

    def cost(self, name: str) -> float:
        """Seconds a call, or a byte of new memory, of one of `COSTS`; 0 where it was not measured."""
        timed = [one for one in self.reading.records if one.bench == name and one.timed]
        return estimate(timed[0].samples).value / timed[0].counts.get("bytes", 1.0) if timed else 0.0


def _lies(record: Record, size: int) -> bool:
    """Whether a case has this size in bytes for each thread, measured or not."""
    return record.params.get("size") == units.exact(size)


def _at(footprint: float, threads: int) -> Record:
    """A record of a footprint, as the rules of levels want it."""
    each = max(1, int(footprint / threads))
    return Record(
        bench="user.function", version=1, variant="function", device=CPU, params={}, status="ok", samples=[1.0],
        facts={"footprint": each, "threads": threads},
    )  # fmt: skip


@functools.cache
def file() -> Path:
    """Where the roofs of this setup are kept."""
    setup = identity.setup_of(machine.describe(), machine.software(), variables.variables())
    return cache.directory("roofs", f"{setup.digest}.json")


def kept() -> Run | None:
    """The run that is kept for this setup; None where there is none that can be read."""
    with contextlib.suppress(StoreError, OSError):
        if file().exists():
            return store.read(file())
    return None


def keep(run: Run) -> None:
    """Keep a run's roofs for this setup where there are none yet."""
    with contextlib.suppress(StoreError, OSError):
        if not file().exists():
            store.write(run, file())


def get(tell: Callable[[str], object], stop: Callable[[], None] = lambda: None, *, refresh: bool = False) -> Roofs:
    """The roofs of this machine; what was not measured for this setup is measured now, in half a minute at most."""
    known = None if refresh else kept()
    roofs = Roofs(known) if known is not None else None
    names = NAMES if roofs is None else roofs.missing
    have = {record.bench for record in roofs.run.records} if roofs else set()
    if roofs is not None and not names and not roofs.untried and have.issuperset(COSTS):
        return roofs
    tell("measuring the roofs of this machine once, for about half a minute")
    run = _measured(roofs.run if roofs else None, names, TroubleOnly(tell), stop)
    with contextlib.suppress(StoreError, OSError):  # a cache that cannot be written is no cache
        store.write(run, file())
    made = Roofs(run)
    if not made.levels:
        why = next((record.why for record in run.records if record.why), "nothing could be measured")
        raise UsageError(f"the roofs of this machine could not be measured: {why}; hwbench check says more")
    return made


def _measured(known: Run | None, names: Sequence[str], observer: Observer, stop: Callable[[], None]) -> Run:
    """A run with these quantities, sizes between caches and memory, and the costs, beside what is known."""
    if names:
        with tempfile.TemporaryDirectory(prefix="hwbench-") as out:
            run, _ = session.execute(quantities.request(Path(out), None, names), observer, stop)
    else:
        assert known is not None
        run = known
    if known is not None:
        run = planning.merged(msgspec.structs.replace(run, benches=known.benches | run.benches), known.records)
    devices, roofs = selection.devices(CPU), Roofs(run)
    made = costs.benches()
    kinds = [kind for kind in KINDS if kind != "fma"]
    records = [
        *costs.measure(devices, quantities.POLICY),
        *quantities.measure(devices, roofs.untried, kinds, roofs.memory(roofs.threads)),
    ]
    described = run.benches | {bench.name: bench.info for bench in made}
    return planning.merged(msgspec.structs.replace(run, benches=described, finished=store.now()), records)
