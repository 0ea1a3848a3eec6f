"""The store of a fleet's runs: a directory or a bucket, through obstore. An object is put once, under its own key.

Credentials are those that the cloud's own tools use (environment, instance). No message shows one, since messages have
neither the environment nor what a server answers at length.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator


class Store:
    """Objects by key. Every failure is a StoreError of one line; `AwayError` where another try may succeed."""

    def __init__(self, url: str) -> None:
        self.url = url

    @classmethod
    def open(cls, url: str) -> Store:
        """The store at a path, `file://`, `s3://`, `gs://` or `az://`; UsageError for any other URL.

        Nothing is sent yet.
        """
        raise NotImplementedError

    def put_once(self, key: str, data: bytes) -> bool:
        """Put an object that is not there yet; False where the same bytes are there already.

        StoreError where other bytes are.
        """
        raise NotImplementedError

    def keys(self, prefix: str = "") -> list[str]:
        """The keys below a prefix that ends at a `/`, sorted."""
        raise NotImplementedError

    def get(self, key: str) -> bytes:
        """The bytes of an object."""
        raise NotImplementedError

    def get_many(self, keys: Iterable[str]) -> Iterator[tuple[str, bytes | Exception]]:
        """Objects, several at a time, in the order of the keys; the error in place of one that cannot be had."""
        raise NotImplementedError
