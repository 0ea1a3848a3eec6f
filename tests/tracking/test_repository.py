"""Commits are looked up without starting any program that a repository names."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from hwbench.tracking import gather, repository
from made_up.histories import asv_file, benchmarks_file, row

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs git, which .ci/run installs")

MISSING = "1" * 40


def git(where: Path, *arguments: str, given: str | None = None) -> str:
    """What git prints, as somebody runs it who knows nothing of the repository."""
    plain = {**os.environ, "GIT_AUTHOR_NAME": "x", "GIT_AUTHOR_EMAIL": "x@localhost"}
    plain |= {"GIT_COMMITTER_NAME": "x", "GIT_COMMITTER_EMAIL": "x@localhost"}
    done = subprocess.run(["git", "-C", str(where), *arguments], input=given, capture_output=True, text=True, env=plain)
    return done.stdout.strip()


@pytest.fixture
def marker(tmp_path) -> Path:
    """A file that is there once a program of the repository's ran."""
    return tmp_path / "ran"


@pytest.fixture
def program(tmp_path, marker) -> Path:
    """What the repository would have git start."""
    made = tmp_path / "program"
    made.write_text(f"#!/bin/sh\ntouch {marker}\nexit 1\n")
    made.chmod(0o755)
    return made


@pytest.fixture
def commits(tmp_path) -> Path:
    """A repository of two commits, the second signed, as far as git looks before it asks the verifier."""
    where = tmp_path / "repository"
    where.mkdir()
    git(where, "init", "-q", "-b", "main")
    git(where, "commit", "-q", "--allow-empty", "-m", "First of two")
    parent = git(where, "rev-parse", "HEAD")
    tree = git(where, "rev-parse", "HEAD^{tree}")
    person = "x <x@localhost> 1700000000 +0000"
    signature = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----"
    text = f"tree {tree}\nparent {parent}\nauthor {person}\ncommitter {person}\n{signature}\n\nSecond of two\n"
    signed = git(where, "hash-object", "-t", "commit", "-w", "--stdin", given=text)
    git(where, "reset", "-q", "--hard", signed)
    return where


def verifier(where: Path, program: Path) -> None:
    """Signatures are shown, and checked by the program."""
    git(where, "config", "log.showSignature", "true")
    git(where, "config", "gpg.program", str(program))


def remote_helper(where: Path, program: Path) -> None:
    """What is missing is fetched from a remote that is the program."""
    for name, value in {
        "core.repositoryFormatVersion": "1",
        "extensions.partialClone": "origin",
        "remote.origin.promisor": "true",
        "remote.origin.url": f"ext::{program}",
        "protocol.ext.allow": "always",
    }.items():
        git(where, "config", name, value)


def other_name(where: Path, program: Path) -> None:
    """The verifier of OpenPGP under git's newer name."""
    git(where, "config", "log.showSignature", "true")
    git(where, "config", "gpg.openpgp.program", str(program))


def included(where: Path, program: Path) -> None:
    """The same from a file among the results, which the configuration includes."""
    (where / "more").write_text(f'[log]\n showSignature = true\n[gpg "openpgp"]\n program = {program}\n')
    git(where, "config", "include.path", "../more")


def worktree(where: Path, program: Path) -> None:
    """The same from the configuration of a work tree."""
    git(where, "config", "extensions.worktreeConfig", "true")
    git(where, "config", "--worktree", "log.showSignature", "true")
    git(where, "config", "--worktree", "gpg.program", str(program))


WAYS = [verifier, remote_helper, other_name, included, worktree]


@pytest.mark.parametrize(("name", "value"), [("core.fsmonitor", "{}"), ("core.alternateRefsCommand", "{}")])
def test_other_programs_of_a_configuration_are_not_started(commits, program, marker, name, value):
    """Those that reading a log does not start by itself, with the present git."""
    git(commits, "config", name, value.format(program))
    git(commits, "config", "core.hooksPath", str(program.parent))
    for hook in ("post-index-change", "reference-transaction"):
        shutil.copy(program, program.parent / hook)
    assert len(repository.subjects(asked(commits), commits)) == 2
    assert repository.commit_of("main", commits)
    assert not marker.exists()


def asked(where: Path) -> list[str]:
    """The hashes of the two commits, and of one that the repository lacks."""
    return [*git(where, "rev-list", "main").split(), MISSING]


@pytest.mark.parametrize("way", WAYS)
def test_a_repository_starts_no_program(commits, program, marker, way):
    """Its own git would start it; here only names and subjects come back."""
    hashes = asked(commits)
    way(commits, program)
    git(commits, "log", "--ignore-missing", "--format=%H %s", "--stdin", given="\n".join(hashes))
    assert marker.exists(), "the planted way does not work, so that this test shows nothing"
    marker.unlink()
    told = repository.subjects(hashes, commits)
    assert not marker.exists()
    if way is not remote_helper:
        assert list(told.values()) == ["First of two", "Second of two"]
    assert repository.commit_of(MISSING, commits) in ("", MISSING)
    assert repository.commit_of("main", commits) == hashes[0]
    assert not marker.exists()


def test_a_bare_repository_among_files_is_not_asked(commits, program, marker, tmp_path, monkeypatch):
    """A clone of somebody's results may hold one as plain files, and the user may stand in it."""
    bare = tmp_path / "results" / "bare.git"
    git(tmp_path, "clone", "-q", "--bare", str(commits), str(bare))
    verifier(bare, program)
    monkeypatch.chdir(bare)
    assert repository.subjects(asked(commits), Path()) == {}
    assert repository.commit_of("main", Path()) == ""
    assert not marker.exists()


@pytest.mark.parametrize("way", WAYS)
def test_the_repository_around_results_is_not_asked(commits, program, marker, tmp_path, monkeypatch, way):
    """A report of results shows hashes; subjects come from where the user stands, or from what --repo names."""
    hashes = asked(commits)[:2]
    results = commits / "results"
    for number, name in enumerate(hashes):
        asv_file(results, number, {"suite.time_sum": row([1.0])}, commit_hash=name)
    benchmarks_file(results, {"suite.time_sum": {}})
    way(commits, program)
    away = tmp_path / "away"
    away.mkdir()
    monkeypatch.chdir(away)
    [history] = gather.gather([results]).histories
    assert [commit.subject for commit in history.commits] == ["", ""]
    assert not marker.exists()
    [history] = gather.gather([results], commits).histories
    assert {commit.subject for commit in history.commits} == {"First of two", "Second of two"}
    assert not marker.exists()


def test_a_name_is_no_option(commits):
    """A commit called like an option of git's names nothing."""
    assert repository.commit_of("--version", commits) == ""
    assert repository.commit_of("HEAD~1", commits) == asked(commits)[1]


def test_without_a_repository_nothing_is_known(tmp_path):
    """No error where git finds none."""
    assert repository.subjects([MISSING], tmp_path) == {}
    assert repository.commit_of("main", tmp_path / "gone") == ""
