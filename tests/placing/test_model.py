"""The JSON of a placed function: names, units, and nothing that JSON cannot say."""

from __future__ import annotations

import json
import math

import msgspec
import pytest

from hwbench.counting import Range
from hwbench.placing import engine, model
from hwbench.record.estimate import Estimate
from made_up.placed import chain, counts, exactly, roofs


def test_the_json_has_the_fields_that_scripts_read():
    """For each n, in SI units."""
    point = engine.point("f", chain(10**6), exactly(6e-3), roofs(), n=10**6, written=8 * 10**6)
    data = json.loads(msgspec.json.encode(model.as_json(model.Placed("f", (point,)))))
    [found] = data["points"]
    assert data["function"] == "f"
    assert set(found) == {
        "n", "seconds", "low", "high", "bytes", "flops", "threads", "level", "roof", "share", "share_issued",
        "unknown", "advice",
    }  # fmt: skip
    assert found["bytes"] == {"compulsory": 40 * 10**6, "issued": [72e6, 72e6], "moved": None}
    assert found["roof"] == {"name": "DRAM triad, 1 thread", "value": pytest.approx(24e9), "unit": "B/s"}
    assert set(found["advice"][0]) == {"code", "text", "gain"}
    assert set(found["advice"][0]["gain"]) == {"expected", "at_most"}


def test_what_is_not_known_is_null():
    """An end of an interval, a bound, a count."""
    given = counts(issued=Range(1e6, math.inf), flops=None)
    point = engine.point("f", given, Estimate(1.0, 0.5, math.inf), roofs())
    [found] = model.as_json(model.Placed("f", (point,)))["points"]
    assert (found["bytes"]["issued"], found["flops"], found["high"]) == ([1e6, None], None, None)
    assert point.intensity is None
