"""Poison: what stands there afterwards, which answers share memory, and who wrote them."""

import numpy as np
import pytest

from hwbench.measurement.poison import Kept, arrays_on_host, owner, poison


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "g", "c8", "c16", "i1", "i8", "u2", "u8", "?", "f8,i4", "M8[s]"])
@pytest.mark.parametrize("shape", [(7,), (), (0,), (3, 2)])
def test_poison_differs_from_what_was_there_in_every_element(dtype, shape):
    """NaN where there is one; whole numbers, which may be indices, differ by 1."""
    array = np.zeros(shape, dtype)
    before = array.copy()
    poison(array)
    assert np.all(array != before)
    if array.dtype.kind in "iu":
        assert np.all(array == before + 1)


def test_answers_are_known_while_something_keeps_them():
    """A view of an array that is kept shares it; an array that is gone shares nothing with what comes after."""
    kept, out = Kept(), np.zeros(100)
    kept.add([out[:50]], lambda: 1)
    kept.add([np.zeros(100)], lambda: 2)
    assert [again() for again in kept.before(out[10:])] == [1]
    assert kept.before(np.zeros(100)) == []
    assert owner(out[10:][2:]) is out


def test_an_output_is_stale_where_an_earlier_giver_writes_and_this_one_does_not():
    """What neither writes is constant, and holds afterwards what it held."""
    out = np.arange(6.0).reshape(2, 3)[:, :2]
    kept, right = Kept(), out.copy()

    def write(rows):
        out[rows] = right[rows]
        return out

    kept.add([out], lambda: write(slice(1)))
    assert kept.stale([out], lambda: write(slice(1)))[0] is False
    assert kept.stale([out], lambda: write(slice(1, 2)))[0] is True
    assert np.array_equal(out, right)


def test_a_poisoned_output_is_restored_where_the_call_fails():
    """What is not written keeps its values."""
    kept, out = Kept(), np.ones(3)
    kept.add([out], lambda: out)
    with pytest.raises(ZeroDivisionError):
        kept.stale([out], lambda: 1 / 0)
    assert out.tolist() == [1, 1, 1]


def test_a_read_only_output_is_left_alone():
    """It cannot be poisoned."""
    kept, out = Kept(), np.ones(3)
    out.flags.writeable = False
    assert kept.stale(arrays_on_host((out, 5)), lambda: 3) == (False, 3)
