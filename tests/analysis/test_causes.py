"""What a run's set-up says of slow libraries and idle CPUs."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from doubles.scripted import MACHINE, record, run_of
from hwbench.analysis import causes


def run(isa=(), **more):
    """A run on two CPUs with these instructions."""
    machine = replace(MACHINE, cpu=replace(MACHINE.cpu, isa=list(isa)))
    return run_of(record(), machine=machine, **more)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"variables": {"OPENBLAS_CORETYPE": "Haswell"}}, "OPENBLAS_CORETYPE=Haswell is set"),
        ({"software": {"blas": "openblas 0.3.31 (Haswell, pthreads, 2 threads)"}},
         "OpenBLAS uses its Haswell kernels on a CPU with AVX-512"),
        ({"software": {"blas": "openblas 0.3.31 (SkylakeX, pthreads, 2 threads)"}}, ""),
        ({"software": {"blas": None}, "variables": None}, ""),
    ],
)  # fmt: skip
def test_blas_is_held_back_by_a_variable_or_by_narrow_kernels(more, why):
    """The variable comes first; kernels count as narrow on a CPU with AVX-512 alone."""
    assert causes.blas(run(["avx2", "avx512f"], **more)) == why
    if "OpenBLAS" in why:
        assert causes.blas(run(["avx2"], **more)) == ""


def test_pools_with_fewer_threads_than_cpus_are_named():
    """Of two CPUs one is idle; a value that is no number, or enough threads, is nothing."""
    found = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "2", "NUMBA_NUM_THREADS": "many", "BLIS_NUM_THREADS": "0"}
    assert causes.few_threads(run(variables=found)) == {"OMP_NUM_THREADS": 1}
    assert causes.few_threads(run(variables=None)) == {}
