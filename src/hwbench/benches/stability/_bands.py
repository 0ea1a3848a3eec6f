"""Which learning rates train a network: six decades, and both edges of the band for five seeds."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...kernels import kept
from ...kernels.float16 import wide
from ...protocols import Array
from ..workload import _ames
from . import _training
from ._training import Data, Stack, Trained

RATES = tuple(float(f"{10.0 ** (k / 2):.3g}") for k in range(-8, 5))  # 0.0001 … 100
SEEDS = 5
STEPS = 100
HALVINGS = 4  # of half a decade: an edge is known within 7%
LEARNT = 0.5  # the loss that a network must reach, of that of predicting the mean
NUMBERS = len(_ames.AMOUNTS) + len(_ames.NUMBERS)  # columns of a sale that are numbers, which come first
TOGETHER = 8  # networks of a stack
JUDGED = 512  # rows by which networks are judged


@functools.cache
def rows() -> tuple[Array, Array]:
    """The numbers of all sales, standardised, and their standardised log prices, in an order by chance; float64."""
    table = _ames.sales()
    every = np.arange(len(table))
    price = np.log(table.price)
    order = np.random.default_rng(157).permutation(every)
    encoded = _ames.encode(table, every)[:, :NUMBERS]
    return encoded[order], ((price - price.mean()) / price.std())[order]


@functools.lru_cache(maxsize=4)
def data(dtype: np.dtype) -> Data:
    """The sales in a type: all but the last 512 to learn from, the first 512 of these to be judged by."""
    x, y = (array.astype(dtype).astype(wide(dtype)) for array in rows())
    return Data(x[:-JUDGED], y[:-JUDGED], x[:JUDGED], y[:JUDGED])


@dataclass(frozen=True)
class Setting:
    """A network, the type that it is kept in, and how it is trained."""

    depth: int
    init: str
    activation: str
    dtype: np.dtype
    method: str

    def stack(self, rates: Sequence[float], seeds: Sequence[int]) -> Stack:
        """Networks of these seeds, each with the rate beside it."""
        each = {seed: _training.drawn(self.init, data(self.dtype).x.shape[1], self.depth, seed) for seed in {*seeds}}
        layers = [np.stack(layer) for layer in zip(*(each[seed] for seed in seeds), strict=True)]
        return Stack(layers, np.asarray(rates, np.float64), self.activation, self.method, self.dtype)

    def train(self, rates: Sequence[float], seeds: Sequence[int], steps: int = STEPS) -> Trained:
        """What becomes of them, a few at a time: larger stacks leave the caches."""
        parts = [
            self.stack(rates[at : at + TOGETHER], seeds[at : at + TOGETHER]).train(data(self.dtype), steps)
            for at in range(0, len(rates), TOGETHER)
        ]
        return Trained(np.concatenate([one.loss for one in parts]), np.concatenate([one.lost for one in parts]))


@dataclass(frozen=True)
class Band:
    """What became of networks at each of `RATES`, and the edges of the band for each seed that has one.

    `loss` and `lost` (rates, seeds) as in `Trained`.
    """

    loss: Array
    lost: Array
    low: Sequence[float | None]
    high: Sequence[float | None]

    def outcome(self, rate: int) -> str:
        """`learns`, `diverges` or `stands still`, as most seeds do."""
        learn, lost = learns(self.loss[rate], self.lost[rate]).sum(), (self.lost[rate] >= 0).sum()
        half = self.loss.shape[1] / 2
        return "learns" if learn > half else "diverges" if lost > half else "stands still"


def learns(loss: Array, lost: Array) -> Array:
    """Which networks reached a loss of a half, and did not diverge on the way."""
    with np.errstate(invalid="ignore"):
        return np.asarray((loss <= LEARNT) & (lost < 0))


@functools.lru_cache(maxsize=64)
def band(setting: Setting) -> Band:
    """The band of a setting, as an earlier process computed it with the same code and libraries, else computed now."""
    found = kept.arrays("learning-rates", f"{setting} {RATES} {SEEDS} {STEPS}", lambda: _arrays(computed(setting)))
    low, high = ([None if np.isnan(edge) else float(edge) for edge in found[name]] for name in ("low", "high"))
    return Band(found["loss"], found["lost"], low, high)


def _arrays(found: Band) -> dict[str, Array]:
    """A band as arrays, NaN for an edge that is not there."""
    low, high = (np.array(edges, np.float64) for edges in (found.low, found.high))
    return {"loss": found.loss, "lost": found.lost, "low": low, "high": high}


def computed(setting: Setting, seeds: int = SEEDS, steps: int = STEPS) -> Band:
    """Train at all rates; then halve the half decade in which each edge lies, for each seed by itself."""
    rates = np.repeat(RATES, seeds)
    found = setting.train(rates.tolist(), list(range(seeds)) * len(RATES), steps)
    loss, lost = (array.reshape(len(RATES), seeds) for array in (found.loss, found.lost))
    good = learns(loss, lost)
    # (seed, inside, outside) of each edge, in logarithms; an edge at the end of the rates is not searched.
    edges = [edge for seed in range(seeds) for edge in _edges(good[:, seed], seed)]
    inside = np.array([np.log10(RATES[i]) for _, i, _ in edges])
    outside = np.array([np.log10(RATES[o]) for _, _, o in edges])
    for _ in range(HALVINGS if edges else 0):
        middle = (inside + outside) / 2
        tried = setting.train((10**middle).tolist(), [seed for seed, _, _ in edges], steps)
        works = learns(tried.loss, tried.lost)
        inside, outside = np.where(works, middle, inside), np.where(works, outside, middle)
    ends: dict[tuple[int, bool], float] = {}
    for (seed, i, o), at in zip(edges, 10 ** ((inside + outside) / 2), strict=True):
        ends[seed, o > i or o == i == len(RATES) - 1] = float(f"{at:.4g}")
    return Band(
        loss,
        lost,
        [ends.get((seed, False)) for seed in range(seeds)],
        [ends.get((seed, True)) for seed in range(seeds)],
    )


def _edges(good: Array, seed: int) -> list[tuple[int, int, int]]:
    """Both ends of the longest run of rates that learn, each with the rate beyond it; none where none learns."""
    best, start = (0, 0), None
    for at, works in enumerate([*good, False]):
        if works and start is None:
            start = at
        elif not works and start is not None:
            best, start = max(best, (start, at), key=lambda run: run[1] - run[0]), None
    first, after = best
    if first == after:
        return []
    last = len(good) - 1
    return [(seed, first, max(first - 1, 0)), (seed, after - 1, min(after, last))]
