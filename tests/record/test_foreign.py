"""JSON of other tools: read with NaN, within bounds, and without texts that cannot be printed."""

from __future__ import annotations

import math
import os

import pytest

from hwbench.errors import StoreError
from hwbench.record import foreign


def load(path, data: bytes):
    path.write_bytes(data)
    return foreign.load(path, 1000, "a file of theirs", "make it anew")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "file.json"


def test_python_s_numbers_are_read(path):
    """NaN and infinities, which strict JSON lacks, and characters beyond the first plane."""
    found = load(path, b'{"a": [NaN, -Infinity, 1], "b": "\\ud83d\\ude00"}')
    assert math.isnan(found["a"][0])
    assert found["a"][1:] == [-math.inf, 1]
    assert found["b"] == "\U0001f600"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b'{"a": "\\ud800", "b": NaN}', "holds half of a surrogate pair, which is no text; make it anew"),
        (b'{"a": "\\uDFFF"}', "is no JSON|holds half of a surrogate pair"),
        (b'{"a"', "is no JSON, or was cut off .*; make it anew"),
        (b"[" * 900, "is no JSON|nested"),
        (b"1" * 999, None),
        (b"\xff\xfe", "is no JSON"),
        (b"x" * 2000, r"has 1.95 KiB, a file of theirs 1\S* \S+ at most; make it anew"),
    ],
)
def test_what_cannot_be_read_is_one_line(path, data, said):
    """Which file, what is wrong, and what to do."""
    if said is None:
        load(path, data)
        return
    with pytest.raises(StoreError, match=said) as refused:
        load(path, data)
    assert "\n" not in str(refused.value)


def test_what_is_no_file_is_refused(path):
    """A FIFO is not waited for."""
    os.mkfifo(path)
    with pytest.raises(StoreError, match="is not a regular file; make it anew"):
        foreign.load(path, 1000, "a file of theirs", "make it anew")


@pytest.mark.parametrize("piece", [b"[]", b"{}", b"1"])
def test_files_of_many_small_values_are_refused_unread(path, piece):
    """64 MiB of empty lists would take 2 GiB; the bound is told."""
    path.write_bytes(b"[" + b",".join([piece] * (foreign.MOST_VALUES + 2)) + b"]")
    with pytest.raises(StoreError, match="holds more than 5,000,000 values or 1,000,000 lists, which a run file never"):
        foreign.read_bytes(path, 2**26, "a run file", "name another")


def test_a_fault_is_told_without_python_s_names_of_errors():
    """A missing key, a value's own message with a control character, and a long one."""
    assert foreign.fault(KeyError("date")) == "no 'date'"
    assert foreign.fault(ValueError("odd \x1b value")) == "odd \\x1b value"
    assert len(foreign.fault(ValueError("x" * 500))) == 200
