"""Runs as objects: keys, bytes, and what is no run."""

from __future__ import annotations

import gzip

import pytest

from hwbench.errors import StoreError
from hwbench.fleet import objects
from hwbench.record import store
from made_up.fleet import filed, fleet_run


def test_the_key_has_the_day_and_the_id():
    """Of the start, in UTC as run files have it: a wrong clock gives another day, and never a second key."""
    assert objects.key_of(fleet_run()) == "runs/2026-11-29/node1-20261129T120001Z-000000000001.json.gz"
    assert objects.KEY.fullmatch(objects.key_of(fleet_run("a.b_c-d")))


@pytest.mark.parametrize(
    ("field", "value"), [("id", "../../x"), ("id", ""), ("started", "yesterday"), ("id", "x" * 200)]
)
def test_what_is_no_id_is_no_key(field, value):
    """A run file may hold anything."""
    with pytest.raises(StoreError, match="cannot be the key"):
        objects.key_of(fleet_run(**{field: value}))


def test_a_run_file_is_packed_and_unpacked(tmp_path):
    """To the same bytes each time; a run that was cut off is refused."""
    path = filed(tmp_path, fleet_run())
    run, data = objects.packed(path)
    assert run.id == fleet_run().id
    assert objects.packed(path)[1] == data
    assert objects.unpacked(data, "x") == path.read_bytes()
    with pytest.raises(StoreError, match="is not finished; `hwbench run --resume`"):
        objects.packed(filed(tmp_path, fleet_run(number=2, finished=None)))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"no gzip", "is not compressed"),
        (gzip.compress(b"abc")[:-9], "was cut off"),
        (gzip.compress(b"0" * 101), "is larger"),
    ],
)
def test_what_is_no_object_of_a_run_is_told(data, said, monkeypatch):
    """Foreign bytes, half an object, and one that would fill the memory."""
    monkeypatch.setattr(store, "LARGEST", 100)
    with pytest.raises(StoreError, match=f"runs/x: {said}"):
        objects.unpacked(data, "runs/x")


def test_another_compressor_gives_the_same_run():
    """Python's zlib differs between systems: content decides."""
    assert objects.same(gzip.compress(b"run", 1), gzip.compress(b"run", 9, mtime=7))
    assert not objects.same(gzip.compress(b"run"), gzip.compress(b"other"))
    assert not objects.same(b"run", gzip.compress(b"run"))
