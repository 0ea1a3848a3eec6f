"""asv's results go to the folder of a process, by a real asv."""

from __future__ import annotations

import subprocess
import sys

import pytest

from hwbench.ab import asv_driver, results
from hwbench.ab.process import Ended
from hwbench.ab.tools import command
from hwbench.tracking.rules import Rules


@pytest.mark.slow
def test_results_of_asv_are_read_from_where_they_are_sent(tmp_path, monkeypatch):
    """On a branch that its configuration does not name; neither its folders nor the home are written to."""
    pytest.importorskip("asv", reason="asv is not installed: pip install '.[asv]'")
    root, out, home = (tmp_path / name for name in ("project", "out", "home"))
    for folder in (root / "benchmarks", out, home):
        folder.mkdir(parents=True)
    (root / "asv.conf.json").write_text(
        '{"version": 1, "project": "x", "repo": "https://localhost", "branches": ["main"], "environment_type": "x"} //'
    )
    (root / "benchmarks" / "__init__.py").touch()
    (root / "benchmarks" / "suite.py").write_text(
        "def time_good():\n    sum(range(10))\n\ndef track_bad():\n    raise ValueError\n"
    )
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@localhost"]
    for words in (["init", "-q", "-b", "feature"], ["add", "."], ["commit", "-qm", "one"]):
        subprocess.run([*git, *words], cwd=root, check=True)
    monkeypatch.setenv("HOME", str(home))
    words = ["run", "--quick", "-E", f"existing:{sys.executable}", "--set-commit-hash", "HEAD", "--machine", "ab"]
    done = subprocess.run(
        [sys.executable, asv_driver.__file__, str(out), *words], cwd=root, capture_output=True, text=True,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    found = results.read(command(["asv", "run"]), Ended(done.returncode, 1, 1, done.stdout, done.stderr), out, Rules())
    assert "questions about this machine" not in done.stdout
    by_name = {one.bench: one for one in found.values}
    assert by_name["suite.time_good"].value > 0
    assert by_name["suite.track_bad"].unfit == "failed"
    assert sorted(path.name for path in root.iterdir()) == [".git", "asv.conf.json", "benchmarks"]
    assert not (home / ".asv-machine.json").exists()
