"""The order in which pinned threads get CPUs."""

from hwbench.host.affinity import order


def test_one_cpu_of_each_core_comes_first():
    """Siblings that the kernel numbers side by side, and apart, come last."""
    assert order([0, 1, 2, 3], {0: (0, 0), 1: (0, 0), 2: (0, 1), 3: (0, 1)}, {}) == (0, 2, 1, 3)
    assert order([3, 2, 1, 0], {0: (0, 0), 1: (0, 1), 2: (0, 0), 3: (0, 1)}, {}) == (0, 1, 2, 3)


def test_fast_cores_come_before_slow_ones():
    """By the kernel's capacity; a slow core of its own still comes before a fast core's sibling."""
    cores = {0: (0, 0), 1: (0, 1), 2: (0, 2), 3: (0, 2)}
    assert order(range(4), cores, {0: 400, 1: 400, 2: 1024, 3: 1024}) == (2, 0, 1, 3)


def test_a_cpu_of_an_unknown_core_has_one_to_itself():
    """Also beside cores that are known; the same number in two packages is two cores."""
    assert order([0, 5, 7], {}, {}) == (0, 5, 7)
    assert order([0, 1, 2], {0: (0, 0), 1: (1, 0)}, {}) == (0, 1, 2)
