"""Partitions: an odd number of parts, visited round-robin by all variants, the first of them checked."""

import numpy as np
import pytest

from hwbench.benches._partitions import PART, Common, Partitions, parts_of, repeat_into


@pytest.mark.parametrize(
    ("size", "share", "parts"),
    [(0, 1, 1), (PART, 1, 1), (2 * PART - 1, 1, 1), (2 * PART, 1, 3), (4 * PART, 1, 5), (4 * PART, 4, 17)],
)
def test_arrays_are_cut_into_an_odd_number_of_parts(size, share, parts):
    """One part below 256 MiB, then one for each 128 MiB (or `share` of them), rounded up to an odd number."""
    assert parts_of(size, share) == parts


@pytest.mark.parametrize("length", [1, 64, 499, 500, 501, 1000, 1234])
def test_words_are_repeated_over_the_array(length):
    """As `numpy.resize` does, also where the last repetition is cut short."""
    words, whole = np.arange(500), np.empty(length, np.int64)
    repeat_into(whole, words)
    assert (whole == np.resize(words, length)).all()


def test_common_is_made_once():
    """What one variant made is what the next one gets; another name is another thing."""
    common = Common()
    first = common.get("a", lambda: [1])
    assert common.get("a", lambda: [2]) is first
    assert common.get("b", lambda: [2]) == [2]


def test_parts_come_round_robin_and_restart_at_the_first():
    """The counter is shared by whoever takes, wraps around, and begins anew before a check."""
    partitions = Partitions(3)
    assert [partitions.take() for _ in range(4)] == [0, 1, 2, 0]
    partitions.restart()
    assert partitions.take() == 0


def test_as_many_parts_are_checked_as_tell_variants_apart():
    """Two where variants visit the same elements, all where they do not, one where there is one."""
    assert (Partitions(5).checked, Partitions(5, alike=False).checked, Partitions(1).checked) == (2, 5, 1)


def test_work_on_one_part_is_the_visit_itself():
    """An array that is not cut is worked on whole, and may be repeated in compiled code."""
    work = Partitions(1).work(lambda part: 7 + part, {"footprint": 8}, repeat=lambda n: 7 * n)
    assert (work.call(), work.output, work.repeat(3)) == (7, None, 21)
    assert work.facts == {"footprint": 8, "parts": 1}


def test_work_in_parts_visits_the_next_and_adds_up_what_is_checked():
    """Each call visits one part; the output is the sum over the checked parts; a loop in compiled code would stay."""
    visited = []
    work = Partitions(3).work(lambda part: visited.append(part) or 10**part, {}, repeat=lambda n: n)
    assert work.call() == 1
    assert work.output() == 11
    assert visited == [0, 1]
    assert work.repeat is None


@pytest.mark.parametrize(("parts", "visits"), [(1, [(0, 4, 7)]), (3, [(0, 1, 7), (1, 1, 7), (2, 1, 7), (0, 1, 7)])])
def test_a_thread_visits_a_part_a_loop(parts: int, visits: list[tuple[int, int, int]]):
    """The only part in one visit of all passes; of several the next one in each loop."""
    seen = []
    Partitions(parts).job(lambda *visit: seen.append(visit))(4, 7)
    assert seen == visits


def test_building_work_restarts_the_partitions():
    """A variant that was built after others have run begins with the first part, as the reference does."""
    partitions = Partitions(3)
    partitions.work(lambda part: part, {}).call()
    assert partitions.work(lambda part: part, {}).call() == 0
