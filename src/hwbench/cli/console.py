"""TODO cli.console."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from . import streams
from .signals import leave

if TYPE_CHECKING:
    from rich.console import Console


def _console(*, stderr: bool = False) -> Console:
    from rich.console import Console

    console = Console(stderr=stderr)
    # Off a terminal rich would fold tables at 80 columns, which nobody can search or cut.
    return console if console.is_terminal else Console(stderr=stderr, width=240, no_color=True)


def _json(data: Any) -> None:
    import msgspec

    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(data), indent=1) + b"\n")
    sys.stdout.buffer.flush()


def _tell(line: str) -> None:
    """One line on standard output. Click's own way would take ASCII for a mistake, and write UTF-8."""
    print(line, flush=True)  # noqa: T201


def _say(line: str) -> None:
    """One line on standard error, whatever the names and values in it hold, and whether anybody can hear it."""
    from ..record.units import printable

    with streams.unheard(sys.stderr):
        print(printable(line), file=sys.stderr, flush=True)  # noqa: T201


class _Stop:
    """A signal's wish to stop, granted where the engine asks: the first is noted, a second ends the process at once.

    An exception out of a signal handler may surface anywhere: inside a callback, which swallows it, or inside the code
    that Numba executes, after which Python ends by the signal whatever the exit code was to be.
    """

    def __init__(self) -> None:
        self.asked = False

    def ask(self, number: int, frame: Any) -> None:
        """The signal handler."""
        if self.asked:
            leave(number, frame)
        self.asked = True

    def check(self) -> None:
        """Raise KeyboardInterrupt if a signal came."""
        if self.asked:
            raise KeyboardInterrupt
