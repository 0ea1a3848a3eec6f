"""An answer is made once for the same question, files, commits and software."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hwbench.tracking import kept_answers
from hwbench.tracking.kept_answers import Answer
from made_up.histories import three_commits


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Whether a question about three commits is answered anew."""
    monkeypatch.setattr(kept_answers, "LEAST", 1)
    monkeypatch.setattr(kept_answers.git, "subjects", lambda names, repository: {"1a2b": "Sum in pairs"})
    monkeypatch.setattr(kept_answers, "_software", list)
    results = three_commits(tmp_path / "project" / "results")

    def ask(*asked: object, keep: bool = True) -> bool:
        made: list[Answer] = []

        def make() -> Answer:
            made.append(Answer(b"a\xff", ["1a2b"], ["left out"], keep=keep))
            return made[-1]

        found = kept_answers.through(asked, [results], Path(), make, tmp_path / "cache")
        assert (found.data, found.skipped) == (b"a\xff", ["left out"])
        return bool(made)

    return ask


def test_the_same_question_is_answered_once(ask):
    """Another one is not taken for it, and both are kept."""
    assert [ask("report"), ask("report"), ask("report", "x"), ask("report"), ask("report", "x")] == [
        True, False, True, False, False,
    ]  # fmt: skip


@pytest.mark.parametrize("change", ["touch", "add", "configure", "remove"])
def test_a_file_that_changed_makes_it_anew(ask, tmp_path, change):
    """A result's time, a new or removed result, asv's configuration above the results."""
    ask("report")
    folder = tmp_path / "project" / "results" / "box"
    first = min(path for path in folder.glob("0*.json"))
    if change == "touch":
        os.utime(first, ns=(1, 1))
    elif change == "add":
        (folder / "new.json").write_text("{}")
    elif change == "configure":
        (tmp_path / "project" / "asv.conf.json").write_text("{}")
    else:
        first.unlink()
    assert [ask("report"), ask("report")] == [True, False]


def test_other_commits_or_another_hwbench_make_it_anew(ask, monkeypatch):
    """By the subjects of the commits, and by versions and files of the package."""
    ask("report")
    monkeypatch.setattr(kept_answers.git, "subjects", lambda names, repository: {"1a2b": "Sum in threes"})
    assert [ask("report"), ask("report")] == [True, False]
    monkeypatch.setattr(kept_answers, "_software", lambda: ["2.0"])
    assert [ask("report"), ask("report")] == [True, False]


def test_what_may_not_be_kept_is_made_each_time(ask, tmp_path, monkeypatch):
    """An answer that says so; a few files; a directory that leads elsewhere by a link."""
    assert [ask("report", keep=False), ask("report", keep=False)] == [True, True]
    monkeypatch.setattr(kept_answers, "LEAST", 2**20)
    assert [ask("few"), ask("few")] == [True, True]
    monkeypatch.setattr(kept_answers, "LEAST", 1)
    (tmp_path / "project" / "results" / "linked").symlink_to(tmp_path)
    assert [ask("link"), ask("link")] == [True, True]


def test_a_damaged_answer_costs_only_time(ask, tmp_path):
    """It is made and kept again."""
    ask("report")
    [path] = (tmp_path / "cache").iterdir()
    path.write_bytes(b"nonsense")
    assert [ask("report"), ask("report")] == [True, False]


def test_the_software_names_each_file_of_the_package():
    """So that a checkout whose code changed answers anew."""
    assert any("kept_answers.py" in name for name, *_ in kept_answers._software()[-1])
