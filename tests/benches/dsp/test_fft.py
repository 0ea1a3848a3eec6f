"""dsp.fft: every variant against complex128, and its findings on rates and workers."""

import msgspec
import numpy as np
import pytest

from doubles.strict_cupy import StrictGpu
from hwbench.benches.dsp.fft import fft
from inspection.variants import built, values_of, verdict
from made_up.gpu_records import record, said, suspect


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
    params = {"n": n, "dtype": "f8"}
    return record("dsp.fft", variant, params, 1 / gflops, device="cpu", counts={"flops": 1e9}, facts=facts)


def test_the_finding_names_each_variants_best_rate_and_what_workers_bring():
    """The ratio of SciPy with and without workers, where it is largest; the best over n for each, the fastest first."""
    records = [
        transforms("scipy", 4, 256), transforms("scipy", 5, 8192), transforms("scipy-workers", 4, 256, threads=4),
        transforms("scipy-workers", 15, 8192, threads=4),
    ]  # fmt: skip
    assert said(fft, *records) == [
        "SciPy's FFT on 4 threads, n = 8192, the best of 2 lengths: 3.000× faster than on 1 thread (2.998–3.002).",
        "Best FFT rates (float64), counted as 5 n log₂ n operations: scipy-workers 15.0 GFLOP/s on 4 threads at n = "
        "8192 and scipy 5.00 GFLOP/s at n = 8192.",
    ]


def test_workers_that_bring_nothing_are_not_said_to():
    """An interval that holds 1 claims no gain, one below 1 is a loss; a single worker has nothing to bring."""
    one, same = transforms("scipy", 5, 256), transforms("scipy-workers", 5, 256, threads=2)
    told = said(fft, one, same)
    assert told[0] == "SciPy's FFT on 2 threads, n = 256: as fast as on 1 thread (0.999–1.001)."
    assert " 2.00" in said(fft, one, transforms("scipy-workers", 2.5, 256, threads=2))[0]
    [rates] = said(fft, one, transforms("scipy-workers", 5, 256, threads=1))
    assert rates.endswith("scipy 5.00 GFLOP/s at n = 256 and scipy-workers 5.00 GFLOP/s at n = 256.")


def test_one_variant_and_none_are_told():
    """A single rate is no list; other precisions are left out, and a suspect rate is marked."""
    [one] = said(fft, suspect(transforms("numpy", 5, 300_000)))
    assert one == (
        "Best FFT rates (float64), counted as 5 n log₂ n operations: numpy 5.00 GFLOP/s at n = 300\u202f000 "
        "(suspect: the GPU was held back by its power limit)."
    )
    other = msgspec.structs.replace(transforms("numpy", 5, 256), params={"n": 256, "dtype": "f4"})
    assert said(fft, other) == []
