"""`hwbench run --to`: delivered, kept, refused, cut off."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwbench.cli.delivery import Delivery
from hwbench.fleet import objects, spool
from hwbench.fleet import store as stores
from hwbench.fleet.store import Store
from hwbench.measurement import autosave, session
from hwbench.record import store, tickets

MEASURE = ("run", "access.steps", "--no-report", "--preset", "quick")


@pytest.fixture(autouse=True)
def no_wait(monkeypatch):
    """Between tries."""
    monkeypatch.setattr(stores.time, "sleep", lambda _: None)


def test_a_run_is_put_into_the_store(benches, device, command, out, tmp_path):
    """Under its id, as its file has it; the summary names the store last."""
    url = tmp_path / "store"
    done = command(*MEASURE, "--out", out, "--to", url)
    assert done.code == 0
    assert done.out.splitlines()[-1] == f"store     {url}"
    [path] = store.find(out)
    [key] = Store(str(url)).keys()
    assert key == objects.key_of(store.read(path))
    assert objects.unpacked(Store(str(url)).get(key), "") == path.read_bytes()
    assert list(spool.waiting(out)) == []


def test_a_run_waits_for_a_store_that_is_away_and_the_next_one_takes_it_along(benches, device, command, out, tmp_path):
    """A warning after the summary, and exit code 0: it was measured."""
    url = tmp_path / "mount" / "store"
    done = command(*MEASURE, "--out", out, "--to", url)
    assert done.code == 0
    assert f"store     {url}" not in done.out
    assert done.err.splitlines()[-1] == (
        f"warning: {url}: has no directory above it; mount the file system, or make the directory; "
        "1 run kept; the next run with --to or `hwbench fleet flush` delivers them"
    )
    url.parent.mkdir()
    assert command(*MEASURE, "--out", out, "--to", url).code == 0
    assert len(Store(str(url)).keys()) == 2


def test_what_trying_again_does_not_mend_is_exit_2_after_the_summary(
    benches, device, command, out, tmp_path, monkeypatch
):
    """Wrong credentials, say: the run is kept."""
    monkeypatch.setattr(Store, "_put", lambda *_: (_ for _ in ()).throw(stores.StoreError("s3://x: refuses access")))
    done = command(*MEASURE, "--out", out, "--to", tmp_path)
    assert done.code == 2
    assert done.out.splitlines()[-1].startswith("run ")
    assert (
        done.err.splitlines()[-1]
        == "hwbench: s3://x: refuses access; the run is kept, and `hwbench fleet flush` delivers it"
    )
    assert len(list(spool.waiting(out))) == 1


def test_a_run_that_is_stopped_is_delivered_when_it_is_finished(benches, device, command, out, tmp_path, monkeypatch):
    """It has its note already, so that a later flush finds it even where --resume is not told of the store."""
    real = session.execute

    def execute(plan, observer, **more):
        run, path = real(plan, observer, **more)
        unfinished = stores_unfinished(run, path)
        raise autosave.Interrupted(unfinished, path)

    def stores_unfinished(run, path):
        import msgspec

        cut_off = msgspec.structs.replace(run, finished=None, records=run.records[:2])
        store.write(cut_off, path)
        return cut_off

    with monkeypatch.context() as stopped:
        stopped.setattr(session, "execute", execute)
        done = command(*MEASURE, "--out", out, "--to", tmp_path / "store")
    assert done.code == 130
    assert done.err.splitlines()[-1] == "not delivered: --resume goes on with the run, then delivers it"
    assert len(spool.flush(out).unfinished) == 1
    assert command(*MEASURE, "--out", out, "--resume").code == 0
    assert len(spool.flush(out).put) == 1


def test_a_launchers_run_that_is_stopped_leaves_no_note(tmp_path, monkeypatch):
    """It is started anew, not resumed: each later flush would name it."""
    way = Delivery(str(tmp_path / "store"), tmp_path)
    way.announce(tmp_path / "runs" / "node" / "a.json")
    assert len(list(spool.waiting(tmp_path))) == 1
    monkeypatch.setenv(tickets.LAUNCH, "5d0a87f")
    monkeypatch.setenv(tickets.TASK, "0")
    way.interrupted()
    assert list(spool.waiting(tmp_path)) == []


@pytest.mark.parametrize("make", [Path.write_bytes, Path.symlink_to])
def test_a_store_that_is_no_directory_is_refused_before_anything_is_measured(
    benches, device, command, out, tmp_path, make
):
    """A file, and a link that leads nowhere."""
    make(tmp_path / "store", b"none")
    done = command(*MEASURE, "--out", out, "--to", tmp_path / "store")
    assert (done.code, done.out, device.timed) == (2, "", [])
    assert done.err == f"hwbench: {tmp_path / 'store'}: is no directory; check the URL\n"


def test_a_wrong_url_is_refused_before_anything_is_measured(benches, device, command, out):
    """In one line, without what may be a password."""
    done = command(*MEASURE, "--out", out, "--to", "s3://key:hush@bucket")
    assert (done.code, done.out, device.timed) == (2, "", [])
    assert "set them in the environment" in done.err
    assert "hush" not in done.err
