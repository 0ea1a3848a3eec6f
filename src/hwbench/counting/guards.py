"""Runs a function once and turns what it should not do into one clear line: failing, printing, starting processes."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path
from subprocess import Popen
from typing import NoReturn, TextIO, TypeVar

from ..errors import UsageError
from .inputs import LIBRARIES

T = TypeVar("T")


def guarded(name: str, function: Callable[..., T], args: Sequence[object], kwargs: Mapping[str, object]) -> T:
    """The result of one call; a `UsageError` where it fails, prints, or starts a process."""
    said = _Said(sys.stdout)
    try:
        with _no_processes(name), contextlib.redirect_stdout(said):
            result = function(*args, **kwargs)
    except UsageError:
        raise
    except MemoryError as error:
        raise UsageError(f"{name} needs more memory than there is ({error}): give it smaller inputs") from None
    except SystemExit as error:
        raise UsageError(f"{name} ends Python ({error.code}): take the exit out") from None
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the function's
        raise UsageError(f"{name} fails: {type(error).__name__}: {_line(error)}{_place(error)}") from None
    if text := said.getvalue():
        raise UsageError(f"{name} prints ({_line(text)!r}), which would be timed: take the output out of the function")
    return result


class _Said(io.StringIO):
    """What the function prints; threads that ran before, such as a progress bar, print as ever."""

    def __init__(self, before: TextIO) -> None:
        super().__init__()
        self._before = before
        self._others = frozenset(one.ident for one in threading.enumerate()) - {threading.get_ident()}

    def write(self, text: str) -> int:
        """Keep or pass on."""
        return self._before.write(text) if threading.get_ident() in self._others else super().write(text)


def _line(value: object) -> str:
    return " ".join(str(value).split())[:200]


def _place(error: BaseException) -> str:
    """File and line where the function failed: the last one outside of libraries."""
    others = (str(Path(__file__).parent), *LIBRARIES, "<")
    frames = [one for one in traceback.extract_tb(error.__traceback__) if not one.filename.startswith(others)]
    return f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""


@contextlib.contextmanager
def _no_processes(name: str) -> Iterator[None]:
    """Starting a process is refused: what it does can neither be counted nor undone."""

    def refuse(*_args: object, **_kwargs: object) -> NoReturn:
        raise UsageError(f"{name} starts a process, whose work cannot be counted: call what the process does itself")

    places: list[tuple[object, str]] = [
        (os, one) for one in ("fork", "forkpty", "posix_spawn", "posix_spawnp", "system", "popen") if hasattr(os, one)
    ]
    places += [(Popen, "__init__"), (BaseProcess, "start")]
    before = [(home, one, getattr(home, one)) for home, one in places]
    try:
        for home, one in places:
            setattr(home, one, refuse)
        yield
    finally:
        for home, one, original in before:
            setattr(home, one, original)


@contextlib.contextmanager
def same_chances() -> Iterator[None]:
    """The caller's random numbers go on as if nothing had run."""
    import random

    numpy_random = sys.modules.get("numpy.random")
    own = random.getstate()
    state = numpy_random.mtrand._rand.get_state() if numpy_random else None
    try:
        yield
    finally:
        random.setstate(own)
        if numpy_random:
            numpy_random.mtrand._rand.set_state(state)
