"""Standard output and standard error that are full, closed, or of another encoding than UTF-8.

Imports nothing heavy: this runs before everything else.
"""

from __future__ import annotations

import codecs
import contextlib
import errno
import os
import sys
from collections.abc import Iterator
from typing import TextIO

# What findings and reasons hold beyond ASCII, in ASCII.
PLAIN = {
    "–": "-", "—": "-", "−": "-", "≈": "~", "→": "->", "×": "x", "µ": "u", "μ": "u", "±": "+-", "≥": ">=", "≤": "<=",
    "√": "sqrt ", "∞": "inf", "…": "...", "·": "*", "ε": "eps", "Σ": "sum", "’": "'", "“": '"', "”": '"',
    "\u202f": " ",
}  # fmt: skip
RAISED = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-", strict=True))
GONE = (errno.ENOSPC, errno.EPIPE, errno.EIO, errno.EBADF)  # how writing fails where a stream leads nowhere any more


def prepare() -> None:
    """Let both streams take every character: those that their encoding lacks become ASCII letters or escapes."""
    codecs.register_error("hwbench", _in_plain_letters)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed before the program began (`2>&-`)
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115 - for the process's life
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="hwbench")


@contextlib.contextmanager
def unheard(stream: TextIO | None) -> Iterator[None]:
    """Go on where a stream cannot be written to (a full disk, a closed pipe); from then on its output is discarded.

    Python would try once more to flush it at the end, fail again and exit by 120.
    """
    try:
        yield
    except OSError as error:
        silence(stream, error)


@contextlib.contextmanager
def until_closed(stream: TextIO | None) -> Iterator[None]:
    """Leave the block quietly where the reader of a pipe has gone, as `head` goes after its first lines."""
    try:
        yield
    except BrokenPipeError as error:
        silence(stream, error)


def silence(stream: TextIO | None, error: OSError) -> None:
    """Redirect a stream to the null device if it failed because it is full or closed."""
    if error.errno in GONE and error.filename is None and stream is not None:
        with contextlib.suppress(OSError, ValueError):  # it is none of a file
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)


def _in_plain_letters(error: UnicodeError) -> tuple[str | bytes, int]:
    """The error handler: each character as `PLAIN` has it, else as Python escapes it."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text, at = error.object, error.start
    if text[at] in RAISED:  # 10⁻⁶ as 10^-6
        return "^" * (text[at - 1 : at] not in RAISED) + RAISED[text[at]], at + 1
    if text[at] in PLAIN:
        return PLAIN[text[at]], at + 1
    one = UnicodeEncodeError(error.encoding, text, at, at + 1, error.reason)
    return codecs.backslashreplace_errors(one)
