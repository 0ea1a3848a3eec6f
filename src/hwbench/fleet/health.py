"""How healthy machines of a group differ: centres, and for each part of the hardware what its quantities share.

A quantity of a machine is the centre of the group, plus the part's own effect times a loading, plus what is the
quantity's alone, plus the noise of runs. A part's effect has heavy tails: Student's t, its width and degrees of freedom
taken from the side of the fast, for faults do not make faster. All is in logarithms, the more the better.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .components import BETWEEN, NOISE, WITHIN, part
from .cube import Floats, Group, Ints
from .levels import NORMAL, Levels, quiet_median

TAILS = (3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 14.0, 20.0, 40.0)
ASSUMED, TAIL_WEIGHT = 8.0, 0.6  # degrees of freedom without evidence, and what others cost in likelihood
BORROWED = 500  # fast machines from which a part's own tail counts as much as that of all others
PRIOR = 20.0  # machines that the usual spread of a part counts as
SPREAD = 0.01  # of like machines, where few are there to show it
STEPS = 200
RESIDUAL = 3.0  # standard deviations up to which what is left of single quantities shows its tail
FEWEST_OWN = 0.02  # of a quantity's variance that is always its own


@dataclass(frozen=True)
class Part:
    """A part's quantities, their loadings and own variances; the width and tail of the part's effect about `centre`.

    `usual` is the variance with which an effect of `width` was seen.
    """

    name: str
    at: Ints
    loading: Floats
    own: Floats
    centre: float
    width: float
    tail: float
    usual: float
    residual_tail: float


@dataclass(frozen=True)
class Fits:
    """The widths of an effect for each of TAILS, and logarithms of likelihoods, by so many machines."""

    number: int
    width: Floats
    fit: Floats


@dataclass(frozen=True)
class Health:
    """The group's centres, deviations of its machines from them (machine × quantity), noise variances, and parts.

    The last two quantities are a machine's noise between and within runs.
    """

    quantities: Sequence[str]
    centre: Floats
    deviation: Floats
    noise: Floats
    parts: Sequence[Part]
    spread: Floats  # the robust standard deviation of machines, by quantity


def health(group: Group, found: Levels) -> Health:
    """What is healthy in a group, by its machines."""
    # More noise is worse. A machine's own is known by its degrees of freedom.
    noisy = -np.stack([found.between, found.within], axis=1)
    level = np.concatenate([found.level, noisy], axis=1)
    names = [*group.quantities, BETWEEN, WITHIN]
    centre = quiet_median(level, axis=0)
    deviation = level - centre
    with np.errstate(all="ignore"):
        own = found.noise[None, :] ** 2 / np.where(found.count > 0, found.count, np.nan)
        free = np.where(np.isfinite(found.between), 1 / (2 * np.maximum(found.freedom, 1)), np.nan)
        pair = np.stack([free, np.where(np.isfinite(found.within), 1e-4, np.nan)], axis=1)
    noise = np.concatenate([own, pair], axis=1)
    spread = _widths(deviation)
    places: dict[str, list[int]] = {}
    for i, name in enumerate(names):
        if np.isfinite(deviation[:, i]).any():
            places.setdefault(part(name), []).append(i)
    found_parts = [_part(name, np.array(at), deviation, noise, spread) for name, at in sorted(places.items())]
    return Health(names, centre, deviation, noise, _tailed(found_parts), spread)


def _widths(deviation: Floats) -> Floats:
    """The robust standard deviation of each column: half the range between the quartiles, so that both sides count."""
    return np.asarray(quiet_median(np.abs(deviation), axis=0) / NORMAL)


def _part(name: str, at: Ints, deviation: Floats, noise: Floats, spread: Floats) -> tuple[Part, Fits]:
    d, v = deviation[:, at], noise[:, at]
    run = quiet_median(v, axis=0)
    whole = np.isfinite(d).all(axis=1)
    machines = int(whole.sum())
    if len(at) == 1 or machines < 4:
        loading, own = np.ones(len(at)), np.zeros(len(at)) if len(at) == 1 else np.full(len(at), (SPREAD / 4) ** 2)
    else:
        loading, own = _factor(d[whole], spread[at], run)
    effect, variance = effects(d, own + v, loading)
    centre = float(quiet_median(effect)) if np.isfinite(effect).any() else 0.0
    seen = effect[np.isfinite(effect)] - centre
    usual = float(np.median(variance[np.isfinite(effect)])) if len(seen) else float(run[0])
    least = np.sqrt(usual) if not name.startswith(NOISE) else 0.1
    fits = _fits(seen, least, SPREAD if not name.startswith(NOISE) else 0.3)
    rest = (d - loading * effect[:, None]) / np.sqrt(own + v)
    residual = _residual_tail(np.abs(rest[np.isfinite(rest)])) if len(at) > 1 else TAILS[-1]
    return Part(name, at, loading, own, centre, 0.0, 0.0, usual, residual), fits


def effects(d: Floats, variance: Floats, loading: Floats) -> tuple[Floats, Floats]:
    """The best estimate of the part's effect on each machine, and its variance, by what is there of its quantities."""
    with np.errstate(all="ignore"):
        weight = np.where(np.isfinite(d), 1 / variance, 0.0)
        total = (weight * loading**2).sum(axis=1)
        return (weight * loading * np.where(np.isfinite(d), d, 0.0)).sum(axis=1) / total, 1 / total


def _factor(d: Floats, spread: Floats, run: Floats) -> tuple[Floats, Floats]:
    """Loadings (of mean 1) and own variances of one common factor, without machines that stand out."""
    kept = np.ones(len(d), dtype=bool)
    for _ in range(2):
        here = d[kept]
        scores = _normal_scores(here)
        correlation = scores.T @ scores / len(here)
        scale = np.sqrt(np.diag(correlation))
        correlation /= np.outer(scale, scale)
        width = np.maximum(spread, 1e-6)
        # Few machines: each width is mixed with the usual of the part, each correlation with the mean of all.
        weight = len(here) / (len(here) + PRIOR)
        width = np.sqrt(weight * width**2 + (1 - weight) * np.median(width) ** 2)
        pairs = correlation[np.triu_indices(len(width), 1)]
        target = np.full_like(correlation, np.clip(pairs.mean(), 0.0, 0.95))
        np.fill_diagonal(target, 1.0)
        covariance = (weight * correlation + (1 - weight) * target) * np.outer(width, width)
        loading, own = _one_factor(covariance, run)
        effect, _ = effects(d, np.broadcast_to(own + run, d.shape), loading)
        rest = np.abs(d - loading * effect[:, None]) / np.sqrt(own + run)
        far = np.abs(effect) > 3 * np.median(np.abs(effect)) / NORMAL
        kept = ~far & (rest < 4).all(axis=1)
        if kept.sum() < max(4, len(d) // 2):
            break
    return loading, own


def _normal_scores(d: Floats) -> Floats:
    from scipy.special import ndtri

    ranks = np.argsort(np.argsort(d, axis=0, kind="stable"), axis=0, kind="stable")
    return np.asarray(ndtri((ranks + 0.5) / len(d)))


def _one_factor(covariance: Floats, run: Floats) -> tuple[Floats, Floats]:
    """The loadings and own variances that a covariance has by one factor, by repeated principal factors."""
    variance = np.diag(covariance).copy()
    scale = np.sqrt(variance)
    if len(scale) == 2:  # two quantities tell what they share, not who has more of it
        shared = float(np.clip(covariance[0, 1], 0.0, 0.98 * variance.min()))
        own = np.maximum(variance - shared - run, FEWEST_OWN * variance)
        return np.ones(2), own
    correlation = covariance / np.outer(scale, scale)
    common = np.full(len(scale), 0.5)
    first = np.ones(len(scale)) / np.sqrt(len(scale))
    for _ in range(STEPS):
        reduced = correlation - np.diag(1 - common)
        values, vectors = np.linalg.eigh(reduced)
        first = vectors[:, -1] * np.sqrt(max(values[-1], 0.0))
        now = np.clip(first**2, 0.0, 1 - FEWEST_OWN)
        if np.abs(now - common).max() < 1e-6:
            break
        common = now
    loading = np.maximum(first * np.sign(first.sum() or 1.0), 0.05) * scale
    own = np.maximum(variance - loading**2 - run, FEWEST_OWN * variance)
    return loading / loading.mean(), own


def _fits(seen: Floats, least: float, usual: float) -> Fits:
    """For each of TAILS the width of an effect and how well it fits, by the machines that are faster than the centre.

    The width is at least that of the middle half of all machines: the slow side may be wider where nothing is at fault.
    """
    fast = seen[seen > 0]
    number = len(fast)
    quartile = max(float(np.median(fast)), float(np.median(np.abs(seen)))) if number else 0.0
    rest = PRIOR / (PRIOR + 2 * number)
    quartile = math.sqrt((1 - rest) * quartile**2 + rest * (NORMAL * usual) ** 2)
    widths = [max(least * NORMAL, quartile) / _quartile(tail) for tail in TAILS]
    fits = [
        float(log_t(fast / width, tail).sum()) - number * math.log(width) - TAIL_WEIGHT * math.log(tail / ASSUMED) ** 2
        for tail, width in zip(TAILS, widths, strict=True)
    ]
    return Fits(number, np.array(widths), np.array(fits))


def _tailed(found: Sequence[tuple[Part, Fits]]) -> list[Part]:
    """The parts with their tails. Few machines show the tail of one part badly, and that of all parts better."""
    whole = np.sum([fits.fit for one, fits in found if not one.name.startswith(NOISE)], axis=0)
    out = []
    for one, fits in found:
        others = np.zeros(len(TAILS)) if one.name.startswith(NOISE) else whole - fits.fit
        best = int(np.argmax(fits.fit + others * BORROWED / (BORROWED + fits.number)))
        tail = 1 / (1 / TAILS[best] + 1 / max(2 * fits.number - 1, 2))
        out.append(replace(one, width=float(fits.width[best]), tail=tail))
    return out


def _residual_tail(rest: Floats) -> float:
    """The degrees of freedom of what is left of single quantities, by its middle: what is far may be at fault."""
    from scipy.special import stdtr

    rest = rest[:: max(1, len(rest) // 50_000)]
    rest = rest[rest < RESIDUAL]
    if len(rest) < 200:
        return ASSUMED
    quartile = float(np.median(rest))

    def fit(tail: float) -> float:
        scale = quartile / _quartile(tail)
        whole = float(log_t(rest / scale, tail).sum()) - len(rest) * np.log(scale)
        return float(whole - len(rest) * np.log(2 * float(stdtr(tail, RESIDUAL / scale)) - 1))

    return max(TAILS, key=fit)


def _quartile(tail: float) -> float:
    """The median of the absolute value of Student's t."""
    from scipy.special import stdtrit

    return float(stdtrit(tail, 0.75))


def log_t(x: Floats, tail: float) -> Floats:
    """The logarithm of Student's density, of unit width."""
    from scipy.special import gammaln

    norm = float(gammaln((tail + 1) / 2) - gammaln(tail / 2)) - 0.5 * np.log(tail * np.pi)
    return np.asarray(norm - (tail + 1) / 2 * np.log1p(x * x / tail))
