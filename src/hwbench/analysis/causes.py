"""What in a run's set-up holds libraries back: environment variables and BLAS kernels, each in a few words."""

from __future__ import annotations

import re

from ..record.model import Run

FORCED = ("OPENBLAS_CORETYPE", "MKL_ENABLE_INSTRUCTIONS", "MKL_CBWR", "BLIS_ARCH_TYPE", "NPY_DISABLE_CPU_FEATURES")
"""Variables that choose kernels instead of the library."""

POOLS = {
    "OPENBLAS_NUM_THREADS": "OpenBLAS",
    "MKL_NUM_THREADS": "MKL",
    "BLIS_NUM_THREADS": "BLIS",
    "OMP_NUM_THREADS": "OpenMP",
    "NUMBA_NUM_THREADS": "Numba",
}
"""Variables that say how many threads a pool has."""

# OpenBLAS's kernels without AVX-512, by the names that it reports.
NARROW = ("Prescott", "Core2", "Penryn", "Nehalem", "Sandybridge", "Haswell", "Zen", "Bulldozer", "Piledriver")


def blas(run: Run) -> str:
    """Why products of matrices are slower than they could be; "" where the set-up gives no reason."""
    for name in FORCED:
        if value := (run.variables or {}).get(name):
            return f"{name}={value} is set"
    kernels = re.match(r"openblas \S+ \((\w+)", str(run.software.get("blas") or ""))
    if kernels and kernels[1] in NARROW and "avx512f" in run.machine.cpu.isa:
        return f"OpenBLAS uses its {kernels[1]} kernels on a CPU with AVX-512"
    return ""


def few_threads(run: Run) -> dict[str, int]:
    """The variables that leave CPUs unused, each with its number of threads."""
    cpus = len(run.machine.cpu.allowed) or run.machine.cpu.logical
    given = {name: (run.variables or {}).get(name, "") for name in POOLS}
    return {name: int(value) for name, value in given.items() if value.isdecimal() and 0 < int(value) < cpus}
