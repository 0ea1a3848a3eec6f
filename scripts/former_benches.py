"""Write what benches declared before run files described them: `python scripts/former_benches.py`.

The benches of today stand for those of then, so it is of use only while they declare the same.
"""

from __future__ import annotations

import msgspec

from hwbench import catalog
from hwbench.analysis.measures import FORMER


def main() -> None:
    """Write the table that `analysis.measures.former` reads."""
    infos = {name: bench.info for name, bench in sorted(catalog.benches().items())}
    FORMER.write_bytes(msgspec.json.format(msgspec.json.encode(infos), indent=1) + b"\n")


if __name__ == "__main__":
    main()
