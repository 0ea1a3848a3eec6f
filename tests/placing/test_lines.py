"""Lines of text: time, share, bytes, doubts and advice."""

from __future__ import annotations

import math

from hwbench.counting import Range
from hwbench.placing import engine, lines
from hwbench.placing.model import Placed
from made_up.placed import MIB, chain, counts, exactly, roofs


def placed(*points):
    return Placed("f", points)


def test_a_point_in_lines():
    """The share with its roof, the three counts, and the advice."""
    at = engine.point("f", chain(10**7), exactly(48e-3), roofs(), n=10**7, written=8 * 10**7)
    first, roof, second, third, fourth, *advice = lines.of(placed(at))
    assert first == "f at n=10⁷: 48.0 ms (47.8–48.2), 35% of DRAM triad, 1 thread"
    assert roof == "  roof     24.0 GB/s"
    assert f"{second} {third.strip()}" == (
        "  bytes    compulsory 381 MiB; issued 687 MiB (37% of the roof); moved bytes not known (no counters here)"
    )
    assert fourth == "  flops    30\u202f000\u202f000"
    assert [line.split()[0] for line in advice if line[2] != " "] == ["advice"]
    assert " ".join(" ".join(advice).split()).count("expect ") == len(at.advice) > 1
    assert " ".join(" ".join(advice).split()).endswith(lines.ALONE)
    assert max(map(len, [first, second, third, *advice])) <= lines.WIDTH


def test_an_issued_share_that_is_withheld_says_why():
    """The bytes stay, with a sentence instead of a share above 100%."""
    at = engine.point("f", counts(MIB, issued=Range(4 * MIB, 4 * MIB)), exactly(1.5e-5), roofs())
    assert "issued 4 MiB (no share: several caches served it at once" in dict(lines.said(at))["bytes"]


def test_what_lies_between_two_levels_has_a_range():
    """The share by the bandwidths on both sides; what is faster says why another roof counts."""
    at = engine.point("f", counts(40 * MIB), exactly(4e-3), roofs())
    assert dict(lines.said(at))["level"] == (
        "40 MiB lie between two measured sizes, of 50.0 GB/s and 20.0 GB/s: the share is 21% to 52%, by how much a "
        "cache still serves"
    )
    assert "level" not in dict(lines.said(engine.point("f", counts(200 * MIB), exactly(2e-2), roofs())))
    fast = engine.point("f", counts(40 * MIB), exactly(1e-3), roofs())
    assert dict(lines.said(fast))["level"] == fast.note != ""


def test_bounds_and_doubts_are_marked():
    """What is not seen makes shares lower bounds."""
    given = counts(240 * 10**6, unknown=("libfoo.f",), issued=Range(24e7, math.inf), moved=Range(1e6, 2e6))
    at = engine.point("f", given, exactly(1e-2), roofs(), doubts=["somebody else ran"])
    found = dict(lines.said(at))
    assert "≥ " in lines.title("f", at) and "~" in lines.title("f", at)
    assert "229 MiB–?" in found["bytes"] and "; moved 977 KiB" in found["bytes"]
    assert found["unknown"] == "not counted: libfoo.f. The shares are lower bounds (≥)."
    assert found["doubt"] == "somebody else ran"


def test_a_sweep_is_a_table_of_80_columns_and_the_last_point():
    """One row an n, below the function's name."""
    points = [engine.point("f", counts(24 * n), exactly(n * 1e-8), roofs(), n=n) for n in (1000, 10_000)]
    said = lines.report([placed(*points)])
    assert said[0] == "f"
    assert said[1].split() == ["n", "time", "time/n", "share", "issued", "roof"]
    assert [line[2:8].replace("\u202f", "").rstrip() for line in said[2:4]] == ["1000", "10000"]
    assert sum(line.startswith("f at n=") for line in said) == 1
    assert said[-3].startswith("share: the least time")
    assert max(map(len, said)) <= lines.WIDTH
    assert lines.brief("f", points[0]).startswith("f at n=1000: 10.0 µs, ")


def test_a_long_name_does_not_widen_lines():
    """The first line of a point is folded, too."""
    at = engine.point("f" * 60, counts(), exactly(1e-5), roofs(), n=1000)
    assert max(map(len, lines.of(Placed("f" * 60, (at,))))) <= lines.WIDTH
