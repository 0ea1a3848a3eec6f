"""Digests of int64 arrays as large as memory: one number in which every word and its place count."""

from __future__ import annotations

import numpy as np

from ..kernels.compiling import compiled


@compiled
def digest(words: np.ndarray, first: int = 0) -> int:
    """The sum of all words (int64), each times the odd number 2 i + 1, modulo 2⁶⁴; i counts from `first` on.

    An odd factor has an inverse modulo 2⁶⁴, so no single wrong element goes unseen, nor do two that changed places.
    """
    found = 0
    for i in range(len(words)):
        found += words[i] * (2 * (first + i) + 1)
    return found


def digest_repeated(words: np.ndarray, length: int) -> int:
    """The digest of `length` words in which `words` come over and over.

    Word r stands at r, r + p, r + 2 p … where p is how many there are, t times in all: its factors add up to
    t (2 r + 1) + p t (t - 1).
    """
    period = len(words)
    r = np.arange(period)
    t = length // period + (r < length % period)
    return int((words * (t * (2 * r + 1) + period * t * (t - 1))).sum())


def sum_repeated(words: np.ndarray, length: int) -> np.ndarray:
    """The sum modulo 2⁶⁴ of `length` words in which `words` come over and over, in an array of one element."""
    times, rest = divmod(length, len(words))
    found: np.ndarray = np.array([words.sum()]) * times + words[:rest].sum()
    return found
