"""Signal processing: every variant against float64, counts by hand, and where two lines cross."""

import numpy as np
import pytest
from answers import reading
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


def convolutions(direct, by_fft):
    """What is said of made-up convolutions: seconds by taps of NumPy's direct way and of the Fourier transform."""
    rows = [
        (variant, {"n": 1 << 14, "taps": taps, "dtype": "f8"}, seconds(taps))
        for taps in (10, 40, 160, 640)
        for variant, seconds in (("numpy", direct), ("oaconvolve", by_fft))
    ]
    return list(dsp.convolution.hooks["finding"](reading(dsp.convolution, rows, {"flops": 1e9})))


def test_the_finding_tells_from_where_the_transform_wins():
    """A time of taps and one of 100 cross at 100 taps, since both are power laws."""
    (said,) = convolutions(float, lambda _taps: 100.0)
    assert said.startswith("Convolution by FFT (overlap-add) beats NumPy's direct convolution from taps ≈ 100 (")
    assert said.endswith(", for 16384 samples.")


def test_the_finding_tells_where_the_lines_do_not_cross():
    """Always faster, and never: both are said with the taps that bound what is known."""
    (always,) = convolutions(lambda _taps: 2.0, lambda _taps: 1.0)
    (never,) = convolutions(lambda _taps: 1.0, lambda _taps: 2.0)
    assert "beats NumPy's direct convolution at every length from taps = 10" in always
    assert "has not overtaken NumPy's direct convolution at taps = 640" in never


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
