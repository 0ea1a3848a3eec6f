"""Are the workflows in the documentation safe to copy? zizmor reads each, offline.

    python tests/check_workflows.py

Exit code: 0 where it finds nothing in any.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"


def workflows() -> list[str]:
    """Every workflow of GitHub Actions that the documentation shows."""
    blocks = (re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL) for page in DOCS.glob("*.md"))
    return [block for found in blocks for block in found if "\njobs:" in block]


if __name__ == "__main__":
    command = ["zizmor", "--offline", "--no-progress", "--persona", "auditor", "-"]
    codes = [subprocess.run(command, input=workflow, text=True).returncode for workflow in workflows()]
    sys.exit(max(codes) if codes else "docs/ shows no workflow")
