"""Stores of runs: a directory, and S3 by moto's server; what a failure says, and what it does not."""

from __future__ import annotations

import contextlib
import http.server
import threading
import time
import urllib.request
from collections.abc import Iterator

import pytest

from hwbench.errors import StoreError, UsageError
from hwbench.fleet import store as stores
from hwbench.fleet.store import AwayError, MissingError, Store

SECRET = "HUSH"  # in keys and answers; no message has it


def behaves(store: Store) -> None:
    """What every store does."""
    assert store.put_once("runs/2026-11-29/a.json.gz", b"1")
    assert not store.put_once("runs/2026-11-29/a.json.gz", b"1")
    with pytest.raises(StoreError, match=r"runs/2026-11-29/a\.json\.gz holds something else already"):
        store.put_once("runs/2026-11-29/a.json.gz", b"2")
    assert not store.put_once("runs/2026-11-29/a.json.gz", b"2", lambda old, new: (old, new) == (b"1", b"2"))
    store.put_once("runs/2026-11-30/b c.json.gz", b"3")
    assert store.keys("runs") == ["runs/2026-11-29/a.json.gz", "runs/2026-11-30/b c.json.gz"]
    assert store.keys("run") == store.keys("parquet") == store.folders("parquet") == []
    assert store.folders("runs") == ["2026-11-29", "2026-11-30"]
    found = dict(store.get_many([*store.keys(), "runs/none"]))
    assert list(found.values())[:2] == [b"1", b"3"]
    assert isinstance(found["runs/none"], MissingError)
    store.delete(["runs/none", *store.keys()])
    assert store.keys() == []


def test_a_directory(tmp_path):
    """By its path or its URL, made at the first object and not before."""
    with pytest.raises(MissingError, match="new: is no directory"):
        Store(str(tmp_path / "new")).keys()
    behaves(Store.open(str(tmp_path / "new")))
    behaves(Store.open((tmp_path / "a b").as_uri()))
    with pytest.raises(AwayError, match="has no directory above it; mount"):
        Store(str(tmp_path / "not" / "mounted"), tries=1).put_once("a", b"")


@pytest.mark.parametrize(
    "url",
    [
        "",
        " ",
        f"ftp://u:{SECRET}@host/x",
        "s3://",
        f"s3://key:{SECRET}@bucket",
        f"az://c/x?sig={SECRET}",
        "file://host/x",
    ],
)
def test_what_is_no_url_of_a_store_is_refused(url):
    """At once, and without what may be a password."""
    with pytest.raises(UsageError) as caught:
        Store.open(url)
    assert SECRET not in str(caught.value)


def test_a_failed_put_is_tried_again_and_later_each_time(tmp_path, monkeypatch):
    """Three times in all; the waits are not the same for two machines."""
    waits: list[float] = []
    fails = iter([AwayError("away"), AwayError("away")])

    def put(_self, *_):
        for error in fails:
            raise error
        return True

    monkeypatch.setattr(stores.time, "sleep", waits.append)
    monkeypatch.setattr(Store, "_put", put)
    assert Store(str(tmp_path)).put_once("a", b"")
    assert 1 <= waits[0] <= 2 <= waits[1] <= 4
    fails = iter([AwayError("away")] * 3)
    with pytest.raises(AwayError):
        Store(str(tmp_path)).put_once("a", b"")


def test_an_object_that_is_too_large_is_not_fetched(tmp_path, monkeypatch):
    """A bucket may hold anything."""
    monkeypatch.setattr(stores, "LARGEST", 3)
    store = Store(str(tmp_path))
    store.put_once("a", b"1234")
    with pytest.raises(StoreError, match="a: has 4 B, an object of hwbench 3 B at most"):
        store.get("a")


@contextlib.contextmanager
def answering(*answers: tuple[int, str] | None) -> Iterator[int]:
    """A server that gives these answers one after the other, None never; its port."""
    rest = iter(answers)

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self) -> None:
            status, body = next(rest, None) or (time.sleep(1), (500, ""))[1]
            data = body.encode()
            with contextlib.suppress(OSError):
                self.send_response(status)
                self.send_header("ETag", '"1"')
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        do_GET = do_PUT = do_HEAD = answer

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def s3(monkeypatch):
    """The environment as an administrator sets it."""
    given = {
        "AWS_ACCESS_KEY_ID": SECRET,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": "us-east-1",
        "AWS_ALLOW_HTTP": "true",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    return lambda port: monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        ((403, f"<Error><Code>SignatureDoesNotMatch</Code><Key>{SECRET}</Key></Error>"), StoreError,
         r"refuses access \(SignatureDoesNotMatch\); check the credentials"),
        ((403, "<Error><Code>RequestTimeTooSkewed</Code></Error>"), StoreError, "refuses this machine's clock"),
        ((404, "<Error><Code>NoSuchBucket</Code></Error>"), MissingError, r"bucket does not exist \(NoSuchBucket\)"),
        ((400, "<Error><Code>MalformedXML</Code></Error>"), AwayError, r"fails \(MalformedXML\); try again later"),
        (None, AwayError, "did not answer in time; try again later"),
    ],
)  # fmt: skip
def test_a_failure_is_one_line_without_secrets(s3, answer, kind, said):
    """What was answered, by its code; and what to do."""
    with answering(answer) as port:
        s3(port)
        with pytest.raises(kind, match=said) as caught:
            Store("s3://fleet/site", tries=1, timeout_s=0.3).put_once("a", b"")
    assert str(caught.value).startswith("s3://fleet/site: ")
    assert SECRET not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "value", ["nonsense", "", "http://", "//host", "http://h:99999", "http://[x", f"http:// {SECRET}"]
)
def test_an_endpoint_that_is_no_address_is_refused(s3, monkeypatch, value):
    """Before anything is measured: the client would panic at its first request."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", value)
    with pytest.raises(
        UsageError, match=r"^AWS_ENDPOINT_URL: is no address of a server; set it to https://host"
    ) as caught:
        Store.open("s3://fleet")
    assert SECRET not in str(caught.value)


def test_a_panic_of_the_client_is_one_line(tmp_path, monkeypatch):
    """It is no Exception; an interruption stays what it is."""
    import obstore

    errors = [type("PanicException", (BaseException,), {})(SECRET), KeyboardInterrupt()]

    def broken(*_, **__):
        raise errors.pop(0)

    monkeypatch.setattr(obstore, "put", broken)
    store = Store(str(tmp_path))
    with pytest.raises(UsageError, match=r": the client broke down; check the URL") as caught:
        store.put_once("a", b"")
    assert SECRET not in str(caught.value)
    with pytest.raises(KeyboardInterrupt):
        store.put_once("a", b"")


def test_what_is_no_directory_is_no_store(tmp_path):
    """A file, and a link to a file system that is not mounted: neither is made or replaced."""
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "none")
    for name in ("file", "link"):
        with pytest.raises(UsageError, match=f"{name}: is no directory; check the URL"):
            Store.open(str(tmp_path / name))


def test_a_pipe_is_no_object_and_a_closed_directory_is_not_empty(tmp_path, monkeypatch):
    """Reading a pipe would never end; a directory that is gone has no keys."""
    import os

    store = Store(str(tmp_path))
    store.put_once("runs/a", b"")
    os.mkfifo(tmp_path / "runs" / "b")
    (tmp_path / "runs" / "c").symlink_to("a")
    assert store.keys("runs") == ["runs/a", "runs/c"]
    real = os.scandir

    def scandir(path):
        if str(path).endswith("runs"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(stores.os, "scandir", scandir)
    with pytest.raises(StoreError, match=r"runs: cannot be read \(Permission denied\)"):
        store.keys()


def test_what_is_wrong_with_the_environment_is_told(s3, monkeypatch):
    """Before anything is sent; nobody listens at the port."""
    s3(9)
    with pytest.raises(AwayError, match="cannot be reached; try again later"):
        Store("s3://fleet", tries=1).put_once("a", b"")
    monkeypatch.delenv("AWS_ALLOW_HTTP")
    with pytest.raises(StoreError, match="its endpoint is plain http; set AWS_ALLOW_HTTP=true"):
        Store("s3://fleet").keys()
    monkeypatch.delenv("AZURE_STORAGE_ACCOUNT_NAME", raising=False)
    with pytest.raises(StoreError, match=r"account is not set; see docs/fleet\.md"):
        Store("az://container/x").keys()


def test_a_store_that_is_busy_for_a_moment_gets_the_object(s3):
    """The client itself asks again after a failure of the server."""
    with answering((503, ""), (200, "")) as port:
        s3(port)
        assert Store("s3://fleet", tries=1).put_once("a", b"")


def test_a_bucket(s3):
    """S3 as moto has it; an object is put once there by the store's own condition."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        _, port = server.get_host_and_port()
        s3(port)
        urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}/fleet", method="PUT"))
        behaves(Store.open("s3://fleet/a site"))
        assert Store.open("s3://fleet").put_once("a", b"1")
        with pytest.raises(MissingError, match="the bucket does not exist"):
            Store("s3://other").keys()
    finally:
        server.stop()


def test_a_store_without_conditions_is_written_all_the_same(tmp_path, monkeypatch):
    """Some servers know no `If-None-Match`: a key never gets other bytes."""
    import obstore
    from obstore.exceptions import NotSupportedError

    put = obstore.put

    def without(*arguments, mode=None, **more):
        if mode == "create":
            raise NotSupportedError("no")
        return put(*arguments, **more)

    monkeypatch.setattr(obstore, "put", without)
    store = Store(str(tmp_path))
    assert store.put_once("a", b"1")
    assert store.get("a") == b"1"
