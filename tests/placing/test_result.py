"""What placing gives in Python."""

from __future__ import annotations

import pytest

from hwbench.placing import engine
from hwbench.placing.model import Placed
from hwbench.placing.result import Decorated, Placement
from made_up.placed import chain, exactly, roofs


def placement(seconds=48e-3):
    at = engine.point("f", chain(10**7), exactly(seconds), roofs(), written=8 * 10**7)
    return Placement(Placed("f", (at,)), roofs())


def test_the_parts_of_a_placement():
    """Share, roof, bytes and advice, and a text with all of them."""
    found = placement()
    assert found.share == pytest.approx(400e6 / 24e9 / 48e-3)
    assert found.share_issued == pytest.approx((400e6 / 24e9 + 320e6 / 240e9) / 48e-3)  # what is asked again: L1
    assert found.roof == "DRAM triad, 1 thread, 24.0 GB/s"
    assert (found.bytes.compulsory, found.bytes.issued.low, found.bytes.moved) == (40 * 10**7, 72e7, None)
    assert (found.threads, found.seconds, found.doubt, found.flops.low) == (1, 48e-3, "", 3e7)
    assert {one.code for one in found.advice} >= {"fuse", "threads"}
    assert repr(found).startswith("f: 48.0 ms (47.8–48.2), 35% of DRAM triad, 1 thread")
    assert found.as_dict()["function"] == "f"


def test_a_decorated_function_runs_as_before_and_is_placed_when_asked():
    """With the arguments of its last call, once."""
    asked = []

    def place(function, *args, **kwargs):
        asked.append((function.__name__, args, kwargs))
        return placement()

    def double(x):
        """Twice."""
        return 2 * x

    f = Decorated(double, place)
    with pytest.raises(ValueError, match="double was not called yet"):
        _ = f.placed
    assert (f(3), f.__doc__, asked) == (6, "Twice.", [])
    assert f._repr_html_() is None
    assert f.share == pytest.approx(placement().share)
    assert f.roof == f.placed.roof
    assert asked == [("double", (3,), {})]
    assert repr(f).startswith("<double, placed by hwbench")
    f.place(x=4)
    assert asked[-1] == ("double", (), {"x": 4})
    with pytest.raises(AttributeError):
        _ = f.no_such_thing
