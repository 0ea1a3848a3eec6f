"""Which files count, and what is no Parquet of a fleet."""

from __future__ import annotations

import os

import pytest

from hwbench.errors import StoreError
from hwbench.fleet import compact as compacting
from hwbench.fleet import database
from hwbench.fleet.store import Store
from made_up.fleet import fleet_run, put


def test_the_file_of_most_runs_counts():
    """A day has two of them only while one is replaced; a foreign name is none."""
    digest = "0123456789abcdef"
    first, second = (f"parquet/2026-11-29/{count:08d}-{digest}.parquet" for count in (9, 10))
    other = f"parquet/2026-11-30/00000001-{digest}.parquet"
    keys = [first, second, other, "parquet/2026-11-29/x.parquet", "parquet/x"]
    assert database.current(keys) == [second, other]
    assert database.current(keys, since="2026-11-30") == [other]
    assert database.current(keys, until="2026-11-29") == [second]


def rows(store: Store) -> tuple[int, list[str]]:
    told: list[str] = []
    with database.opened(store, told.append) as connection:
        return len(connection.execute("SELECT * FROM cases").fetchall()), told


def test_bad_files_are_told_and_the_rest_is_read(tmp_path):
    """Truncated, of other columns, of other types."""
    days = [f"2026-11-{day}" for day in (26, 27, 28, 29)]
    store = put(tmp_path, *(fleet_run(day=day) for day in days))
    list(compacting.compact(store.url))
    cut, few, types, _ = store.keys("parquet")
    data = store.get(cut)
    store.delete([cut, few, types])
    store.put_once(cut, data[: len(data) // 2])
    connection = database.connect(tmp_path)
    for key, columns in ((few, "1 AS run"), (types, f"{', '.join(_as_texts())}")):
        connection.execute(f"COPY (SELECT {columns}) TO '{tmp_path / 'made'}' (FORMAT parquet)")
        store.put_once(key, (tmp_path / "made").read_bytes())
    found, told = rows(store)
    assert found == 3
    assert [line.partition("parquet: ")[2].partition(";")[0] for line in told] == [
        "is no Parquet, or was cut off", "is Parquet of other columns", "is Parquet with columns of other types",
    ]  # fmt: skip
    assert all("remove it, then `hwbench fleet compact`" in line for line in told)


def _as_texts() -> list[str]:
    from hwbench.fleet import table

    return [f"'x' AS \"{name}\"" for name in table.COLUMNS]


def test_a_file_that_is_just_replaced_is_looked_for_again(tmp_path, monkeypatch):
    """Between the list and the fetch another process made a file of more runs, and removed this one."""
    store = put(tmp_path, fleet_run(number=1))
    list(compacting.compact(store.url))
    real = Store.get_many

    def get_many(self, keys):
        monkeypatch.setattr(Store, "get_many", real)
        keys = list(keys)
        put(tmp_path, fleet_run(number=2))
        list(compacting.compact(store.url))
        return real(self, keys)

    monkeypatch.setattr(Store, "get_many", get_many)
    assert rows(store) == (6, [])


def test_a_store_without_parquet_says_what_makes_it(tmp_path):
    """In one line."""
    with pytest.raises(StoreError, match="holds no readable Parquet; `hwbench fleet compact"):
        rows(put(tmp_path, fleet_run()))


def test_days_without_runs_are_told(tmp_path):
    """With those that have some."""
    store = put(tmp_path, fleet_run())
    list(compacting.compact(store.url))
    for since, until, span in (("2027-01-01", "~", " from 2027-01-01"), ("", "2025-01-01", " to 2025-01-01")):
        said = f"has no compacted runs{span}; those that it has are from 2026-11-29 to 2026-11-29"
        with pytest.raises(StoreError, match=said), database.opened(store, print, since, until):
            pass


def test_what_a_killed_process_left_is_removed(tmp_path, monkeypatch):
    """After a day; one that is at work stays, and so does what is no directory of ours."""
    monkeypatch.setattr(database.tempfile, "tempdir", str(tmp_path))
    for name in ("hwbench-fleet-old", "hwbench-fleet-new", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "day.parquet").write_bytes(b"")
    (tmp_path / "hwbench-fleet-link").symlink_to("other")
    for name in ("hwbench-fleet-old", "other"):
        os.utime(tmp_path / name, (0, 0))
    with database.scratch() as directory:
        assert directory.parent == tmp_path
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hwbench-fleet-link", "hwbench-fleet-new", "other"]
    assert (tmp_path / "other" / "day.parquet").exists()
