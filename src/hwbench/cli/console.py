"""Printing: tables on a terminal or a pipe, JSON, and single lines on either stream."""

from __future__ import annotations

import errno
import os
import re
import sys
from typing import TYPE_CHECKING, TextIO

from . import streams

if TYPE_CHECKING:
    from rich.console import Console

OBEYED = re.compile("[\x7f-\x9f\u202a-\u202e\u2066-\u2069]")  # beside what JSON escapes itself
PIPE_WIDTH = 240  # columns: off a terminal rich folds tables at 80, and folded rows can be neither searched nor cut


def console(*, stderr: bool = False) -> Console:
    """A rich console on standard output or standard error."""
    from rich.console import Console

    class Plain(Console):
        def on_broken_pipe(self) -> None:
            """Report a closed pipe as `print` does; rich would exit by 1, which says that a case is slower."""
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))

    made = Plain(stderr=stderr)
    return made if made.is_terminal else Plain(stderr=stderr, width=PIPE_WIDTH, no_color=True)


def live(stream: TextIO | None) -> bool:
    """Whether lines on a stream may be redrawn: a terminal that can, and no log of a continuous integration.

    FORCE_COLOR alone makes no log a terminal: frames of a bar would fill it.
    """
    dumb = os.environ.get("TERM", "").lower() in ("dumb", "unknown")
    logged = os.environ.get("CI", "").lower() not in ("", "0", "false")
    return stream is not None and stream.isatty() and not dumb and not logged


def print_json(data: object) -> None:
    """Structs and plain data as JSON on standard output; what a terminal would obey is written as an escape."""
    import msgspec

    text = msgspec.json.format(msgspec.json.encode(data), indent=1).decode()
    shown = OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    sys.stdout.buffer.write(shown.encode() + b"\n")
    sys.stdout.buffer.flush()


def echo(line: str) -> None:
    """Print a line on standard output. `click.echo` would write UTF-8 where the stream is ASCII."""
    print(line, flush=True)  # noqa: T201


def echo_err(line: str) -> None:
    """Print a line on standard error: control characters made visible, and no failure where the stream is closed."""
    from ..record import text

    with streams.unheard(sys.stderr):
        print(text.printable(line), file=sys.stderr, flush=True)  # noqa: T201
