"""A foreign project's results, written by asv itself: a toy with a time and a rate, two commits, two machines."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest

from hwbench import report
from hwbench.tracking import gather

pytest.importorskip("asv", reason="asv is not installed: pip install '.[asv]'")

TOY = """
def time_sum():
    sum(range(1000))


def track_rate(n):
    return 10.0 * n


track_rate.params = [1, 2]
track_rate.unit = "GB/s"
"""


@pytest.mark.slow
def test_a_toy_project_is_shown(tmp_path):
    """Two commits on two machines by `asv run`; series, units and direction are theirs, and the page is made."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    root = tmp_path / "toy"
    (root / "benchmarks").mkdir(parents=True)
    (root / "benchmarks" / "__init__.py").touch()
    (root / "benchmarks" / "suite.py").write_text(TOY)
    config = {"version": 1, "project": "toy", "repo": ".", "dvcs": "git", "branches": ["main"]}
    config |= {"environment_type": "virtualenv", "results_dir": "out"}
    (root / "asv.conf.json").write_text(json.dumps(config, indent=1))
    home = {**os.environ, "HOME": str(tmp_path)}

    def run(*command: str) -> str:
        done = subprocess.run(command, cwd=root, env=home, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run("git", "init", "-q", "-b", "main")
    for machine in ("here", "there"):
        run(sys.executable, "-m", "asv", "machine", "--machine", machine, "--yes")
    hashes = []
    for number in (1, 2):
        (root / "code.py").write_text(f"# {number}\n")
        run("git", "add", ".")
        run("git", "-c", "user.name=x", "-c", "user.email=x@localhost", "commit", "-qm", f"Toy {number}")
        hashes.append(run("git", "rev-parse", "HEAD").strip())
        for machine in ("here", "there"):
            run(sys.executable, "-m", "asv", "run", "-E", f"existing:{sys.executable}", "--machine", machine, "--quick",
                "--set-commit-hash", hashes[-1])  # fmt: skip
    [history] = gather.gather([root / "out"], root).histories
    assert history.name == "toy"
    assert [(commit.name, commit.subject) for commit in history.commits] == list(
        zip(hashes, ("Toy 1", "Toy 2"), strict=True)
    )
    found = {(one.label, one.unit, one.higher) for one in history.series}
    assert found == {
        ("suite.time_sum", "s", False), ("suite.track_rate [1]", "GB/s", True), ("suite.track_rate [2]", "GB/s", True),
    }  # fmt: skip
    assert {setting.machine for setting in history.settings} == {"here", "there"}
    assert {tuple(one.values) for one in history.series if one.label == "suite.track_rate [2]"} == {(20.0, 20.0)}
    assert history.notes == []  # asv machine --yes with a name states nothing else, so nothing is said of likeness
    assert "suite.track_rate" in report.render([], [history], catalogue={})
