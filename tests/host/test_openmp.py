"""What OpenMP binds is asked of its runtime, and told: a note, or a warning where threads share a CPU."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from types import SimpleNamespace

import pytest

from hwbench.host import openmp
from hwbench.record.reasons import because


class Runtime:
    """A runtime with these places; it binds its threads where `binds`."""

    def __init__(self, places: Sequence[Sequence[int]], *, binds: bool = True) -> None:
        self.omp_get_proc_bind = lambda: int(binds)
        self.omp_get_num_places = lambda: len(places)
        self.omp_get_place_num_procs = lambda place: len(places[place])
        self.omp_get_place_proc_ids = self.fill
        self.places = places

    def fill(self, place: int, numbers: ctypes.Array[ctypes.c_int]) -> None:
        numbers[:] = list(self.places[place])


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch):
    """Makes these the OpenMP runtimes that are loaded."""

    def load(*runtimes: object) -> None:
        import threadpoolctl

        pools = [{"user_api": "openmp", "filepath": n} for n, _ in enumerate(runtimes)]
        monkeypatch.setattr(threadpoolctl, "threadpool_info", lambda: [{"user_api": "blas"}, *pools])
        monkeypatch.setattr(openmp.ctypes, "CDLL", lambda path: runtimes[path])

    return load


def test_places_are_those_of_a_runtime_that_binds(loaded):
    """One that binds nothing, or is too old to be asked, is passed over."""
    loaded(SimpleNamespace(), Runtime([[0]], binds=False), Runtime([[0, 4], [1, 5]]))
    assert openmp.places() == ((0, 4), (1, 5))
    loaded(Runtime([[0]], binds=False))
    assert openmp.places() == ()
    loaded()
    assert openmp.places() == ()


def test_a_cpu_for_each_thread_is_a_note():
    """The variables and the CPUs are named."""
    [one] = openmp.bound([(0, 4), (1, 5)], 4, {"OMP_PROC_BIND": "true", "OMP_NUM_THREADS": "4"}, [0, 1, 4, 5])
    assert (one.name, one.severity) == ("OpenMP affinity", "note")
    assert one.state == "threads are bound to CPUs 0,4; 1,5 (OMP_PROC_BIND=true)"
    assert one.remedy == "unset OMP_PROC_BIND"
    assert openmp.bound([], 4, {"OMP_PROC_BIND": "false"}, [0]) == []
    [other] = openmp.bound([(cpu,) for cpu in range(99)], 99, {}, range(99))
    assert other.state.endswith("15 …")
    assert other.remedy == "set OMP_PROC_BIND=false"


def test_threads_that_share_a_cpu_are_a_warning_and_a_reason(loaded):
    """Work on OpenMP's pool is suspect then; work on fewer threads, or on another layer, is not."""
    [one] = openmp.bound([(1,)], 2, {"GOMP_CPU_AFFINITY": "1"}, [0, 1])
    assert one.severity == "warning"
    assert one.affects.startswith("2 threads of prange share 1 CPU:")
    loaded(Runtime([[1]]))
    assert openmp.crowded({"layer": "omp", "threads": 2}) == [because("bound_threads", "2 threads on 1 CPU")]
    assert openmp.crowded({"layer": "omp", "threads": 1}) == []
    assert openmp.crowded({"layer": "tbb", "threads": 2}) == []
    assert openmp.crowded({}) == []


def test_a_runtime_that_was_loaded_before_hwbench_is_a_warning():
    """Its thread had lost its CPUs before anything could keep them."""
    [one] = openmp.bound([(0,), (1,)], 1, {"OMP_PROC_BIND": "true"}, [0])
    assert one.severity == "warning"
    assert one.affects.endswith("takes CPUs 0 for all that it may use")
    assert one.remedy == "unset OMP_PROC_BIND, or import hwbench first"


def test_the_layer_is_numbas():
    """The pool is started, if no call has done so."""
    assert openmp.layer() in ("omp", "tbb", "workqueue")
