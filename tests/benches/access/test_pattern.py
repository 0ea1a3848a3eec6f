"""Patterns: every order visits each element once, by the same two loads."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from doubles.scripted import ScriptedDevice
from hwbench.bench import Skip
from hwbench.benches import _partitions
from hwbench.benches.access import pattern
from hwbench.benches.access.pattern import PAGE, WORDS, bench
from inspection.answers import reading, verdict, work_of
from inspection.told import STOLEN, doubt, said, spread


@pytest.mark.parametrize("size", [8 * 2**10, 16 * 2**10, 777_777])
@pytest.mark.parametrize("variant", bench.variants)
def test_the_answer_is_the_sum(variant: str, size: int) -> None:
    """Each order adds up the whole array."""
    assert verdict(bench, variant, {"size": size}) == ""


def test_less_than_a_page_is_too_small() -> None:
    """Not measured by a page under the name of a byte."""
    assert bench.least == 8 * 2**10
    with pytest.raises(Skip, match="8191 bytes are too few"):
        work_of(bench, "sequential", {"size": 8191})


def order_of(variant: str, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """The order in which a variant visits an array of four pages."""
    seen: list[np.ndarray] = []
    real = pattern.in_order

    def in_order(device: Any, a: np.ndarray, partitions: Any, write: Any, *keys: Any, **more: Any) -> Any:
        offsets = np.empty(len(a), dtype=np.int64)
        write(offsets, *keys)
        seen.append(offsets)
        return real(device, a, partitions, write, *keys, **more)

    monkeypatch.setattr(pattern, "in_order", in_order)
    work_of(bench, variant, {"size": 4 * PAGE * pattern.ELEMENT})
    assert not np.any(seen[0] % 8)
    return seen[0] // 8


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
    work, (a, partitions) = work_of(bench, "random", {"size": 2**16})
    assert partitions.parts == work.facts["parts"] == 1
    assert work.output is None
    assert work.call() == a.sum()
    assert work.repeat is not None
    assert work.repeat(3) == a.sum()
    real = pattern.gather_words
    monkeypatch.setattr(pattern, "gather_words", lambda base, first, last, passes: real(base, first, last - 32, passes))
    assert "differs" in verdict(bench, "random", {"size": 2**16})


CUT = {"size": 2**18}  # an array, which for these tests is cut into parts


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> int:
    """How many parts an array of `CUT` is cut into."""
    monkeypatch.setattr(_partitions, "PART", 2**18)
    return 5


@pytest.mark.parametrize("variant", bench.variants)
def test_the_answer_of_parts_is_the_sum(variant: str, parts: int) -> None:
    """What is checked is the sum of all parts, though a call does one."""
    assert verdict(bench, variant, CUT) == ""


@pytest.mark.parametrize("variant", bench.variants)
def test_a_call_takes_one_part_and_the_next_call_the_next(
    variant: str, parts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parts of the index, equal in elements, each once a round; counts are of one."""
    ranges: list[tuple[int, int]] = []
    real = pattern.gather_words

    def gather(base: int, first: int, last: int, passes: int) -> int:
        ranges.append((first, last))
        return real(base, first, last, passes)

    monkeypatch.setattr(pattern, "gather_words", gather)
    work, (a, partitions) = work_of(bench, variant, CUT)
    assert work.repeat is None
    assert work.facts["parts"] == partitions.parts == parts
    assert work.facts["footprint"] == 16 * len(a)
    assert sum(work.call() for _ in range(parts)) == a.sum()
    assert {last - first for first, last in ranges} == {8 * len(a) // parts}
    assert len({first for first, _ in ranges}) == parts
    assert bench.count(CUT, (a, partitions)) == {"items": len(a) // parts, "bytes": 16 * len(a) // parts}


def test_walks_through_the_array_take_the_same_place_at_a_turn(parts: int) -> None:
    """Forwards, backwards or mixed in pages: the elements of a turn are the same, so no place comes back too soon."""
    given = {**CUT, "rng": np.random.default_rng(7), "device": ScriptedDevice()}
    for variant in ("sequential", "reverse", "page-random"):
        a, partitions = bench.make_inputs({**CUT, "rng": np.random.default_rng(7), "device": ScriptedDevice()})
        work = bench.build(variant, given, (a, partitions))
        assert [work.call() for _ in range(parts)] == [part.sum() for part in np.split(a, parts)]


def test_variants_share_their_turns(parts: int) -> None:
    """A variant goes on where another ended, so that it does not find in a cache what that one has just visited."""
    sequential, (a, partitions) = work_of(bench, "sequential", CUT)
    backwards = bench.build("reverse", {**CUT, "device": ScriptedDevice()}, (a, partitions))
    places = np.split(a, parts)
    assert [sequential.call(), backwards.call(), sequential.call()] == [part.sum() for part in places[:3]]


def test_one_wrong_part_is_caught(parts: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check tells where a part that the checked call did not visit lacks four elements."""
    taken: list[int] = []
    real = pattern.gather_words

    def gather(base: int, first: int, last: int, passes: int) -> int:
        taken.append(first)
        return real(base, first, last - 32 * (len(taken) == parts), passes)

    monkeypatch.setattr(pattern, "gather_words", gather)
    assert "differs" in verdict(bench, "random", CUT)


def test_counts() -> None:
    """8 bytes of the array and 8 of the index for each element."""
    _, (a, partitions) = work_of(bench, "sequential", {"size": 2**16})
    assert bench.count({"size": 2**16}, (a, partitions)) == {"items": len(a), "bytes": 16 * len(a)}
    assert a.nbytes * 2 <= 2**16


TIMES = {"sequential": 1.0, "reverse": 0.5, "strided": 6.0, "page-random": 1.0, "random": 15.0}


def orders(size: str, times: dict[str, float] = TIMES) -> list[tuple[str, dict[str, Any], float]]:
    """Rows of the orders at one size, nanoseconds an element of 10⁹."""
    return [(name, {"size": size}, time) for name, time in times.items()]


def test_the_finding() -> None:
    """Random order in memory, its two causes, then the further orders: the largest effect first."""
    sentences = said(spread(reading(bench, orders("DRAM"), {"items": 10**9})))
    assert sentences == [
        "Random order in memory (1 thread) takes 15.0 ns (…) per element, 15.0× slower than sequential order (…).",
        "Random order in memory (1 thread) is slower by two factors: 6.00× (…) because it uses 8 bytes of each 64-byte "
        "line, and 2.50× (…) because prefetchers cannot predict its addresses.",
        "Backward order in memory (1 thread) is 2.00× faster than sequential order (…).",
    ]
    assert said(reading(bench, [], {})) == []
    assert said(reading(bench, orders("DRAM", {"random": 1.0}), {"items": 10**9})) == []


@pytest.mark.parametrize(
    ("sizes", "listed"),
    [
        (("L3",), "15.0× slower (…) in L3."),
        (("L2", "L3"), " in L2 and "),
        (("L1", "L2", "L3"), " in L1, "),
    ],
)
def test_nearer_levels_are_listed(sizes: tuple[str, ...], listed: str) -> None:
    """One, two and three levels read well, and a suspect one marks the sentence."""
    few = {"sequential": 1.0, "random": 15.0}
    read = spread(reading(bench, [row for size in (*sizes, "DRAM") for row in orders(size, few)], {"items": 10**9}))
    nearer = next(
        one
        for one in said(read)
        if one.startswith("Random order against sequential order in nearer levels (1 thread): ")
    )
    assert listed in nearer
    assert any(one.endswith(STOLEN) for one in said(doubt(read, size=sizes[0])))
    assert not any("two factors" in one for one in said(read)), "strided was not measured"


def test_a_slow_baseline_is_set_against_its_own_limit() -> None:
    """Where another order is faster, the sentence says how far sequential order is from what loads can do."""
    read = spread(reading(bench, orders("DRAM"), {"items": 10**9}))
    read.share = lambda *_, **__: SimpleNamespace(value=0.36, doubt=())
    assert said(read)[-1].endswith(
        "faster than sequential order (…); sequential order itself reaches 36% of the load limit."
    )
