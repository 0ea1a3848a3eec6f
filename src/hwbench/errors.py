"""TODO errors."""

from __future__ import annotations


class UsageError(ValueError):
    """Something that was asked for does not exist; the message is one line, with the nearest names."""


class StoreError(Exception):
    """A file or directory that cannot be used; the message is one line: which, where in it, what to do."""
