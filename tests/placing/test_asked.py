"""What the issued bytes take below the roofs, and the kernel whose roof counts."""

from __future__ import annotations

import dataclasses

import pytest

from hwbench.counting import Range, Reuse
from hwbench.placing import asked
from made_up.placed import KIB, MIB, counts, roofs


@pytest.mark.parametrize(
    ("writes", "kind"), [(0, "load"), (0.1, "load"), (1 / 3, "triad"), (0.5, "copy"), (0.8, "store"), (1, "store")]
)
def test_the_kernel_is_that_of_the_nearest_mix(writes, kind):
    """None of the bytes of a load are written, a third of a triad's, half of a copy's."""
    assert asked.mix(writes) == kind


def test_issued_bytes_come_from_the_caches_that_hold_them():
    """Of 300 MiB, 100 MiB used long ago come from memory, 200 MiB used 256 KiB ago from L2: not all from memory."""
    uses = Reuse(100 * MIB, 200 * MIB, 0.0), Reuse(200 * MIB, 256 * KIB, 0.0)
    given = counts(100 * MIB, footprint=200 * MIB, data=100 * MIB, issued=Range(300 * MIB, 300 * MIB), reuses=uses)
    assert asked.asking(given, roofs(), "load", 1) == pytest.approx(100 * MIB / 20e9 + 200 * MIB / 100e9)
    # What is asked for again may lie in L1 where it is not known when it was used last.
    unknown = dataclasses.replace(given, reuses=())
    assert asked.asking(unknown, roofs(), "load", 1) == pytest.approx(100 * MIB / 20e9 + 200 * MIB / 200e9)


def test_bytes_that_no_call_names_come_from_the_nearest_cache():
    """The passes of a sort: at least those that were counted, in L1."""
    given = counts(MIB, issued=Range(3 * MIB, 9 * MIB), reuses=(Reuse(MIB, MIB, 0.0),))
    assert asked.asking(given, roofs(), "load", 1) == pytest.approx(MIB / 100e9 + 2 * MIB / 200e9)
    assert asked.asking(dataclasses.replace(given, issued=None, reuses=()), roofs(), "load", 1) == 0


def test_the_middle_of_an_interval_is_geometric():
    """The low end where the other is not known."""
    assert asked.middle(Range(2, 8)) == pytest.approx(4)
    assert (asked.middle(Range(2, float("inf"))), asked.middle(None)) == (2, 0)
