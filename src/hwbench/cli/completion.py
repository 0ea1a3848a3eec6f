"""What a shell completes: names of benches and topics, files of benches, and ids of runs. Imports nothing heavy."""

from __future__ import annotations

import os
from pathlib import Path

from . import pages


def benches(incomplete: str) -> list[str]:
    """The benches that begin with this, the topics while no dot was typed, then Python files and directories."""
    known = [row.name for row in pages.index()]
    topics = [] if "." in incomplete else sorted({name.partition(".")[0] for name in known})
    folder, begun = os.path.split(incomplete)
    found = sorted(path for path in Path(folder).glob("[!.]*") if path.name.startswith(begun))
    files = [f"{path}{os.sep * path.is_dir()}" for path in found if path.suffix == ".py" or path.is_dir()]
    return [name for name in (*topics, *known, *files) if name.startswith(incomplete)]


def runs(incomplete: str) -> list[str]:
    """The ids of runs below ./reports that begin with this, the newest first."""
    found = [path for path in Path("reports/runs").glob("*/*.json") if path.stem.startswith(incomplete)]
    return [path.stem for path in sorted(found, key=lambda path: path.stem.rpartition("-")[0][-16:], reverse=True)]


def runs_and_benches(incomplete: str) -> list[str]:
    """Either."""
    return [*runs(incomplete), *benches(incomplete)]
