"""Crews: pinned threads that start together, run their jobs and survive what these raise."""

from __future__ import annotations

import os
import sys
import threading

import pytest

from hwbench.bench import Skip
from hwbench.devices.cpu import CpuDevice
from hwbench.host.system import Host

linux = pytest.mark.skipif(sys.platform != "linux", reason="what is asked for is Linux's")


@linux
def test_a_crew_is_pinned_and_the_main_thread_is_not(here: CpuDevice) -> None:
    """Each thread of a crew may run on its own CPU only; the main thread keeps its mask."""
    before = os.sched_getaffinity(0)
    crew = here.crew(here.host.usable)
    assert crew.each(lambda rank: os.sched_getaffinity(0)) == [{cpu} for cpu in crew.cpus]
    assert crew.pinned
    assert os.sched_getaffinity(0) == before


def test_an_exception_is_raised_and_the_threads_live_on(here: CpuDevice) -> None:
    """What a job raises reaches the caller, and the crew goes on working."""
    crew = here.crew(here.host.usable)

    def fail(rank: int) -> None:
        raise RuntimeError(f"rank {rank}")

    with pytest.raises(RuntimeError, match="rank"):
        crew.each(fail)
    with pytest.raises(RuntimeError, match="rank 0"):
        crew.work([lambda loops, gate: fail(0)] * len(crew), output=None).call()
    assert crew.each(lambda rank: rank) == list(range(len(crew)))


def test_a_crew_runs_every_job_with_its_loops(here: CpuDevice) -> None:
    """Each job runs once a sample, on its own thread, with the loops asked for."""
    crew = here.crew(here.host.usable)
    seen: list[tuple[int, int, int]] = []
    jobs = [
        lambda loops, gate, rank=rank: seen.append((rank, loops, threading.get_ident())) for rank in range(len(crew))
    ]
    closed: list[bool] = []
    work = crew.work(jobs, output=lambda: "out", facts={"pages": "4K"}, close=lambda: closed.append(True))
    assert work.timer is not None
    assert work.output is not None
    assert work.close is not None
    assert work.timer(7) > 0
    assert sorted((rank, loops) for rank, loops, _ in seen) == [(rank, 7) for rank in range(len(crew))]
    assert len({ident for *_, ident in seen}) == len(crew)
    assert work.output() == "out"
    assert {"threads", "cpus", "pinned", "pages"} <= set(work.facts)
    work.close()
    assert closed == [True]


def test_the_span_is_last_end_minus_first_start(here: CpuDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time of a crew is from the first start to the last end, in seconds."""
    crew = here.crew(1)
    monkeypatch.setattr(crew, "race", lambda jobs, loops: [(1_000, 5_000), (3_000, 9_000)])
    timer = crew.work([], output=None).timer
    assert timer is not None
    assert timer(1) == pytest.approx(8e-6)


def test_jobs_and_threads_must_match(here: CpuDevice) -> None:
    """A crew refuses another number of jobs than it has threads, before anyone waits at the gate."""
    with pytest.raises(ValueError, match="2 jobs for 1 threads"):
        here.crew(1).race([print, print], 1)


def test_a_limit_on_processes_skips_what_needs_more_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """The case says what the system refuses and which limit to raise; what needs no further thread goes on."""

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    made = CpuDevice(Host(allowed=(0, 1)))
    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(Skip, match=r"can't start new thread \(1 of 2\)") as refused:
        made.crew(2)
    assert "ulimit -u" in refused.value.reason.remedy
    made.close()


def test_where_nothing_can_be_pinned_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system without affinity gives unpinned crews, which say so in the facts, and no crash."""
    monkeypatch.delattr(os, "sched_setaffinity", raising=False)
    made = CpuDevice(Host(allowed=(0,)))
    crew = made.crew(1)
    assert crew.each(lambda rank: rank) == [0]
    assert crew.work([lambda loops, gate: None], output=None).facts["pinned"] is False
    made.close()
