"""Runs as rows."""

from __future__ import annotations

import msgspec
import pytest

from doubles.scripted import MACHINE, record
from hwbench.errors import StoreError
from hwbench.fleet import table
from hwbench.fleet.rows import rows
from made_up.commands import HOSTILE, clean
from made_up.fleet import fleet_run


def dictionaries(run):
    """Rows by the names of the columns."""
    return [dict(zip(table.COLUMNS, row, strict=True)) for row in rows(run)]


def test_a_case_has_one_row():
    """Named by the headline quantity that it gives, else by itself; in base units; NULL where it has no figure."""
    bandwidth, skipped, other = dictionaries(fleet_run())
    assert (bandwidth["quantity"], bandwidth["headline"], bandwidth["unit"], bandwidth["better"]) == (
        "dram.read.one",
        True,
        "B/s",
        1,
    )
    assert bandwidth["value"] == pytest.approx(1e10 / 1.01)
    assert bandwidth["low"] <= bandwidth["value"] <= bandwidth["high"]
    assert (bandwidth["rounds"], bandwidth["status"], bandwidth["machine"]) == (5, "ok", "node1")
    assert str(bandwidth["started"]) == "2026-11-29 12:00:01"
    assert (skipped["value"], skipped["low"], skipped["status"]) == (None, None, "skipped")
    assert (other["quantity"], other["headline"]) == ("stream.load/simd [DRAM, f4, 1]", False)
    assert len({row["quantity"] for row in (bandwidth, skipped, other)}) == 3


def test_devices_tell_quantities_apart_and_names_are_data():
    """A node has several GPUs; a name may hold anything."""
    counts = {"bytes": 1e9}
    params = {"kernel": "copy", "size": "HBM"}
    records = [
        record(HOSTILE, [1.0] * 3, bench="device.stream", device=device, params=params, counts=counts)
        for device in ("gpu:0", "gpu:1")
    ]
    named = msgspec.structs.replace(MACHINE, name=HOSTILE)
    found = dictionaries(msgspec.structs.replace(fleet_run(records=records), machine=named))
    assert len({row["quantity"] for row in found}) == 2
    assert found[1]["quantity"].endswith("@gpu:1")
    assert all(clean(str(cell)) for row in found for cell in row.values())


def test_an_unknown_bound_is_null():
    """Two samples give no interval."""
    [row] = dictionaries(fleet_run(records=[record(samples=[1.0, 2.0], counts={"items": 2.0})]))
    assert (row["value"], row["high"], row["unit"], row["better"]) == (0.75, None, "s", -1)


def test_a_run_without_a_time_is_refused():
    """In one line."""
    with pytest.raises(StoreError, match="is no time"):
        dictionaries(fleet_run(started="soon"))
