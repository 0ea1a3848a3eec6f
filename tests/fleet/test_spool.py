"""Runs on their way: none is lost, none is doubled, whenever a process ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwbench.errors import StoreError
from hwbench.fleet import objects, spool
from hwbench.fleet import store as stores
from hwbench.fleet.store import Store
from hwbench.record import files
from made_up.fleet import filed, fleet_run, object_of, put


@pytest.fixture
def away(monkeypatch):
    """No wait between tries."""
    monkeypatch.setattr(stores.time, "sleep", lambda _: None)


def noted(out: Path, url: Path, number: int = 1, **more) -> spool.Waiting:
    """A run of which a note says that it goes to a store."""
    return spool.announce(out, filed(out, fleet_run(number=number, **more)), str(url))


def notes(out: Path) -> list[Path]:
    """What the spool holds."""
    return [one.path for one in spool.waiting(out)]


def test_a_run_is_delivered_and_forgotten(tmp_path):
    """The object holds the file's bytes."""
    noted(tmp_path, tmp_path / "store")
    outcome = spool.flush(tmp_path)
    assert outcome.put == [objects.key_of(fleet_run())]
    assert outcome.delivered(fleet_run())
    assert not outcome.delivered(fleet_run(number=2))
    data = Store(str(tmp_path / "store")).get(outcome.put[0])
    assert objects.unpacked(data, "") == filed(tmp_path, fleet_run()).read_bytes()
    assert notes(tmp_path) == []


@pytest.mark.parametrize("moment", ["before the put", "after the put", "as the note goes"])
def test_whoever_ends_at_any_moment_loses_and_doubles_nothing(tmp_path, monkeypatch, moment):
    """A process that was killed leaves the note until the object is there; the next one finds both and goes on."""
    one = noted(tmp_path, tmp_path / "store")
    with monkeypatch.context() as killed:
        if moment == "before the put":
            killed.setattr(Store, "put_once", lambda *_: (_ for _ in ()).throw(SystemExit))
        else:
            killed.setattr(spool.Waiting, "done", lambda _: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            spool.flush(tmp_path)
    assert notes(tmp_path) == [one.path]
    outcome = spool.flush(tmp_path)
    assert len(outcome.put) + len(outcome.there) == 1
    assert Store(str(tmp_path / "store")).keys() == [objects.key_of(fleet_run())]
    assert notes(tmp_path) == []


def test_two_that_deliver_the_same_put_one_object(tmp_path, monkeypatch):
    """Both have read the notes before either puts; the second finds the object, and no note."""
    noted(tmp_path, tmp_path / "store")
    real, outcomes = spool.deliver, []

    def deliver(one, target, outcome):
        monkeypatch.setattr(spool, "deliver", real)
        outcomes.append(spool.flush(tmp_path))
        real(one, target, outcome)

    monkeypatch.setattr(spool, "deliver", deliver)
    outcomes.append(spool.flush(tmp_path))
    assert [(len(one.put), len(one.there), one.failures) for one in outcomes] == [(1, 0, []), (0, 1, [])]
    assert notes(tmp_path) == []


def test_a_store_that_is_away_is_tried_for_one_run_and_others_are_kept(tmp_path, away):
    """Another store is not: a dead one delays nobody else."""
    for number in (1, 2, 3):
        noted(tmp_path, tmp_path / "not" / "there", number)
    noted(tmp_path, tmp_path / "store", 4)
    outcome = spool.flush(tmp_path)
    assert (len(outcome.put), outcome.left, len(outcome.failures)) == (1, 3, 1)
    assert len(notes(tmp_path)) == 3
    assert len(spool.flush(tmp_path, to=str(tmp_path / "store")).put) == 3
    assert len(Store(str(tmp_path / "store")).keys()) == 4


def test_the_next_run_delivers_what_its_machine_left_for_the_same_store(tmp_path):
    """What others on a shared directory left is theirs, or `fleet flush`'s; the new run goes first."""
    url = tmp_path / "store"
    noted(tmp_path, url, 1)
    noted(tmp_path, url, 2, machine="node2")
    noted(tmp_path, tmp_path / "other", 3)
    run = fleet_run(number=4)
    outcome = spool.hand_over(run, filed(tmp_path, run), tmp_path, noted(tmp_path, url, 4))
    assert outcome.put == [objects.key_of(fleet_run(number=number)) for number in (4, 1)]
    assert len(notes(tmp_path)) == 2


def test_a_run_that_was_saved_elsewhere_or_nowhere_is_delivered(tmp_path, away):
    """The disk was full: its file is in the temporary directory, or there is none and the memory is put."""
    note = noted(tmp_path / "full", tmp_path / "store")
    run = fleet_run()
    Path(note.note.run).unlink()
    assert spool.hand_over(run, filed(tmp_path / "spare", run), tmp_path / "full", note).put
    assert notes(tmp_path / "full") == []
    other = fleet_run(number=2)
    note = noted(tmp_path, tmp_path / "store", 2)
    assert spool.hand_over(other, None, tmp_path, note).put == [objects.key_of(other)]
    note = noted(tmp_path, tmp_path / "not" / "there", 3)
    assert len(spool.hand_over(fleet_run(number=3), None, tmp_path, note).failures) == 1
    (tmp_path / "not").mkdir()
    (tmp_path / "not" / "there").write_text("")  # since the run began
    assert "is no directory" in str(spool.hand_over(fleet_run(number=3), None, tmp_path, note).failures[0])


def test_what_is_measured_still_waits(tmp_path):
    """And so does what was cut off, until `--resume` has finished it."""
    noted(tmp_path, tmp_path / "store", finished=None)
    outcome = spool.flush(tmp_path)
    assert (len(outcome.unfinished), outcome.put, outcome.failures) == (1, [], [])
    filed(tmp_path, fleet_run())
    assert len(spool.flush(tmp_path).put) == 1


def test_bad_notes_and_runs_are_told_and_the_rest_is_delivered(tmp_path):
    """A run that was removed, a note of something else, one for no store, a file that is no run, a foreign object."""
    url = tmp_path / "store"
    Path(noted(tmp_path, url, 1).note.run).unlink()
    Path(noted(tmp_path, url, 2).note.run).write_text('{"finished": "x"}')
    noted(tmp_path, url, 3)
    key, _ = object_of(fleet_run(number=4))
    put(url).put_once(key, b"foreign")
    noted(tmp_path, url, 4)
    files.write(b"{}", tmp_path / "spool" / "a.json")
    files.write(b'{"run": "/etc/passwd", "to": "ftp://x", "machine": ""}', tmp_path / "spool" / "b.json")
    outcome = spool.flush(tmp_path)
    assert outcome.put == [objects.key_of(fleet_run(number=3))]
    said = "\n".join(map(str, outcome.failures))
    for words in (
        "was removed; its note",
        "is no run file",
        "something else already",
        "is no note of a run",
        "is no store",
    ):
        assert words in said
    assert outcome.left == 3
    assert len(spool.flush(tmp_path).failures) == len(outcome.failures) - 1  # the note of the removed run is gone


def test_a_spool_that_cannot_be_written_is_told_before_anything_is_measured(tmp_path):
    """In one line."""
    (tmp_path / "spool").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        noted(tmp_path, tmp_path / "store")
