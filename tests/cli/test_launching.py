"""Progress of a launch: lines in a log, a bar on a terminal."""

from __future__ import annotations

import io

from rich.console import Console

from hwbench.cli import launching


def test_lines_come_seldom_and_at_the_end(capsys, monkeypatch):
    """Not sooner than ten seconds after another; the last always."""
    now = [0.0]
    monkeypatch.setattr(launching.time, "monotonic", lambda: now[0])
    lines = launching.Lines()
    lines.started("abc1234", 9)
    lines.answered(1, ["a"])
    lines.answered(2, ["b"])
    now[0] = 11.0
    lines.answered(8, [*"cdefgh"])
    lines.answered(9, ["i"])
    lines.close()
    assert capsys.readouterr().err.splitlines() == [
        "launch abc1234: measuring on 9 machines", "[1/9] a", "[8/9] c, d, e, f, g and 1 more", "[9/9] i",
    ]  # fmt: skip


def test_a_bar_counts_machines(monkeypatch):
    """What is said stands above it, and control characters of a host are shown and not obeyed."""
    file = io.StringIO()
    made = Console(file=file, force_terminal=True, width=80)
    monkeypatch.setattr(launching, "console", lambda stderr: made)
    bar = launching.Bar()
    bar.started("abc1234", 2)
    bar.answered(1, ["a"])
    bar.say("left out: \x1b[31mb has hwbench 0.0.1")
    [task] = bar.progress.tasks
    assert (task.completed, task.total) == (1, 2)
    bar.close()
    assert "measuring on 2 machines" in file.getvalue()
    assert "\x1b[31mb" not in file.getvalue()
