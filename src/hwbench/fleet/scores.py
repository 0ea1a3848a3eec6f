"""How much likelier a machine's figures are with a fault of each component than without: logarithms of Bayes factors.

A fault of a component of size s slows each quantity by s times its share in the pattern, with some freedom; the sizes
are taken from a grid, each as likely as the others. A fault of no known pattern is `unknown`: of one quantity, of a
part as a whole, or of any quantities.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from .components import NOISE, UNKNOWN, WITHIN, Component
from .cube import Floats
from .health import Health, Part, effects, log_t

SIZES = (0.03, 0.042, 0.06, 0.085, 0.12, 0.17, 0.24, 0.36, 0.6)  # logarithms
NOISES = (0.25, 0.4, 0.6, 0.9, 1.3, 1.8, 2.5)  # logarithms of the factor on a machine's noise
FREEDOMS, STRAY = (0.05, 0.2), 0.02  # how far shares may be from a pattern: relative, and where there is none
ALONE = 0.1  # of all faults: those of no known pattern
ANY = 0.1  # of these: those of any quantities
CLEAR = 4.6  # the logarithm of a Bayes factor by which spread alone has to show that a machine is noisy
CHUNK = 4096  # machines at once: what is worked on fits into a cache
NOISY = "noisy neighbour"


@dataclass(frozen=True)
class Scores:
    """Machine × component (the last is `unknown`): logarithms of Bayes factors with the prior of each; and their sum.

    `size` is the likeliest size of each.
    """

    names: tuple[str, ...]
    by_component: Floats
    total: Floats


Patterns = Mapping[str, tuple[Component, Floats]]


def scores(found: Health, patterns: Patterns, *, mirrored: bool = False) -> Scores:
    """The scores of all machines; `mirrored`: of the same machines, were what is fast as slow as it is fast."""
    sign = -1.0 if mirrored else 1.0
    known = {name: shares for name, (_, shares) in patterns.items()}
    weights = np.array([one.frequent for one, _ in patterns.values()])
    priors = np.log((1 - ALONE) * weights / weights.sum())
    names = (*known, UNKNOWN)
    pieces = []
    for start in range(0, len(found.deviation), CHUNK):
        part = slice(start, start + CHUNK)
        pieces.append(_chunk(found, known, priors, sign * found.deviation[part], found.noise[part], sign))
    table = np.concatenate(pieces) if pieces else np.zeros((0, len(names)))
    return Scores(names, table, np.logaddexp.reduce(table, axis=1))


def _chunk(found: Health, known: Mapping[str, Floats], priors: Floats, d: Floats, noise: Floats, sign: float) -> Floats:
    base = {part.name: _likelihood(part, d[:, part.at], part.own + noise[:, part.at], sign) for part in found.parts}
    varies, noisy = _noisy(found, base, d, noise, sign)
    columns = []
    for (name, shares), prior in zip(known.items(), priors, strict=True):
        if name == NOISY:
            options = noisy
        else:
            touched = [part for part in found.parts if shares[part.at].any()]
            options = []
            for size, freedom in product(SIZES, FREEDOMS):
                gain = np.zeros(len(d))
                for part in touched:
                    slow = size * shares[part.at]
                    stray = (freedom * slow) ** 2 + (STRAY * size) ** 2
                    changed = part.own + noise[:, part.at] + stray
                    gain += _likelihood(part, d[:, part.at] + slow, changed, sign) - base[part.name]
                options.append(gain)
        columns.append(prior + np.logaddexp.reduce(options, axis=0) - np.log(len(options)))
    alone = np.log(1 - ANY) + _alone(found, base, d, noise, sign)
    several = _any(found, base, d, noise, sign)
    # Where runs vary clearly, figures stray by themselves: that they do tells of no steady fault.
    several = np.where(varies, np.minimum(several, 0.0), several)
    columns.append(np.log(ALONE) + np.logaddexp(alone, np.log(ANY) + several))
    return np.stack(columns, axis=1)


def _alone(found: Health, base: Mapping[str, Floats], d: Floats, noise: Floats, sign: float) -> Floats:
    """Faults of a single quantity, or of a part as a whole."""
    whole = [part for part in found.parts if not part.name.startswith(NOISE)]
    number = sum(len(part.at) + (len(part.at) > 1) for part in whole)
    total = np.full(len(d), -np.inf)
    for part in whole:
        mine, variance = d[:, part.at], part.own + noise[:, part.at]
        places: list[int | slice] = [*range(len(part.at))]
        if len(part.at) > 1:
            places.append(slice(None))
        for place, size in product(places, SIZES[1:]):
            moved, wider = mine.copy(), variance.copy()
            moved[:, place] += size
            wider[:, place] += (FREEDOMS[-1] * size) ** 2  # the sizes of the grid are that far apart
            total = np.logaddexp(total, _likelihood(part, moved, wider, sign) - base[part.name])
    return np.asarray(total - np.log(max(number, 1) * len(SIZES[1:])))


def _any(found: Health, base: Mapping[str, Floats], d: Floats, noise: Floats, sign: float) -> Floats:
    """Faults of any quantities: each part is level or touched, and each quantity of it slows by a share of its own."""
    whole = [part for part in found.parts if not part.name.startswith(NOISE)]
    options = []
    for size in SIZES[1:]:
        gain = np.zeros(len(d))
        for part in whole:
            changed = part.own + noise[:, part.at] + (size / 2) ** 2  # shares from 0 to 1
            touched = _likelihood(part, d[:, part.at] + size / 2, changed, sign) - base[part.name]
            gain += np.logaddexp(touched, 0.0) - np.log(2)
        options.append(gain)
    return np.asarray(np.logaddexp.reduce(options, axis=0) - np.log(len(options)))


def _noisy(
    found: Health, base: Mapping[str, Floats], d: Floats, noise: Floats, sign: float
) -> tuple[NDArray[np.bool_], list[Floats]]:
    """Whose spread shows by itself that runs vary more; and for each factor on noise how much speaks for it.

    Levels are as uncertain as that noise makes them. That they stray speaks for noise only where spread does: else any
    steady fault would pass for it.
    """
    spread, levels = [], []
    for size in NOISES:
        seen, level = np.zeros(len(d)), np.zeros(len(d))
        for part in found.parts:
            mine, run = d[:, part.at], noise[:, part.at]
            if part.name.startswith(NOISE):
                raised = _likelihood(part, mine + size, part.own + run, sign) - base[part.name]
                if found.quantities[int(part.at[0])] == WITHIN:  # noise may be slower than a run is long
                    raised = np.logaddexp(raised, 0.0) - np.log(2)
                seen += raised
            else:
                level += _likelihood(part, mine, part.own + run * np.exp(2 * size), sign) - base[part.name]
        spread.append(seen)
        levels.append(level)
    clear = np.max(spread, axis=0) > CLEAR
    gains = [s + np.where(clear, level, np.minimum(level, 0.0)) for s, level in zip(spread, levels, strict=True)]
    return clear, gains


def _likelihood(part: Part, d: Floats, variance: Floats, sign: float) -> Floats:
    """The logarithm of the density of a part's quantities; what is missing says nothing."""
    there = np.isfinite(d)
    whole = bool(there.all())
    if not whole:
        d, variance = np.where(there, d, 0.0), np.where(there, variance, np.inf)
    if len(part.at) == 1:
        effect, error = d[:, 0], variance[:, 0]
        rest: Floats | float = 0.0
    else:
        effect, error = effects(d, variance, part.loading)
        squares = (d - part.loading * effect[:, None]) ** 2 / variance
        if part.residual_tail >= 40:
            rest = -0.5 * squares.sum(axis=1)
        else:
            tail = part.residual_tail
            rest = -(tail + 1) / 2 * np.log1p(squares / tail).sum(axis=1)
        logs = np.log(variance) if whole else np.where(there, np.log(np.where(there, variance, 1.0)), 0.0)
        rest = rest - 0.5 * logs.sum(axis=1) + 0.5 * np.log(np.where(np.isfinite(error), error, 1.0))
    with np.errstate(all="ignore"):
        width = np.sqrt(np.maximum(part.width**2 + error - part.usual, 0.25 * part.width**2))
        density = log_t((effect - sign * part.centre) / width, part.tail) - np.log(width) + rest
    return density if whole else np.where(there.any(axis=1), density, 0.0)
