"""Elements that an index names: the loop loads one by one, with and without a gate."""

from __future__ import annotations

import numpy as np
import pytest

from hwbench.bench import Skip
from hwbench.benches.access import _elements
from inspection import listing
from inspection.machine_code import simple_loops


def test_less_than_a_page_is_too_small() -> None:
    """A page of elements and of offsets is the least; a part has whole pages."""
    assert _elements.in_parts(16 * _elements.PAGE) == 1
    assert _elements.in_parts(48 * _elements.PAGE - 1) == 2
    with pytest.raises(Skip, match="8191 bytes are too few"):
        _elements.in_parts(8191)


@listing.needs_x86
@pytest.mark.parametrize("gate", [(), (0,)], ids=["alone", "on a crew"])
def test_two_loads_an_element_and_no_vector(gate: tuple[int, ...]) -> None:
    """Four offsets loaded, four additions from memory, and the loop's own three: no gather instruction."""
    a, offsets = np.arange(64), np.arange(64) * 8
    first = offsets.ctypes.data
    given = (a.ctypes.data, first, first + offsets.nbytes, 2, *gate)
    assert _elements.gather_words(*given) == a.sum()
    longest = max(simple_loops(_elements.gather_words, *given), key=len)
    assert sum(line.startswith("movq") and "(" in line for line in longest) == 4
    assert sum(line.startswith("addq") and "(" in line for line in longest) == 4
    assert len(longest) == 11, longest
