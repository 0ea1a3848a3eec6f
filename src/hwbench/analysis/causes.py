"""What in a run's set-up holds libraries back: environment variables and BLAS kernels, each in a few words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..record import inherited
from ..record.model import Record, Run

FORCED = tuple(name for name, rule in inherited.RULES.items() if rule.of == "matrix products")
"""Variables that choose kernels instead of the library."""

WATCHED = ("tracer", "development mode", "tracemalloc", "debug build")  # disturbances of Python code
IN_PYTHON = ("loop", "comprehension", "builtin", "function", "method", "nothing", "ctypes")  # variants
SHOWN = 40  # characters of a value

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


def lowered(run: Run, records: Sequence[Record]) -> list[str]:
    """What the run inherited that lowers figures of these records: `NUMBA_OPT=0`, `tracer`."""
    variables = run.variables or {}
    kinds = {kind for record in records if record.timed and record.device == "cpu" for kind in _kinds(record)}
    set_ = [f"{name}={variables[name][:SHOWN]}" for name, rule in inherited.lowering(variables) if rule.of in kinds]
    watched = [one.name for one in run.disturbances if one.name in WATCHED and "Python code" in kinds]
    return list(dict.fromkeys([*set_, *watched]))


def _kinds(record: Record) -> set[inherited.Of]:
    """What does the work of a record on the CPU."""
    products: set[inherited.Of] = {"matrix products"} if "blas" in record.facts else set()
    if record.variant in IN_PYTHON:
        return products | {"Python code"}
    if record.variant.startswith(("numpy", "scipy", "blas")):
        return products | {"NumPy"}
    return products | {"compiled code"}
