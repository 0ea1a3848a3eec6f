"""Commits by name, and the working tree as a commit."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from hwbench.ab import snapshot
from hwbench.errors import StoreError


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """One commit with two files in a folder, and no ambient identity."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    root = tmp_path / "repository"
    (root / "folder").mkdir(parents=True)
    (root / "folder" / "a").write_text("one\n")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@localhost"]
    for words in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-qm", "one"]):
        subprocess.run([*git, *words], cwd=root, check=True)
    monkeypatch.chdir(root / "folder")
    return root


def test_names_are_resolved_and_options_are_none(repository):
    """A branch and its commit are one; what git would take for an option is no name."""
    head = snapshot.commit("main")
    assert head == snapshot.commit("HEAD") == snapshot.commit(head[:10])
    for bad in ("nothing", "--help", "HEAD:folder"):
        with pytest.raises(StoreError, match="is no Python, no environment, and no commit"):
            snapshot.commit(bad)


def test_a_clean_working_tree_is_its_head(repository):
    """So that it shares the environment."""
    assert snapshot.commit(".") == snapshot.commit("HEAD")
    assert snapshot.untracked() == ""


def test_changes_are_in_the_snapshot_and_the_index_stays(repository):
    """From a folder, all tracked files; equal trees are one commit; untracked files are named."""
    (repository / "folder" / "a").write_text("two\n")
    (repository / "b").write_text("new\n")
    before = snapshot.git("status", "--porcelain")
    first = snapshot.commit(".")
    assert first == snapshot.commit(".") != snapshot.commit("HEAD")
    assert snapshot.git("show", f"{first}:folder/a") == "two"
    assert snapshot.git("show", f"{first}:b") == ""
    assert snapshot.git("status", "--porcelain") == before
    assert snapshot.untracked() == "without 1 untracked file (b); git add -N takes one in"
    subprocess.run(["git", "add", "-N", "b"], cwd=repository, check=True)
    assert snapshot.git("show", f"{snapshot.commit('.')}:b") == "new"
    assert snapshot.untracked() == ""


def test_outside_of_a_repository_that_is_said(tmp_path, monkeypatch):
    """A commit's name means nothing there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    with pytest.raises(StoreError, match="HEAD: is no Python, no environment, and here is no git repository"):
        snapshot.commit("HEAD")


def test_without_a_repository_there_is_no_working_tree(tmp_path, monkeypatch):
    """Nor one above."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    with pytest.raises(StoreError, match=r"^\.: the working tree is in no git repository"):
        snapshot.commit(".")
