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
    point = engine.point("f", chain(10**7), exactly(60e-3), roofs(), n=10**7, written=8 * 10**7)
    data = json.loads(msgspec.json.encode(model.as_json(model.Placed("f", (point,)))))
    [found] = data["points"]
    assert data["function"] == "f"
    assert set(found) == {
        "n", "seconds", "low", "high", "bytes", "flops", "threads", "level", "roof", "share", "share_issued",
        "unknown", "advice",
    }  # fmt: skip
    assert found["bytes"] == {"compulsory": 40 * 10**7, "issued": [72e7, 72e7], "moved": None}
    assert (found["roof"].pop("name"), found["roof"].pop("unit")) == ("DRAM triad, 1 thread", "B/s")
    assert found["roof"] == pytest.approx({"value": 24e9, "low": 24e9, "high": 24e9})
    assert set(found["advice"][0]) == {"code", "text", "gain"}
    assert set(found["advice"][0]["gain"]) == {"expected", "at_most"}


def test_what_is_not_known_is_null():
    """An end of an interval, a bound, a count."""
    given = counts(issued=Range(1e6, math.inf), flops=None)
    point = engine.point("f", given, Estimate(1.0, 0.5, math.inf), roofs())
    [found] = model.as_json(model.Placed("f", (point,)))["points"]
    assert (found["bytes"]["issued"], found["flops"], found["high"]) == ([1e6, None], None, None)
    assert point.intensity is None
