"""Building: what is installed, what is said where it fails, what is kept and what goes."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from hwbench.ab import building
from hwbench.errors import StoreError

UV = """  × No solution found when resolving dependencies:
  ╰─▶ Because the current Python version (3.11.7) does not satisfy Python>=3.12
      and x==0.1 depends on Python>=3.12, we can conclude that x==0.1
      cannot be used.
"""
DEBIAN = """The virtual environment was not created successfully because ensurepip is not
available.  On Debian/Ubuntu systems, you need to install the python3-venv
package using the following command.

Failing command: /tmp/x/bin/python3
"""
OFFLINE = """  error: subprocess-exited-with-error

  × pip subprocess to install build dependencies did not run successfully.
  │ exit code: 1
  ╰─> [2 lines of output]
      ERROR: Could not find a version that satisfies the requirement hatchling>=1.24 (from versions: none)
      ERROR: No matching distribution found for hatchling>=1.24
      [end of output]

  note: This error originates from a subprocess, and is likely not a problem with pip.
"""
BACKEND = """  error: subprocess-exited-with-error

      ValueError: Unable to determine which files to ship inside the wheel
      [end of output]

  note: This error originates from a subprocess, and is likely not a problem with pip.
error: metadata-generation-failed

× Encountered error while generating package metadata.
hint: See above for details.
"""


COMPILER = """  error: subprocess-exited-with-error

      src/x.c:3:10: fatal error: zlib.h: No such file or directory
      compilation terminated.
      error: command '/usr/bin/gcc' failed with exit code 1
      [end of output]

  ERROR: Failed building wheel for x
ERROR: Failed to build installable wheels for some pyproject.toml based projects (x)
"""
IGNORED = """ERROR: Ignored the following versions that require a different python version: 2.5 Requires-Python >=3.12
ERROR: Could not find a version that satisfies the requirement numpy==9 (from versions: 2.3, 2.4)
ERROR: No matching distribution found for numpy==9
"""


class Fails:
    """Stands for what is run: one step says something and fails; venv leaves an interpreter."""

    def __init__(self, step, said):
        self.step, self.said = step, said

    def __call__(self, command, folder, seconds, variables):
        step = "pip" if "install" in command else "venv"
        if step == "venv":
            python = folder / "environment" / "bin" / "python"
            python.parent.mkdir(parents=True)
            python.touch()
        return subprocess.CompletedProcess(
            command, int(step == self.step), *(self.said if step == self.step else ("", ""))
        )


@pytest.mark.parametrize(
    ("step", "output", "said"),
    [
        ("venv", (DEBIAN, ""), "python3-venv; --no-build"),
        ("venv", ("", "/usr/bin/python3: No module named venv\n"), "No module named venv"),
        ("venv", ("", "Error: [Errno 28] No space left on device: '/tmp/x'\n"), "No space left on device"),
        ("pip", ("", OFFLINE), "install it (No matching distribution found for hatchling>=1.24; its output: "),
        ("pip", ("", IGNORED), "(No matching distribution found for numpy==9; its output: "),
        ("pip", ("", COMPILER), "(src/x.c:3:10: fatal error: zlib.h: No such file or directory; its output: "),
        ("pip", ("", f"{BACKEND}ERROR: Failed to build 'x' when getting requirements\n"), "(ValueError: Unable"),
        ("pip", ("", BACKEND), "(ValueError: Unable to determine which files to ship inside the wheel; its output: "),
        ("pip", ("", "error: externally-managed-environment\n\nhint: See PEP 668\n"), "(externally-managed-env"),
        ("pip", ("", "Killed\n"), "(Killed; "),
        ("pip", ("", ""), "(it said nothing; "),
        ("pip", ("", UV), "does not satisfy Python>=3.12 and x==0.1 depends on Python>=3.12"),
        ("pip", ("", "ERROR: Package 'x' requires a different Python: 3.11.7 not in '>=3.12'\n"), "by --python"),
    ],
)  # fmt: skip
def test_a_commit_that_cannot_be_built_is_one_line(tmp_path, monkeypatch, step, output, said):
    """Which commit, what venv, pip or uv complained of, and what to do."""
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "setup.py").touch()
    monkeypatch.setattr(building, "ran", Fails(step, output))
    monkeypatch.setattr(building, "uv", lambda: "")
    with pytest.raises(StoreError) as error:
        building._build("good (c0ffee)", tmp_path, building.Recipe(), tmp_path / "source")
    text = str(error.value)
    assert text.startswith("good (c0ffee): ")
    assert said in text
    assert "\n" not in text
    assert ("--no-build" in text) is not ("Python>=3.12" in text or "by --python" in text)


def test_what_is_installed(tmp_path):
    """The project with the extras that are asked for, where it can be installed; else the requirements alone."""
    assert building.targets(tmp_path, ["pytest"]) == ["pytest"]
    assert building.targets(tmp_path, []) == []
    (tmp_path / "pyproject.toml").touch()
    assert building.targets(tmp_path, ["pytest"]) == [str(tmp_path), "pytest"]
    assert building.targets(tmp_path, [".[bench]", "pytest"]) == [f"{tmp_path}[bench]", "pytest"]


def test_a_python_is_a_path_or_a_version_that_is_here():
    """pip fetches none."""
    assert building._executable(sys.executable) == sys.executable
    with pytest.raises(StoreError, match=r"^--python 2\.9: there is no python2\.9 here; uv would fetch it"):
        building._executable("2.9")


def test_environments_that_nobody_used_for_long_go(tmp_path):
    """But for the one that is asked for."""
    for name in ("old", "new", "mine"):
        (tmp_path / name).mkdir()
        (tmp_path / name / building.READY).write_text("{}")
    long_ago = time.time() - 31 * 86_400
    for name in ("old", "mine"):
        os.utime(tmp_path / name / building.READY, (long_ago, long_ago))
    building._sweep(tmp_path, tmp_path / "mine")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "new"]


def test_what_takes_too_long_or_cannot_start_has_failed(tmp_path):
    """Both end as a process that failed and said why."""
    slow = building.ran([sys.executable, "-c", "import time; time.sleep(60)"], tmp_path, 0.2, {})
    assert (slow.returncode, slow.stderr) == (1, "it took more than 200 ms")
    none = building.ran([str(tmp_path / "python")], tmp_path, 10, {})
    assert none.returncode == 1
    assert "cannot be started" in none.stderr


def test_a_program_that_is_no_python_is_told(tmp_path):
    """One that fails, and one that prints something else."""
    for body, said in (("exit 3", "does not run"), ("echo hello", "is no Python")):
        path = tmp_path / "python"
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        with pytest.raises(StoreError, match=said):
            building.packages(str(path), tmp_path)
