"""Which way a function is counted."""

from __future__ import annotations

import numpy as np
import pytest

from hwbench.counting import count, counter
from hwbench.errors import UsageError


def test_plain_python_has_no_bytes():
    """Nothing is known of it."""
    found = count(lambda n: sum(range(n)), (10,))
    assert (found.kind, found.issued, found.flops) == ("python", None, None)


def test_a_ufunc_is_counted_itself():
    """By its arguments."""
    assert count(np.add, (np.ones(10), 1.0), {"dtype": "f8"}).compulsory == 160


def test_memory_beyond_what_is_free_is_refused(monkeypatch):
    """Before anything is copied."""
    monkeypatch.setattr(counter, "free", lambda: 1000)
    with pytest.raises(UsageError, match=r"given 0\.0 GB of arrays.* smaller inputs"):
        count(lambda x: x, (np.ones(100),))
