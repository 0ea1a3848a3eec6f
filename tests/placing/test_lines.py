"""Lines of text: time, share, bytes, doubts and advice."""

from __future__ import annotations

import math

from hwbench.counting import Range
from hwbench.placing import engine, lines
from hwbench.placing.model import Placed
from made_up.placed import chain, counts, exactly, roofs


def placed(*points):
    return Placed("f", points)


def test_a_point_in_lines():
    """The share with its roof, the three counts, and the advice."""
    at = engine.point("f", chain(10**6), exactly(4.8e-3), roofs(), n=10**6, written=8 * 10**6)
    first, second, third, *advice = lines.of(placed(at))
    assert first == "f at n=10⁶: 4.80 ms (4.78–4.82), 35% of DRAM triad, 1 thread (24.0 GB/s)"
    assert second == "  bytes  38.1 MiB compulsory, 68.7 MiB issued, moved not known: no counters here"
    assert third.startswith("  flops  3\u202f000\u202f000; issued bytes reach 63%")
    assert [line.split()[0] for line in advice] == [one.code for one in at.advice]


def test_bounds_and_doubts_are_marked():
    """What is not seen makes shares lower bounds."""
    given = counts(240 * 10**6, unknown=("libfoo.f",), issued=Range(24e7, math.inf), moved=Range(1e6, 2e6))
    said = lines.of(placed(engine.point("f", given, exactly(1e-2), roofs(), doubts=["somebody else ran"])))
    assert "≥ " in said[0] and "~" in said[0]
    assert "229 MiB–?" in said[1]
    assert "moved" in said[1]
    assert said[3:5] == ["  not seen: libfoo.f; shares are lower bounds", "  doubt  somebody else ran"]


def test_a_sweep_is_a_table_and_the_last_point():
    """One row an n."""
    points = [engine.point("f", counts(24 * n), exactly(n * 1e-8), roofs(), n=n) for n in (1000, 10_000)]
    said = lines.report([placed(*points)])
    assert said[0].split()[:3] == ["function", "n", "time"]
    assert [line.split()[1] for line in said[1:3]] == ["1000", "10"]
    assert sum(line.startswith("f at n=") for line in said) == 1
    assert lines.brief("f", points[0]).startswith("f n=1000: 10.0 µs, ")
