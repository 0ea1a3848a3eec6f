"""The order in which trials are timed."""

import itertools
from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hwbench.measurement.order import balanced_orders, generator
from hwbench.record.model import Case


@given(st.integers(0, 2**32), st.integers(1, 9))
def test_orders_are_balanced(seed, count):
    """In every block of `count` rounds each trial takes each place exactly once."""
    orders = balanced_orders(np.random.default_rng(seed), count)
    for _ in range(3):
        block = [next(orders) for _ in range(count)]
        for place in range(count):
            assert sorted(order[place] for order in block) == list(range(count))


def test_nobody_always_follows_the_same_neighbour():
    """Over 40 blocks of four, each ordered pair of neighbours comes up."""
    orders = balanced_orders(np.random.default_rng(1), 4)
    pairs = Counter(pair for _ in range(160) for order in [next(orders)] for pair in itertools.pairwise(order))
    assert set(pairs) == {(a, b) for a in range(4) for b in range(4) if a != b}


def test_the_variants_of_a_contrast_get_the_same_random_numbers():
    """They depend on the seed, the bench and its axis values, and on no variant or device."""

    def drawn(seed=0, bench="a.b", variant="x", device="cpu", n=1):
        return generator(seed, Case(bench, variant, device, {"n": n})).random()

    assert drawn() == drawn(variant="y") == drawn(device="gpu:0")
    assert len({drawn(), drawn(seed=1), drawn(bench="a.c"), drawn(n=2)}) == 4
