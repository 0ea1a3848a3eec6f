"""The CPU device: axis values on made-up machines, and crews, memory, clock and counters on this one."""

from __future__ import annotations

import os
import sys
import threading
import time
import types
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from hwbench.bench import Pages, Skip, Sweep, Threads, Work
from hwbench.devices import Device, cpu
from hwbench.devices.cpu import CpuDevice
from hwbench.devices.crew import Crew
from hwbench.host import memory
from hwbench.host.system import Host, SharedCache, linux_host
from made_up import trees
from made_up.hosts import machine

MIB, GIB = 2**20, 2**30
linux = pytest.mark.skipif(sys.platform != "linux", reason="what is asked for is Linux's")


def device(host: Host, monkeypatch: pytest.MonkeyPatch, free: int = 64 * GIB, found: int | None = -1) -> CpuDevice:
    """A device of a made-up host, with so much free memory and what the probe of the last level finds."""
    made = CpuDevice(host)
    monkeypatch.setattr(made, "free_memory", lambda: free)
    monkeypatch.setattr(made, "_probe", lambda reported, near: reported if found == -1 else found)
    return made


# --- axis values ------------------------------------------------------------------------------------------------------


def test_it_is_a_device() -> None:
    """The engine's protocol is met; mypy checks this assignment."""
    made: Device = CpuDevice(machine())
    assert (made.name, made.kind) == ("cpu", "cpu")


def test_labels_are_half_of_their_level(monkeypatch: pytest.MonkeyPatch) -> None:
    """L1, L2 and L3 stand for half of what each thread has there; memory for four times the last level."""
    made = device(machine(), monkeypatch)
    assert made.resolve({"size": "L1"}) == {"size": 24 * 2**10}
    assert made.resolve({"size": "L2", "threads": 8}) == {"size": 2**20, "threads": 8}
    assert made.resolve({"size": "L3"}) == {"size": 16 * 2**20}
    assert made.resolve({"size": "DRAM"}) == {"size": 128 * 2**20}
    assert made.resolve({"size": "96KiB"}) == {"size": 96 * 2**10}
    assert made.sizes == {"L1": 24 * 2**10, "L2": 2**20, "L3": 16 * 2**20, "DRAM": 128 * 2**20}


@pytest.mark.parametrize(("kept", "size"), [(None, 16 * MIB), ("8388608", 4 * MIB), ("x", 16 * MIB), ("0", None)])
def test_a_device_that_may_not_measure_takes_the_last_level_as_found_or_reported(
    monkeypatch: pytest.MonkeyPatch, kept: str | None, size: int | None
) -> None:
    """`hwbench list` is no measurement; a level that earlier processes did not find is none."""
    made = CpuDevice(machine(), measuring=False)
    monkeypatch.setattr(made._choices, "recall", lambda name: kept)
    monkeypatch.setattr(made, "buffer", None)
    if size is None:
        with pytest.raises(Skip, match="other users fill it"):
            made.size("L3")
    else:
        assert made.size("L3") == size


def test_a_small_third_level_is_measured(here: CpuDevice) -> None:
    """The real probe on what such a guest reports: a size, or a skip, and no crash."""
    caches = (*(SharedCache(2, 32 * 2**10, 64, (cpu,)) for cpu in (0, 1)), SharedCache(3, 512 * 2**10, 64, (0, 1)))
    made = CpuDevice(Host(allowed=here.host.allowed, online=here.host.online, caches=caches))
    try:
        size = made.size("L3")
        assert 64 * 2**10 <= size <= 256 * 2**10
    except Skip as skip:
        assert "L2" in str(skip)
    finally:
        made.close()


def test_a_gpus_level_is_none_of_a_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """HBM is skipped with the levels that there are, not taken for a quantity; an L2 both have."""
    made = device(machine(), monkeypatch)
    with pytest.raises(Skip, match="a CPU has no HBM; its levels are L1, L2, L3, DRAM"):
        made.resolve({"size": "HBM"})
    assert made.resolve({"size": "L2"})["size"] == made.size("L2")


def test_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thread counts are powers of two and all; more than may be used is skipped with both counts."""
    made = device(machine(cpus=6), monkeypatch)
    assert made.spread(Threads()) == [1, 2, 4, 6]
    assert device(machine(), monkeypatch).spread(Threads()) == [1, 2, 4, 8]
    assert made.resolve({"threads": "all"}) == {"threads": 6}
    with pytest.raises(Skip, match="needs 8 CPUs; 6 may be used"):
        made.resolve({"threads": 8})


@pytest.mark.parametrize("version", [1, 2])
def test_a_quota_bounds_the_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: int) -> None:
    """A container with 1.5 CPUs is a machine of one thread, however many CPUs its mask has."""
    made = device(linux_host(trees.container(tmp_path, version), range(64)), monkeypatch)
    assert made.spread(Threads()) == [1]
    assert made.resolve({"threads": "all"}) == {"threads": 1}
    with pytest.raises(Skip, match="needs 2 CPUs; 1 may be used"):
        made.resolve({"threads": 2})


def test_sweeps_are_exact_quantities(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sweep runs from its first size to its label's, in text that means exactly that many bytes."""
    made = device(machine(), monkeypatch)
    assert made.spread(Sweep(4096, "L1", 2)) == ["4KiB", "6KiB", "8KiB", "12KiB", "16KiB", "24KiB"]
    assert made.spread(Sweep(4096, "DRAM", 1))[-1] == "128MiB"
    assert device(machine(), monkeypatch, free=2**20).spread(Sweep(2**20, "DRAM", 1))[-1] == "16MiB"


def test_data_types(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names of data types become NumPy's; bf16 is skipped where its package is missing."""
    made = device(machine(), monkeypatch)
    assert [made.resolve({"dtype": name})["dtype"] for name in ("f2", "f4", "f8", "i8")] == [
        np.dtype(np.float16), np.dtype(np.float32), np.dtype(np.float64), np.dtype(np.int64)
    ]  # fmt: skip
    monkeypatch.setitem(sys.modules, "ml_dtypes", None)
    with pytest.raises(Skip, match="python -m pip install ml_dtypes"):
        made.resolve({"dtype": "bf16"})


def test_other_axes_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the device knows nothing of is handed on."""
    assert device(machine(), monkeypatch).resolve({"order": "random", "stride": 3}) == {"order": "random", "stride": 3}


@pytest.mark.parametrize(("policy", "reason"), [("never", "switched off"), (None, "no transparent huge pages")])
def test_huge_pages_that_are_not_to_be_had(monkeypatch: pytest.MonkeyPatch, policy: str | None, reason: str) -> None:
    """Huge pages are skipped with a reason where the kernel gives none."""
    monkeypatch.setattr(sys, "platform", "linux")
    made = CpuDevice(Host(allowed=(0,), huge_policy=policy))
    assert made.spread(Pages()) == ["4K"]
    assert device(machine(), monkeypatch).spread(Pages()) == ["huge"]
    with pytest.raises(Skip, match=reason):
        made.resolve({"pages": "huge"})
    with pytest.raises(Skip, match=reason):
        made.buffer(4096, "huge")
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(Skip, match="Linux only"):
        made.buffer(4096, "huge")


# --- crews ------------------------------------------------------------------------------------------------------------


def test_crews_are_kept(here: CpuDevice) -> None:
    """A crew asked for again is the same, with the same threads."""
    assert here.crew(1) is here.crew(1)
    assert here.crew(1).each(lambda _: threading.get_ident()) == here.crew(1).each(lambda _: threading.get_ident())


def test_a_team_is_some_of_the_largest_crew(here: CpuDevice) -> None:
    """A team's threads are those of the crew of all, by rank, on the same CPUs, in the order asked for."""
    last = here.host.usable - 1
    team = here.team(last, 0) if last else here.team(0)
    assert team.cpus == ((here.host.order[last], here.host.order[0]) if last else here.host.order[:1])
    everyone = here.crew(here.host.usable).each(lambda _: threading.get_ident())
    assert team.each(lambda _: threading.get_ident()) == ([everyone[last], everyone[0]] if last else everyone[:1])


@pytest.mark.parametrize(
    ("allowed", "cores", "quota", "count"),
    [
        ((0, 1, 2, 3), {0: (0, 0), 1: (0, 1), 2: (0, 0), 3: (0, 1)}, None, 2),
        ((0, 1), {0: (0, 0), 1: (0, 0)}, None, 1),
        ((0, 1, 2, 3), {}, None, 4),
        ((0, 1, 2, 3), {}, 2.5, 2),
    ],
)
def test_cores_are_counted_among_the_usable(
    allowed: tuple[int, ...], cores: dict[int, tuple[int, int]], quota: float | None, count: int
) -> None:
    """Siblings share a core, and of a quota's CPUs the first ones count, which have a core each."""
    assert CpuDevice(Host(allowed=allowed, cores=cores, quota=quota)).cores == count


@pytest.mark.parametrize("threads", [0, 10_000])
def test_a_crew_of_no_threads_or_too_many(here: CpuDevice, threads: int) -> None:
    """A crew needs a CPU for each thread."""
    with pytest.raises(ValueError, match="crew"):
        here.crew(threads)


def test_pooled_work_restores_the_pool(here: CpuDevice) -> None:
    """Numba's thread count is set for the calls, and put back even when one raises."""
    import numba

    before = numba.get_num_threads()
    counts: list[int] = []
    work = here.pooled(lambda: counts.append(numba.get_num_threads()), 1, output=None)
    work.call()
    assert counts == [1]

    def fail() -> None:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        here.pooled(fail, 1, output=None).call()
    assert numba.get_num_threads() == before
    with pytest.raises(Skip, match="NUMBA_NUM_THREADS"):
        here.pooled(fail, 10_000, output=None)


# --- memory -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("nbytes", "offset"), [(0, 0), (-1, 0), (8, -8)])
def test_memory_that_cannot_be(here: CpuDevice, nbytes: int, offset: int) -> None:
    """A buffer has at least a byte and no negative offset."""
    with pytest.raises(ValueError, match="cannot be"):
        here.buffer(nbytes, offset=offset)


def test_large_memory_is_lent_again(here: CpuDevice) -> None:
    """A large buffer that was given back is the next one's memory, smaller or as large; idle memory counts as free."""
    if here._near() is None:
        pytest.skip("several last-level caches here: a thread that may run anywhere is near to none")
    first = here.buffer(cpu.LENT + 8192)
    first.array[:] = 7
    address = first.address
    first.close()
    assert here._pool.idle >= cpu.LENT + 8192
    again = here.buffer(cpu.LENT, offset=64)
    assert (again.address, int(again.array[0])) == (address + 64, 7)
    assert here._pool.idle == 0
    other = here.buffer(cpu.LENT)
    assert other.address != again.address - 64
    again.close()
    other.close()
    here.forget()
    assert here._pool.idle == 0
    assert not here.buffer(cpu.LENT).array[:64].any()


def test_arrays_lie_in_memory_that_is_taken_back(here: CpuDevice) -> None:
    """A large array is lent until the contrast is over, a small one is NumPy's own."""
    if here._near() is None:
        pytest.skip("several last-level caches here: a thread that may run anywhere is near to none")
    here._pool.clear()
    array = here.host_empty((2, cpu.LENT // 16), np.float64)
    assert (array.shape, array.dtype, array.nbytes) == ((2, cpu.LENT // 16), np.float64, cpu.LENT)
    array[:] = 1
    assert here._pool.idle == 0
    here.reclaim()
    assert here._pool.idle >= cpu.LENT
    small = here.host_empty(10, np.int64)
    here.reclaim()
    small[:] = 1
    assert small.sum() == 10


def test_small_memory_is_new(here: CpuDevice) -> None:
    """A small buffer is nobody's before: it is all zeros."""
    before = here._pool.idle
    first = here.buffer(4096)
    first.array[:] = 7
    first.close()
    assert here._pool.idle == before
    assert not here.buffer(4096).array.any()


@pytest.mark.parametrize("nbytes", [cpu.LENT, 100 * 2**20, 1920 * 2**20, 2**31, 2**31 + 1])
def test_a_lent_region_has_room_for_a_little_more(nbytes: int) -> None:
    """One array's region holds three arrays and their padding, and is at most a 15th larger than what was asked."""
    assert nbytes + 8192 <= cpu.roomy(nbytes) <= nbytes * 16 / 15
    assert cpu.roomy(nbytes) == cpu.roomy(nbytes + 8192)


def test_what_idles_leaves_a_bench_its_share(here: CpuDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what is free, buffers given back among it, all but the share that a bench may take is kept."""
    if here._near() is None:
        pytest.skip("several last-level caches here: a thread that may run anywhere is near to none")
    here.forget()
    monkeypatch.setattr(memory, "free", lambda *_given: 2 * cpu.LENT)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: type("Memory", (), {"available": 2 * cpu.LENT}))
    buffers = [here.buffer(cpu.LENT) for _ in range(3)]
    for buffer in buffers:
        buffer.close()
    length = cpu.roomy(cpu.LENT)
    kept = here._pool.idle // length
    assert kept == 1
    # one more would be more than the rest: of 2 there and 2 idle
    assert kept * length <= 0.4 * (2 * cpu.LENT + 2 * length) < (kept + 1) * length
    here.forget()


def test_who_is_near() -> None:
    """Memory is near to the CPUs of one last-level cache: of a pinned thread's own, or the only one there is."""
    two = CpuDevice(Host(allowed=(0, 1), caches=(SharedCache(3, MIB, 64, (0,)), SharedCache(3, MIB, 64, (1,)))))
    assert two._near() is None
    near = two.crew(1).each(lambda _: two._near())
    assert near in ([(0,)], [None])  # None where this system does not pin
    one = CpuDevice(Host(allowed=(0, 1), caches=(SharedCache(3, MIB, 64, (0, 1)),)))
    assert one._near() == (0, 1)
    assert CpuDevice(Host(allowed=(0,)))._near() is None
    two.close()


# --- clock, time, counters --------------------------------------------------------------------------------------------


def test_the_gauge_is_a_clock(here: CpuDevice) -> None:
    """The clock estimate is of the order of a processor's. Soon after it none is read."""
    here._gauges_due = 0.0
    assert 2e8 < here.gauges()["clock_hz"] < 1e10
    here._gauges_due = time.perf_counter() + 60
    assert here.gauges() == {}


@pytest.mark.parametrize(("taken", "rest"), [(1e-4, cpu.GAUGES_S), (5e-3, 5e-2), (1.0, cpu.GAUGES_MOST_S)])
def test_gauges_rest_after_a_reading(
    here: CpuDevice, monkeypatch: pytest.MonkeyPatch, taken: float, rest: float
) -> None:
    """Ten times as long as it took, within bounds: on a busy machine a reading takes longer."""
    ticks = iter((100.0, 100.0 + taken))
    here._gauges_due = 0.0
    monkeypatch.setattr(cpu, "time", types.SimpleNamespace(perf_counter=lambda: next(ticks)))
    assert here.gauges()
    assert here._gauges_due == pytest.approx(100.0 + taken + rest)


def test_a_handover_is_gauged_between_two_cpus(here: CpuDevice) -> None:
    """With two CPUs the time in which they hand over a line is read; with one there is nobody to hand it to."""
    here._gauges_due = 0.0
    readings = here.gauges()
    assert ("handover_s" in readings) == (here.host.usable > 1)
    if here.host.usable > 1:
        assert 1e-9 < readings["handover_s"] < 1e-3
        here._gauges_due = 0.0
        assert here.gauges()["handover_s"] > 0  # the counter goes on where it was


class Share:
    """What is asked of a `CoreShare`, in order: the thread, the CPU, whether there is a gate."""

    def __init__(self) -> None:
        self.read: list[tuple[str, int, bool]] = []

    def knows(self, cpu: int) -> bool:
        return any(name == "learn" and one == cpu for name, one, _ in self.read)

    def learn(self, cpu: int) -> None:
        self.read.append(("learn", cpu, False))

    def __call__(self, cpu: int, gate: int = 0) -> float:
        self.read.append((threading.current_thread().name, cpu, bool(gate)))
        return 0.9


def test_the_share_of_a_core_is_read_where_the_work_ran(here: CpuDevice, monkeypatch) -> None:
    """On the CPUs of pinned threads, else on the thread that asks; not where a pool may still run on a sibling."""
    share, first = Share(), here.host.order[0]
    monkeypatch.setattr(here, "_core_share", share)
    assert here.core_share(Work(lambda: None)) == 0.9
    assert here.core_share(here.crew(1).work([lambda *_: None], output=None)) == 0.9
    [asked, learnt, read] = share.read
    assert asked[0] == threading.current_thread().name
    assert asked[1] in here.host.allowed
    assert (learnt, read) == (("learn", first, False), (f"hwbench-cpu{first}", first, True))
    monkeypatch.setattr(type(here), "cores", here.host.usable - 1)
    assert here.core_share(Work(lambda: None)) is None


def test_there_is_no_share_of_cpus_that_no_thread_of_ours_has(here: CpuDevice) -> None:
    """Nobody is waited for."""
    here.crew(1)
    assert here.core_share(Work(lambda: None, facts={"cpus": [10**6], "threads": 1})) is None
    assert Crew([]).each(lambda rank: rank) == []


@pytest.mark.parametrize("cores", [2, 1])
def test_cpus_of_one_core_are_found_by_a_reading_together(here: CpuDevice, monkeypatch, cores) -> None:
    """At one gate: a host may run both on one core. Known siblings are read in turn, each at a gate of its own."""
    if here.host.usable < 2:
        pytest.skip("one CPU")
    meet = threading.Barrier(2, timeout=5)
    addresses = []

    class Together(Share):
        def __call__(self, cpu: int, gate: int = 0) -> float:
            addresses.append(gate)
            if cores == 2:
                meet.wait()  # breaks where the other is not being read, too
            return 0.5

    monkeypatch.setattr(here, "_core_share", Together())
    monkeypatch.setattr(type(here), "cores", cores)
    assert here.core_share(here.crew(2).work([lambda *_: None] * 2, output=None)) == 0.5
    assert len(set(addresses)) == 2


def test_time_uses_what_the_work_has(here: CpuDevice) -> None:
    """A work's own timer goes before its repetition, and that before a loop of calls."""
    done: list[Any] = []
    call = Work(lambda: done.append("call"))
    repeat = Work(lambda: done.append("call"), repeat=lambda n: done.append(n))
    timer = Work(lambda: done.append("call"), repeat=lambda n: done.append(n), timer=lambda n: 42.0 * n)
    assert here.time(timer, 2) == 84.0
    assert done == []
    here.time(repeat, 5)
    assert done == [5]
    done.clear()
    assert here.time(call, 3) > 0
    assert done == ["call"] * 3


@linux
def test_counters_never_run_backwards(here: CpuDevice) -> None:
    """Totals grow; `others_s` alone may fall by the kernel's ticks."""
    before, after = here.counters(), here.counters()
    assert {"wall_s", "own_s", "others_s", "steal_s", "faults", "involuntary_switches"} <= set(before)
    assert all(after[name] >= before[name] for name in before if name != "others_s")


def test_counters_of_a_made_up_container(tmp_path: Path) -> None:
    """Steal, others and throttling come from the files of the root, for the allowed CPUs."""
    root = trees.container(tmp_path, 2)
    trees.write(root, {"proc/stat": "cpu  0\ncpu0 300 0 0 0 0 0 0 25 0 0\ncpu1 900 0 0 0 0 0 0 900 0 0"})
    counters = CpuDevice(linux_host(root, [0]), root).counters()
    tick = 1 / os.sysconf("SC_CLK_TCK")
    assert counters["steal_s"] == pytest.approx(25 * tick)
    assert counters["others_s"] == pytest.approx(300 * tick - counters["own_s"])
    assert counters["throttled_s"] == 2.5


def test_counters_where_there_is_no_proc(monkeypatch: pytest.MonkeyPatch) -> None:
    """Elsewhere what the system does not count is missing, not zero."""
    monkeypatch.setattr(sys, "platform", "darwin")
    counters = CpuDevice(Host(allowed=(0,))).counters()
    assert "steal_s" not in counters
    assert "throttled_s" not in counters
    assert "others_s" in counters


@linux
def test_free_memory_obeys_the_cgroup(tmp_path: Path) -> None:
    """The limit of the group counts where it is below what the system has."""
    root = trees.container(tmp_path, 2)
    trees.write(root, {"proc/meminfo": f"MemAvailable: {100 * GIB // 1024} kB"})
    assert CpuDevice(machine(), root).free_memory() == 4 * GIB - GIB + GIB // 2
    trees.write(root, {"proc/meminfo": f"MemAvailable: {GIB // 1024} kB"})
    assert CpuDevice(machine(), root).free_memory() == GIB


def test_settling_ends_when_the_clock_is_stable(here: CpuDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stops after five windows within 1%, and not before the clock has stopped rising."""
    readings = iter([1.0, 1.2, 1.4, 1.5, 1.5, 1.5, 1.5, 1.5, 9.9, 9.9])
    taken: list[float] = []

    class Steady:
        def __len__(self) -> int:
            return 1

        def each(self, _function: Any) -> list[float]:
            taken.append(next(readings))
            return [taken[-1]]

    made = CpuDevice(Host(allowed=(0,)))
    monkeypatch.setattr(made, "crew", lambda threads: Steady())
    made.settle(60.0)
    assert taken == [1.0, 1.2, 1.4, 1.5, 1.5, 1.5, 1.5, 1.5]
