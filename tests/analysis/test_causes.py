"""What a run's set-up says of slow libraries and idle CPUs."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from doubles.scripted import MACHINE, record, run_of
from hwbench.analysis import causes
from hwbench.record.model import Disturbance


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


@pytest.mark.parametrize(
    ("variant", "facts", "told"),
    [
        ("numba", {}, ["NUMBA_OPT=0"]),
        ("numpy", {}, ["NPY_DISABLE_CPU_FEATURES=AVX2"]),
        ("numpy", {"blas": "openblas"}, ["OPENBLAS_CORETYPE=Haswell", "NPY_DISABLE_CPU_FEATURES=AVX2"]),
        ("loop", {}, ["tracer"]),
    ],
)
def test_what_was_inherited_is_told_of_the_records_that_it_concerns(variant, facts, told):
    """By who does a record's work; nothing where no record was timed, or where no variables were kept."""
    variables = {"NUMBA_OPT": "0", "OPENBLAS_CORETYPE": "Haswell", "NPY_DISABLE_CPU_FEATURES": "AVX2"}
    watched = Disturbance("tracer", "coverage.py", "slower", "start without it")
    one = run(variables=variables, disturbances=[watched])
    found = record(variant, facts=facts)
    assert causes.lowered(one, [found]) == told
    assert causes.lowered(one, [replace(found, samples=[])]) == []
    assert causes.lowered(run(variables=None), [found]) == []


def test_a_long_value_of_a_file_is_cut():
    """Findings are sentences."""
    assert len(causes.lowered(run(variables={"NUMBA_CPU_NAME": "x" * 999}), [record("numba")])[0]) < 60
