"""Vega, Vega-Lite and vega-embed as one script, from vl-convert, which ships them.

Putting the script together takes a second or two, so it is done in a thread while the charts are built, and kept in the
user's cache directory under vl-convert's version. A cache that cannot be read, written or trusted costs only the time.
"""

from __future__ import annotations

import hashlib
from concurrent.futures import Future, ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

from .. import cache
from ..record import files

LARGEST = 64 * 2**20  # bytes; Vega and all are 2 MB


def prefetch() -> Future[str]:
    """The script, being put together in a thread."""
    pool = ThreadPoolExecutor(1, thread_name_prefix="bundle")
    future = pool.submit(script)
    pool.shutdown(wait=False)
    return future


def script(directory: Path | None = None) -> str:
    """The script, from the cache in `directory` (the user's, unless given) or made anew; it cannot end a `<script>`."""
    directory = directory or cache.directory("charts")
    path = directory / f"vega-{version('vl-convert-python')}.js"
    kept = _kept(path)
    if kept is not None:
        return kept
    import vl_convert

    # Its stub asks for a snippet; without one it gives everything, with the entry points as globals.
    made = harmless(vl_convert.javascript_bundle())  # type: ignore[call-arg]
    _keep(made, path)
    return made


def harmless(code: str) -> str:
    """The code with what would end or confuse a `<script>` element rewritten; inside strings it means the same."""
    return code.replace("</script", "<\\/script").replace("</SCRIPT", "<\\/SCRIPT").replace("<!--", "<\\!--")


def _kept(path: Path) -> str | None:
    """What the cache holds; None unless its first line is the hash of the rest, and no other user could write it."""
    try:
        who = cache.strangers(path) or cache.strangers(path.parent)
        stated, _, code = files.read(path, LARGEST).partition(b"\n")
        kept = code.decode() if stated == _seal(code) else None
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError):
        who, kept = "", None
    if who or kept is None:
        cache.aside(path, who or "is damaged")
    return None if who else kept


def _keep(code: str, path: Path) -> None:
    data = code.encode()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        files.write(_seal(data) + b"\n" + data, path, mode=0o600)
    except OSError as error:
        cache.aside(path, f"cannot be kept ({files.why(error)})")


def _seal(data: bytes) -> bytes:
    return b"// " + hashlib.sha256(data).hexdigest().encode()
