"""Vega, Vega-Lite and vega-embed as one script, which is part of the package (`scripts/vega.py` makes it)."""

from __future__ import annotations

import functools
import gzip
from pathlib import Path

SCRIPT = Path(__file__).parent / "vega.js.gz"


@functools.cache
def script() -> str:
    """The script; it cannot end a `<script>`."""
    return harmless(gzip.decompress(SCRIPT.read_bytes()).decode())


def harmless(code: str) -> str:
    """The code with what would end or confuse a `<script>` element rewritten; inside strings it means the same."""
    return code.replace("</script", "<\\/script").replace("</SCRIPT", "<\\/SCRIPT").replace("<!--", "<\\!--")
