"""How many threads of BLAS a variant has: one where it is compared with loops on one, and always a number it states."""

import numpy as np
import pytest

from hwbench import catalog
from hwbench.devices.cpu import CpuDevice

CPU = CpuDevice()


def built(name, variant, **given):
    """The work of a variant on this CPU, at the standard set's first values or those given."""
    [bench] = catalog.select([name])
    values = {axis: listed[0] for axis, listed in bench.axes.items()} | given
    values |= {"device": CPU, "rng": np.random.default_rng(3)}
    if "dtype" in values:
        values["dtype"] = np.dtype(values["dtype"])
    return bench.build(variant, values, bench.make_inputs(values))


@pytest.mark.parametrize(
    ("bench", "variant", "given"),
    [
        ("stability.gradients", "numpy", {}),
        ("stability.initialization", "numpy", {}),
        ("systolic.matmul", "blas", {"shape": "64x64x32"}),
        ("workload.house_prices", "numpy", {"batch": 1024}),
    ],
)
def test_one_thread_stands_beside_one(monkeypatch, bench, variant, given):
    """Products by BLAS run on one thread where the other variants are loops on one; the facts say so."""
    work = built(bench, variant, **given)
    assert work.facts["threads"] == 1
    seen = []
    monkeypatch.setattr("hwbench.devices.cpu._seconds", lambda call, loops: seen.append(CPU._libraries.info()) or 0.0)
    assert work.timer is not None
    work.timer(1)
    assert all(library["num_threads"] == 1 for library in seen[0])


def test_a_product_against_a_gpu_has_all_threads_and_says_how_many():
    """What a GPU has to beat is the whole CPU, in NumPy's product as in prange."""
    assert built("offload.breakeven", "numpy", work="matmul", n=1024).facts["threads"] == CPU.host.usable
    assert "threads" not in built("offload.breakeven", "numpy", work="add", n=1024).facts
