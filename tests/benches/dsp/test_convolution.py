"""dsp.convolution: every variant against float64, and from how many taps the Fourier transform wins."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doubles.strict_cupy import StrictGpu
from hwbench.benches.dsp.convolution import convolution, convolve_numba
from inspection.variants import built, values_of, verdict
from made_up.gpu_records import record, said, suspect


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("variant", list(convolution.variants))
@pytest.mark.parametrize(("n", "taps"), [(1, 1), (5, 9), (1000, 8), (3000, 37), (4096, 2048)])
def test_convolutions_agree_with_float64(variant, dtype, n, taps):
    """Each way to a convolution gives NumPy's in float64, also where the filter is longer than the signal."""
    assert verdict(convolution, variant, values_of(convolution, n=n, taps=taps, dtype=dtype)) == ""


@settings(max_examples=60, deadline=None)
@given(n=st.integers(1, 3000), taps=st.integers(1, 70), seed=st.integers(0, 99))
def test_the_direct_loop_is_exact_on_whole_numbers(n, taps, seed):
    """Blocks, padding and taps that are no multiple of eight lose no sample: whole numbers come out exactly."""
    rng = np.random.default_rng(seed)
    x, h = rng.integers(-9, 9, n).astype(float), rng.integers(-9, 9, taps).astype(float)
    work = convolve_numba(x, h)
    work.call()
    assert np.array_equal(work.output(), np.convolve(x, h))


def test_what_a_call_counts():
    """2 n taps operations, those of the direct way."""
    assert convolution.count({}, (np.zeros(1000), np.zeros(10)))["flops"] == 20_000


def test_a_gpu_is_waited_for_once_a_sample_and_nothing_crosses():
    """CuPy's variant is timed with what it was given on the device, the wait included, and says so."""
    device = StrictGpu()
    work, _ = built(convolution, "cupy", values_of(convolution, n=64, taps=8), device)
    sent = device.sent
    assert convolution.variants["cupy"].on == "gpu"
    assert device.synced == ["end"]
    assert work.facts["transfers"] is False
    work.call()
    assert device.waits == 0
    assert work.output() is not None
    assert device.sent == sent


def convolved(variant, taps, seconds):
    params = {"n": 1 << 14, "taps": taps, "dtype": "f8"}
    return record("dsp.convolution", variant, params, seconds, device="cpu", counts={"flops": 1e9})


def convolutions(direct, by_fft, name="numpy"):
    """Made-up convolutions: seconds by taps of a direct way and of the Fourier transform."""
    return [
        convolved(variant, taps, seconds(taps))
        for taps in (10, 40, 160, 640)
        for variant, seconds in ((name, direct), ("oaconvolve", by_fft))
    ]


def test_the_finding_tells_from_where_the_transform_wins():
    """A time of taps and one of 100 cross at 100 taps, since both are power laws."""
    [told] = said(convolution, *convolutions(float, lambda _taps: 100.0))
    assert told.startswith(
        "Convolution of 16\u202f384 samples (float64) by FFT (overlap-add) beats NumPy's direct convolution from "
        "taps ≈ 100"
    )


def test_the_finding_tells_where_the_lines_do_not_cross():
    """Always faster, and never: both are said with the taps that bound what is known."""
    [always] = said(convolution, *convolutions(lambda _taps: 2.0, lambda _taps: 1.0))
    [never] = said(convolution, *convolutions(lambda _taps: 1.0, lambda _taps: 2.0))
    assert "beats NumPy's direct convolution at every length from taps = 10" in always
    assert "is not faster than NumPy's direct convolution up to taps = 640" in never


def test_the_finding_has_the_best_direct_rate():
    """With Numba there is its rate, with one tap and with many; a suspect record is marked in each sentence."""
    crossing, rate = said(convolution, *map(suspect, convolutions(lambda taps: taps / 10, lambda _taps: 9.0, "numba")))
    assert "beats Numba's direct convolution from taps ≈ 9" in crossing
    assert crossing.endswith(" (suspect: the GPU was held back by its power limit).")
    assert rate == (
        "Numba's direct convolution reaches 1.000 GFLOP/s (0.999–1.001) on 1 thread, with 10 taps (suspect: the GPU "
        "was held back by its power limit)."
    )
    [one] = said(convolution, convolved("numba", 1, 1.0))
    assert one.endswith(" on 1 thread, with 1 tap.")
    assert said(convolution, convolved("oaconvolve", 8, 1.0)) == []
