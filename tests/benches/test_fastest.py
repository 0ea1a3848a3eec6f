"""The fastest of several ways: clearly faster ones win, noise does not."""

import random

import pytest

from hwbench.benches._fastest import LEAST_S, MOST_ROUNDS, ROUNDS, by_chance, fastest


def way(seconds, asked=None):
    """A way of which a call takes so many seconds, the next of them or always the same."""
    times = seconds if hasattr(seconds, "__next__") else None

    def run(calls):
        if asked is not None:
            asked.append(calls)
        return calls * (next(times) if times else seconds)

    return run


@pytest.mark.parametrize(("other", "found"), [(0.99e-3, "8"), (0.97e-3, "4"), (1.1e-3, "8")])
def test_another_way_must_be_two_percent_faster(other, found):
    """The first stays where another is a percent faster."""
    assert fastest({"8": way(1e-3), "4": way(other)}) == found


def test_less_of_a_gain_is_enough_where_a_bench_says_so():
    """Loops without memory vary less: there one percent decides."""
    assert fastest({"8": way(1e-3), "4": way(0.99e-3)}, least=1.005) == "4"
    assert fastest({"8": way(1e-3), "4": way(0.997e-3)}, least=1.005) == "8"


def test_the_best_of_several_wins():
    """Not the first that is fast enough."""
    assert fastest({"8": way(1e-3), "4": way(0.9e-3), "16": way(0.8e-3)}) == "16"


def test_one_lucky_sample_does_not_decide():
    """A way that is faster once, or in its best sample alone, is not chosen."""
    lucky = iter([0.5e-3] + [1.01e-3] * 99)
    assert fastest({"8": way(1e-3), "4": way(lucky)}) == "8"


def test_slow_spells_do_not_decide():
    """A third of the first one's samples are slow, and its best is as good: it stays."""
    spells = iter([1e-3] * 2 + [1e-3, 2e-3, 1e-3] * 99)
    assert fastest({"8": way(spells), "4": way(1e-3)}) == "8"


def test_noise_of_two_percent_keeps_the_first():
    """Equal ways in noise: another one is chosen in one of a hundred tries at most."""
    rng = random.Random(1)

    def noisy(calls):
        return calls * 1e-3 * (1 + abs(rng.gauss(0, 0.02)))

    assert sum(fastest({"8": noisy, "4": noisy, "16": noisy}) != "8" for _ in range(200)) <= 2


def test_a_busy_machine_hides_no_gain_of_a_tenth():
    """Samples vary by a seventh: a way that is 10% faster is found in nine of ten tries, an equal one almost never."""
    rng = random.Random(2)

    def busy(seconds):
        return lambda calls: calls * seconds * (1 + abs(rng.gauss(0, 0.15)))

    assert sum(fastest({"8": busy(1e-3), "4": busy(0.9e-3)}) == "4" for _ in range(200)) >= 170
    assert sum(fastest({"8": busy(1e-3), "4": busy(1e-3)}) == "4" for _ in range(200)) <= 6


def test_rounds_are_added_where_noise_hides_the_answer():
    """A gain in the median that chance could explain is asked for up to three times."""
    asked = []
    spells = iter([1e-3] * 2 + [1.1e-3, 1.1e-3, 1e-3] * 99)
    fastest({"8": way(spells, asked), "4": way(1.05e-3)})
    assert len(asked) == 1 + MOST_ROUNDS


def test_chance_is_that_of_a_coin():
    """Nine heads of nine, and eight or more of nine."""
    assert by_chance([1.1] * 9) == 2**-9
    assert by_chance([1.1] * 8 + [1.0]) == 10 * 2**-9


def test_samples_are_long_enough_and_few():
    """Calls are added until a sample has half a millisecond; then a few rounds."""
    asked = []
    fastest({"8": way(1e-6, asked), "4": way(1e-6)})
    assert LEAST_S / 2 <= asked[-1] * 1e-6 < 2 * LEAST_S
    assert len(asked) - len(set(asked)) == ROUNDS - 0
