"""Environment variables that lower figures: which values do, of what, and how that is undone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Literal, NamedTuple, TypeAlias

from .model import Disturbance

Of: TypeAlias = Literal["matrix products", "NumPy", "compiled code", "Python code", "memory", "GPU"]
"""What a variable lowers the figures of."""


class Rule(NamedTuple):
    """What a variable does, and which of its values do."""

    of: Of
    affects: str
    lowers: Callable[[str], bool] = bool


def _on(value: str) -> bool:
    return value not in ("", "0")


def _off(value: str) -> bool:
    return value == "0"


_BLAS = Rule("matrix products", "matrix products use the kernels that it names, not those for this CPU")
_MALLOC = Rule("memory", "memory is allocated in another way than usual: temporary arrays cost more or less")

RULES: dict[str, Rule] = {
    "OPENBLAS_CORETYPE": _BLAS,
    "MKL_ENABLE_INSTRUCTIONS": _BLAS,
    "MKL_CBWR": _BLAS,
    "BLIS_ARCH_TYPE": _BLAS,
    "NPY_DISABLE_CPU_FEATURES": Rule("NumPy", "NumPy's loops do without these instructions"),
    "NUMBA_OPT": Rule("compiled code", "kernels are optimized less", lambda v: v in ("0", "1", "2")),
    "NUMBA_CPU_NAME": Rule(
        "compiled code",
        "kernels are compiled for this CPU, not for the machine's",
        lambda v: v not in ("", "host"),
    ),
    "NUMBA_CPU_FEATURES": Rule("compiled code", "kernels are compiled for these features, not for the machine's"),
    "NUMBA_ENABLE_AVX": Rule("compiled code", "kernels do without AVX", _off),
    "NUMBA_LOOP_VECTORIZE": Rule("compiled code", "loops are not vectorized", _off),
    "NUMBA_BOUNDSCHECK": Rule("compiled code", "every access to an array is checked", _on),
    "NUMBA_DEBUGINFO": Rule("compiled code", "kernels carry debug information, which stops some optimizations", _on),
    "NUMBA_EXTEND_VARIABLE_LIFETIMES": Rule("compiled code", "kernels keep variables for a debugger", _on),
    "NUMBA_DISABLE_INTEL_SVML": Rule("compiled code", "kernels call scalar functions for exp, sin and the like", _on),
    "NUMBA_LLVM_REFPRUNE_PASS": Rule("compiled code", "kernels count references that they need not count", _off),
    "PYTHONMALLOC": Rule(
        "Python code", "Python's memory comes from another allocator than usual", lambda v: v not in ("", "pymalloc")
    ),
    "MALLOC_PERTURB_": Rule("memory", "all memory is written to as it is allocated and freed", _on),
    "MALLOC_CHECK_": Rule("memory", "memory is checked as it is allocated and freed", _on),
    "MALLOC_ARENA_MAX": _MALLOC,
    "MALLOC_ARENA_TEST": _MALLOC,
    "MALLOC_TOP_PAD_": _MALLOC,
    "MALLOC_TRIM_THRESHOLD_": _MALLOC,
    "MALLOC_MMAP_MAX_": _MALLOC,
    "MALLOC_MMAP_THRESHOLD_": _MALLOC,
    "MALLOC_CONF": _MALLOC,
    "GLIBC_TUNABLES": Rule("memory", "the C library allocates or copies memory in another way than usual"),
    "LD_PRELOAD": Rule("memory", "these libraries may replace functions such as malloc, memcpy or OpenMP's"),
    "LD_AUDIT": Rule("memory", "these libraries hear of the calls between libraries, which become slower"),
    "DYLD_INSERT_LIBRARIES": Rule("memory", "these libraries may replace functions such as malloc and memcpy"),
    "CUDA_LAUNCH_BLOCKING": Rule("GPU", "launches wait for their kernels: these are timed without the gate", _on),
    "NVIDIA_TF32_OVERRIDE": Rule("GPU", "0: no product is in TF32; 1: products in float32 are"),
    "CUPY_TF32": Rule("GPU", "CuPy's products in float32 are in TF32", _on),
    "CUBLAS_WORKSPACE_CONFIG": Rule("GPU", "cuBLAS chooses other algorithms, of a given workspace"),
    "CUDA_DEVICE_MAX_CONNECTIONS": Rule(
        "GPU", "streams share hardware queues: copies and kernels overlap less", lambda v: v.isdecimal() and int(v) < 8
    ),
}

POOLS = {
    "OPENBLAS_NUM_THREADS": "OpenBLAS",
    "MKL_NUM_THREADS": "MKL",
    "BLIS_NUM_THREADS": "BLIS",
    "VECLIB_MAXIMUM_THREADS": "Accelerate",
    "OMP_NUM_THREADS": "OpenMP",
    "OMP_THREAD_LIMIT": "OpenMP",
    "NUMBA_NUM_THREADS": "Numba",
}
"""Variables that say how many threads a pool has."""


def few_threads(variables: Mapping[str, str], cpus: int) -> dict[str, int]:
    """The variables that leave CPUs unused, each with its number of threads."""
    given = {name: variables.get(name, "").partition(",")[0].strip() for name in POOLS}
    return {name: int(value) for name, value in given.items() if _number(value) and 0 < int(value) < cpus}


def lowering(variables: Mapping[str, str]) -> Iterator[tuple[str, Rule]]:
    """The variables whose values lower figures, each with its rule; not those that say how many threads there are."""
    yield from ((name, rule) for name, rule in RULES.items() if rule.lowers(variables.get(name, "")))


def disturbances(variables: Mapping[str, str], cpus: int, *, gpus: bool = True) -> list[Disturbance]:
    """All of these as what disturbs measuring on `cpus` CPUs, and on GPUs where there are any."""
    told = {name: rule.affects for name, rule in lowering(variables) if gpus or rule.of != "GPU"}
    for name, threads in few_threads(variables, cpus).items():
        told[name] = f"{POOLS[name]} leaves {cpus - threads} of {cpus} CPUs unused"
    return [Disturbance(name, variables[name], affects, f"unset {name}") for name, affects in told.items()]


def _number(text: str) -> bool:
    return text.isdecimal() and len(text) < 10
