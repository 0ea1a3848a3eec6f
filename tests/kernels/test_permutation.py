"""Random orders by arithmetic: permutations without structure, for any length and key."""

import numpy as np
import pytest

from hwbench.kernels.permutation import bits_below, permute


def shuffled(n: int, key: int) -> np.ndarray:
    """0 … n - 1 as a key mixes them."""
    offsets = np.empty(n, dtype=np.int64)
    permute(offsets, 1, key)
    return offsets


@pytest.mark.parametrize("key", [0, 1, 2**63 - 1, 0x0123456789ABCDEF])
@pytest.mark.parametrize("n", [1, 2, 3, 5, 64, 511, 512, 513, 1000, 77_777])
def test_mixing_is_a_permutation(n: int, key: int) -> None:
    """Whatever the number of elements and the key, each place is taken once."""
    assert (np.sort(shuffled(n, key)) == np.arange(n)).all()


@pytest.mark.parametrize("n", [512 * 100, 2**16, 2**17 + 512])
def test_mixing_leaves_no_structure(n: int) -> None:
    """As in a shuffle no step comes often, none of the next 64 is correlated, and all pairs of places are as likely."""
    order = shuffled(n, int(np.random.default_rng(n).integers(0, 2**63 - 1)))
    for lag in (1, 2, 8, 64):
        here, there = order[:-lag], order[lag:]
        assert np.unique(there - here, return_counts=True)[1].max() <= 12  # 6 to 8 in NumPy's permutations
        assert abs(np.corrcoef(here, there)[0, 1]) < 5 / np.sqrt(n)
        pairs = np.histogram2d(here, there, bins=32)[0]
        assert 0.7 < pairs.var() / pairs.mean() < 1.3  # 1 where they are independent; its spread is 0.05
    assert (shuffled(n, 1) != shuffled(n, 2)).mean() > 0.99


def test_a_factor_multiplies_every_number():
    """`permute(order, 8, key)` writes the same order in bytes."""
    there, here = np.empty(1000, np.int64), np.empty(1000, np.int64)
    permute(there, 8, 5)
    permute(here, 1, 5)
    assert (there == 8 * here).all()


@pytest.mark.parametrize(("n", "bits"), [(1, 0), (2, 1), (3, 2), (4, 2), (5, 3), (1024, 10), (1025, 11)])
def test_bits_below(n, bits):
    """The bits that n - 1 needs."""
    assert bits_below(n) == bits
