"""How much other memory lies between two uses of the same bytes."""

from __future__ import annotations

import numpy as np
import pytest

from hwbench.counting import count, reuse

N = 100_000  # 800 kB an array: above what NumPy writes into operands that nobody needs any more
X, Y, OUT = np.ones(N), np.ones(N), np.zeros(N)


def near(found, share=0.02):
    """Bytes by distance, both in arrays."""
    return {
        (round(one.nbytes / (8 * N), 1), round(one.distance / (8 * N), 1))
        for one in found.reuses
        if one.nbytes > share * 8 * N
    }


def added(x, y, out):
    np.add(x, y, out=out)


def chained(x):
    return (x + 1.0) * 2.0


def pieces(x, out):
    for i in range(0, N, 10_000):
        part = out[i : i + 10_000]
        np.multiply(x[i : i + 10_000], 2.0, out=part)
        np.add(part, 1.0, out=part)


def test_a_pass_over_all_of_it_was_a_whole_call_ago():
    """Three arrays, each used once a call: all three lie between two uses."""
    assert near(count(added, (X, Y, OUT))) == {(3.0, 3.0)}


def test_a_temporary_is_as_near_as_what_was_used_meanwhile():
    """x + 1 writes over the last call's result; its product is written in place, which nothing lies between."""
    assert near(count(chained, (X,))) == {(1.0, 0.0), (1.0, 2.0), (2.0, 1.5)}


def test_pieces_come_from_where_a_piece_lies():
    """Of each piece the second pass finds what the first one has just written."""
    found = count(pieces, (X, OUT))
    far = sum(one.nbytes for one in found.reuses if one.distance > 0.9 * 16 * N)
    assert far == pytest.approx(16 * N, rel=0.05)
    assert max(one.distance for one in found.reuses if one.distance < 8 * N) < 250_000


def test_all_bytes_are_there():
    """As many as the calls ask for."""
    found = count(lambda x, y: x * y + x[::-1], (X, Y))
    assert sum(one.nbytes for one in found.reuses) == pytest.approx(found.issued.low)


def test_too_many_calls_are_not_replayed(monkeypatch):
    """Nothing is then known."""
    monkeypatch.setattr(reuse, "MOST_CALLS", 1)
    assert count(chained, (X,)).reuses == ()
