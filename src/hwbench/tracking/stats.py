"""Student's t, trigamma and adjusted p-values, for comparing many cases."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence


def t_tail(t: float, dof: float) -> float:
    """Probability that a t variable of `dof` degrees of freedom exceeds `t`."""
    from scipy.special import stdtr

    return float(stdtr(dof, -t))


@functools.lru_cache(maxsize=4096)
def t_quantile(p: float, dof: float) -> float:
    """The value below which a t variable of `dof` degrees of freedom lies with probability `p`."""
    from scipy.special import stdtrit

    return float(stdtrit(dof, p))


def t_log_density(x: float, dof: float) -> float:
    """Log-density at `x` of a t variable scaled to the quartiles of the standard normal."""
    scale, norm = _t_scaled(dof)
    return norm - (dof + 1) / 2 * math.log1p((x * scale) ** 2 / dof)


@functools.lru_cache(maxsize=1024)
def _t_scaled(dof: float) -> tuple[float, float]:
    """The scale of such a variable, and its log-density at 0."""
    scale = t_quantile(0.75, dof) / 0.6744897501960817
    return scale, math.lgamma((dof + 1) / 2) - math.lgamma(dof / 2) - math.log(dof * math.pi) / 2 + math.log(scale)


@functools.lru_cache(maxsize=1024)
def trigamma(x: float) -> float:
    """Second derivative of log Γ: the variance of the log of a gamma variable of shape `x`."""
    from scipy.special import polygamma

    return float(polygamma(1, x))


def adjusted(probabilities: Sequence[float]) -> list[float]:
    """Benjamini and Hochberg's adjusted p-values (J. R. Stat. Soc. B 57 (1995) 289), in the order given.

    Rejecting all hypotheses with an adjusted p of at most q keeps the false discovery rate below q; where nothing
    changed, q bounds the chance of any rejection.
    """
    if not probabilities:
        return []
    from scipy.stats import false_discovery_control

    # SciPy refuses what is no probability; what is not known counts as nothing changed.
    return [float(one) for one in false_discovery_control([1.0 if math.isnan(p) else p for p in probabilities])]


def holm(probabilities: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values (Scand. J. Stat. 6 (1979) 65), in the order given.

    Rejecting all hypotheses with an adjusted p of at most a keeps the chance of any false rejection below a, whatever
    the dependence of the tests. SciPy has no such function.
    """
    order = sorted(range(len(probabilities)), key=lambda i: probabilities[i])
    out = [1.0] * len(probabilities)
    most = 0.0
    for rank, index in enumerate(order):
        most = max(most, min(1.0, probabilities[index] * (len(order) - rank)))
        out[index] = most
    return out
