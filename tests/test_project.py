"""The files that let others in: templates, workflows, citation, container."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
GITHUB = ROOT / ".github"
FORMS = sorted(path for path in (GITHUB / "ISSUE_TEMPLATE").glob("*.yml") if path.name != "config.yml")
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
PINNED = re.compile(r"uses: (\S+?)@(\S+)(?:\s+# (v\d+\.\d+\.\d+))?$", re.MULTILINE)


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_a_form_is_one_that_github_shows(path):
    """Name, description and a body of known elements with unique ids, each with a label."""
    form = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert form["name"] and form["description"]
    fields = [one for one in form["body"] if one["type"] != "markdown"]
    assert {one["type"] for one in fields} <= {"input", "textarea", "dropdown", "checkboxes"}
    ids = [one["id"] for one in fields]
    assert len(ids) == len(set(ids))
    assert all(one["attributes"]["label"] for one in fields)
    assert all(one["attributes"]["options"] for one in fields if one["type"] == "dropdown")


@pytest.mark.parametrize("name", ["bug", "figure"])
def test_the_run_file_is_asked_for(name):
    """Most questions are answered by it, so that an issue without it is refused."""
    form = yaml.safe_load((GITHUB / "ISSUE_TEMPLATE" / f"{name}.yml").read_text(encoding="utf-8"))
    [field] = [one for one in form["body"] if one.get("id") == "run-file"]
    assert field["validations"]["required"] is True


def test_actions_are_pinned_and_alike():
    """By the commit, with the version that it is; one action has one pin, in the examples too."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in [*WORKFLOWS, *(ROOT / "docs/examples").glob("*.yml")])
    pins: dict[str, set[tuple[str, str]]] = {}
    for action, commit, version in PINNED.findall(text):
        assert re.fullmatch(r"[0-9a-f]{40}", commit) and version, action
        pins.setdefault(action, set()).add((commit, version))
    assert len(pins) >= 5
    assert {action: found for action, found in pins.items() if len(found) > 1} == {}
    assert text.count("uses: ") == sum(1 for _ in PINNED.finditer(text)) + text.count("uses: ./")


def test_only_the_job_that_publishes_can():
    """It runs no code of the repository and has no secret; what it publishes was tried before."""
    jobs = yaml.safe_load((GITHUB / "workflows" / "release.yml").read_text(encoding="utf-8"))["jobs"]
    may = {name for name, job in jobs.items() if "id-token" in job["permissions"]}
    assert may == {"publish"}
    assert jobs["publish"]["needs"] == "build" and jobs["publish"]["environment"]["name"] == "pypi"
    assert not any("run" in step or "checkout" in step["uses"] for step in jobs["publish"]["steps"])
    assert "secrets." not in (GITHUB / "workflows" / "release.yml").read_text(encoding="utf-8")


def test_who_is_cited():
    """The developers as one: no person is named."""
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited["authors"] == [{"name": "the hwbench developers"}]
    assert cited["title"] == "hwbench"


def test_notes_are_the_section_of_the_version(monkeypatch, tmp_path, capsys):
    """Without its heading, up to the next; a version without a section becomes no release."""
    spec = importlib.util.spec_from_file_location("release_notes", ROOT / "scripts" / "release_notes.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    path = tmp_path / "CHANGELOG.md"
    path.write_text("# Changelog\n\n## [0.2.0]: 2026\n\n### Added\n\n- One.\n\n## [0.1.10]\n\n- Two.\n")
    monkeypatch.setattr(script, "CHANGELOG", path)
    assert script.main(["v0.2.0"]) == 0
    assert capsys.readouterr().out == "### Added\n\n- One.\n"
    assert script.main(["v0.1.10"]) == 0
    assert capsys.readouterr().out == "- Two.\n"
    assert script.main(["v0.1.1"]) == 1
    assert "has no section [0.1.1]" in capsys.readouterr().err
