"""Variables that change figures are kept, and no paths."""

from __future__ import annotations

from hwbench.host.variables import LONGEST, variables


def test_what_changes_figures_is_kept() -> None:
    """By prefix or name, in order; not where caches lie, nor what is only printed."""
    kept = {"OMP_NUM_THREADS": "2", "MALLOC_ARENA_MAX": "1", "NUMBA_THREADING_LAYER": "omp", "OPENBLAS_CORETYPE": "Zen",
            "NUMBA_DEBUGINFO": "1", "PYTHONTRACEMALLOC": "1", "LD_AUDIT": "libx.so",
            "POCL_AFFINITY": "1"}  # fmt: skip
    other = {
        "HOME": "/home/me",
        "NUMBA_CACHE_DIR": "/x",
        "OMP_DISPLAY_ENV": "true",
        "CUDA_PATH": "/y",
        "POCL_CACHE_DIR": "/z",
        "TOKEN": "secret",
        "NUMBA_DEBUG_CACHE": "1",
        "KMP_DUPLICATE_LIB_OK": "True",
    }
    found = variables(kept | other)
    assert found == kept
    assert list(found) == sorted(found)


def test_of_paths_the_file_is_kept() -> None:
    """Run files are shown to others: whose home a library lies in is nobody's business."""
    found = variables({"LD_PRELOAD": "/home/me/libjemalloc.so.2:/usr/lib/libx.so", "MALLOC_CONF": "a" * 999})
    assert found["LD_PRELOAD"] == "libjemalloc.so.2:libx.so"
    assert len(found["MALLOC_CONF"]) == LONGEST
