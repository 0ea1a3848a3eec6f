"""A comparison as a whole."""

from __future__ import annotations

import math

import msgspec
import pytest

from doubles.scripted import MACHINE, record, run_of
from hwbench.tracking.comparison import Comparison
from hwbench.tracking.readers.runs import side
from hwbench.tracking.totals import geometric_mean, surroundings


def case(ratio, unit="s"):
    return Comparison(bench="x", variant="", device="cpu", params={}, verdict="same", ratio=ratio, unit=unit)


def test_the_geometric_mean_is_of_times_with_an_interval():
    """Memory is left out; of a single time there is no interval, hence nothing."""
    found, count = geometric_mean([case(1.0), case(4.0), case(9.0, "bytes"), case(None)])
    assert (found.value, count) == (pytest.approx(2.0), 2)
    assert found.low < 2.0 < found.high
    assert math.isclose(found.low * found.high, 4.0)
    assert geometric_mean([case(2.0)]) is None


def test_inherited_variables_and_settings_that_differ_are_told():
    """Of two runs, with what a variable does; what both share is not told."""
    there = msgspec.structs.replace(MACHINE, settings={"governor": "powersave", "turbo": "on"})
    here = msgspec.structs.replace(MACHINE, settings={"governor": "performance", "turbo": "on"})
    old, new = (
        msgspec.structs.replace(run_of(record(), machine=machine, id=name), variables=variables)
        for name, machine, variables in (("a", here, {}), ("b", there, {"OPENBLAS_CORETYPE": "Haswell"}))
    )
    told = list(surroundings(side([old]), side([new])))
    assert told[:2] == [
        "governor performance against powersave", "variables: only new has OPENBLAS_CORETYPE=Haswell",
    ]  # fmt: skip
    assert told[2].startswith("OPENBLAS_CORETYPE in new: matrix products use the kernels that it names")
    assert list(surroundings(side([old]), side([old]))) == []
