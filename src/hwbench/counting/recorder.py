"""Where calls are recorded while a function is traced."""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Callable, Iterator
from typing import ParamSpec, TypeVar

from .ledger import Ledger

P = ParamSpec("P")
R = TypeVar("R")


class Recorder:
    """Where the calls of the run under way go; nothing is recorded while `quiet`."""

    def __init__(self) -> None:
        self.ledger: Ledger | None = None
        self.quiet = False

    @property
    def on(self) -> bool:
        """Whether calls are recorded now."""
        return self.ledger is not None and not self.quiet

    @contextlib.contextmanager
    def hushed(self) -> Iterator[None]:
        """NumPy's own work inside of a call."""
        before, self.quiet = self.quiet, True
        try:
            yield
        finally:
            self.quiet = before


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
