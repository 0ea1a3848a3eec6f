"""The environment variables that change figures: of Numba, OpenMP, BLAS libraries, allocators, Python, CUDA, OpenCL."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from ..record import private

PREFIXES = ("NUMBA_", "OMP_", "GOMP_", "KMP_", "LIBOMP_", "TBB_", "OPENBLAS_", "GOTO_", "MKL_", "BLIS_", "VECLIB_",
            "MALLOC_", "MIMALLOC_", "TCMALLOC_", "NPY_", "CUDA_", "CUPY_", "CUBLAS_", "POCL_", "RUSTICL_",
            "PYTHONMALLOC", "PYTHON_GIL", "PYTHON_JIT")  # fmt: skip
NAMES = {"GLIBC_TUNABLES", "LD_PRELOAD", "LD_AUDIT", "DYLD_INSERT_LIBRARIES", "NVIDIA_TF32_OVERRIDE",
         "PYTHONTRACEMALLOC", "PYTHONDEVMODE", "PYTHONPERFSUPPORT", "PYTHON_PERF_JIT_SUPPORT"}  # fmt: skip
# These say where things lie, or what is printed; threadpoolctl sets KMP_DUPLICATE_LIB_OK as it is imported.
NO_FIGURE = re.compile(
    r".*_(DIR|PATH|HOME|LOCATOR_CLASSES|DEBUG(?!INFO)\w*|DUMP\w*|DISPLAY\w*|VERBOSE|AFFINITY_FORMAT|WARNINGS|DUPLICATE_LIB_OK)"
)
LONGEST = 200  # characters of a value
LOOKED_AT = 4096  # characters that are searched for paths: the search is quadratic in a word's length


def variables(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Those that are set. Of paths only the file's name is kept, of UUIDs a hash: a run file is shown to others."""
    kept = {
        name: value
        for name, value in environment.items()
        if (name.startswith(PREFIXES) or name in NAMES) and not NO_FIGURE.fullmatch(name)
    }
    return {name: _shown(kept[name][:LOOKED_AT])[:LONGEST] for name in sorted(kept)}


def _shown(value: str) -> str:
    return re.sub(r"[^\s:;=,]*[/\\]", "", private.without_ids(value))
