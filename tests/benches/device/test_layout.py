"""Records or fields: exact sums, and what is told."""

from __future__ import annotations

import numpy as np

from hwbench.benches.device import layout
from made_up.gpu_records import record, said, suspect


def sums(**slower):
    return [
        record("device.layout", name, {"fields": int(fields[1:])}, seconds)
        for fields, factor in slower.items() for name, seconds in (("soa", 1.0), ("aos", factor))
    ]  # fmt: skip


def test_records_are_told_against_fields():
    """The ratio at each number of fields, and what follows of it."""
    assert said(layout.layout_bench, *sums(f4=2.0, f32=8.0)) == [
        "An array of structures against a structure of arrays: 2.000× slower (1.997–2.003) with 4 fields and 8.000× "
        "slower (7.992–8.008) with 32 fields; store each field contiguously."
    ]


def test_records_that_are_no_slower_bring_no_advice():
    """One number of fields and three; without both layouts there is no sentence."""
    [one] = said(layout.layout_bench, *sums(f1024=1.0))
    assert one == "An array of structures against a structure of arrays: no difference (0.999–1.001) with 1024 fields."
    [three] = said(layout.layout_bench, *sums(f4=1.05, f32=1.05, f1024=1.05))
    assert three.count(" 1.050× slower (") == 3
    assert three.endswith(" with 1024 fields.")
    assert said(layout.layout_bench, *sums(f4=2.0)[:1]) == []


def test_disturbed_layouts_are_marked():
    """The reason stands where it first occurs."""
    small, wide = sums(f4=2.0)[1], sums(f32=8.0)
    [told] = said(layout.layout_bench, sums(f4=2.0)[0], suspect(small), *wide)
    assert "with 4 fields (suspect: the GPU was held back by its power limit) and" in told
    assert told.count("suspect") == 1


def test_sums_are_exact_in_any_order():
    """Whole numbers whose sums stay below 2²⁴."""
    rows = layout.records(np.random.default_rng(2), 1024)
    assert rows.shape == (layout.ELEMENTS // 1024, 1024)
    np.testing.assert_array_equal(layout.totals(rows), rows.astype(np.float64).sum(axis=1))
    assert layout.totals(rows).max() < 2**24
