"""Variables that lower figures: which values do, and what is said of them."""

from __future__ import annotations

import pytest

from hwbench.host.variables import variables
from hwbench.record import inherited


@pytest.mark.parametrize(
    ("name", "lowers", "harmless"),
    [
        ("OPENBLAS_CORETYPE", "Haswell", ""), ("MKL_ENABLE_INSTRUCTIONS", "AVX2", ""), ("NUMBA_OPT", "0", "max"),
        ("NUMBA_CPU_NAME", "generic", "host"), ("NUMBA_ENABLE_AVX", "0", "1"), ("NUMBA_BOUNDSCHECK", "1", "0"),
        ("NUMBA_DEBUGINFO", "1", "0"), ("PYTHONMALLOC", "debug", "pymalloc"), ("MALLOC_PERTURB_", "165", "0"),
        ("LD_PRELOAD", "libjemalloc.so.2", ""), ("CUDA_LAUNCH_BLOCKING", "1", "0"), ("CUPY_TF32", "1", "0"),
        ("NVIDIA_TF32_OVERRIDE", "0", ""), ("CUBLAS_WORKSPACE_CONFIG", ":16:8", ""),
        ("CUDA_DEVICE_MAX_CONNECTIONS", "1", "32"),
    ],
)  # fmt: skip
def test_values_that_lower_figures_are_told(name: str, lowers: str, harmless: str) -> None:
    """Each with what it does and how to undo it; the usual value is nothing."""
    [one] = inherited.disturbances({name: lowers}, 2)
    assert (one.name, one.state, one.remedy, one.severity) == (name, lowers, f"unset {name}", "warning")
    assert one.affects
    assert inherited.disturbances({name: harmless}, 2) == []


def test_what_concerns_gpus_is_nothing_where_there_are_none() -> None:
    """Shells of training jobs set it everywhere."""
    given = {"CUDA_DEVICE_MAX_CONNECTIONS": "1", "NUMBA_OPT": "0"}
    assert [one.name for one in inherited.disturbances(given, 2, gpus=False)] == ["NUMBA_OPT"]


def test_pools_with_fewer_threads_than_cpus_are_named() -> None:
    """Of two CPUs one is idle; a value that is no number, or enough threads, is nothing. OpenMP takes a list."""
    found = {"OMP_NUM_THREADS": "1,4", "MKL_NUM_THREADS": "2", "NUMBA_NUM_THREADS": "many", "BLIS_NUM_THREADS": "0"}
    assert inherited.few_threads(found, 2) == {"OMP_NUM_THREADS": 1}
    [one] = inherited.disturbances(found, 2)
    assert (one.name, one.affects) == ("OMP_NUM_THREADS", "OpenMP leaves 1 of 2 CPUs unused")


def test_all_of_them_are_kept_in_run_files() -> None:
    """What is told must be in the file that it explains."""
    named = dict.fromkeys([*inherited.RULES, *inherited.POOLS], "1")
    assert variables(named) == named
