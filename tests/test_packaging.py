"""What pyproject.toml, tox.ini and asv.conf.json say about the package agrees."""

from __future__ import annotations

import configparser
import json
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def project():
    """The [project] table of pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_the_oldest_versions_that_are_tried_are_those_that_are_allowed(project):
    """tests/floors.txt pins every dependency to its lower bound, so that `tox -e floors` tries what pip may install."""
    allowed = dict(one.partition(";")[0].split(">=") for one in project["dependencies"])
    lines = [line for line in (ROOT / "tests/floors.txt").read_text().splitlines() if not line.startswith("#")]
    tried = dict(line.split("==") for line in lines)
    assert tried.keys() == allowed.keys()
    for name, version in tried.items():
        assert re.sub(r"(\.0)+$", "", version) == re.sub(r"(\.0)+$", "", allowed[name]), name


def test_asv_installs_every_dependency(project):
    """asv installs the package without its dependencies, so each has to stand in the matrix of asv.conf.json."""
    text = re.sub(r"^\s*//.*$", "", (ROOT / "asv.conf.json").read_text(), flags=re.MULTILINE)
    matrix = json.loads(text)["matrix"]["req"]
    assert {dependency.split(">=")[0] for dependency in project["dependencies"]} <= set(matrix)


def test_asv_builds_with_what_a_build_needs():
    """asv builds without isolation."""
    text = re.sub(r"^\s*//.*$", "", (ROOT / "asv.conf.json").read_text(), flags=re.MULTILINE)
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    assert {one.split(">=")[0] for one in needed} <= set(json.loads(text)["matrix"]["req"])


def test_tox_tries_every_python_that_is_named(project):
    """The Pythons of the classifiers are the first of `suite`, the first of `floors` and those of the environments."""
    named = sorted(re.findall(r"Python :: (3\.\d+)", "\n".join(project["classifiers"])))
    tox = configparser.ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini")
    firsts = [tox[f"testenv:{name}"]["base_python"].partition(",")[0] for name in ("suite", "floors")]
    found = re.findall(r"\bpy3(\d+)\b", " ".join([*firsts, tox["tox"]["env_list"]]))
    assert named == sorted(f"3.{minor}" for minor in found)
    assert project["requires-python"] == f">={named[0]}"


def test_the_versions_that_are_supported_are_those_that_are_tried(project):
    """docs/support.md states the first and last classifier, tests/floors.txt, and what asv measures with."""
    told = dict(re.findall(r"^\| (\w+) \| ([\d.]+ \| [\d.]+) \|", (ROOT / "docs/support.md").read_text(), re.MULTILINE))
    named = sorted(re.findall(r"Python :: (3\.\d+)", "\n".join(project["classifiers"])))
    assert told.pop("Python") == f"{named[0]} | {named[-1]}"
    floors = dict(re.findall(r"^(\w+)==(\d+\.\d+)", (ROOT / "tests/floors.txt").read_text(), re.MULTILINE))
    newest = dict(re.findall(r'"(\w+)": \["(\d+\.\d+)\.', (ROOT / "asv.conf.json").read_text()))
    assert set(told) == {"NumPy", "Numba", "SciPy"}
    assert told == {name: f"{floors[name.lower()]} | {newest[name.lower()]}" for name in told}


def test_no_test_lies_in_a_gap_between_environments():
    """What `suite` leaves out of its units, another of its commands or `gpu` runs."""
    tox = configparser.ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini")
    left = re.findall(r"--ignore (\S+)", tox["run"]["units"] + tox["testenv:suite"]["commands"])
    assert left
    run = " ".join(tox[f"testenv:{name}"]["commands"] for name in ("suite", "gpu")).split()
    assert set(left) <= set(run)
    assert all((ROOT / path).exists() for path in left)
