"""Who contends in `hwbench ab`: Pythons as they are, commits that are built and kept, and what is refused."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hwbench import cache
from hwbench.ab import building, environments
from hwbench.ab.building import Recipe
from hwbench.errors import StoreError, UsageError

PROJECT = '[project]\nname = "hwbench-suite"\n'


def git(root, *arguments):
    identity = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
    subprocess.run(["git", *identity, *arguments], cwd=root, check=True)


@pytest.fixture(scope="module")
def commits(tmp_path_factory):
    """A repository of two commits: one of hwbench by its names, tagged `good`, one without."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    root = tmp_path_factory.mktemp("commits") / "repository"
    (root / "src" / "hwbench").mkdir(parents=True)
    (root / "src" / "hwbench" / "__main__.py").touch()
    (root / "pyproject.toml").write_text(PROJECT)
    for arguments in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-qm", "one"], ["tag", "good"],
                      ["rm", "-rq", "."], ["commit", "-q", "--allow-empty", "-m", "two"]):  # fmt: skip
        git(root, *arguments)
    return root


@pytest.fixture
def repository(commits, tmp_path, monkeypatch):
    """One that a test may change, and stands in; what is kept is kept beside it."""
    root = tmp_path / "repository"
    shutil.copytree(commits, root)
    monkeypatch.chdir(root)
    monkeypatch.setattr(cache, "directory", lambda *parts: tmp_path.joinpath("cache", *parts))
    return root


class Processes:
    """Stands for what is run: says what it is told to say at a step, and leaves an interpreter behind `venv`."""

    def __init__(self, real):
        self.calls, self.fails, self.real = [], {}, real

    def __call__(self, command, folder, seconds, variables):
        if command[0] == "git":
            return self.real(command, folder, seconds, variables)
        words = [word for word in command[1:] if not word.startswith("-")]
        step = next((word for word in words if word in ("venv", "pip")), "probe")
        self.calls.append((step, command, folder, variables))
        if step in self.fails:
            return subprocess.CompletedProcess(command, 1, *self.fails[step])
        if step == "venv":
            python = Path(command[-1]) / "bin" / "python"
            python.parent.mkdir(parents=True)
            python.touch()
        return subprocess.CompletedProcess(command, 0, json.dumps({"python": "3.11", "numpy": "2.4"}), "")


@pytest.fixture
def processes(monkeypatch):
    """No process but git is started; what would be is noted. uv is not installed."""
    made = Processes(building.ran)
    monkeypatch.setattr(environments, "ran", made)
    monkeypatch.setattr(building, "ran", made)
    monkeypatch.setattr(building, "uv", lambda: "")
    return made


def contenders(*specs, scratch, said=None, own=True, **recipe):
    say = (said if said is not None else []).append
    return environments.contenders(specs, Recipe(**recipe), scratch, say, own=own)


@pytest.mark.parametrize("ours", [True, False], ids=["our pip", "its own pip"])
def test_a_commit_is_built_into_an_environment_of_its_own(repository, tmp_path, processes, monkeypatch, ours):
    """venv and pip by this Python, where it has pip, then its packages; no PYTHONPATH reaches them."""
    monkeypatch.setattr(building.importlib.util, "find_spec", {"pip": sys if ours else None}.get)
    said = []
    [one] = contenders("good", scratch=tmp_path / "own", said=said, requirements=("pytest==9",))
    assert [step for step, *_ in processes.calls] == ["venv", "pip", "probe"]
    (_, venv, *_), (_, pip, folder, _), (_, start, *_) = processes.calls
    assert venv[0] == sys.executable
    assert start[0] == one.python
    by = [sys.executable, "-m", "pip", "--python", one.python] if ours else [one.python, "-m", "pip"]
    assert pip[: pip.index("install")] == by
    assert ("--without-pip" in venv) is ours
    assert pip[-2:] == [str(folder / "source"), "pytest==9"]
    assert (folder / "source" / "src" / "hwbench" / "__main__.py").is_file()
    assert all(variables["PYTHONPATH"] == "" for *_, variables in processes.calls[:2])
    assert one.variables["PYTHONPATH"] == ""
    assert one.packages == {"python": "3.11", "numpy": "2.4"}
    assert said[0] == f"building an environment of {one.name} …"


def test_uv_builds_where_it_is_installed(repository, tmp_path, processes, monkeypatch):
    """With the Python that is asked for."""
    monkeypatch.setattr(building, "uv", lambda: "/x/uv")
    [one] = contenders("good", scratch=tmp_path / "own", python="3.12")
    venv, pip = (command for step, command, *_ in processes.calls if step in ("venv", "pip"))
    assert venv[:2] == ["/x/uv", "venv"]
    assert venv[venv.index("--python") + 1] == "3.12"
    assert pip[:2] == ["/x/uv", "pip"]
    assert one.python in pip


def test_an_environment_is_kept_and_shared_by_its_commit(repository, tmp_path, processes):
    """A tag and the revision before the last are one commit: built once, also for the next call; others are others."""
    old, new = contenders("good", "HEAD~1", scratch=tmp_path / "own")
    assert (old.python, old.commit) == (new.python, new.commit)
    assert [one.name.split(" (")[0] for one in (old, new)] == ["good", "HEAD~1"]
    contenders("good", scratch=tmp_path / "own")
    assert [step for step, *_ in processes.calls].count("pip") == 1
    [other] = contenders("good", scratch=tmp_path / "own", requirements=("x",))
    assert other.python != old.python


def test_what_was_not_built_to_the_end_is_built_again(repository, tmp_path, processes):
    """A failure, or a kill before the last file."""
    processes.fails["pip"] = ("", "ERROR: no network")
    for _ in range(2):
        with pytest.raises(StoreError, match="no network"):
            contenders("good", scratch=tmp_path / "own")
    processes.fails.clear()
    assert contenders("good", scratch=tmp_path / "own")


def test_a_suite_of_ones_own_runs_in_the_clone_where_the_user_stands(repository, tmp_path, processes, monkeypatch):
    """Any project, and any commit of it; hwbench's own benches run in a folder of their own."""
    git(repository, "checkout", "-q", "good")
    monkeypatch.chdir(repository / "src")
    [one] = contenders("good", scratch=tmp_path / "own", own=False)
    assert one.folder.parts[-2:] == ("source", "src")
    assert (one.folder / "hwbench" / "__main__.py").is_file()
    [own] = contenders("good", scratch=tmp_path / "own")
    assert own.folder == tmp_path / "own"
    with pytest.raises(StoreError, match="has no folder src"):
        contenders("main", scratch=tmp_path / "own", own=False)


def test_one_commit_on_both_sides_is_no_question_unless_both_are_named(repository, tmp_path, processes):
    """A clean tree is its HEAD; nothing is built."""
    for base in ("HEAD", "."):
        with pytest.raises(UsageError, match=r"^both sides are commit \w{8}, .* did you mean --base HEAD~1\?"):
            environments.contenders((base, "."), Recipe(), tmp_path / "own", print, named=False)
    assert processes.calls == []
    assert len(environments.contenders(("HEAD", "HEAD"), Recipe(), tmp_path / "own", print)) == 2


def test_a_path_into_the_working_tree_is_refused(repository, tmp_path, processes, monkeypatch):
    """Both sides would run one file; untracked files and environments are the user's choice."""
    git(repository, "checkout", "-q", "good")
    (repository / "data").touch()
    monkeypatch.chdir(repository / "src")
    path = f"{repository}/src/hwbench/__main__.py"
    for word in (path, f"--script={path}", f"python '{path}' -x"):
        with pytest.raises(UsageError, match=r"__main__\.py: is in the working tree, .* write hwbench/__main__\.py"):
            environments.contenders(("good", "HEAD"), Recipe(), tmp_path / "own", print, words=[word])
    with pytest.raises(UsageError, match=r"write \.\."):
        environments.contenders(("good",), Recipe(), tmp_path / "own", print, words=[str(repository)])
    assert processes.calls == []
    environments.contenders(("good",), Recipe(), tmp_path / "own", print, words=[f"{repository}/data", "/x", "x"])
    environments.contenders((sys.executable,), Recipe(), tmp_path / "own", print, words=[path])


@pytest.mark.parametrize("second", ["main", "nothing", "--help"])
def test_nothing_is_built_before_both_are_known_to_be_fit(repository, tmp_path, processes, second):
    """A slip in the second name is told at once."""
    with pytest.raises(StoreError, match=f"^{second}: "):
        contenders("good", second, scratch=tmp_path / "own")
    assert processes.calls == []


def test_without_building_the_sources_come_before_all_others(repository, tmp_path, processes):
    """--no-build: this Python, and on its path first what the commit holds."""
    [found] = contenders("good", scratch=tmp_path / "own", build=False)
    assert [step for step, *_ in processes.calls] == ["probe"]
    assert found.python == sys.executable
    first, second = found.variables["PYTHONPATH"].split(":")[:2]
    assert (Path(first) / "hwbench" / "__main__.py").is_file()
    assert Path(second) == Path(first).parent


@pytest.mark.parametrize("build", [True, False])
def test_a_commit_from_before_the_renaming_is_one_of_hwbench(repository, tmp_path, processes, build):
    """Its pyproject.toml says `hwbench`; run from its sources, it finds its version by that name."""
    git(repository, "checkout", "-q", "good")
    (repository / "pyproject.toml").write_text(PROJECT.replace("hwbench-suite", "hwbench"))
    git(repository, "commit", "-qam", "former")
    [former] = contenders("HEAD", scratch=tmp_path / "own", build=build)
    paths = [Path(path) for path in former.variables["PYTHONPATH"].split(":") if path]
    assert len([path for path in paths if list(path.glob("hwbench-*.dist-info"))]) == (not build)


@pytest.mark.parametrize(
    ("project", "said"),
    [
        (None, "it has no pyproject.toml"),
        ('[project]\nname = "other"\n', "its pyproject.toml says other"),
        ("project = 1\n", "its pyproject.toml says no name"),
        ("[project\n", "its pyproject.toml cannot be read"),
    ],
)
def test_a_project_that_is_not_hwbench_has_none_of_its_benches(repository, tmp_path, processes, project, said):
    """One line with the way to measure it, and nobody's build is started."""
    if project is not None:
        (repository / "pyproject.toml").write_text(project)
        git(repository, "add", ".")
        git(repository, "commit", "-qm", "three")
    with pytest.raises(StoreError, match=f"^HEAD: is a commit, but none of hwbench: {said}.*ab --base HEAD"):
        contenders("HEAD", scratch=tmp_path / "own")
    assert processes.calls == []


def test_no_build_needs_the_package(repository, tmp_path):
    """An empty commit has no src/hwbench that could be run."""
    with pytest.raises(StoreError, match="it has no src/hwbench"):
        contenders("main", scratch=tmp_path / "own", build=False)


def test_an_environment_is_measured_as_it_is(tmp_path):
    """With its packages, where the user stands."""
    [one] = environments.contenders([sys.executable], Recipe(), tmp_path, print)
    assert (one.python, one.folder, one.commit) == (sys.executable, Path.cwd(), "")
    assert one.packages["pytest"] == pytest.__version__
    assert one.identity == sys.executable


def test_a_python_without_hwbench_is_given_this_one(tmp_path):
    """An interpreter that finds no hwbench gets the path of ours; one that lacks NumPy is refused with the reason."""
    lone = tmp_path / "python"
    lone.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "$@"\n')
    lone.chmod(0o755)
    with pytest.raises(StoreError, match="cannot run hwbench"):
        contenders(str(lone), scratch=tmp_path / "own")
    assert list((tmp_path / "own" / "lent").glob("hwbench_suite-*.dist-info"))
