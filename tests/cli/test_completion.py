"""What a shell is offered."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from doubles.scripted import record
from hwbench.cli import completion
from made_up.commands import saved


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
