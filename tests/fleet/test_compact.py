"""One Parquet a day: complete, idempotent, safe beside another, whatever else lies in the store."""

from __future__ import annotations

import gzip
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hwbench.errors import StoreError
from hwbench.fleet import compact as compacting
from hwbench.fleet import database, sql
from hwbench.fleet.rows import rows
from hwbench.fleet.store import AwayError, MissingError, Store
from hwbench.record import estimate as estimating
from hwbench.record.store import read
from made_up.fleet import fleet_run, object_of, put


def made(store: Store) -> list[compacting.Day]:
    return list(compacting.compact(store.url))


def runs(store: Store) -> list[str]:
    """The ids of the runs in the table, as often as they are in it."""
    told: list[str] = []
    with database.opened(store, told.append) as connection:
        found = sql.ask(connection, "SELECT run FROM cases WHERE headline ORDER BY run").rows
    assert told == []
    return [str(row[0]) for row in found]


def test_a_day_is_made_once(tmp_path):
    """A second time nothing is written; the same runs elsewhere give the same bytes under the same name."""
    fleet = [fleet_run(number=number) for number in (1, 2)] + [fleet_run(day="2026-11-30")]
    store = put(tmp_path / "a", *fleet)
    assert [(day.day, day.runs, day.read, day.made) for day in made(store)] == [
        ("2026-11-29", 2, 2, True),
        ("2026-11-30", 1, 1, True),
    ]
    keys = store.keys("parquet")
    assert not any(day.made for day in made(store))
    assert store.keys("parquet") == keys
    assert runs(store) == sorted(run.id for run in fleet)
    other = put(tmp_path / "b", *reversed(fleet))
    made(other)
    assert {key: other.get(key) for key in other.keys("parquet")} == {key: store.get(key) for key in keys}


def test_runs_that_come_later_are_added_and_the_file_is_replaced(tmp_path, monkeypatch):
    """Only the new ones are read; a run that was removed from the store leaves the table as well."""
    store = put(tmp_path / "a", fleet_run(number=1), fleet_run(number=2))
    made(store)
    put(tmp_path / "a", fleet_run(number=3))
    [day] = made(store)
    assert (day.runs, day.read) == (3, 1)
    assert len(store.keys("parquet")) == 1
    assert runs(store) == [fleet_run(number=number).id for number in (1, 2, 3)]
    store.delete([object_of(fleet_run(number=1))[0]])
    made(store)
    assert runs(store) == [fleet_run(number=number).id for number in (2, 3)]


def test_two_at_once_lose_nothing(tmp_path, monkeypatch):
    """One has listed its runs when another comes, finds one more, and is done first: the larger file stays."""
    store = put(tmp_path, fleet_run(number=1))
    real = compacting._merged

    def merged(*arguments):
        monkeypatch.setattr(compacting, "_merged", real)
        put(tmp_path, fleet_run(number=2))
        assert made(store)[0].runs == 2
        return real(*arguments)

    monkeypatch.setattr(compacting, "_merged", merged)
    assert made(store)[0].runs == 1
    assert runs(store) == [fleet_run(number=number).id for number in (1, 2)]
    made(store)
    assert len(store.keys("parquet")) == 1


def test_what_is_no_run_is_told_in_a_line_and_the_rest_is_read(tmp_path):
    """Foreign objects, truncated ones, other schemas, runs under another's key, unfinished ones, those of no time."""
    store = put(tmp_path, fleet_run(number=1))
    key, data = object_of(fleet_run(number=2))
    bad = {
        key: data[:-20],
        object_of(fleet_run(number=3))[0]: object_of(fleet_run(number=4))[1],
        object_of(fleet_run(number=5))[0]: object_of(fleet_run(number=5, finished=None))[1],
        object_of(fleet_run(number=6))[0]: gzip.compress(b'{"schema": 99}'),
        object_of(fleet_run(number=7))[0]: gzip.compress(b"\x1b[31m"),
        "runs/2026-11-29/README.md": b"",
        "runs/notes.txt": b"",
        "parquet/2026-11-29/notes.txt": b"",
    }
    for name, content in bad.items():
        store.put_once(name, content)
    (tmp_path / "runs" / "2026-11-29" / "x\x1b[31m.json.gz").write_bytes(b"")
    (tmp_path / "runs" / "2026-11-29" / "link").symlink_to("/")
    [day] = made(store)
    assert (day.runs, day.read, day.left) == (1, 1, 5)
    said = "\n".join(day.failures)
    for words in ("was cut off; left out", "another run than its name says", "was not finished", "schema 99 is newer",
                  "is no JSON", "README.md: is no object of a run; left out, and 1 other"):  # fmt: skip
        assert words in said
    assert len(day.failures) == 6
    assert "\x1b" not in said
    assert runs(store) == [fleet_run(number=1).id]
    assert "parquet/2026-11-29/notes.txt" in store.keys("parquet")  # not ours to remove


def test_a_day_of_nothing_but_bad_objects_has_no_file(tmp_path):
    """The calendar has no 45th: nobody looks into that folder."""
    store = put(tmp_path)
    store.put_once(object_of(fleet_run())[0], b"x")
    store.put_once("runs/2026-13-45/x.json.gz", b"x")
    assert [(day.made, day.left, len(day.failures)) for day in made(store)] == [(False, 1, 1)]
    assert store.keys("parquet") == []


def test_a_run_that_was_left_out_is_tried_again(tmp_path, monkeypatch):
    """Each call names it and writes nothing; the version of hwbench that reads it adds it."""
    store = put(tmp_path, fleet_run(number=1), fleet_run(number=2))
    real = compacting.of_object
    newer = object_of(fleet_run(number=2))[0]

    def of_object(key, data, name):
        if key == newer:
            raise StoreError(f"{name}: schema 99 is newer")
        return real(key, data, name)

    monkeypatch.setattr(compacting, "of_object", of_object)
    for wrote in (True, False):
        [day] = made(store)
        assert (day.made, day.runs, day.left, len(day.failures)) == (wrote, 1, 1, 1)
    put(tmp_path, fleet_run(number=3))
    store.delete([object_of(fleet_run(number=1))[0]])
    assert [(day.runs, day.read, day.left) for day in made(store)] == [(1, 1, 1)]
    assert runs(store) == [fleet_run(number=3).id]
    monkeypatch.setattr(compacting, "of_object", real)
    assert [(day.runs, day.read, day.left) for day in made(store)] == [(2, 1, 0)]
    assert runs(store) == [fleet_run(number=number).id for number in (2, 3)]
    assert len(store.keys("parquet")) == 1


def test_a_file_of_more_runs_by_another_process_stays(tmp_path, monkeypatch):
    """It was made while this one, which cannot read one of the runs, made its own."""
    store = put(tmp_path, fleet_run(number=1), fleet_run(number=2), fleet_run(number=3))
    real, merged = compacting.of_object, compacting._merged
    keys = [object_of(fleet_run(number=number))[0] for number in (2, 3)]
    unread = set(keys)

    def of_object(key, data, name):
        if key in unread:
            raise StoreError(f"{name}: schema 99 is newer")
        return real(key, data, name)

    def meanwhile(*arguments):
        monkeypatch.setattr(compacting, "_merged", merged)
        unread.remove(keys[0])
        assert made(store)[0].runs == 2
        return merged(*arguments)

    monkeypatch.setattr(compacting, "of_object", of_object)
    monkeypatch.setattr(compacting, "_merged", meanwhile)
    assert made(store)[0].runs == 1
    assert runs(store) == [fleet_run(number=number).id for number in (1, 2)]


def test_runs_read_together_have_the_rows_of_each_alone(tmp_path, monkeypatch):
    """Of the runs of this repository, to the bit: what is left out of decoding changes no row."""
    fleet = [read(path) for path in sorted((Path(__file__).parents[2] / "reports" / "runs").glob("*/*.json"))]
    expected = {run.id: list(rows(run)) for run in fleet}
    estimating._estimate.cache_clear()
    found = []
    monkeypatch.setattr(compacting, "_write", lambda _connection, some, _path: found.extend(some))
    store = put(tmp_path, *fleet)
    keys = [object_of(run)[0] for run in fleet]
    assert compacting.part(store.url, keys, tmp_path / "part.parquet") == (keys, [])
    assert found == [row for run in fleet for row in expected[run.id]]


@pytest.mark.parametrize("why", [AwayError("away"), StoreError("refuses access (HTTP 403)")])
def test_a_store_that_fails_midway_leaves_no_file(tmp_path, monkeypatch, why):
    """One without a run that is there would pass for one of all; a run that was removed meanwhile is just told."""
    store = put(tmp_path, fleet_run(number=1), fleet_run(number=2))
    real = Store._tried
    gone = object_of(fleet_run(number=2))[0]
    monkeypatch.setattr(Store, "_tried", lambda self, key: why if key == gone else real(self, key))
    with pytest.raises(type(why), match=re.escape(str(why))):
        made(store)
    assert store.keys("parquet") == []
    monkeypatch.setattr(Store, "_tried", lambda self, key: MissingError("gone") if key == gone else real(self, key))
    assert made(store)[0].failures[0].endswith("was removed meanwhile; left out")


def test_a_damaged_file_is_not_built_upon(tmp_path):
    """The day is made of its runs anew."""
    store = put(tmp_path, fleet_run(number=1))
    made(store)
    [key] = store.keys("parquet")
    store.delete([key])
    store.put_once(key, b"PAR1")
    put(tmp_path, fleet_run(number=2))
    assert made(store)[0].read == 2
    assert len(runs(store)) == 2


def test_many_runs_are_read_by_workers(tmp_path, monkeypatch):
    """In pieces, each a file; threads stand in for processes."""
    monkeypatch.setattr(compacting, "PART", 2)
    monkeypatch.setattr(compacting, "ALONE", 2)
    monkeypatch.setattr(compacting, "ProcessPoolExecutor", lambda jobs, _context: ThreadPoolExecutor(jobs))
    store = put(tmp_path, *(fleet_run(number=number) for number in range(5)))
    assert next(compacting.compact(store.url, jobs=2)).read == 5
    assert len(runs(store)) == 5
