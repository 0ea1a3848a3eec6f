"""Which hwbench a run says it was measured by."""

import subprocess

import pytest

from hwbench.host import provenance


def git(root, *arguments):
    subprocess.run(["git", "-C", root, "-c", "user.name=x", "-c", "user.email=x@x", *arguments], check=True)


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A repository whose file of this module is where ours is."""
    path = tmp_path / "src/hwbench/host/provenance.py"
    path.parent.mkdir(parents=True)
    path.write_text("")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "Begin")
    monkeypatch.setattr(provenance, "__file__", str(path))
    return tmp_path


def test_a_checkout_is_told_by_its_commit(checkout):
    """Clean as long as nothing below src differs from it; files elsewhere change no figure."""
    (checkout / "notes.txt").write_text("")
    found = provenance.stamp()
    assert found["version"] == provenance.__version__
    assert len(found["commit"]) == 40
    assert found["dirty"] is False
    (checkout / "src/new.py").write_text("")
    assert provenance.stamp() == found | {"dirty": True}


def test_an_installed_package_has_a_version_alone(tmp_path, monkeypatch):
    """No repository three folders up."""
    monkeypatch.setattr(provenance, "__file__", str(tmp_path / "lib/hwbench/host/provenance.py"))
    assert provenance.stamp() == {"version": provenance.__version__, "commit": None, "dirty": None}


def test_without_git_the_commit_is_unknown(checkout, monkeypatch):
    """A checkout copied into a container that has no git."""
    monkeypatch.setenv("PATH", str(checkout))
    assert provenance.stamp() == {"version": provenance.__version__, "commit": None, "dirty": None}
