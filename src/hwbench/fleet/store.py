"""The store of a fleet's runs: a directory or a bucket, through obstore. An object is put once, under its own key.

Credentials are those that the cloud's own tools use: the environment, a file, the instance. A message has its own words
for a failure, since what a client reports may hold a signed address.
"""

from __future__ import annotations

import itertools
import operator
import os
import random
import re
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import unquote, urlsplit

from ..errors import StoreError, UsageError
from ..record import files, text
from ..record.installing import command

if TYPE_CHECKING:
    from obstore.store import ClientConfig, ObjectStore, RetryConfig

T = TypeVar("T")

SCHEMES = ("file", "s3", "gs", "az")
AT_ONCE = 16  # objects that are read at once: a bucket answers in 20 to 100 ms
TRIES = 3  # of a put, beside the client's own, which repeats no put that ran out of time
TIMEOUT_S = 60  # of a request: 1 MB at 20 kB/s
LARGEST = 256 * 2**20  # bytes of an object; Parquet of 10,000 machines, three runs each, has 60 MB
ENDPOINTS = {  # variables that the client of a scheme reads, and panics over
    "s3": ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT"),
    "az": ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"),
}
PLAIN_HTTP = ("AWS_ALLOW_HTTP", "AZURE_ALLOW_HTTP", "GOOGLE_ALLOW_HTTP")
STAGED = re.compile(r"#\d+$")  # what the client has not finished writing
CODE = re.compile(r"<Code>(\w{1,40})</Code>")
HTTP = re.compile(r"status (?:code )?(\d{3})\b|StatusCode\((\d{3})\)|status: (\d{3})\b")


class AwayError(StoreError):
    """The store cannot be reached, or fails: a later try may succeed."""


class MissingError(StoreError):
    """There is no such object or bucket."""


class LargeError(StoreError):
    """An object is larger than any of hwbench."""


class Store:
    """Objects by key. Every failure is a StoreError of one line; `AwayError` where a later try may succeed."""

    def __init__(self, url: str, *, tries: int = TRIES, timeout_s: float = TIMEOUT_S) -> None:
        self.url = shown(url)
        self.tries = tries
        self._directory, self._made = _maker(url, timeout_s)
        self._store: ObjectStore | None = None

    @classmethod
    def open(cls, url: str) -> Store:
        """The store at a path, `file://`, `s3://`, `gs://` or `az://`; UsageError for any other URL.

        UsageError also for a path or an endpoint that cannot be one. Nothing is sent, and no directory is made, before
        the first object is asked for.
        """
        made = cls(url)
        if made._directory is not None and os.path.lexists(made._directory) and not made._directory.is_dir():
            raise UsageError(f"{made.url}: is no directory; check the URL")
        return made

    def put_once(self, key: str, data: bytes, same: Callable[[bytes, bytes], bool] = operator.eq) -> bool:
        """Put an object that is not there yet; False where the same is there already, StoreError where another is."""
        for attempt in itertools.count(1):
            try:
                return self._put(key, data, same)
            except AwayError:
                if attempt >= self.tries:
                    raise
                time.sleep(random.uniform(0.5, 1) * min(2**attempt, 10))  # noqa: S311 - so that machines do not return together
        raise AssertionError

    def _put(self, key: str, data: bytes, same: Callable[[bytes, bytes], bool]) -> bool:
        import obstore
        from obstore.exceptions import AlreadyExistsError, NotSupportedError

        store = self._opened(make=True)
        try:
            obstore.put(store, key, data, mode="create", use_multipart=False)
        except AlreadyExistsError:
            pass
        except NotSupportedError:  # a store without conditions: a run's key never gets other bytes
            self._done(lambda: obstore.put(store, key, data, use_multipart=False))
            return True
        except BaseException as error:  # noqa: BLE001 - what a store answers
            raise self._failed(error) from None
        else:
            return True
        if not same(self.get(key), data):  # also where an earlier try arrived and its answer was lost
            raise StoreError(f"{self.url}: {text.printable(key)} holds something else already; nothing was replaced")
        return False

    def keys(self, prefix: str = "") -> list[str]:
        """The keys below a prefix, whole parts of a path, sorted; [] where nothing is there."""
        import obstore

        store = self._opened()
        if self._directory is not None:
            directory = self._directory
            return self._done(lambda: sorted(_files(directory, prefix.rstrip("/"))))
        parts = self._done(lambda: list(obstore.list(store, prefix or None, chunk_size=1000)))
        return sorted(one["path"] for part in parts for one in part)

    def folders(self, prefix: str) -> list[str]:
        """The names right below a prefix that other keys are below, sorted."""
        import obstore

        store = self._opened()
        if self._directory is not None:
            return sorted({rest[0] for key in self.keys(prefix) if len(rest := key[len(prefix) + 1 :].split("/")) > 1})
        found = self._done(lambda: obstore.list_with_delimiter(store, prefix)["common_prefixes"])
        return sorted(one.rstrip("/").rpartition("/")[2] for one in found)

    def get(self, key: str) -> bytes:
        """The bytes of an object."""
        import obstore

        store = self._opened()
        size = self._done(lambda: obstore.head(store, key)["size"], key)
        if size > LARGEST:
            raise LargeError(
                f"{self.url}: {text.printable(key)}: has {text.size(size)}, "
                f"an object of hwbench {text.size(LARGEST)} at most"
            )
        return self._done(lambda: bytes(obstore.get(store, key).bytes()), key)

    def get_many(self, keys: Iterable[str]) -> Iterator[tuple[str, bytes | StoreError]]:
        """Objects, several at a time, in the order of the keys; in place of one that cannot be had the error."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            rest = iter(keys)
            waiting = deque((key, pool.submit(self._tried, key)) for key in itertools.islice(rest, 2 * AT_ONCE))
            while waiting:
                key, found = waiting.popleft()
                yield key, found.result()
                waiting.extend((one, pool.submit(self._tried, one)) for one in itertools.islice(rest, 1))

    def _tried(self, key: str) -> bytes | StoreError:
        try:
            return self.get(key)
        except StoreError as error:
            return error

    def delete(self, keys: Sequence[str]) -> None:
        """Remove objects; one that is gone already is no failure."""
        import obstore

        store = self._opened()
        for key in keys:
            try:
                self._done(lambda key=key: obstore.delete(store, key))  # type: ignore[misc]
            except MissingError:
                continue

    def _opened(self, *, make: bool = False) -> ObjectStore:
        if self._store is None:
            self._store = self._done(lambda: self._made(make))
        return self._store

    def _done(self, action: Callable[[], T], key: str = "") -> T:
        try:
            return action()
        except StoreError:
            raise
        except BaseException as error:  # noqa: BLE001 - what a store answers
            raise self._failed(error, key) from None

    def _failed(self, error: BaseException, key: str = "") -> BaseException:
        """What is told of an error; a panic of the client, which is no Exception, is one as well."""
        if isinstance(error, Exception):
            return failure(error, f"{self.url}: {text.printable(key)}" if key else self.url)
        if type(error).__name__ == "PanicException":
            return UsageError(f"{self.url}: the client broke down; check the URL and the variables of the store")
        return error


def failure(error: Exception, url: str) -> StoreError:
    """What a store's client raised, in one line without addresses or keys."""
    from obstore import exceptions

    told = str(error)
    code = next((found[1] for found in CODE.finditer(told)), "")
    status = next((next(filter(None, found.groups())) for found in HTTP.finditer(told)), "")
    said = f" ({code or f'HTTP {status}'})" if code or status else ""
    if "TimeTooSkewed" in told:
        return StoreError(f"{url}: refuses this machine's clock, which is wrong by more than 15 minutes{said}; set it")
    if isinstance(error, FileNotFoundError) or code in ("NoSuchBucket", "ContainerNotFound"):
        return MissingError(f"{url}: has no such object, or the bucket does not exist{said}; check the URL")
    refused = (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError, PermissionError)
    if isinstance(error, refused) or status in ("401", "403"):
        return StoreError(
            f"{url}: refuses access{said}; check the credentials in the environment, and what they may do"
        )
    if (
        isinstance(error, exceptions.UnknownConfigurationKeyError | exceptions.InvalidPathError)
        or "must be specified" in told
    ):
        missing = re.search(r"(\w+) must be specified", told)
        what = f"{missing[1].lower()} is not set" if missing else "the URL or the environment is incomplete"
        return StoreError(f"{url}: {what}; see docs/fleet.md for the variables of each store")
    if isinstance(error, OSError) or "LocalFileSystem" in told:
        system = re.search(r'message: "([^"\n]{1,80})"', told)
        return AwayError(
            f"{url}: cannot be used ({system[1] if system else type(error).__name__}); check the directory"
        )
    if "redential" in told and not status:
        return StoreError(f"{url}: no credentials were found; set those of the store in the environment")
    if "BadScheme" in told:
        return StoreError(f"{url}: its endpoint is plain http; set {PLAIN_HTTP[0]}=true where that is meant")
    slow = any(word in told for word in ("TimedOut", "timed out", "Timeout"))
    why = "did not answer in time" if slow else "cannot be reached" if not status else "fails"
    return AwayError(f"{url}: {why}{said}; try again later")


def _files(directory: Path, prefix: str) -> Iterator[str]:
    """The files below a directory: the client refuses all where one has a strange name. A link to a directory is none.

    Pipes and devices are none either: reading one may never end.
    """
    try:
        entries = list(os.scandir(directory / prefix))
    except (FileNotFoundError, NotADirectoryError):  # there is none, or it was removed meanwhile
        return
    except OSError as error:
        raise StoreError(f"{text.printable(str(directory / prefix))}: cannot be read ({files.why(error)})") from None
    for entry in entries:
        key = f"{prefix}/{entry.name}" if prefix else entry.name
        if entry.is_dir(follow_symlinks=False):
            yield from _files(directory, key)
        elif entry.is_file() and not STAGED.search(entry.name):
            yield key


def shown(url: str) -> str:
    """A URL as messages have it, without what may be a password in it."""
    if "://" in url:
        scheme, _, rest = url.partition("://")
        host, slash, path = rest.partition("/")
        url = f"{scheme}://{host.rpartition('@')[2]}{slash}{path}".partition("?")[0].partition("#")[0]
    return text.printable(url)[:300]


def _maker(url: str, timeout_s: float) -> tuple[Path | None, Callable[[bool], ObjectStore]]:
    """The directory of a URL, if it is one, and what makes its client; UsageError where it is none of a store."""
    if not url.strip():
        raise UsageError("URL is empty; name a directory, file://, s3://bucket/prefix, gs:// or az://")
    scheme = url.partition("://")[0].lower() if "://" in url else ""
    if scheme not in ("", *SCHEMES):
        raise UsageError(f"{shown(url)}: is no store; name a directory, file://, s3://bucket/prefix, gs:// or az://")
    if scheme:
        parts = urlsplit(url)
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise UsageError(
                f"{shown(url)}: was given with credentials or a query, which logs would keep; "
                "set them in the environment"
            )
        if scheme != "file" and not parts.netloc:
            raise UsageError(f"{shown(url)}: names no bucket; write {scheme}://bucket/prefix")
        if scheme == "file" and (parts.netloc not in ("", "localhost") or not parts.path):
            raise UsageError(f"{shown(url)}: names a host or no path; write file:///directory")
    try:
        import obstore  # noqa: F401 - whether it is there
    except ImportError:
        raise UsageError(f"a store needs obstore, which is not installed: {command('fleet')}") from None
    if scheme in ("", "file"):
        directory = Path(unquote(urlsplit(url).path)) if scheme else Path(url)
        return directory, lambda make: _local(directory, make=make)
    _check_endpoint(scheme)
    return None, lambda _: _remote(url, timeout_s)


def _check_endpoint(scheme: str) -> None:
    """UsageError for a variable with an address that is none; its value is not shown: it may hold a password."""
    for name in ENDPOINTS.get(scheme, ()):
        value = os.environ.get(name)
        if value is None:
            continue
        try:
            parts = urlsplit(value)
            good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
        except ValueError:
            good = False
        if not good or not value.isascii() or not value.isprintable() or " " in value:
            raise UsageError(
                f"{name}: is no address of a server; set it to https://host or http://host:port, or unset it"
            )


def _local(directory: Path, *, make: bool) -> ObjectStore:
    """A directory. Only its last part is made: where its parent is missing, a file system is not mounted."""
    from obstore.store import LocalStore

    name = text.printable(str(directory))
    if make and not directory.parent.is_dir():
        raise AwayError(f"{name}: has no directory above it; mount the file system, or make the directory")
    if make:
        directory.mkdir(exist_ok=True)
    if not directory.is_dir():
        raise MissingError(f"{name}: is no directory; check the URL")
    return LocalStore(directory)


def _remote(url: str, timeout_s: float) -> ObjectStore:
    from obstore.store import from_url

    # Options given here replace all that the client reads from its variables, of which this is the one that sites set.
    plain = any(os.environ.get(name, "").lower() in ("1", "true", "yes") for name in PLAIN_HTTP)
    client: ClientConfig = {
        "connect_timeout": "5s",
        "timeout": timedelta(seconds=timeout_s),
        "user_agent": "hwbench",
        "allow_http": plain,
    }
    retries: RetryConfig = {
        "max_retries": 4,
        "retry_timeout": timedelta(seconds=2 * timeout_s),
        "backoff": {"init_backoff": timedelta(seconds=0.2), "max_backoff": timedelta(seconds=5), "base": 2},
    }
    store: ObjectStore = from_url(url, client_options=client, retry_config=retries)
    return store
