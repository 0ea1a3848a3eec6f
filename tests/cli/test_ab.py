"""`hwbench ab`: what it refuses before it starts a process."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--quads", "2"], "--quads 2: at least 3 are needed to bound a ratio"),
        (["--quads", "1001"], "--quads 1001"),
        (["--threshold", "-1"], "--threshold -1: is no relative difference"),
        (["--param", "size"], "--param size: is not of the form KEY=VALUE"),
        (["--json", "--markdown"], "--json and --markdown: choose one"),
    ],
)
def test_bad_usage_is_told_before_anything_is_built(command, monkeypatch, arguments, said):
    """One line and exit 2, and no environment is made."""
    monkeypatch.setattr("hwbench.ab.environments.contenders", lambda *_, **__: pytest.fail("built an environment"))
    done = command("ab", "HEAD", "HEAD", *arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"hwbench: {said}")


def test_a_directory_that_cannot_be_made_is_told_first(command, tmp_path):
    """`--keep` names a file."""
    (tmp_path / "file").write_text("")
    done = command("ab", "HEAD", "HEAD", "--keep", tmp_path / "file")
    assert done.code == 2
    assert str(tmp_path / "file") in done.err


def test_ctrl_c_is_exit_130(command, monkeypatch):
    """KeyboardInterrupt ends the process under way and leaves no traceback."""

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("hwbench.ab.environments.contenders", interrupted)
    done = command("ab", "HEAD", "HEAD")
    assert (done.code, done.out) == (130, "")
    assert "Traceback" not in done.err


def test_a_file_of_benches_is_named_as_its_processes_find_it(command, monkeypatch, tmp_path):
    """They run in directories of their own."""
    from hwbench.ab import environments, interleave
    from hwbench.tracking.history import TrackingError

    asked = []

    def interleaved(sides, wanted, *_):
        asked.append(wanted.select)
        raise TrackingError("stopped")

    monkeypatch.setattr(environments, "contenders", lambda *_, **__: ["a", "b"])
    monkeypatch.setattr(interleave, "interleaved", interleaved)
    monkeypatch.chdir(tmp_path)
    command("ab", "HEAD", "HEAD", "mine.py", "stream.load")
    assert asked == [[f"{tmp_path}/mine.py", "stream.load"]]
