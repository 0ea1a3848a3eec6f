"""What `--help` shows at 80 columns: arguments as people type them, one sentence a command that is not cut off."""

from __future__ import annotations

import re

import pytest
import typer
from typer.testing import CliRunner

from hwbench.cli import app
from hwbench.cli.usage import PlainHelp

ROOT = typer.main.get_command(app.app)
GROUPS = {"hwbench": ROOT, "fleet": ROOT.commands["fleet"]}
COMMANDS = [(name, one) for group in GROUPS.values() for name, one in group.commands.items() if name != "fleet"]


def helped(command, width=80):
    """The lines of its `--help`."""
    context = command.context_class(command, info_name="hwbench", terminal_width=width)
    return command.get_help(context)


@pytest.mark.parametrize(("name", "command"), COMMANDS, ids=[name for name, _ in COMMANDS])
def test_arguments_are_named_as_they_are_typed(name, command):
    """No braces, doubled brackets or types around them, whatever Typer's version adds; each option names its value."""
    told = helped(command)
    assert isinstance(command, PlainHelp)
    assert not re.search(r"<\w+(\[\w+\])?>|\[\[|\]\.\.\.\]|\{[A-Z]", told), told
    context = command.context_class(command, info_name=name)
    usage = " ".join(command.collect_usage_pieces(context))
    for one in command.get_params(context):
        if one.param_type_name == "argument":
            assert one.metavar in usage
            assert f"  {one.metavar}" in told
        elif not getattr(one, "is_flag", False):
            assert one.metavar, one.opts


@pytest.mark.parametrize("name", GROUPS)
def test_a_command_is_told_in_one_whole_sentence(name):
    """Click would end a longer one in three dots."""
    rows = helped(GROUPS[name]).partition("Commands:")[2].splitlines()[1:]
    assert [row for row in rows if not row.endswith(".") or row.endswith("..")] == []
    assert len(rows) == len(GROUPS[name].commands)


def test_a_group_lists_its_options_and_commands():
    """Both sections, of the program as it is called."""
    done = CliRunner().invoke(app.app, ["--help"])
    assert "\nOptions:\n" in done.output
    assert "\nCommands:\n" in done.output
