"""Who contends in `hwbench ab`: Pythons as they are, commits built by pip, and what is said where that fails."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hwbench.ab import environments
from hwbench.errors import StoreError

PROJECT = '[project]\nname = "hwbench-suite"\n'


def git(root, *arguments):
    identity = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
    subprocess.run(["git", *identity, *arguments], cwd=root, check=True)


@pytest.fixture(scope="module")
def commits(tmp_path_factory):
    """A repository of two commits: one of hwbench's sources, tagged `good`, one without."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    root = tmp_path_factory.mktemp("commits") / "repository"
    shutil.copytree(
        environments.SOURCE / "hwbench", root / "src" / "hwbench", ignore=shutil.ignore_patterns("__pycache__")
    )
    (root / "pyproject.toml").write_text(PROJECT)
    for arguments in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-qm", "one"], ["tag", "good"],
                      ["rm", "-rq", "."], ["commit", "-q", "--allow-empty", "-m", "two"]):  # fmt: skip
        git(root, *arguments)
    return root


@pytest.fixture
def repository(commits, tmp_path, monkeypatch):
    """One that a test may change, and stands in."""
    root = tmp_path / "repository"
    shutil.copytree(commits, root)
    monkeypatch.chdir(root)
    return root


class Processes:
    """Stands for what is run: says what it is told to say at a step, and leaves an interpreter behind `venv`."""

    def __init__(self):
        self.calls = []
        self.fails = {}

    def __call__(self, command, folder, seconds, variables):
        step = command[2] if command[1] == "-m" else "probe"
        self.calls.append((step, command, folder, variables))
        if step in self.fails:
            return subprocess.CompletedProcess(command, 1, *self.fails[step])
        if step == "venv":
            python = Path(command[-1]) / "bin" / "python"
            python.parent.mkdir(parents=True)
            python.touch()
        return subprocess.CompletedProcess(command, 0, "", "")


@pytest.fixture
def processes(monkeypatch):
    """No process is started; what would be is noted."""
    made = Processes()
    monkeypatch.setattr(environments, "ran", made)
    return made


def contenders(*specs, scratch, said=None, **more):
    return environments.contenders(specs, scratch, (said if said is not None else []).append, **more)


@pytest.mark.parametrize("ours", [True, False], ids=["our pip", "its own pip"])
def test_a_commit_is_built_into_an_environment_of_its_own(repository, tmp_path, processes, monkeypatch, ours):
    """venv and pip by this Python, where it has pip, and a first start by the new one; no PYTHONPATH reaches them."""
    monkeypatch.setattr(environments.importlib.util, "find_spec", {"pip": sys if ours else None}.get)
    said = []
    [one] = contenders("good", scratch=tmp_path / "sides", said=said)
    assert [step for step, *_ in processes.calls] == ["venv", "pip", "hwbench"]
    (_, venv, *_), (_, pip, folder, _), (_, start, *_) = processes.calls
    assert venv[0] == sys.executable
    assert start[0] == one.python
    by = [sys.executable, "-m", "pip", "--python", one.python] if ours else [one.python, "-m", "pip"]
    assert pip[: pip.index("install")] == by
    assert ("--without-pip" in venv) is ours
    assert tmp_path / "sides" in Path(one.python).parents
    assert Path(pip[-1]) == folder / "source"
    assert (folder / "source" / "src" / "hwbench" / "__main__.py").is_file()
    assert all(variables["PYTHONPATH"] == "" for *_, variables in processes.calls)
    assert one.variables["PYTHONPATH"] == ""
    assert said == [f"building an environment of {one.name} …"]


def test_who_names_the_same_commit_shares_its_environment(repository, tmp_path, processes):
    """A tag and the revision before the last are one commit here: built once, named as they were asked for."""
    old, new = contenders("good", "HEAD~1", scratch=tmp_path / "sides")
    assert [step for step, *_ in processes.calls].count("pip") == 1
    assert (old.python, old.variables) == (new.python, new.variables)
    assert [one.name.split(" (")[0] for one in (old, new)] == ["good", "HEAD~1"]
    assert old.name.removeprefix("good") == new.name.removeprefix("HEAD~1")


@pytest.mark.parametrize("second", ["HEAD", "nothing", "--help"])
def test_nothing_is_built_before_both_are_known_to_be_fit(repository, tmp_path, processes, second):
    """A slip in the second name is told at once."""
    with pytest.raises(StoreError, match=f"^{second}: "):
        contenders("good", second, scratch=tmp_path / "sides")
    assert processes.calls == []


def test_without_building_the_sources_come_before_all_others(repository, tmp_path, processes):
    """--no-build: this Python, and on its path first what the commit holds."""
    [found] = contenders("good", scratch=tmp_path / "sides", build=False)
    assert processes.calls == []
    assert found.python == sys.executable
    first = Path(found.variables["PYTHONPATH"].split(":")[0])
    assert (first / "hwbench" / "__main__.py").is_file()
    assert tmp_path / "sides" in first.parents


@pytest.mark.parametrize("build", [True, False])
def test_a_commit_from_before_the_renaming_is_one_of_hwbench(repository, tmp_path, processes, build):
    """Its pyproject.toml says `hwbench`; run from its sources, it finds its version by that name."""
    git(repository, "checkout", "-q", "good")
    (repository / "pyproject.toml").write_text(PROJECT.replace("hwbench-suite", "hwbench"))
    git(repository, "commit", "-qam", "former")
    [former] = contenders("HEAD", scratch=tmp_path / "sides", build=build)
    paths = [Path(path) for path in former.variables["PYTHONPATH"].split(":") if path]
    assert [path for path in paths if list(path.glob("hwbench-*.dist-info"))] == ([] if build else [paths[1]])


def test_a_commit_of_today_is_lent_no_former_name(repository, tmp_path, processes):
    """It would warn of a namesake."""
    contenders("good", scratch=tmp_path / "sides", build=False)
    assert not list((tmp_path / "sides").rglob("*.dist-info"))


def test_a_commit_is_whole_wherever_the_user_stands(repository, tmp_path, processes, monkeypatch):
    """In a folder of the repository, too, all of it is unpacked: git by itself would pack that folder alone."""
    git(repository, "checkout", "-q", "good")
    monkeypatch.chdir(repository / "src" / "hwbench")
    contenders("good", scratch=tmp_path / "sides")
    assert (processes.calls[1][2] / "source" / "pyproject.toml").read_text() == PROJECT


@pytest.mark.parametrize(
    ("project", "said"),
    [
        (None, "it has no pyproject.toml"),
        ('[project]\nname = "other"\n', "its pyproject.toml says other"),
        ("project = 1\n", "its pyproject.toml says no name"),
        ("[project\n", "its pyproject.toml cannot be read"),
    ],
)
def test_a_project_that_is_not_hwbench_is_not_built(repository, tmp_path, processes, project, said):
    """One line, and nobody's build is started."""
    if project is not None:
        (repository / "pyproject.toml").write_text(project)
        git(repository, "add", ".")
        git(repository, "commit", "-qm", "three")
    with pytest.raises(StoreError, match=f"^HEAD: is a commit, but none of hwbench: {said}"):
        contenders("HEAD", scratch=tmp_path / "sides")
    assert processes.calls == []


def test_no_build_needs_the_package(repository, tmp_path):
    """An empty commit has no src/hwbench that could be run."""
    with pytest.raises(StoreError, match="it has no src/hwbench"):
        contenders("HEAD", scratch=tmp_path / "sides", build=False)


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


@pytest.mark.parametrize(
    ("step", "output", "said"),
    [
        ("venv", (DEBIAN, ""), "python3-venv; --no-build"),
        ("venv", ("", "/usr/bin/python3: No module named venv\n"), "No module named venv"),
        ("venv", ("", "Error: [Errno 28] No space left on device: '/tmp/x'\n"), "No space left on device"),
        (
            "pip",
            ("", OFFLINE),
            "install it (No matching distribution found for hatchling>=1.24); --no-build",
        ),
        ("pip", ("", BACKEND), "(ValueError: Unable to determine which files to ship inside the wheel)"),
        ("pip", ("", "error: externally-managed-environment\n\nhint: See PEP 668\n"), "(externally-managed-env"),
        ("pip", ("", "Killed\n"), "(Killed)"),
        ("pip", ("", ""), "(it said nothing)"),
        ("hwbench", ("", "x\nImportError: libm.so\n"), "is built, but does not run (ImportError: libm.so)"),
    ],
)
def test_a_commit_that_cannot_be_built_is_one_line(repository, tmp_path, processes, step, output, said):
    """Which commit, what venv, pip or the first start complained of, and for the first two the way without them."""
    processes.fails[step] = output
    with pytest.raises(StoreError) as error:
        contenders("good", scratch=tmp_path / "sides")
    text = str(error.value)
    assert text.startswith("good (")
    assert said in text
    assert "\n" not in text
    assert ("--no-build" in text) is (step != "hwbench")


def test_what_takes_too_long_or_cannot_start_has_failed(tmp_path):
    """Both end as a process that failed and said why."""
    slow = environments.ran([sys.executable, "-c", "import time; time.sleep(60)"], tmp_path, 0.2, {})
    assert (slow.returncode, slow.stderr) == (1, "it took more than 200 ms")
    none = environments.ran([str(tmp_path / "python")], tmp_path, 10, {})
    assert none.returncode == 1
    assert "cannot be started" in none.stderr


def test_a_python_without_hwbench_is_given_this_one(tmp_path):
    """An interpreter that finds no hwbench gets the path of ours; one that lacks NumPy is refused with the reason."""
    lone = tmp_path / "python"
    lone.write_text(f'#!/bin/sh\nunset PYTHONPATH_X\nexec "{sys.executable}" -I -S "$@"\n')
    lone.chmod(0o755)
    with pytest.raises(StoreError, match="cannot run hwbench"):
        contenders(str(lone), scratch=tmp_path / "sides")
    assert list((tmp_path / "sides" / "lent").glob("hwbench_suite-*.dist-info"))
    assert contenders(sys.executable, scratch=tmp_path / "other")[0].python == sys.executable


def test_the_command_builds_unless_it_is_told_not_to(command, monkeypatch):
    """`hwbench ab` asks for environments, with --no-build for none; what stops it is one line and exit 2."""
    asked = []

    def refused(specs, scratch, say, *, build):
        asked.append((specs, build))
        raise StoreError("HEAD: no")

    monkeypatch.setattr(environments, "contenders", refused)
    for more in ([], ["--no-build"]):
        done = command("ab", "HEAD~1", "HEAD", *more)
        assert (done.code, done.err) == (2, "hwbench: HEAD: no\n")
    assert asked == [(("HEAD~1", "HEAD"), True), (("HEAD~1", "HEAD"), False)]


# --- for real ---------------------------------------------------------------------------------------------------------

# Builds a wheel of a folder's modules with nothing but Python, so that pip needs no network.
TOY = """
import pathlib, zipfile

def build_wheel(folder, config_settings=None, metadata_directory=None):
    facts = "{name}-{version}.dist-info/"
    with zipfile.ZipFile(pathlib.Path(folder) / "{name}-{version}-py3-none-any.whl", "w") as wheel:
        for path in pathlib.Path("src").rglob("*.py"):
            wheel.write(path, path.relative_to("src"))
        wheel.writestr(facts + "METADATA", "Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n{needs}")
        wheel.writestr(facts + "WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(facts + "RECORD", "")
    return "{name}-{version}-py3-none-any.whl"
"""


def toy(root, name, version, code, needs=""):
    """A project of one package whose `__main__` is `code`."""
    package = root / "src" / name
    package.mkdir(parents=True, exist_ok=True)
    (package / "__init__.py").write_text(f"version = {version!r}\n")
    (package / "__main__.py").write_text(code)
    (root / "toy.py").write_text(TOY.format(name=name, version=version, needs=needs and f"Requires-Dist: {needs}\\n"))
    (root / "pyproject.toml").write_text(
        f'[build-system]\nrequires = []\nbuild-backend = "toy"\nbackend-path = ["."]\n[project]\nname = "{name}"\n'
    )


@pytest.mark.slow
def test_each_commit_runs_with_what_it_declares(tmp_path, monkeypatch):
    """Real venv, real pip, no network: two commits that differ in a dependency alone, and one whose is nowhere."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    root = tmp_path / "repository"
    root.mkdir()
    git(root, "init", "-q")
    needs = []
    for version in ("1.0", "2.0"):
        toy(tmp_path / version, "needed", version, "")
        needs.append(f"needed @ {(tmp_path / version).as_uri()}")
    for place, need in enumerate([*needs, "nowhere-to-be-found"]):
        toy(root, "hwbench", "0.1", "import needed\nprint(needed.version)\n", need)
        git(root, "add", ".")
        git(root, "commit", "-qm", need)
        git(root, "tag", f"v{place}")
    monkeypatch.chdir(root)
    # What lies on the user's path is for neither of them.
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "1.0" / "src"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    sides = contenders("v0", "v1", scratch=tmp_path / "sides")
    said = [
        environments.ran([one.python, "-m", "hwbench"], tmp_path, 60, one.variables).stdout.strip() for one in sides
    ]
    assert said == ["1.0", "2.0"]
    with pytest.raises(StoreError, match=r"^v2 \(.*nowhere-to-be-found.*--no-build"):
        contenders("v2", scratch=tmp_path / "more")
