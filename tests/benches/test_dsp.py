"""Signal processing: every variant against float64, counts by hand, and where two lines cross."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwbench.bench import Work
from hwbench.benches import dsp
from hwbench.check import mismatch


class NumpyGpu:
    """A device whose CuPy is NumPy: what a GPU variant does with it can be checked where there is none."""

    xp = np

    def __init__(self):
        self.waits = []

    def get(self, array):
        return array

    def host_timed(self, call, *, output, sync, facts):
        self.waits.append(sync)
        return Work(call, output=output, facts=facts)


def verdict(bench, variant, **params):
    values = {**params, "device": NumpyGpu(), "dtype": np.dtype(params["dtype"]), "rng": np.random.default_rng(5)}
    inputs = bench.make_inputs(values)
    work = bench.build(variant, values, inputs)
    output = work.call()
    output = output if work.output is None else work.output()
    counts = bench.count(values, inputs)
    return mismatch(output, bench.ask("reference", values, inputs), values, counts["flops"], bench.tolerance)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("variant", list(dsp.dot.variants))
@pytest.mark.parametrize("size", [16, 1000, 1 << 20])
def test_dot_products_agree_with_float64(variant, dtype, size):
    """Each way to a dot product gives that of float64 within the rounding of its dtype."""
    assert verdict(dsp.dot, variant, size=size, dtype=dtype) == ""


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("variant", list(dsp.convolution.variants))
@pytest.mark.parametrize(("n", "taps"), [(1, 1), (5, 9), (1000, 8), (3000, 37), (4096, 2048)])
def test_convolutions_agree_with_float64(variant, dtype, n, taps):
    """Each way to a convolution gives NumPy's in float64, also where the filter is longer than the signal."""
    assert verdict(dsp.convolution, variant, n=n, taps=taps, dtype=dtype) == ""


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("variant", list(dsp.fft.variants))
@pytest.mark.parametrize("n", [1, 2, 100, 1 << 12, 1 << 18])
def test_transforms_agree_with_float64(variant, dtype, n):
    """Each transform is NumPy's in complex128 within the rounding of its dtype."""
    assert verdict(dsp.fft, variant, n=n, dtype=dtype) == ""


@settings(max_examples=60, deadline=None)
@given(n=st.integers(1, 3000), taps=st.integers(1, 70), seed=st.integers(0, 99))
def test_the_direct_loop_is_exact_on_whole_numbers(n, taps, seed):
    """Blocks, padding and taps that are no multiple of eight lose no sample: whole numbers come out exactly."""
    rng = np.random.default_rng(seed)
    x, h = rng.integers(-9, 9, n).astype(float), rng.integers(-9, 9, taps).astype(float)
    work = dsp.convolve_numba(x, h)
    work.call()
    assert np.array_equal(work.output(), np.convolve(x, h))


def test_what_a_call_counts():
    """2 n of a dot product, 2 n taps of a convolution, 5 n log2 n of a transform."""
    rng = np.random.default_rng(0)
    a, b = dsp.vectors(rng, 1600, np.dtype("f8"))
    assert dsp.dot.count({}, (a, b)) == {"bytes": 1600, "flops": 200}
    assert dsp.convolution.count({}, (np.zeros(1000), np.zeros(10)))["flops"] == 20_000
    assert dsp.fft.count({}, (np.zeros((2, 1024), complex),))["flops"] == 2 * 5 * 1024 * 10


def test_crossover_between_two_power_laws():
    """Times taps and 100 cross at 100 taps, exactly, since both are power laws."""
    points = [(taps, float(taps), 100.0) for taps in (10, 40, 160, 640)]
    assert dsp.crossover(points) == pytest.approx(100)


def test_no_crossover_where_one_is_always_faster():
    """None where lines do not cross, cross the other way, or nothing was measured."""
    assert dsp.crossover([(1, 1.0, 2.0), (2, 1.0, 3.0)]) is None
    assert dsp.crossover([(1, 2.0, 1.0), (2, 1.0, 3.0)]) is None
    assert dsp.crossover([]) is None


@pytest.mark.parametrize("passes", [1, 3])
def test_passes_do_not_add_up(passes):
    """A call that repeats the product inside the kernel gives it once."""
    a = np.arange(100.0)
    assert dsp.dot_fast(a, a, passes) == 328_350


@pytest.mark.parametrize("bench", [dsp.convolution, dsp.fft])
def test_a_gpu_is_waited_for_once_a_sample_and_nothing_crosses(bench):
    """CuPy's variant is timed with what it was given on the device, the wait included, and says so."""
    device = NumpyGpu()
    values = {"n": 64, "taps": 8, "dtype": np.dtype("f8"), "rng": np.random.default_rng(5), "device": device}
    work = bench.build("cupy", values, bench.make_inputs(values))
    assert bench.variants["cupy"].on == "gpu"
    assert device.waits == ["end"]
    assert work.facts["transfers"] is False
    work.call()
    assert work.output() is work.output()  # computed by the call, not by fetching
