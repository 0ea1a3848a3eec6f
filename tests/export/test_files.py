"""Tables as CSV, JSON and Parquet."""

from __future__ import annotations

import csv
import importlib
import io
import json
from types import SimpleNamespace

import pytest

from hwbench.errors import UsageError
from hwbench.export import files
from hwbench.export.table import Column, Table

TABLE = Table([
    Column("text", "string", ['a "quoted", one', None, "two\nlines"]), Column("number", "float", [0.1, None, 1e-300]),
    Column("count", "int", [1, None, 2**62]),
])  # fmt: skip


def test_csv_is_read_back():
    """Numbers to the last digit; what is missing is empty."""
    rows = list(csv.DictReader(io.StringIO(files.as_csv(TABLE).decode())))
    assert [row["text"] for row in rows] == ['a "quoted", one', "", "two\nlines"]
    assert [float(row["number"]) for row in rows if row["number"]] == [0.1, 1e-300]
    assert [row["count"] for row in rows] == ["1", "", str(2**62)]


@pytest.mark.parametrize("text", ["=HYPERLINK(1)", "+1", "-1", "@SUM(A1)", "\t=1"])
def test_no_text_is_a_formula(text):
    """What a spreadsheet would reckon with is a text there; a negative number stays a number."""
    data = files.as_csv(Table([Column("a", "string", [text]), Column("b", "float", [-1.0])])).decode()
    [[one, number]] = list(csv.reader(io.StringIO(data)))[1:]
    assert (one, number) == (f"'{text}", "-1.0")


def test_json_is_a_list_of_objects():
    """A line each."""
    data = files.as_json(TABLE)
    assert json.loads(data) == TABLE.rows()
    assert len(data.splitlines()) == 5
    assert json.loads(files.as_json(Table([Column("a", "int", [])]))) == []


@pytest.mark.parametrize("package", list(files.PARQUET))
def test_parquet_is_read_back(package):
    """By each package that writes it, where it is installed."""
    pytest.importorskip(package)
    module = "pyarrow.parquet" if package == "pyarrow" else "arro3.io" if package == "arro3" else package
    reader = importlib.import_module(module)
    out = io.BytesIO()
    files.PARQUET[package](TABLE, out)
    out.seek(0)
    if package == "polars":
        assert reader.read_parquet(out).rows(named=True) == TABLE.rows()
    else:
        pyarrow = pytest.importorskip("pyarrow")
        found = reader.read_table(out) if package == "pyarrow" else pyarrow.table(reader.read_parquet(out))
        assert found.to_pylist() == TABLE.rows()


def test_the_first_package_that_is_installed_writes_parquet(monkeypatch):
    """Without any, one line says what to install."""
    installed = {"polars"}
    monkeypatch.setattr(files.importlib.util, "find_spec", lambda name: name if name in installed else None)
    monkeypatch.setattr(files, "PARQUET", {
        name: lambda table, out, name=name: out.write(name.encode()) for name in files.PARQUET
    })  # fmt: skip
    assert files.as_parquet(TABLE) == b"polars"
    installed.clear()
    with pytest.raises(UsageError, match=r"none of which is installed: python -m pip install nanoarrow arro3-io$"):
        files.as_parquet(TABLE)


def test_each_package_is_asked_for_its_own_writer(monkeypatch):
    """pyarrow makes a table of the stream, polars a frame, arro3 takes it as it is."""
    asked = []
    frame = SimpleNamespace(write_parquet=lambda out: asked.append("polars"))
    modules = {
        "pyarrow": SimpleNamespace(table=lambda table: asked.append("table") or "made"),
        "pyarrow.parquet": SimpleNamespace(write_table=lambda table, out: asked.append(table)),
        "polars": SimpleNamespace(DataFrame=lambda table: frame),
        "arro3.io": SimpleNamespace(write_parquet=lambda table, out: asked.append(table)),
    }
    monkeypatch.setattr(files.importlib, "import_module", modules.__getitem__)
    for write in files.PARQUET.values():
        write(TABLE, io.BytesIO())
    assert asked == ["table", "made", "polars", TABLE]
