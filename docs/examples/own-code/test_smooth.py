"""Performance tests in shares of the machine: they hold on a laptop and on a server."""

import numpy as np
import pytest
from smooth import make_inputs, numba_smooth, smooth

SMALL = 20_000  # 160 kB: in a cache


def test_both_give_the_same():
    """First the answer."""
    (x,) = make_inputs(1000)
    np.testing.assert_allclose(smooth(x), numba_smooth(x))


def test_one_loop_is_near_the_roof(roofline):
    """Without temporaries a tenth of the cache's bandwidth at least: vectors, and no detour through memory."""
    assert roofline(numba_smooth, *make_inputs(SMALL)).share > 0.1


def test_numpy_asks_for_more_than_is_needed(roofline):
    """Bytes are counted, not timed: this holds on any machine, however noisy."""
    found = roofline(smooth, *make_inputs(SMALL))
    assert found.bytes.compulsory == 2 * 8 * SMALL
    assert found.bytes.issued.low > 2 * found.bytes.compulsory


def test_with_pytest_benchmark(benchmark, roofline):
    """Roof and share stand in the JSON of pytest-benchmark, beside its times."""
    (x,) = make_inputs(SMALL)
    benchmark(numba_smooth, x)
    roofline(numba_smooth, x)
    assert benchmark.extra_info["share"] > 0


if __name__ == "__main__":
    pytest.main([__file__])
