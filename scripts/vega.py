"""Make the charts' script anew: Vega, Vega-Lite and vega-embed in one file, as vl-convert puts them together.

    python scripts/vega.py

It writes src/hwbench/report/vega.js.gz, which is part of the package: vl-convert itself takes 84 MiB, for an engine
that no page needs. tests/report/test_bundle.py holds the file to what this script makes. Where Vega takes in another
library, its licence goes into src/hwbench/report/vega.licences.txt.
"""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import vl_convert

PATH = Path(__file__).resolve().parents[1] / "src" / "hwbench" / "report" / "vega.js.gz"


def made() -> str:
    """The script, with what it is made of in its first line."""
    parts = (vl_convert.get_vega_version(), vl_convert.get_vegalite_versions()[-1], vl_convert.get_vega_embed_version())
    versions = "Vega {}, Vega-Lite {}, vega-embed {}".format(*parts)
    # Its stub asks for a snippet; without one it gives everything, with the entry points as globals.
    code = vl_convert.javascript_bundle()  # type: ignore[call-arg]
    return f"/* {versions}, by vl-convert {vl_convert.__version__} */\n{code}"


def main() -> int:
    """Write the file, the same to the byte wherever it is made."""
    PATH.write_bytes(gzip.compress(made().encode(), 9, mtime=0))
    print(f"{PATH.stat().st_size:,} bytes: {made().splitlines()[0]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
