"""Digests: every word and its place count, and data that repeats has the digest of the array it fills."""

import numpy as np
import pytest

from hwbench.benches import _digests
from hwbench.benches._partitions import repeat_into


def test_digest_sees_every_element_and_its_place():
    """Another value anywhere, or two elements that changed places, give another digest."""
    words = np.random.default_rng(2).integers(-(2**63), 2**63 - 1, 500)
    right = _digests.digest(words)
    for i in range(len(words)):
        changed = words.copy()
        changed[i] ^= 1 << (i % 63)
        assert _digests.digest(changed) != right
        swapped = words.copy()
        swapped[[i, (i + 7) % 500]] = swapped[[(i + 7) % 500, i]]
        assert _digests.digest(swapped) != right


@pytest.mark.parametrize("length", [1, 64, 499, 500, 501, 1000, 1234])
def test_what_repeats_has_the_digest_of_the_whole(length):
    """Sum and digest of data that comes over and over are those of the array that holds it, whatever is left over."""
    words = np.random.default_rng(4).integers(-(2**63), 2**63 - 1, 500)
    whole = np.empty(length, np.int64)
    repeat_into(whole, words)
    assert _digests.digest_repeated(words, length) == _digests.digest(whole)
    assert _digests.sum_repeated(words, length) == whole.sum()


def test_a_digest_goes_on_from_part_to_part():
    """The digests of consecutive parts, each told where it begins, add up to that of the whole, modulo 2⁶⁴."""
    words = np.random.default_rng(3).integers(-(2**63), 2**63 - 1, 700)
    parts = np.array([_digests.digest(words[i : i + 100], i) for i in range(0, 700, 100)])
    assert parts.sum() == _digests.digest(words)
