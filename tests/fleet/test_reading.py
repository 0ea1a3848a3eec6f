"""The table of a store as arrays."""

from __future__ import annotations

import datetime

import numpy as np
import pytest

from hwbench.errors import StoreError
from hwbench.fleet import reading, table
from hwbench.fleet.database import columns
from hwbench.fleet.store import Store
from made_up.machines_alike import alike

duckdb = pytest.importorskip("duckdb")
GROUP = alike(12, quantities=("clock.one", "dram.latency", "l1.read.one"))


@pytest.fixture
def database():
    connection = duckdb.connect()
    connection.execute(f"CREATE TABLE {table.NAME} ({columns()})")
    lines = []
    for (i, q, r), y in np.ndenumerate(GROUP.y):
        value = float(np.exp(GROUP.better[q] * y))
        started = datetime.datetime(2026, 11, 28) + datetime.timedelta(days=r)
        lines.append((
            f"{i}-{r}", GROUP.machines[i], "a1", "Some CPU", started, GROUP.quantities[q], "some.bench", "a case", "s",
            int(GROUP.better[q]), value, value * 0.99, value * 1.01, "ok", 7, True, 2, "0.1",
        ))  # fmt: skip
    lines += [
        (*lines[0][:5], "other", *lines[0][6:15], False, 2, "0.1"),  # no headline quantity
        (*lines[0][:5], "clock.one", *lines[0][6:13], "wrong", 7, True, 2, "0.1"),
        ("old", *lines[0][1:16], 1, "0.0"),  # of another version of the bench
        ("pinned", *lines[0][1:5], "clock.frequency/fma [cpu=3]", *lines[0][6:15], False, 2, "0.1"),
    ]
    connection.executemany(f"INSERT INTO {table.NAME} VALUES ({', '.join('?' * len(table.COLUMNS))})", lines)
    return connection


def test_headline_quantities_and_pinned_cases_of_one_version_are_read(database):
    made = reading.taken(database)
    (group,) = made.groups
    assert group.quantities == ["clock.frequency/fma [cpu=3]", *GROUP.quantities]
    assert np.allclose(group.y[:, 1:, -3:], GROUP.y, equal_nan=True) or np.allclose(group.y[1:, 1:, -3:], GROUP.y[1:])
    assert (list(group.machines), group.model, group.hardware) == (list(GROUP.machines), "Some CPU", "a1")
    assert (group.benches[0], group.units[0]) == ("some.bench", "s")
    assert made.refused == ["1 of 110 figures are of other versions of their benches: not compared"]


def test_what_is_not_of_this_world_is_left_out(database, monkeypatch):
    database.execute(f"UPDATE {table.NAME} SET value = 1e300 WHERE machine = 'node-000' AND quantity = 'clock.one'")
    database.execute(f"UPDATE {table.NAME} SET started = TIMESTAMP 'infinity' WHERE run = '1-0'")
    database.execute(f"UPDATE {table.NAME} SET started = TIMESTAMP '20000-01-01' WHERE run = '2-0'")
    monkeypatch.setattr(reading, "MOST", 2)
    made = reading.taken(database)
    assert made.refused[0].endswith("of 110 figures have values or times out of range: not compared")
    assert made.refused[1] == "2 of 4 quantities: the 2 of most figures are compared"
    assert made.groups[0].y.shape[1] == 2
    assert np.nanmax(made.groups[0].started) < 2e9


def test_a_store_without_parquet_says_what_makes_it(tmp_path):
    with pytest.raises(StoreError, match="fleet compact"):
        reading.read(Store.open(str(tmp_path)), lambda line: None)
