"""Records or fields: exact sums, and what is told."""

from __future__ import annotations

import numpy as np

from hwbench.benches.device import layout
from made_up.gpu_records import record, said


def test_records_are_told_against_fields():
    """How much longer one row a thread takes than one column, by the length of a row."""
    rows = [
        record("device.layout", name, {"fields": fields}, seconds)
        for fields, slower in ((4, 2.0), (32, 8.0)) for name, seconds in (("soa", 1.0), ("aos", slower))
    ]  # fmt: skip
    [text] = said(layout.layout_bench, *rows)
    assert text.startswith(
        "Records that lie one after the other take 2.00× at 4 fields, 8.00× at 32 fields as long as the same fields "
        "side by side."
    )


def test_sums_are_exact_in_any_order():
    """Whole numbers whose sums stay below 2²⁴."""
    rows = layout.records(np.random.default_rng(2), 1024)
    assert rows.shape == (layout.ELEMENTS // 1024, 1024)
    np.testing.assert_array_equal(layout.totals(rows), rows.astype(np.float64).sum(axis=1))
    assert layout.totals(rows).max() < 2**24
