"""Where calls are recorded while a function is traced."""

from __future__ import annotations

import contextlib
import functools
import sys
import threading
from collections.abc import Callable, Iterator
from typing import ParamSpec, TypeVar

from .ledger import Ledger

P = ParamSpec("P")
R = TypeVar("R")


class Recorder:
    """Where the calls of the run under way go.

    Nothing is recorded while a thread is hushed, nor of threads that ran before: a witness, a progress bar.
    """

    def __init__(self) -> None:
        self.ledger: Ledger | None = None
        self._others: frozenset[int | None] = frozenset()
        self._quiet = threading.local()

    @property
    def on(self) -> bool:
        """Whether calls of this thread are recorded now."""
        if self.ledger is None or getattr(self._quiet, "now", False):
            return False
        return threading.get_ident() not in self._others

    def start(self, ledger: Ledger) -> None:
        """Record the calls of this thread, and of those that it starts."""
        self._others = frozenset(one.ident for one in threading.enumerate()) - {threading.get_ident()}
        self.ledger, self._quiet.now = ledger, False

    @contextlib.contextmanager
    def hushed(self) -> Iterator[None]:
        """NumPy's own work inside of a call."""
        before, self._quiet.now = getattr(self._quiet, "now", False), True
        try:
            yield
        finally:
            self._quiet.now = before


RECORDER = Recorder()


def unwatched(function: Callable[P, R]) -> Callable[P, R]:
    """The tracer's own functions are not watched: to see each of their calls would take most of the time."""

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        watch = sys.getprofile()
        if watch is None:
            return function(*args, **kwargs)
        sys.setprofile(None)
        try:
            return function(*args, **kwargs)
        finally:
            sys.setprofile(watch)

    return call
