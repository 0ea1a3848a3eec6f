"""stability.learning_rate: the right gradient in each type, facts of a short map, and the finding."""

import json

import numpy as np
import pytest

from doubles.scripted import run_of
from hwbench.analysis.findings import findings
from hwbench.benches.stability import _bands, _training, learning_rate
from hwbench.benches.stability._bands import Band
from hwbench.record.model import Record
from inspection.answers import verdict
from inspection.variants import built, values_of


@pytest.fixture
def short(monkeypatch):
    """A map of one training: 4 steps, and all rates as if the middle ones learnt."""
    loss = np.full((13, 5), 0.9)
    loss[6:8] = 0.3
    lost = np.full((13, 5), -1)
    lost[8:] = 2
    band = Band(loss, lost, [0.03, 0.03, 0.03, 0.03, 0.036], [0.4, 0.4, 0.4, 0.4, 0.4])
    monkeypatch.setattr(_bands, "band", lambda setting: band)
    monkeypatch.setattr(learning_rate, "STEPS", 6)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
@pytest.mark.parametrize("method", _training.METHODS)
def test_every_method_has_the_right_gradient(short, method, dtype):
    """The first step's gradient passes the check in every type; facts are small plain JSON."""
    values = values_of(learning_rate.bench, dtype=dtype)
    assert verdict(learning_rate.bench, method, values) == ""
    work, _ = built(learning_rate.bench, method, values)
    facts = json.loads(json.dumps(dict(work.facts), allow_nan=False))
    assert facts["outcomes"] == ["stands still"] * 6 + ["learns"] * 2 + ["diverges"] * 5
    assert (facts["spread"], facts["lost_at"][8]) == (1.2, 2)
    assert facts["low"] == pytest.approx(0.0311, rel=0.01)
    assert len(facts["moved"]) == 9
    assert len(facts["bottom"]) == len(facts["top"]) == 2


def record(method, seconds, high, **params):
    """A record with a band up to `high`; without one where it is None."""
    low = None if high is None else 0.03
    width = 0.0 if high is None else round(float(np.log10(high / 0.03)), 3)
    facts = {
        "low": low, "high": high, "decades": width, "spread": 1.2, "bottom": [-2.0], "top": [0.0],
        "moved": [0.1, 0.02, 0.5],
    }  # fmt: skip
    place = {"depth": 8, "init": "xavier-uniform", "activation": "relu", "dtype": "f4"} | params
    return Record(
        bench="stability.learning_rate", version=1, variant=method, device="cpu", params=place, status="ok", loops=1,
        samples=[seconds * (1 + 0.001 * (i % 3)) for i in range(10)], counts={"calls": 100}, facts=facts,
    )  # fmt: skip


def test_the_finding_names_bands_methods_and_layers():
    """Bands by initialisation, the edge that clipping moves and its cost, the gradient's fall towards the input."""
    records = (
        record("plain", 0.02, 0.4), record("plain", 0.02, None, init="normal-0.01"), record("clipped", 0.024, 1.2),
    )  # fmt: skip
    said = findings(run_of(*records), [learning_rate.bench])["stability.learning_rate"]
    assert "no rate with N(0, 0.01²); 0.0300–0.400 (1.12 decades) with Xavier" in said[0]
    assert "clipped 3.00×" in said[1]
    assert "1.20× slower" in said[1]
    assert "100" in said[2]
