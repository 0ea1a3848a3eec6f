"""`hwbench fleet`."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from hwbench.cli import app


@pytest.mark.parametrize("words", [["fleet"], ["fleet", "flush"]])
def test_help(words):
    """The group and its commands are described."""
    done = CliRunner().invoke(app.app, [*words, "--help"])
    assert (done.exit_code, done.exception) == (0, None)
    assert "flush" in done.output


def test_the_group_alone_is_looked_at():
    """As a command is."""
    assert app.with_only(["fleet"]).registered_commands == []
    assert app.with_only(["list"]).registered_groups == []
    assert len(app.with_only([]).registered_groups) == 1
