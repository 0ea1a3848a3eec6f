"""Vega, Vega-Lite and vega-embed as one script, from vl-convert, which ships them.

Putting the script together takes a second or two, so it is done in a thread while the charts are built, and kept in the
user's cache directory under vl-convert's version.
"""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

from .. import cache
from ..errors import UsageError
from ..record import sealed
from ..record.threads import startable


def prefetch() -> Future[str]:
    """The script, being put together in a thread, or here where the system starts none."""
    pool = ThreadPoolExecutor(1, thread_name_prefix="bundle")
    try:
        future = pool.submit(script)
    except RuntimeError:
        future = Future()
        future.set_result(script())
    pool.shutdown(wait=False)
    return future


def script(directory: Path | None = None) -> str:
    """The script, from the cache in `directory` (the user's, unless given) or made anew; it cannot end a `<script>`."""
    directory = directory or cache.directory("charts")
    path = directory / f"vega-{version('vl-convert-python')}.js"
    kept = sealed.read(path)
    if kept is not None:
        return kept.decode()
    room()
    import vl_convert

    # Its stub asks for a snippet; without one it gives everything, with the entry points as globals.
    made = harmless(vl_convert.javascript_bundle())  # type: ignore[call-arg]
    sealed.write(made.encode(), path)
    return made


def room() -> None:
    """Raise UsageError where the system does not start the threads of vl-convert, which would end the process."""
    needed = 4 + (os.cpu_count() or 1)
    started = startable(needed)
    if started < needed:
        raise UsageError(
            f"the page's charts need {needed} threads once, and the system starts {started}: raise the limit on "
            "processes (ulimit -u, pids.max of the cgroup, Docker's --pids-limit)"
        )


def harmless(code: str) -> str:
    """The code with what would end or confuse a `<script>` element rewritten; inside strings it means the same."""
    return code.replace("</script", "<\\/script").replace("</SCRIPT", "<\\/SCRIPT").replace("<!--", "<\\!--")
