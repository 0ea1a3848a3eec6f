"""The host's CPUs as a device: a crew of pinned threads, memory on known pages, sizes by cache level, counters.

Limits of the machine are measured by pinned threads (crew.py) that touch their own memory first. The threads of Numba
and BLAS stay as their libraries start them.
"""

from __future__ import annotations

import ctypes
import functools
import itertools
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import psutil

from ..bench import Pages, Skip, Sweep, Threads, Work
from ..host import cgroups, cpu_time, energy, memory, openmp, system
from ..host.energy import Energy
from ..host.pseudo_files import ROOT, read_text
from ..host.system import Host
from ..protocols import Array, Call, Choice, Dtype, Facts, Inputs, Shape, Values
from ..record import installing, interference, text, units
from ..record.model import GPU_LEVELS, LEVELS, Scalar
from . import MEMORY_SHARE, AxisValue
from .choices import Choices
from .crew import Crew, Worker
from .host_memory import Buffer, Pool, Region
from .levels import Levels
from .stragglers import Stragglers

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

    from .. import protocols
    from ..kernels.ping_pong import Handover
    from .core_share import CoreShare
    from .witness import Witness

# Buffers from this size on reuse memory. Smaller ones take few page faults, and which sets of a cache they fall into is
# chance, which each contrast should draw anew.
LENT = 64 * 2**20

# Between two readings of gauges: they take 0.6 ms, and rounds of one case as little as 3 ms. Where a busy CPU makes
# them take longer, they have a tenth of the time, and are read four times a second all the same.
GAUGES_S, GAUGES_SHARE, GAUGES_MOST_S = 0.012, 0.1, 0.25
PROBED = 4  # CPUs whose share of the core is read after a sample: 50 µs each
SETTLE_WINDOW_S = 0.010
SETTLE_WINDOWS = 5  # in a row that agree within SETTLE_SPREAD
SETTLE_SPREAD = 0.01


class CpuDevice:
    """The host's CPUs, as `Device` asks for them and as builders use them (`crew`, `buffer`).

    Parameters
    ----------
    host
        What the operating system says; read now where it is not given.
    root
        Where `/proc` and `/sys` are; tests put trees of their own here.
    measuring
        Whether the last-level cache may be measured. Else it is as large as an earlier process found it, or as the
        system reports it.
    """

    name = "cpu"
    kind = "cpu"

    def __init__(self, host: Host | None = None, root: Path = ROOT, *, measuring: bool = True) -> None:
        self.host = system.read_host(root) if host is None else host
        self.root = root
        self.measuring = measuring
        self.told: Callable[[str], None] = lambda _what: None  # hears of long builds; may raise KeyboardInterrupt
        self._workers: list[Worker] = []
        self._crews: dict[int, Crew] = {}
        self._pool = Pool()
        self._given: list[Buffer] = []
        self._handover: Handover | None = None
        self._witness: Witness | None = None
        self._core_share: CoreShare | None = None
        self._turn = 0
        self._energy: Energy | str | None = None
        self._gauges_due = 0.0
        self._libraries: ThreadpoolController | None = None
        self._levels = Levels(self.host, lambda: self.free_memory(), lambda *given: self._probe(*given))
        self._choices = Choices()
        self._children: dict[int, psutil.Process] = {}
        self._stragglers = Stragglers(children=self._children)
        linux = sys.platform == "linux"
        self._throttle_files = cgroups.throttle_files(root) if linux else []
        self._nodes = memory.bound(root) if linux else ()
        self._unseen = cpu_time.unusable(root, self.host.allowed) if linux else ""

    # --- what builders use ----------------------------------------------------------------------------------------

    def crew(self, threads: int) -> Crew:
        """A crew of `threads` pinned threads: one on each physical core first, SMT siblings after. Threads are kept."""
        order = self.host.order
        if not 1 <= threads <= len(order):
            raise ValueError(f"a crew of {threads} on {len(order)} CPUs cannot be")
        while len(self._workers) < threads:
            try:
                self._workers.append(Worker(order[len(self._workers)]))
            except RuntimeError as error:  # a limit on processes
                raise Skip("needs_processes", f"{error} ({len(self._workers) + 1} of {threads})") from None
        if threads not in self._crews:
            self._crews[threads] = Crew(self._workers[:threads])
        return self._crews[threads]

    def team(self, *ranks: int) -> Crew:
        """A crew of some threads of the largest one, by their place in it: the CPUs `host.order[rank]`."""
        return Crew([self.crew(self.host.usable).workers[rank] for rank in ranks])

    def busy(self, what: str) -> None:
        """Say what a long build does now."""
        self.told(what)

    @property
    def cores(self) -> int:
        """How many crew members, from the first on, have a physical core to themselves."""
        order = self.host.order[: self.host.usable]
        return len({self.host.cores.get(cpu, (-1, cpu)) for cpu in order})

    def buffer(self, nbytes: int, pages: str = "4K", offset: int = 0) -> Buffer:
        """Memory on small (`4K`) or `huge` pages, aligned to them, from `offset` on.

        Touch it on the thread that uses it. It is untouched, or, where it is large, was last used by threads that share
        a last-level cache with this one.
        """
        if pages == "huge":
            self._refuse_huge()
        if nbytes < 1 or offset < 0:
            raise ValueError(f"a buffer of {nbytes} bytes at offset {offset} cannot be")
        taken, near = offset + nbytes, self._near()
        if nbytes < LENT or near is None:
            return Buffer(Region(taken, pages, self.host.huge_bytes), nbytes, offset)

        def give_back(region: Region) -> None:
            # A bench takes up to its share of what is promised as free, and not all in buffers: the rest may idle.
            limit = int((1 - MEMORY_SHARE) * (self.free_memory() + region.bytes.nbytes))
            self._pool.give_back(region, near, limit)

        region = self._pool.borrow(taken, pages, near) or Region(roomy(taken), pages, self.host.huge_bytes)
        return Buffer(region, nbytes, offset, give_back)

    def host_empty(self, shape: Shape, dtype: npt.DTypeLike) -> Array:
        """An array, until `reclaim`; a large one lies, as NumPy's own do, on huge pages where there are any."""
        array: Array
        count, kind = int(np.prod(shape)), np.dtype(dtype)
        if count * kind.itemsize < LENT:
            return np.empty(shape, kind)
        self._given.append(self.buffer(count * kind.itemsize, "4K" if self._why_no_huge() else "huge"))
        array = self._given[-1].array.view(kind).reshape(shape)
        return array

    def chosen(self, name: str, among: Sequence[str], probe: Callable[[], str]) -> Choice:
        """One of `among`: what `probe` found on this machine, now or in earlier processes."""
        return self._choices.get(name, among, probe)

    def reclaim(self) -> None:
        """Take back what `host_empty` gave; it must not be used any more."""
        while self._given:
            self._given.pop().close()

    def forget(self) -> None:
        """Give idle memory back to the system: the next buffer gets new pages."""
        self._pool.clear()

    def _near(self) -> tuple[int, ...] | None:
        """The CPUs that share the calling thread's last-level cache; None where it may run on one or another."""
        levels = self.host.levels()
        last = [cache.cpus for cache in self.host.caches if cache.level == levels[-1]]
        if len(last) == 1:
            return last[0]
        here = [worker.cpu for worker in self._workers if worker.pinned and worker.thread is threading.current_thread()]
        return next((cpus for cpus in last if here and here[0] in cpus), None)

    def pooled(
        self, call: Call, threads: int | None = None, *, output: Call | None = None, facts: Facts | None = None,
        close: Callable[[], None] | None = None,
    ) -> Work:  # fmt: skip
        """The work of calling a kernel with `prange` on `threads` (None: all usable) threads of Numba's own pool.

        The pool is as large as the affinity mask and knows no quota, so its count is set for the calls and put back
        after. Raises `Skip` where the pool has fewer threads.
        """
        import numba

        most = int(numba.config.NUMBA_NUM_THREADS)  # type: ignore[attr-defined,unused-ignore]
        count = min(self.host.usable, most) if threads is None else threads
        if count > most:
            raise Skip("needs_threads", f"needs {count} threads of Numba's pool, which has {most} (NUMBA_NUM_THREADS)")

        def timer(loops: int) -> float:
            before = numba.get_num_threads()
            numba.set_num_threads(count)
            try:
                return _seconds(call, loops)
            finally:
                numba.set_num_threads(before)

        return Work(
            call=lambda: timer(1), output=output, timer=timer, close=close,
            facts={"threads": count, "layer": openmp.layer(), **(facts or {})},
        )  # fmt: skip

    def blas(
        self, call: Call, threads: int, *, output: Call | None = None, facts: Facts | None = None,
        close: Callable[[], None] | None = None,
    ) -> Work:  # fmt: skip
        """The work of a call into NumPy's BLAS on `threads` threads of the library's own pool, unpinned.

        The count is set for the calls and put back after. Raises `Skip` where it cannot be set, or where the library
        was built or started with fewer threads.
        """
        if self._libraries is None:
            from threadpoolctl import ThreadpoolController

            self._libraries = ThreadpoolController().select(user_api="blas")
        libraries = self._libraries
        known = libraries.info()
        if not known and threads > 1:
            raise Skip("unsupported", "the threads of this BLAS cannot be set (threadpoolctl knows no BLAS here)")
        if known and threads > 1:
            with libraries.limit(limits=threads):
                given = max(library["num_threads"] for library in libraries.info())
            if given < threads:
                raise Skip(
                    "needs_threads",
                    f"needs {threads} threads of BLAS, which gives {given} (OPENBLAS_NUM_THREADS and the like)",
                )

        def timer(loops: int) -> float:
            with libraries.limit(limits=threads):
                return _seconds(call, loops)

        names = {f"{one['internal_api']} {one.get('version')} ({one.get('architecture', '?')})" for one in known}
        about = {"threads": threads, "blas": ", ".join(sorted(names)) or "unknown", **(facts or {})}
        return Work(call=lambda: timer(1), output=output, timer=timer, facts=about, close=close)

    def adopt(self, pid: int) -> Callable[[], None]:
        """Count a child process's CPU time as our own, and its threads as ours: `quiet` waits for them, too.

        Call what is returned once the child was waited for. Only then does the kernel add its time to ours; until then
        it would count as another process's.
        """
        with suppress(psutil.Error):
            self._children[pid] = psutil.Process(pid)
        return lambda: (self._children.pop(pid, None), None)[1]

    def energy(self) -> Energy:
        """The machine's counters of energy; `Skip` with the reason where none can be read."""
        if self._energy is None:
            self._energy = energy.found(self.root)
        if isinstance(self._energy, str):
            raise Skip("needs_counter", self._energy)
        return self._energy

    def close(self) -> None:
        """End the threads, and give back the memory."""
        self.forget()
        if isinstance(self._energy, energy.Energy):
            self._energy.close()
        self._energy = None
        if self._witness is not None:
            self._witness.close()
            self._witness = None
        for worker in self._workers:
            worker.inbox.put(None)
        for worker in self._workers:
            worker.thread.join()
        self._workers.clear()
        self._crews.clear()
        self._handover = None

    # --- axis values ----------------------------------------------------------------------------------------------

    def spread(self, value: AxisValue) -> Sequence[Scalar]:
        """Threads: 1, 2, 4 … and all. A Sweep: sizes up to the label's, or to the largest level below that is there."""
        if isinstance(value, Threads):
            powers = itertools.takewhile(lambda n: n < self.host.usable, (2**i for i in itertools.count()))
            return [*powers, self.host.usable]
        if isinstance(value, Sweep) and value.on == self.kind:
            sizes = units.octaves(value.first, self._sweep_end(value.last), value.points)
            return [units.exact(size) for size in sizes]
        if isinstance(value, Pages):
            return ["4K" if self._why_no_huge() else "huge"]
        raise TypeError(f"{value!r} is no axis value that depends on the machine")

    def _sweep_end(self, last: str) -> int:
        if last not in LEVELS:
            return units.parse(last)
        for label in reversed(LEVELS[: LEVELS.index(last) + 1]):
            with suppress(Skip):
                return self.size(label)
        return 2**20  # nothing is known of this machine's caches or memory

    def resolve(self, params: Mapping[str, Scalar]) -> Values:
        """What builders are given for each axis; raises `Skip` where this machine has no such thing."""
        values: Values = dict(params)
        if "threads" in params:
            values["threads"] = self._threads(params["threads"])
        if "dtype" in params:
            values["dtype"] = numpy_dtype(str(params["dtype"]))
        if params.get("pages") == "huge":
            self._refuse_huge()
        if "size" in params:
            label = str(params["size"])
            if label in GPU_LEVELS and label not in LEVELS:
                raise Skip("needs_level", f"a CPU has no {label}; its levels are {', '.join(LEVELS)}")
            values["size"] = self.size(label, values.get("threads", 1)) if label in LEVELS else units.parse(label)
        return values

    def place(self, inputs: Inputs, where: str) -> Inputs:  # noqa: ARG002 - host and device are one here
        """The inputs as they are: this device is the host."""
        return inputs

    @property
    def sizes(self) -> dict[str, int]:
        """What each size label asked for so far stands for, in bytes, for one thread."""
        return dict(self._levels.sizes)

    def size(self, label: str, threads: int = 1) -> int:
        """Bytes for each of `threads` threads that lie in the level `label`; `Skip` with the numbers where none do."""
        return self._levels.size(label, threads)

    def _probe(self, reported: int, near: int) -> int | None:
        """What `Levels` asks for: bytes of the last level that a thread is served, None where none are.

        What earlier processes found here stands unless two probes contradict it.
        """
        if near >= reported:
            return reported  # too close to the level above for a probe to tell them apart
        name = f"bytes of a last level of {reported} beyond {near}"
        kept = self._choices.recall(name) or ""
        before = int(kept) if kept.isdecimal() and len(kept) < 20 else None
        if not self.measuring:
            return reported if before is None else before or None
        from .last_level_cache import agreed, measure_last_level, probe_sizes

        needed = probe_sizes(near, reported)[-1]
        free = self.free_memory()
        if needed > MEMORY_SHARE * free:
            raise Skip(
                "needs_memory",
                f"finding the last-level cache takes {text.size(needed)}; {text.size(free)} are free",
            )
        buffer = self.buffer(needed, "4K" if self._why_no_huge() else "huge")
        crew = self.crew(1)
        try:
            found = agreed(
                lambda: crew.each(lambda _: self._undisturbed(measure_last_level, reported, near, buffer.array))[0],
                before,
            )
        finally:
            buffer.close()
        self._choices.keep(name, str(found or 0))
        return found

    def _undisturbed(self, probe: Callable[..., int | None], *given: object) -> int | None:
        """What a probe finds while nothing disturbs it; what it finds at the third try in any case."""
        for _ in range(3):
            before = self.counters()
            found = probe(*given)
            after = self.counters()
            if not interference.disturbed({name: [after[name] - before[name]] for name in before if name in after}):
                break
        return found

    def _threads(self, wanted: Scalar) -> int:
        usable = self.host.usable
        if wanted == "all":
            return usable
        count = int(wanted)
        if count < 1:
            raise Skip("bad_value", f"{count} threads are too few; give 1 or more")
        if count > usable:
            raise Skip("needs_cpus", f"needs {count} CPUs; {usable} may be used")
        return count

    def _refuse_huge(self) -> None:
        if reason := self._why_no_huge():
            raise Skip("needs_huge_pages", reason)

    def _why_no_huge(self) -> str:
        """Why huge pages cannot be asked for here; "" where they can."""
        if sys.platform != "linux":
            return "huge pages on request are known on Linux only"
        if self.host.huge_policy is None:
            return "this kernel has no transparent huge pages"
        if self.host.huge_policy == "never":
            return "transparent huge pages are switched off (never in /sys/kernel/mm/transparent_hugepage/enabled)"
        return ""

    # --- time, counters, gauges -----------------------------------------------------------------------------------

    def free_memory(self) -> int:
        """Bytes that may still be taken: what the system has available, within cgroup and NUMA policy."""
        if sys.platform == "linux":
            return self._pool.idle + memory.free(self.root, self._nodes)
        return self._pool.idle + int(psutil.virtual_memory().available)

    def settle(self, seconds: float) -> None:
        """Load every usable CPU until the clocks stay within 1% for some windows in a row, `seconds` at most."""
        from .clock import estimate_hz

        estimate_hz(1, 1)  # compiled here, not by all the threads at once

        def window(_rank: int) -> float:
            end = time.perf_counter() + SETTLE_WINDOW_S
            best = 0.0
            while time.perf_counter() < end:
                best = max(best, estimate_hz(1))
            return best

        crew = self.crew(self.host.usable)
        deadline = time.perf_counter() + seconds
        recent: list[float] = []
        while time.perf_counter() < deadline:
            recent = [*recent, sum(crew.each(window)) / len(crew)][-SETTLE_WINDOWS:]
            if len(recent) == SETTLE_WINDOWS and max(recent) <= min(recent) * (1 + SETTLE_SPREAD):
                return

    def time(self, work: Work, loops: int) -> float:
        """Seconds that `loops` calls of the work took: by its own timer, its own repetition, or a loop of calls."""
        if "cpus" not in work.facts:  # a crew's threads end with their jobs
            self._stragglers.suspect()
        if work.timer is not None:
            return work.timer(loops)
        if work.repeat is not None:
            start = time.perf_counter()
            work.repeat(loops)
            return time.perf_counter() - start
        return _seconds(work.call, loops)

    def quiet(self) -> bool:
        """Wait until no thread of an earlier call works any more; False where one does not stop."""
        return self._stragglers.wait()

    def lost(self, error: Exception) -> str:  # noqa: ARG002
        """Never: a CPU that fails takes the process with it."""
        return ""

    def counters(self) -> dict[str, float]:
        """Running totals; one that this system lacks is absent.

        `others_s` is CPU time of other processes on the CPUs we may use: their busy time less our own and that of
        children that have ended or were adopted. It, `idle_s` and `steal_s` are absent where `/proc/stat` does not tell
        of these CPUs. `involuntary_switches` and (page) `faults` are this process's.
        """
        totals = {"wall_s": time.perf_counter(), **_own_counters()}
        totals["own_s"] += sum(map(_lived, self._children.values()))
        busy = None
        if sys.platform == "linux":
            with suppress(OSError, ValueError):
                if not self._unseen:
                    stat = (self.root / "proc/stat").read_text()
                    busy, totals["steal_s"], totals["idle_s"] = cpu_time.busy_steal_idle(stat, self.host.allowed)
            stopped = [cgroups.throttled_seconds(read_text(file)) for file in self._throttle_files]
            if known := [value for value in stopped if value is not None]:
                totals["throttled_s"] = max(known)
        else:
            every = psutil.cpu_times(percpu=True)
            busy, totals["idle_s"] = sum(map(_busy, every)), float(sum(times.idle for times in every))
        if busy is not None:
            totals["others_s"] = busy - totals["own_s"]
        return totals

    def gauges(self) -> dict[str, float]:
        """The clock of the first CPU that crews use, and the time of a cache line from it to the last one.

        From time to time also the bandwidth of the last-level cache and of memory. Empty until a reading is due.
        """
        from .clock import estimate_hz

        begun = time.perf_counter()
        if begun < self._gauges_due:
            return {}
        readings = {"clock_hz": self.crew(1).each(lambda _: estimate_hz())[0]} | self._glance()
        if self.host.usable > 1:
            if self._handover is None:
                from ..kernels.ping_pong import Handover

                self._handover = Handover(self.team(0, self.host.usable - 1))
            readings["handover_s"] = self._handover.seconds()
        ended = time.perf_counter()
        self._gauges_due = ended + min(max(GAUGES_S, (ended - begun) / GAUGES_SHARE), GAUGES_MOST_S)
        return readings

    def core_share(self, work: Work) -> float | None:
        """The least share of its core's throughput that a CPU of this work has now: at most `PROBED` of them, together.

        Two CPUs that the system knows as siblings are read one after the other: they share a core by intent. None
        where threads cannot be pinned, and where a pool of our own may still run on a sibling of the CPU that asks.
        """
        from .core_share import CoreShare

        share = self._core_share = self._core_share or CoreShare()
        pinned, threads = work.facts.get("cpus"), work.facts.get("threads", 1)
        if not sys.platform.startswith("linux") or (pinned is None and self.cores < self.host.usable):
            return None
        if pinned is None and (threads == 1 or self.host.usable == 1):
            return share(_own_cpu())
        cpus = self.host.order[: self.host.usable] if pinned is None else pinned
        workers = [worker for worker in self._workers if worker.cpu in cpus]
        if pinned is None and len(workers) < len(cpus):
            workers = list(self.crew(self.host.usable).workers)
        self._turn += PROBED
        some = [workers[(self._turn + k) % len(workers)] for k in range(min(PROBED, len(workers)))]

        if not some:
            return None
        cores = self.host.order[: self.cores]
        crews = [Crew(some)] if all(one.cpu in cores for one in some) else [Crew([one]) for one in some]
        found: list[float] = []

        def job(cpu: int) -> protocols.Job:
            return lambda _loops, gate: found.append(share(cpu, gate))

        for one in some:  # alone: beside each other on one core, neither would know its best
            if not share.knows(one.cpu):
                Crew([one]).each(lambda _, cpu=one.cpu: share.learn(cpu))  # type: ignore[misc]
        for crew in crews:
            crew.race([job(cpu) for cpu in crew.cpus], 1)
        return min(found)

    def _glance(self) -> dict[str, float]:
        if self._witness is None:
            from .witness import Witness

            pages, huge = "4K" if self._why_no_huge() else "huge", self.host.huge_bytes
            give = functools.partial(Region, pages=pages, huge_bytes=huge)
            self._witness = Witness(self.host, self.crew(1), give, self.free_memory())
        return self._witness.glance()


def roomy(nbytes: int) -> int:
    """The bytes of a region to lend for `nbytes`, and later for a little more: one array, then three and padding.

    The addition is a 15th at most; untouched, it takes addresses and no memory.
    """
    step = 1 << max(0, nbytes.bit_length() - 5)
    return -(-(nbytes + step // 16) // step) * step


@functools.cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)


def _own_cpu() -> int:
    """The CPU that runs this thread now (Linux)."""
    return int(_libc().sched_getcpu())


def _seconds(call: Call, loops: int) -> float:
    """Seconds of a plain loop of calls, its overhead of some 10 ns a call included."""
    rounds = itertools.repeat(None, loops)
    start = time.perf_counter()
    for _ in rounds:
        call()
    return time.perf_counter() - start


def numpy_dtype(name: str) -> Dtype:
    """The dtype by its name on the `dtype` axis; Skip for bf16 without the package that has it."""
    if name == "bf16":
        try:
            import ml_dtypes  # type: ignore[import-not-found,unused-ignore]
        except ImportError:
            raise Skip("needs_library", f"bf16 needs the package ml_dtypes: {installing.command('bf16')}") from None
        bf16: Dtype = np.dtype(ml_dtypes.bfloat16)
        return bf16
    return np.dtype(name)


def _own_counters() -> dict[str, float]:
    """Processor time, involuntary switches and page faults of this process; of ended children the time."""
    try:
        import resource
    except ImportError:  # Windows
        process = psutil.Process()
        totals = {"own_s": time.process_time()}
        if (faults := getattr(process.memory_info(), "num_page_faults", None)) is not None:
            totals["faults"] = float(faults)
        return totals
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "own_s": own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime,
        "involuntary_switches": float(own.ru_nivcsw),
        "faults": float(own.ru_minflt + own.ru_majflt),
    }


def _lived(process: psutil.Process) -> float:
    """Processor time of a child that has not been waited for; 0 once it is gone."""
    with suppress(psutil.Error):
        times = process.cpu_times()
        return float(times.user + times.system)
    return 0.0


def _busy(times: tuple[float, ...]) -> float:
    return sum(getattr(times, name, 0.0) for name in ("user", "nice", "system", "irq", "softirq", "interrupt", "dpc"))


if TYPE_CHECKING:  # the device is held against what builders are promised

    def _as_builders_see_it(device: CpuDevice) -> protocols.Cpu:
        return device
