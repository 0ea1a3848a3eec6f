"""The Typer app: registers the commands and runs one. What a command needs is imported when it runs."""

from __future__ import annotations

import copy
import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from . import streams
from .ab import ab
from .adopt import adopt
from .check import check
from .coercion import Command, Group
from .compare import compare
from .console import echo, echo_err
from .explain import explain
from .export import export
from .fleet import fleet
from .lecture import lecture
from .list import list_benches
from .machine import machine
from .place import place
from .regressions import regressions
from .report import report
from .run import run
from .show import show
from .verify import verify

LONGEST = 1000  # characters of a refusal


class EndOfInputError(Exception):
    """An EOFError of our own code: click takes one for Ctrl-D at a prompt, says `Aborted!` and exits by 1."""


class Commands(Group):
    """The commands, of which a closed pipe ends any by 0: click would exit by 1, which says that a case is slower."""

    def make_context(self, *args: Any, **more: Any) -> Any:
        """Read the command line; `--help` and `--version` print meanwhile."""
        with streams.until_closed(sys.stdout):
            return super().make_context(*args, **more)
        raise typer.Exit

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        with streams.until_closed(sys.stdout):
            try:
                return super().invoke(ctx)
            except EOFError as error:
                what = " ".join(str(error).split()) or "nothing more to read"
                raise EndOfInputError(
                    f"a file or another process ended early ({what}); run the command again"
                ) from error
        raise typer.Exit


app = typer.Typer(
    cls=Commands,
    name="hwbench",
    help="What can this machine do, and how much of it does my Python get?",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # rich's help takes three times as long as all the rest of `--help`
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run", cls=Command)(run)
app.command("list", cls=Command)(list_benches)
app.command("explain", cls=Command)(explain)
app.command("lecture", cls=Command)(lecture)
app.command("show", cls=Command)(show)
app.command("report", cls=Command)(report)
app.command("export", cls=Command)(export)
app.command("compare", cls=Command)(compare)
app.command("regressions", cls=Command)(regressions)
app.command("ab", cls=Command)(ab)
app.command("check", cls=Command)(check)
app.command("verify", cls=Command)(verify)
app.command("place", cls=Command)(place)
app.command("adopt", cls=Command)(adopt)
app.command("machine", cls=Command)(machine)
app.add_typer(fleet)


def _version(wanted: bool) -> None:
    if wanted:
        from ..version import __version__

        echo(f"hwbench {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", "-V", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def with_only(words: Sequence[str]) -> typer.Typer:
    """The app with the command or group that these words name, where they do: to look at all takes Typer 30 ms."""
    small = copy.copy(app)
    commands = [one for one in app.registered_commands if [one.name] == [*words]]
    groups = [one for one in app.registered_groups if one.typer_instance and [one.typer_instance.info.name] == [*words]]
    if commands or groups:
        small.registered_commands, small.registered_groups = commands, groups
    return small


def shortened(line: str) -> str:
    """A line without its middle where a name in a file made it long: the file is named first, the remedy last."""
    return line if len(line) <= LONGEST else f"{line[: LONGEST // 2]} … {line[-LONGEST // 4 :]}"


def main() -> None:
    """Run a command. A failure is one line on standard error and exit code 2."""
    from ..errors import StoreError, UsageError

    streams.prepare()
    try:
        with_only(sys.argv[1:2])()
    except (UsageError, StoreError) as error:
        echo_err(f"hwbench: {shortened(str(error))}")
        sys.exit(2)
    except OSError as error:
        # What commands look at before they read or write it: a name too long, a directory that may not be listed.
        streams.silence(sys.stdout, error)
        what = error.filename or ("output" if error.errno in streams.GONE else type(error).__name__)
        echo_err(f"hwbench: {what}: {error.strerror or error}")
        sys.exit(2)
    except Exception as error:
        if os.environ.get("HWBENCH_DEBUG"):
            raise
        echo_err(f"hwbench: {type(error).__name__}: {' '.join(str(error).split())} (HWBENCH_DEBUG=1 shows where)")
        sys.exit(2)  # not 1: exit code 1 says that a case is slower, and a gate on pull requests would believe it
