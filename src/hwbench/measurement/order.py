"""The random order in which trials are timed: seeded, and balanced so that no trial gains by its place."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence

import numpy as np

from ..record.model import Case, contrast_key


def generator(seed: int, case: Case) -> np.random.Generator:
    """Random numbers that depend on the run's seed and the contrast alone: every variant gets the same."""
    return np.random.default_rng([seed, zlib.crc32(repr(contrast_key(case)).encode())])


def balanced_orders(rng: np.random.Generator, count: int) -> Iterator[Sequence[int]]:
    """Endless balanced random orders: in every block of `count` rounds each trial takes each place exactly once.

    A block is a Latin square of the rotations of one random order, in random sequence. Every second block runs
    backwards, so that no trial always follows the same neighbour.
    """
    backwards = False
    while True:
        base = rng.permutation(count)
        for turn in rng.permutation(count):
            order = np.roll(base, turn)
            yield [int(index) for index in (order[::-1] if backwards else order)]
        backwards = not backwards
