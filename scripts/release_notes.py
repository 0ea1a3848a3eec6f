"""Print what CHANGELOG.md says of a version, as the release's notes.

    python scripts/release_notes.py v0.2.0

A version without a section is refused, by exit code 1: a tag without notes does not become a release.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

CHANGELOG = Path(__file__).resolve().parents[1] / "CHANGELOG.md"


def notes(changelog: str, version: str) -> str:
    """The section of a version without its heading; "" where there is none."""
    found = re.search(rf"^## \[{re.escape(version)}\].*\n((?:(?!## ).*\n?)*)", changelog, re.MULTILINE)
    return found[1].strip() if found else ""


def main(given: list[str] | None = None) -> int:
    """Print the section of the version or tag that is named."""
    (tag,) = sys.argv[1:] if given is None else given
    said = notes(CHANGELOG.read_text(encoding="utf-8"), tag.removeprefix("v"))
    if not said:
        why = f"CHANGELOG.md has no section [{tag.removeprefix('v')}]: docs/releasing.md says how it is made"
        print(why, file=sys.stderr)
        return 1
    print(said)
    return 0


if __name__ == "__main__":
    sys.exit(main())
