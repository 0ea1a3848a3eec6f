"""The numbers of a result file, decoded fast, are those of a plain JSON reader."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np

from hwbench.tracking.readers.asv_numbers import fast, numbers_of

COLUMNS = ["result", "params", "version", "started_at", "stats_ci_99_a", "stats_ci_99_b"]


def file(**rows: Any) -> bytes:
    """A result file with these rows."""
    return json.dumps({"result_columns": COLUMNS, "results": rows, "version": 2}).encode()


def test_fast_and_slow_reading_agree() -> None:
    """NaN, infinity, null, cut rows and rows that failed as a whole; what failed is told from what was skipped."""
    data = file(
        a=[[1.0, math.nan, None, math.inf], [["'x'", "'y'"], ["1", "2"]], "v", 5, [0.9, math.nan], [1.1]],
        b=[None, []], c=None, d=[[3], [], None, None, [2.5], [3.5]],
    )  # fmt: skip
    quick = fast(data)
    assert quick is not None
    found, plain = (numbers_of(COLUMNS, one["results"]) for one in (quick, json.loads(data)))
    assert [(row.name, row.version, row.cases) for row in found.rows] == [("a", "v", 4), ("b", "", 1), ("d", "", 1)]
    assert found.rows[0].axes == (("'x'", "'y'"), ("1", "2"))
    np.testing.assert_array_equal(found.values[0], [1.0, *[math.nan] * 4, 3.0])
    np.testing.assert_array_equal(found.values[1], [0.9, *[math.nan] * 4, 2.5])
    assert found.failed.tolist() == [False, False, True, True, True, False]
    assert found.rows == plain.rows
    np.testing.assert_array_equal(found.values, plain.values)
    np.testing.assert_array_equal(found.failed, plain.failed)


def test_a_name_with_nan_is_not_taken_for_a_number() -> None:
    """Inside a string the words stay: such a file is read slowly."""
    assert fast(file(a=[[1.0], [["array([1, NaN, 2])"]]])) is None
    assert fast(file(**{'a"b\\': [[1.0, math.nan], [["1", "2"]]]})) is not None


def test_what_is_no_file_of_asv_is_left_to_the_slow_reader() -> None:
    """Which says what is wrong."""
    for data in (b"{", b"[]", b"{}", b'{"result_columns": [], "results": []}', b'{"results": {"a": 5}}'):
        assert fast(data) is None
