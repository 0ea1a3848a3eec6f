"""Subjects of commits, as the hook and the workflow judge them."""

from __future__ import annotations

import importlib.util
import io
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "scripts" / "commit_subject.py"


@pytest.fixture(scope="module")
def judge():
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("commit_subject", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "subject",
    [
        "Add a hook", "Pass sizes on", "Focus on latency", "Bring the roofs along", "Seed every test",
        "Re-read the file", "Say `hwbench run` once: it is enough", "Keep " + "y" * 67, "fixup! whatever",
        'Revert "Added a hook."', "Merge branch 'x' into " + "y" * 60,
    ],
)  # fmt: skip
def test_good_subjects(judge, subject):
    """A verb in the imperative, 72 characters at most; what git writes is left alone."""
    assert judge.faults(subject) == []


@pytest.mark.parametrize(
    ("subject", "said"),
    [
        ("Added a hook", "(Added)"),
        ("Adds a hook", "(Adds)"),
        ("Adding a hook", "(Adding)"),
        ("The hook is added", "(The)"),
        ("add a hook", "(add)"),
        ("", "(nothing)"),
        ("docs: add a hook", "a prefix (docs:)"),
        ("Add a hook.", "a full stop"),
        ("Keep " + "y" * 68, "73 characters, 72 at most"),
    ],
)
def test_bad_subjects(judge, subject, said):
    """Each with what is wrong."""
    [fault] = judge.faults(subject)
    assert said in fault


def test_a_message_is_judged_by_its_first_line(judge, tmp_path, capsys):
    """Comments and what git shows below its scissors are none of it."""
    path = tmp_path / "COMMIT_EDITMSG"
    path.write_text(
        "# Please enter\n\nAdd a hook\n\nIt helped nobody.\n# ------------------------ >8 ---\ndiff: added.\n"
    )
    assert judge.main([str(path)]) == 0
    path.write_text("Adds a hook\n")
    assert judge.main([str(path)]) == 1
    assert capsys.readouterr().out.startswith("Adds a hook\n  does not begin with a verb")


def test_subjects_of_a_branch_come_by_standard_input(judge, monkeypatch, capsys):
    """As `git log --format=%s` writes them."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("Add a hook\nA hook\n"))
    assert judge.main(["-"]) == 1
    assert capsys.readouterr().out.splitlines()[0] == "A hook"
