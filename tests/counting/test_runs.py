"""Plain runs, and whether two gave the same."""

from __future__ import annotations

import numpy as np
import pytest

from hwbench.counting import count
from hwbench.counting.runs import same
from hwbench.errors import UsageError

X = np.arange(100.0)


def grows(things):
    things.append(1)


@pytest.mark.parametrize(
    ("function", "args", "line"),
    [
        (lambda x: x + np.random.rand(), (X,), "not deterministic: two calls"),
        (grows, ([],), r"grows changes its argument things from call to call \(0 and then 1 items\)"),
    ],
)
def test_what_changes_from_call_to_call_is_refused(function, args, line):
    """In one line."""
    with pytest.raises(UsageError, match=line):
        count(function, args)


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        (X, X + 1e-9, True),
        (X, X.astype("f4"), False),
        (X, X + 1, False),
        ([1, {"a": X}], [1, {"a": X}], True),
        ((1,), (2,), False),
        (float("nan"), float("nan"), True),
        (np.float64(1), np.float64(1 + 1e-12), True),
        (None, None, True),
    ],
)
def test_results_are_compared(one, other, equal):
    """Up to the rounding of sums."""
    assert same(one, other) is equal
