"""Random permutations by arithmetic (a small block cipher), written sequentially from the first to the last.

A shuffle swaps random places, and beyond some MiB each swap is a cache miss. For the lines of 2 GiB (31 million)
NumPy's shuffle takes more than a second, this a third of that.
"""

from __future__ import annotations

import numpy as np

from .compiling import compiled

# Odd factors that mix well modulo a power of two: those of MurmurHash3's fmix32 (Austin Appleby, public domain).
FIRST, SECOND = 0x85EBCA6B, 0xC2B2AE35
ROUNDS = 4


@compiled
def permute(order: np.ndarray, factor: int, key: int) -> None:
    """Fill `order` with 0 … len - 1 in the random order that a key of 63 bits stands for, each times `factor`."""
    bits = bits_below(len(order))
    for i in range(len(order)):
        order[i] = factor * mixed(i, len(order), bits, key)


@compiled
def bits_below(n: int) -> int:
    """How many bits the numbers below n have."""
    bits = 0
    while (1 << bits) < n:
        bits += 1
    return bits


@compiled
def mixed(i: int, n: int, bits: int, key: int) -> int:
    """Where `i` goes in the permutation of 0 … n - 1, of so many `bits`, that a key of 63 bits stands for.

    Each step is invertible modulo a power of two: XOR with the key, multiplication by an odd number, which carries low
    bits up, and XOR of low bits with high ones. A result of n or more is permuted again until it is below n ("cycle
    walking": Black and Rogaway, Ciphers with Arbitrary Finite Domains, 2002).
    """
    mask, half = (1 << bits) - 1, (bits + 1) // 2
    while True:
        for step in range(ROUNDS):
            i = (i ^ key >> 12 * step) & mask
            i = i * (SECOND if step % 2 else FIRST) & mask
            i ^= i >> half
        if i < n:
            return i
