"""Numba's pool as an earlier process found it."""

from __future__ import annotations

import threading
from pathlib import Path

import numba
import pytest

from hwbench.errors import UsageError
from hwbench.host import numba_pool
from hwbench.host.numba_pool import ThreadPool


def test_the_pool_is_kept_for_the_same_variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It is started once, and once more where a variable or what is kept is another."""
    started: list[ThreadPool] = []

    def start() -> ThreadPool:
        started.append(ThreadPool(2, "omp"))
        return started[-1]

    monkeypatch.setattr(numba_pool, "started", start)
    path = tmp_path / "made" / "pool.json"
    assert numba_pool.kept(path) == numba_pool.kept(path) == ThreadPool(2, "omp")
    assert len(started) == 1
    monkeypatch.setenv("NUMBA_THREADING_LAYER", "workqueue")
    assert numba_pool.kept(path) == ThreadPool(2, "omp")
    path.write_text('{"depends": 1}')
    numba_pool.kept(path)
    assert len(started) == 3


def test_a_cache_that_cannot_be_written_costs_only_the_time(tmp_path: Path) -> None:
    """Numba's own pool is told."""
    (tmp_path / "file").write_text("")
    pool = numba_pool.kept(tmp_path / "file" / "pool.json")
    assert pool == numba_pool.started()
    assert pool.layer in ("omp", "tbb", "workqueue")


def test_a_limit_on_processes_is_told_before_openmp_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """libgomp exits where it can start no thread; how many the system starts is tried first, and they all end."""
    numba_pool.room.__wrapped__(3)
    before, real, begun = threading.active_count(), threading.Thread.start, []

    def limited(thread: threading.Thread) -> None:
        if begun:
            raise RuntimeError("can't start new thread")
        begun.append(thread)
        real(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)
    with pytest.raises(UsageError, match=r"needs 3 more threads, and the system starts 1: .*NUMBA_NUM_THREADS=2"):
        numba_pool.room.__wrapped__(3)
    assert threading.active_count() == before


def test_threads_are_tried_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pool of thousands is not started twice."""
    tried: list[int] = []
    monkeypatch.setattr(numba_pool, "room", tried.append)
    monkeypatch.setattr(numba_pool.openmp, "layer", lambda: "omp")
    monkeypatch.setattr(numba, "get_num_threads", lambda: 20_000)  # no pool is started
    monkeypatch.setattr(numba.config, "NUMBA_NUM_THREADS", 20_000)
    numba_pool.started()
    assert tried == [numba_pool.TRIED]


def test_whole_values_and_a_settings_file_make_another_pool(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Values that differ behind what a run file keeps of them, or by a folder alone; Numba's file where it stands."""
    monkeypatch.chdir(tmp_path)
    seen = set()
    for name, value in (("OMP_PLACES", "{0}," * 80 + "{0}"), ("OMP_PLACES", "{0}," * 80 + "{1}"),
                        ("LD_PRELOAD", "/a/x.so"), ("LD_PRELOAD", "/b/x.so")):  # fmt: skip
        monkeypatch.setenv(name, value)
        seen.add(numba_pool._depends())
    (tmp_path / ".numba_config.yaml").write_text("num_threads: 1")
    seen.add(numba_pool._depends())
    assert len(seen) == 5
