"""The band of rates that learn: how outcomes are judged, and where its edges are sought."""

import numpy as np
import pytest

from hwbench.benches.stability import _bands
from hwbench.benches.stability._bands import RATES, Band, Setting
from hwbench.benches.stability._training import Trained
from hwbench.kernels import kept


def test_rates_span_six_decades():
    """From 10⁻⁴ to 100, two a decade."""
    assert (RATES[0], RATES[-1], len(RATES)) == (1e-4, 100, 13)


def test_an_outcome_is_what_most_seeds_have():
    """A loss of a half learns, one that was lost on the way does not, whatever it ended with."""
    loss = np.array([[0.4, 0.4, 0.9], [0.4, 0.4, 0.4], [np.nan, np.nan, 0.9]])
    lost = np.array([[-1, -1, -1], [7, 7, -1], [3, 5, -1]])
    band = Band(loss, lost, [], [])
    assert [band.outcome(at) for at in range(3)] == ["learns", "diverges", "diverges"]


@pytest.mark.parametrize(("low", "high"), [(0.004, 0.5), (0.0, 0.5), (0.004, np.inf)])
def test_edges_are_found_to_seven_per_cent(monkeypatch, low, high):
    """Bisection finds both edges of each seed; where the band reaches the end of the rates, that is the edge."""

    def train(self, rates, seeds, steps):
        shift = 1 + 0.1 * np.array(seeds)
        works = (np.array(rates) >= low * shift) & (np.array(rates) <= high * shift)
        return Trained(np.where(works, 0.1, 0.9), np.full(len(rates), -1))

    monkeypatch.setattr(Setting, "train", train)
    found = _bands.computed(Setting(1, "he", "relu", np.dtype("f4"), "plain"), seeds=2)
    for seed, (first, last) in enumerate(zip(found.low, found.high, strict=True)):
        assert first == pytest.approx(max(low * (1 + 0.1 * seed), 1e-4), rel=0.075)
        assert last == pytest.approx(min(high * (1 + 0.1 * seed), 100), rel=0.075)


def test_where_no_rate_learns_there_are_no_edges(monkeypatch):
    """All networks stand still: no bisection, and no edge."""
    monkeypatch.setattr(
        Setting, "train", lambda self, rates, seeds, steps: Trained(np.ones(len(rates)), np.full(len(rates), -1))
    )
    found = _bands.computed(Setting(1, "he", "relu", np.dtype("f4"), "plain"), seeds=2)
    assert (found.low, found.high) == ([None, None], [None, None])
    assert found.outcome(0) == "stands still"


def test_a_band_is_computed_once_for_all_processes(monkeypatch, tmp_path):
    """The next process reads it, with the edges that are not there."""
    asked = []
    monkeypatch.setattr(kept, "kernel_cache", lambda: tmp_path)
    monkeypatch.setattr(
        _bands,
        "computed",
        lambda setting: asked.append(setting) or Band(np.ones((2, 2)), np.ones(2), [None, 0.1], [1, 2]),
    )
    setting = Setting(1, "he", "relu", np.dtype("f4"), "plain")
    for _ in range(2):
        _bands.band.cache_clear()
        found = _bands.band(setting)
        assert (found.low, found.high, found.loss.tolist()) == ([None, 0.1], [1, 2], [[1, 1], [1, 1]])
    _bands.band.cache_clear()
    assert asked == [setting]


def test_the_sales_are_numbers_of_variance_1():
    """34 columns of all sales, and the logarithm of the price, in one order for every type."""
    x, y = _bands.rows()
    assert x.shape == (len(y), 34)
    np.testing.assert_allclose([x.std(axis=0).max(), y.std()], 1)
    assert len(_bands.data(np.dtype("f4")).seen_x) == _bands.JUDGED
