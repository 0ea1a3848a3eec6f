"""Student's t, trigamma and adjusted p-values, against SciPy."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hwbench.tracking import stats


def test_adjusted_p_is_benjamini_and_hochberg_s():
    """Step up: the least of p·m/rank over all that are as large, in the order given; what is no number counts as 1."""
    ps = np.random.default_rng(1).uniform(size=50) ** 3
    ranks = np.argsort(np.argsort(ps)) + 1
    expected = [min(min(q * 50 / rank for q, rank in zip(ps, ranks, strict=True) if q >= p), 1.0) for p in ps]
    assert stats.adjusted(ps.tolist()) == pytest.approx(expected)
    assert stats.adjusted([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.04, 0.04])
    assert stats.adjusted([math.nan, 0.01]) == pytest.approx([1.0, 0.02])
    assert stats.adjusted([]) == []


def test_the_density_and_trigamma_are_scipy_s():
    """The density has the quartiles of the normal; trigamma is what a log variance scatters by."""
    from scipy import stats as scipy

    for dof in (4.0, 5.0):
        scale = scipy.t.ppf(0.75, dof) / scipy.norm.ppf(0.75)
        for x in (0.0, 0.7, 6.0):
            assert stats.t_log_density(x, dof) == pytest.approx(scipy.t.logpdf(x * scale, dof) + math.log(scale))
    logs = np.log(np.random.default_rng(3).chisquare(4, 100_000) / 4)
    assert stats.trigamma(2.0) == pytest.approx(float(logs.var()), rel=0.03)


def test_tails_and_quantiles_are_scipy_s():
    """The upper tail, on either side of 0, and the value below which a share lies."""
    from scipy import stats as scipy

    for t in (-1.5, 0.0, 2.0):
        assert stats.t_tail(t, 5.0) == pytest.approx(scipy.t.sf(t, 5))
    assert stats.t_quantile(0.975, 10.0) == pytest.approx(2.228139, rel=1e-6)
    assert stats.t_quantile(0.2, 3.0) == pytest.approx(scipy.t.ppf(0.2, 3))


def test_holm_rejects_what_its_procedure_rejects():
    """Step by step: the smallest times their number, the next times one less, never below the one before."""
    assert stats.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert stats.holm([0.5, 0.9, 0.001]) == pytest.approx([1.0, 1.0, 0.003])
    assert stats.holm([0.6, 0.9, 0.8]) == [1.0, 1.0, 1.0]
    assert stats.holm([]) == []
