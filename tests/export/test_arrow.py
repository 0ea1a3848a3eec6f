"""The Arrow stream of a table, read back by the libraries that are installed."""

from __future__ import annotations

import sys

import pytest

from hwbench.errors import UsageError
from hwbench.export import arrow
from hwbench.export.table import Column, Table

TABLE = Table([
    Column("s", "string", ["a", None, "µ"]), Column("i", "int", [1, None, -(2**63)]),
    Column("f", "float", [0.5, None, 1e300]), Column("b", "bool", [True, None, False]),
])  # fmt: skip


def test_values_and_gaps_come_through():
    """As nanoarrow reads the capsule: texts, numbers and truth values, None where there is none."""
    na = pytest.importorskip("nanoarrow")
    found = na.ArrayStream(TABLE).read_all()
    assert found.to_pylist() == TABLE.rows()
    assert [str(field.type).rpartition(".")[2] for field in found.schema.fields] == [
        "STRING",
        "INT64",
        "DOUBLE",
        "BOOL",
    ]


def test_a_table_without_rows_is_a_stream():
    """Of the same columns."""
    na = pytest.importorskip("nanoarrow")
    assert na.ArrayStream(Table([Column("s", "string", [])])).read_all().to_pylist() == []


def test_polars_takes_it():
    """As a frame."""
    polars = pytest.importorskip("polars")
    assert polars.DataFrame(TABLE).rows(named=True) == TABLE.rows()


def test_pandas_takes_it():
    """As a frame."""
    pandas = pytest.importorskip("pandas")
    make = getattr(pandas.DataFrame, "from_arrow", None)
    if make is None:
        pytest.skip("this pandas reads no Arrow streams; DataFrame(table.rows()) is its way")
    assert make(TABLE)["s"].tolist()[::2] == ["a", "µ"]


def test_without_nanoarrow_the_remedy_is_told(monkeypatch):
    """In one line."""
    monkeypatch.setitem(sys.modules, "nanoarrow", None)
    with pytest.raises(UsageError, match="needs nanoarrow, which is not installed: python -m pip install nanoarrow"):
        arrow.stream(TABLE.columns)
