"""Poison: what is found as written, what stands there afterwards, and which answers share memory."""

import numpy as np
import pytest

from hwbench.measurement.poison import Kept, Shared, arrays, copied, digest, poison


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "c8", "c16", "i1", "i8", "u2", "u8", "?"])
def test_poison_differs_from_what_was_there_in_every_element(dtype):
    """NaN where there is one, inverted bits where there is none."""
    array = np.arange(7).astype(dtype)
    before = array.copy()
    poison(array)
    assert (array != before).all()


@pytest.mark.parametrize("dtype", ["f2", "f8", "i1", "u4", "?", "c16"])
def test_a_digest_tells_one_written_element(dtype):
    """Also in the bytes beyond the last word, and in a view with gaps."""
    for view in (lambda whole: whole, lambda whole: whole[::2], lambda whole: whole.reshape(3, 9).T):
        array = view(np.zeros(27, dtype))
        before = digest(array)
        assert digest(array) == before
        array[-1] = 1
        assert digest(array) != before


def test_arrays_are_found_in_tuples_lists_and_dictionaries():
    """Arrays of numbers that can be written; whatever else a builder takes is left alone."""
    fixed, a, b, c = np.zeros(3), np.zeros(3), np.zeros(3, "i4"), np.zeros(3, "?")
    fixed.flags.writeable = False
    found = list(arrays((fixed, a, [b, 1.0, "x"], {"c": c}, np.array(["text"]), None, object())))
    assert [id(one) for one in found] == [id(a), id(b), id(c)]


def test_only_what_was_written_is_poisoned():
    """Two arrays are read and one is written: the next variant finds poison in that one."""
    a, b, out = np.ones(5), np.arange(5), np.zeros(5)
    shared = Shared((a, b, out), (a, out))
    out[:] = a + b
    assert shared.poison()
    assert np.isnan(out).all()
    assert (a == 1).all()
    assert (b == np.arange(5)).all()
    assert not Shared((a, b, out)).poison()


def test_an_array_on_a_device_is_poisoned_there():
    """Through its own get and set."""

    class There:
        dtype = np.dtype("i4")

        def __init__(self):
            self.host = np.arange(4, dtype="i4")

        def get(self):
            return self.host.copy()

        def set(self, host):
            self.host = host.copy()

    there = There()
    shared = Shared((there,))
    there.host[0] = 7
    assert shared.poison()
    assert there.host.tolist() == [~7, ~1, ~2, ~3]


def test_an_answer_in_the_inputs_is_copied():
    """A view of one too; an answer elsewhere stays as it is."""
    a, other = np.ones(5), np.ones(5)
    shared = Shared((a,))
    apart = shared.apart(a[1:])
    assert not np.may_share_memory(apart, a)
    assert shared.apart(other) is other
    assert shared.apart(3.5) == 3.5
    assert [part.tolist() for part in copied((a, 2))] == [[1.0] * 5, 2]


def test_answers_are_known_while_something_keeps_them():
    """A view of an array that is kept shares it; an array that is gone shares nothing with what comes after."""
    kept, out = Kept(), np.zeros(100)
    kept.add((out[:50], 1))
    kept.add(np.zeros(100))
    assert len(kept.among(out[10:])) == 1
    assert kept.among(np.zeros(100)) == []
    assert kept.among(5) == []
