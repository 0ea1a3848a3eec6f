"""Errors that end a command with one line on standard error and exit code 2."""

from __future__ import annotations


class UsageError(ValueError):
    """A request that cannot be met; the message is one line, with the nearest names or the remedy."""


class StoreError(Exception):
    """A file or directory that cannot be used; the message is one line: which, where in it, and what to do."""
