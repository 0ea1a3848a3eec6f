"""What a shell is offered."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from doubles.scripted import record
from hwbench.cli import completion
from made_up.commands import saved

SCRIPTS = Path(__file__).parents[2] / "completions"


def test_topics_and_benches():
    """Topics until a dot is typed."""
    assert completion.benches("lat")[:2] == ["latency", "latency.chase"]
    assert completion.benches("latency.c") == ["latency.chase", "latency.core_to_core"]
    assert completion.benches("nothing") == []


def test_runs_the_newest_first(out, monkeypatch):
    """Their ids, of the folder where runs go."""
    monkeypatch.chdir(out.parent)
    assert completion.runs("") == []
    old, new = (saved(out, record(), stamp=stamp).stem for stamp in ("20251122T180000Z", "20261122T180000Z"))
    assert completion.runs("box-") == [new, old]
    assert completion.runs_and_benches("box-2025") == [old]


@pytest.mark.parametrize(("words", "offered"), [("hwbench explain peak.f", "peak.fma"), ("hwbench comp", "compare")])
def test_a_shell_asks_the_command(words, offered, tmp_path):
    """As bash does, by the variable that Typer's script sets."""
    asked = {"_HWBENCH_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    code = "import sys; sys.argv = ['hwbench']; from hwbench.__main__ import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | asked, capture_output=True, text=True, timeout=60, check=False,
        cwd=tmp_path,
    )  # fmt: skip
    assert offered in done.stdout.split()


def test_files_and_directories_of_benches(tmp_path, monkeypatch):
    """After the names of benches; no hidden ones and nothing but Python."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "latest").mkdir()
    for name in ("late.py", "late.txt", "latest/x.py", ".late.py"):
        (tmp_path / name).write_text("")
    found = completion.benches("late")
    assert found[:2] == ["latency", "latency.chase"]
    assert found[-2:] == ["late.py", "latest/"]
    assert completion.benches("latest/") == ["latest/x.py"]


@pytest.mark.parametrize(
    ("name", "shell", "registers"),
    [
        ("hwbench.bash", "bash", "complete -o default -F _hwbench_completion hwbench"),
        ("_hwbench", "zsh", "compdef _hwbench_completion hwbench"),
        ("hwbench.fish", "fish", "complete --command hwbench "),
    ],
)
def test_packaged_scripts_ask_the_command(name, shell, registers):
    """As Typer writes them: they register the command, and ask it; zsh looks at the first line."""
    said = (SCRIPTS / name).read_text(encoding="utf-8")
    assert registers in said
    assert f"_HWBENCH_COMPLETE=complete_{shell} " in said
    assert said.startswith("#compdef hwbench\n") == (shell == "zsh")


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_the_packaged_bash_script_completes(tmp_path):
    """It hands the words to the command that is completed, and offers what that answers."""
    stub = tmp_path / "hwbench"
    stub.write_text('#!/bin/sh\necho "$_HWBENCH_COMPLETE"\necho "$COMP_WORDS/$COMP_CWORD"\n')
    stub.chmod(0o755)
    code = (
        f"source {shlex.quote(str(SCRIPTS / 'hwbench.bash'))}; COMP_WORDS=(hwbench la); COMP_CWORD=1; "
        '_hwbench_completion hwbench; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", code], env=os.environ | {"PATH": path}, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.splitlines() == ["complete_bash", "hwbench", "la/1"]


def test_packages_put_the_scripts_where_shells_look():
    """Below the prefix of the environment, as each shell's own folder is."""
    wheel = tomllib.loads((SCRIPTS.parent / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]
    placed = wheel["targets"]["wheel"]["shared-data"]
    assert {Path(source).name for source in placed} == {path.name for path in SCRIPTS.iterdir()}
    assert placed["completions/hwbench.bash"] == "share/bash-completion/completions/hwbench"
