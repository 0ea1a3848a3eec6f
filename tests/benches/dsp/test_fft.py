"""dsp.fft: every variant against complex128, and its findings on rates and workers."""

import numpy as np
import pytest

from doubles.scripted import record, run_of
from doubles.strict_cupy import StrictGpu
from hwbench.analysis.findings import findings
from hwbench.benches.dsp.fft import fft
from inspection.variants import built, values_of, verdict


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("variant", list(fft.variants))
@pytest.mark.parametrize("n", [1, 2, 100, 1 << 12, 1 << 18])
def test_transforms_agree_with_float64(variant, dtype, n):
    """Each transform is NumPy's in complex128 within the rounding of its dtype."""
    assert verdict(fft, variant, values_of(fft, n=n, dtype=dtype)) == ""


def test_what_a_call_counts():
    """5 n log2 n operations for each signal."""
    assert fft.count({}, (np.zeros((2, 1024), complex),))["flops"] == 2 * 5 * 1024 * 10


def test_a_gpu_is_waited_for_once_a_sample_and_nothing_crosses():
    """CuPy's variant is timed with what it was given on the device, the wait included, and says so."""
    device = StrictGpu()
    work, _ = built(fft, "cupy", values_of(fft, n=64), device)
    sent = device.sent
    assert fft.variants["cupy"].on == "gpu"
    assert device.synced == ["end"]
    assert work.facts["transfers"] is False
    work.call()
    assert device.waits == 0
    assert work.output() is not None
    assert device.sent == sent


def transforms(variant, gflops, n, **facts):
    """A record of transforms of n points at so many GFLOP/s."""
    return record(variant, (1 / gflops,) * 10, bench="dsp.fft", params={"n": n, "dtype": "f8"}, counts={"flops": 1e9},
                  facts=facts)  # fmt: skip


def test_the_finding_names_each_variants_best_rate_and_what_workers_bring():
    """The best over n for each; the ratio of SciPy with and without workers, where it is largest."""
    records = [
        transforms("scipy", 4, 256), transforms("scipy", 5, 8192), transforms("scipy-workers", 4, 256, threads=4),
        transforms("scipy-workers", 15, 8192, threads=4),
    ]  # fmt: skip
    assert findings(run_of(*records), [fft])["dsp.fft"] == [
        "Fourier transform at its best, counted as 5 n log₂ n: scipy 5.00 GFLOP/s (n = 8192), "
        "scipy-workers 15.0 GFLOP/s (n "
        "= 8192).",
        "4 workers make SciPy's up to 3.00× as fast (n = 8192).",
    ]


def test_workers_that_bring_nothing_are_not_said_to():
    """An interval that reaches 1 claims no gain."""
    told = findings(run_of(transforms("scipy", 5, 256), transforms("scipy-workers", 5, 256, threads=2)), [fft])
    assert told["dsp.fft"][1].startswith("2 workers do not make SciPy's faster: 1.00× as fast at best")
