"""The order in which pinned threads get CPUs, and the mask of a thread that a library binds."""

import os

import pytest

from hwbench.host.affinity import kept, order


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


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no affinity masks")
def test_a_bound_thread_gets_its_mask_back():
    """Also where what runs inside raises; a mask that nothing changed is not set."""
    mine = os.sched_getaffinity(0)
    with pytest.raises(KeyError), kept():
        os.sched_setaffinity(0, {min(mine)})
        raise KeyError
    assert os.sched_getaffinity(0) == mine


def test_a_mask_that_cannot_be_read_or_set_is_left_alone(monkeypatch):
    """A sandbox refuses the calls, and other systems lack them: the work inside is done."""
    masks = iter([{0, 1}, {0}])

    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr(os, "sched_getaffinity", lambda _: next(masks), raising=False)
    monkeypatch.setattr(os, "sched_setaffinity", refuse, raising=False)
    with kept():
        pass
    monkeypatch.setattr(os, "sched_getaffinity", refuse)
    with kept():
        pass
    monkeypatch.delattr(os, "sched_getaffinity")
    done = []
    with kept():
        done.append(1)
    assert done == [1]
