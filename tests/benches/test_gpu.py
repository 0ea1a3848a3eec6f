"""What GPU benches share: numbers that round nothing, arrays on the device, and what a card lacks."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from doubles.strict_cupy import StrictGpu
from hwbench.bench import Skip
from hwbench.benches import _gpu


def test_numbers_of_the_kernels_round_nothing():
    """What a chain adds in all its pairs is exact in every precision, and stays below 1."""
    for dtype in (np.float16, np.float32, np.float64):
        x = _gpu.starts(np.random.default_rng(1), 500, dtype)
        up, b, down, e = (dtype(value) for value in (_gpu.UP, _gpu.B, _gpu.DOWN, _gpu.E))
        end = x.copy()
        for _ in range(2):
            end = end + dtype(_gpu.BACK)
            for _ in range(_gpu.PAIRS):
                end = end * up + b
                end = end * down + e
            assert end.max() < 1
        assert end.dtype == dtype
        assert (end == x + dtype(2 * _gpu.STEP)).all()


def test_a_wave_is_what_all_multiprocessors_hold():
    """Blocks that fit one multiprocessor, times their number."""
    asked = []
    device = SimpleNamespace(properties=SimpleNamespace(sm=132), resident=lambda *given: asked.append(given) or 4)
    assert _gpu.blocks(device, "device.peak", "fma_f4_1") == 528
    assert asked == [("device.peak", "fma_f4_1", _gpu.BLOCK)]


def test_times_calls_as_often_as_it_says():
    """Three calls in one."""
    done = []
    _gpu.times(lambda: done.append(1), 3)()
    assert done == [1, 1, 1]


@pytest.mark.parametrize("n", [3, 4, 10])
def test_a_tile_is_repeated_to_the_last_element(n):
    """As `numpy.resize` does, shorter than the tile, as long, and with a rest."""
    device = SimpleNamespace(empty=np.empty)
    tile = np.arange(4.0, dtype=np.float32)
    np.testing.assert_array_equal(_gpu.repeated(device, tile, n), np.resize(tile, n))


def test_halves_go_to_the_kernel_in_pairs():
    """The scalars of a chain have its type; two halves share a word."""
    passes, loops, *values = _gpu.chained(np.float32, 16)
    assert (passes, loops, len(values)) == (16, 1024 // _gpu.UNROLLED, 4)
    assert {value.dtype for value in values} == {np.dtype("f4")}
    pairs = _gpu.chained(np.float16, 16)[2:]
    assert [np.array(pair).reshape(1).view(np.float16).tolist() for pair in pairs] == [[float(v)] * 2 for v in values]


def test_a_pass_is_two_operations_for_each_multiply_add():
    """1024 pairs of two, and one to take back what they add."""
    assert _gpu.chain_flops(1) == 2 * (2 * 1024 + 1)


@pytest.mark.parametrize(("have", "runs"), [((7, 5), False), ((8, 0), True), ((9, 0), True)])
def test_an_older_card_is_a_skip_with_its_capability(have, runs):
    """From the capability on that is asked for."""
    device = SimpleNamespace(properties=SimpleNamespace(capability=have))
    if runs:
        _gpu.needs_capability(device, (8, 0), "tensor cores for bf16")
        return
    with pytest.raises(Skip, match=r"needs tensor cores for bf16 \(compute capability 8.0\); this card has 7.5"):
        _gpu.needs_capability(device, (8, 0), "tensor cores for bf16")


def test_a_library_that_is_not_installed_is_a_skip_with_the_remedy():
    """The first line of what the loader says; what loads is handed on."""

    def missing():
        raise ImportError("libcublas.so.13: cannot open\nCheck that …")

    with pytest.raises(
        Skip, match=r"needs cuBLAS, .*\(libcublas.so.13: cannot open\); pip install 'cuda-toolkit\[cublas\]==13\.\*'$"
    ):
        _gpu.library(StrictGpu(), "cuBLAS", missing)
    older = StrictGpu()
    older.xp.cuda.runtime.runtimeGetVersion = lambda: 12090
    with pytest.raises(Skip, match=r"pip install 'cuda-toolkit\[cufft\]==12\.\*'$"):
        _gpu.library(older, "cuFFT", missing)
    assert _gpu.library(StrictGpu(), "cuBLAS", lambda: 5) == 5
    _gpu.cublas(StrictGpu())


def test_a_type_goes_there_and_back():
    """A float stays itself; where CuPy has no bfloat16, sending it is a skip that says so."""
    device = StrictGpu()
    x = np.arange(4, dtype=np.float32)
    there = _gpu.sent(device, x)
    assert there.dtype == np.float32
    np.testing.assert_array_equal(_gpu.fetched(device, there), x)
    ml_dtypes = pytest.importorskip("ml_dtypes")
    device.xp.exp = lambda _: 1 / 0
    with pytest.raises(Skip, match=r"CuPy 14.2.0 does not compute in bfloat16 \(ZeroDivisionError"):
        _gpu.sent(device, x.astype(ml_dtypes.bfloat16))


def test_facts_say_what_is_touched_and_what_it_may_fit():
    """Bytes of the call, bytes of the L2, and whatever the bench adds."""
    device = SimpleNamespace(properties=SimpleNamespace(l2=50))
    assert _gpu.where(device, 100, sectors=4) == {"footprint": 100, "l2_bytes": 50, "sectors": 4}
