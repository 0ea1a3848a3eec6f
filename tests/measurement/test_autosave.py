"""Where a run is kept when its place fails."""

from __future__ import annotations

from doubles.scripted import run_of
from hwbench.errors import StoreError
from hwbench.measurement import autosave
from hwbench.measurement.autosave import Autosave
from hwbench.measurement.planning import Request
from hwbench.measurement.session import execute
from hwbench.record import store


class Watcher:
    """An observer that writes down the troubles."""

    def __init__(self):
        self.troubles = []

    def planned(self, groups, measured): ...
    def measuring(self, group): ...
    def measured(self, group, records): ...

    def trouble(self, message):
        self.troubles.append(message)


def asked(out):
    return Request(select=("access.steps",), out=out)


def test_a_run_is_saved_in_its_own_file(tmp_path):
    """As long as that works, nothing is said."""
    watcher = Watcher()
    saving = Autosave(tmp_path / "run.json", watcher)
    saving.save(run_of())
    assert store.read(tmp_path / "run.json") == run_of()
    assert (saving.path, saving.elsewhere, watcher.troubles) == (tmp_path / "run.json", False, [])


def test_the_own_file_is_not_tried_again(tmp_path, monkeypatch):
    """Once in the temporary directory a run stays there: two files of one run would leave it open which is newer."""
    write = store.write_bytes

    def full_once(data, path):
        monkeypatch.setattr(store, "write_bytes", write)
        raise StoreError("full")

    monkeypatch.setattr(store, "write_bytes", full_once)
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(autosave.tempfile, "gettempdir", lambda: str(tmp_path / "tmp"))
    watcher = Watcher()
    saving = Autosave(tmp_path / "run.json", watcher)
    for _ in range(2):
        saving.save(run_of())
    assert not (tmp_path / "run.json").exists()
    assert store.read(tmp_path / "tmp" / "run.json") == run_of()
    assert saving.elsewhere
    assert len(watcher.troubles) == 1


def test_a_place_that_fails_later_is_replaced_and_told_once(benches, device, tmp_path, monkeypatch):
    """The disk fills after the second save: the run goes on in the temporary directory, and says where."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(autosave.tempfile, "gettempdir", lambda: str(tmp_path / "tmp"))
    write, counted = store.write_bytes, []

    def full(data, path):
        counted.append(1)
        if len(counted) > 2 and "runs" in path.parts:
            raise StoreError(f"{path}: cannot be written (No space left on device)")
        write(data, path)

    monkeypatch.setattr(store, "write_bytes", full)
    watcher = Watcher()
    run, path = execute(asked(tmp_path / "out"), watcher)
    assert path == tmp_path / "tmp" / f"{run.id}.json"
    assert store.read(path) == run
    assert len(watcher.troubles) == 1
    assert f"keeping the run in {path}" in watcher.troubles[0]


def test_where_there_is_no_temporary_directory_the_run_is_kept_in_memory(benches, device, tmp_path, monkeypatch):
    """Asked for on a full disk, Python finds no usable one: an exception that ended the run, and lost it."""

    def none():
        raise FileNotFoundError(2, "No usable temporary directory found in ['/tmp']")

    def full(data, path):
        raise StoreError(f"{path}: cannot be written (No space left on device)")

    monkeypatch.setattr(autosave.tempfile, "gettempdir", none)
    monkeypatch.setattr(store, "write_bytes", full)
    watcher = Watcher()
    run, path = execute(asked(tmp_path), watcher)
    assert (path, len(run.records)) == (None, 8)
    assert watcher.troubles == [watcher.troubles[0]]
    assert "keeping the run in memory" in watcher.troubles[0]


def test_a_name_in_a_file_is_no_place_to_save_to(tmp_path, monkeypatch):
    """A run that is gone on with has the id that its file states, which may hold a path: the file's own name counts."""
    (tmp_path / "deep" / "tmp").mkdir(parents=True)
    monkeypatch.setattr(autosave.tempfile, "gettempdir", lambda: str(tmp_path / "deep" / "tmp"))
    (tmp_path / "blocked").write_text("")
    saving = Autosave(tmp_path / "blocked" / "run.json", Watcher())
    saving.save(run_of(id="../escaped"))
    assert saving.path == tmp_path / "deep" / "tmp" / "run.json"
    assert sorted(path.name for path in tmp_path.rglob("*.json")) == ["run.json"]
