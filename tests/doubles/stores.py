"""Stores of a fleet in place of buckets: one in memory, and one in a directory that other processes write to."""

from __future__ import annotations

import threading
from pathlib import Path

from hwbench.errors import StoreError


class Memory:
    """Objects in a dictionary."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.away = False
        self._lock = threading.Lock()

    def put_once(self, key: str, data: bytes) -> bool:
        with self._lock:
            if self.objects.setdefault(key, data) != data:
                raise StoreError(f"{key}: has other bytes")
        return True

    def keys(self, prefix: str = "") -> list[str]:
        if self.away:
            raise StoreError("the store is away")
        return sorted(key for key in self.objects if key.startswith(prefix))

    def get(self, key: str) -> bytes:
        return self.objects[key]


class Folder:
    """Keys that are paths below a directory."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put_once(self, key: str, data: bytes) -> bool:
        path = self.root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return True

    def keys(self, prefix: str = "") -> list[str]:
        return sorted(str(path.relative_to(self.root)) for path in (self.root / prefix).rglob("*") if path.is_file())
