"""What a function is given and reads."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest

from hwbench.counting import count
from hwbench.counting.inputs import rebuilt, subject
from hwbench.errors import UsageError

X = np.ones(100)
TABLE = {"weights": np.ones(100), "others": [np.ones(50)]}


@dataclass
class Model:
    weights: np.ndarray

    def apply(self, x):
        return x * self.weights

    def __call__(self, x):
        return self.apply(x)


def inner(x):
    return x + X


def outer(x):
    return inner(x)


def names(function, *args, **kwargs):
    return sorted(name for name, _ in subject(function, args, kwargs).arrays().values())


def test_arguments_closures_globals_and_those_of_functions_that_are_called():
    """Each array has a name."""
    cell = np.ones(100)
    assert names(lambda x: x + cell, X.copy()) == ["cell", "x"]
    assert names(outer, X.copy()) == ["X", "x"]
    assert names(lambda x, *, y=X: x, [X.copy()]) == ["x[0]", "y"]
    assert names(lambda: TABLE["weights"]) == ["TABLE['others'][0]", "TABLE['weights']"]
    assert names(Model(X).apply, X.copy()) == ["self.weights", "x"]
    assert names(Model(X), X.copy()) == ["self.weights", "x"]
    assert names(functools.partial(inner, X.copy())) == ["X", "x"]


@pytest.mark.parametrize("function", [outer, Model(X).apply, Model(X), lambda x: x + TABLE["weights"]])
def test_globals_and_attributes_are_counted(function):
    """Two arrays in, one out."""
    found = count(function, (X.copy(),))
    assert found.compulsory == found.issued.low == 2400


def test_nothing_of_the_callers_is_changed():
    """Neither arguments nor globals nor cells."""
    cell, x = np.zeros(3), np.zeros(3)

    def write(x):
        x += 1
        cell[0] = 7
        TABLE["weights"][0] = 3

    before = TABLE["weights"]
    count(write, (x,))
    assert (x.sum(), cell.sum(), before.sum()) == (0, 0, 100)
    assert TABLE["weights"] is before


def test_an_array_of_objects_is_refused():
    """By name."""
    with pytest.raises(UsageError, match=r"things\[0\] is an array of objects"):
        count(lambda things: things, ([np.array([None])],))


def test_wrong_arguments_are_one_line():
    """As Python says it."""
    with pytest.raises(UsageError, match="inner cannot be called with these arguments: too many"):
        subject(inner, (1, 2), {})


def test_arrays_made_by_their_class_are_named():
    """`np.ndarray(n)` gives an array that nobody sees; to ask for the class is fine."""
    assert list(subject(lambda: np.ndarray(3), (), {}).unseen) == ["numpy.ndarray (numpy.empty is followed)"]
    assert not subject(lambda x: isinstance(x, np.ndarray), (X,), {}).unseen


def test_containers_are_rebuilt():
    """Only where something inside is replaced."""
    new, value = np.zeros(1), SimpleNamespace(x=(X, 1))
    assert rebuilt({"a": [(X,)]}, {id(X): new})["a"][0][0] is new
    assert rebuilt((1, "a"), {}) == (1, "a")
    assert value.x[0] is X
