"""Patterns: every order visits each element once, by the same two loads."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from answers import reading, verdict, work_of

from hwbench.benches import pattern
from hwbench.benches.pattern import PAGE, WORDS, bench
from machine_code import needs_x86, simple_loops


@pytest.mark.parametrize("size", [1, 16 * 2**10, 777_777])
@pytest.mark.parametrize("variant", bench.variants)
def test_the_answer_is_the_sum(variant: str, size: int) -> None:
    """Each order adds up the whole array."""
    assert verdict(bench, variant, {"size": size}) == ""


def order_of(variant: str, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """The order in which a variant visits an array of four pages."""
    seen: list[np.ndarray] = []
    real = pattern.in_order
    monkeypatch.setattr(pattern, "in_order", lambda a, order: seen.append(order) or real(a, order))
    work_of(bench, variant, {"size": 4 * PAGE * pattern.ELEMENT})
    return seen[0]


@pytest.mark.parametrize("variant", bench.variants)
def test_each_element_is_visited_once(variant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each order is a permutation."""
    assert sorted(order_of(variant, monkeypatch)) == list(range(4 * PAGE))


def test_the_orders_are_what_they_are_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps of one, minus one and a line; pages kept together and mixed inside; everything mixed."""
    orders = {variant: order_of(variant, monkeypatch) for variant in bench.variants}
    steps = {variant: np.diff(order) for variant, order in orders.items()}
    assert (steps["sequential"] == 1).all()
    assert (steps["reverse"] == -1).all()
    assert np.count_nonzero(steps["strided"] == WORDS) == 4 * PAGE - WORDS
    assert (orders["page-random"].reshape(-1, PAGE) // PAGE == np.arange(4)[:, None]).all()
    assert np.count_nonzero(steps["page-random"] == 1) < PAGE // 8
    assert len(set(orders["random"][:PAGE] // PAGE)) == 4


def test_a_gather_that_leaves_one_out_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last four elements missing is a wrong answer; repetitions do not add to one another."""
    work, (a,) = work_of(bench, "random", {"size": 2**16})
    assert work.repeat is not None
    assert work.repeat(3) == a.sum()
    real = pattern.gather
    monkeypatch.setattr(pattern, "gather", lambda base, first, last, passes: real(base, first, last - 32, passes))
    assert "differs" in verdict(bench, "random", {"size": 2**16})


def test_counts() -> None:
    """8 bytes of the array and 8 of the index for each element."""
    _, (a,) = work_of(bench, "sequential", {"size": 2**16})
    assert bench.count({"size": 2**16}, (a,)) == {"items": len(a), "bytes": 16 * len(a)}
    assert a.nbytes * 2 <= 2**16


@needs_x86
def test_two_loads_an_element_and_no_vector() -> None:
    """Four offsets loaded, four additions from memory, and the loop's own three: no gather instruction."""
    a, offsets = np.zeros(64, dtype=np.int64), np.arange(64) * 8
    first = offsets.ctypes.data
    loops = simple_loops(pattern.gather, a.ctypes.data, first, first + offsets.nbytes, 1)
    longest = max(loops, key=len)
    assert sum(line.startswith("movq") and "(" in line for line in longest) == 4
    assert sum(line.startswith("addq") and "(" in line for line in longest) == 4
    assert len(longest) == 11, longest


def test_the_finding() -> None:
    """Each level's sentence has every order; the last one parts surprise from waste."""
    times = {"sequential": 1.0, "reverse": 1.1, "strided": 6.0, "page-random": 2.0, "random": 15.0}
    rows: list[tuple[str, dict[str, Any], float]] = [(name, {"size": "DRAM"}, time) for name, time in times.items()]
    said = list(bench.hooks["finding"](reading(bench, rows, {"items": 10**9})))
    assert said[0].startswith("In memory an element costs 1 ns in sequence; backwards 1.10× (")
    assert "random everywhere 15.00×" in said[0]
    assert "cannot be foreseen costs 2.50×" in said[1]
    assert list(bench.hooks["finding"](reading(bench, [], {}))) == []
