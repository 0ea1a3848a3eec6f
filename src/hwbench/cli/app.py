"""The commands; no logic. Everything heavy is imported by the command that needs it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from .. import __version__
from . import streams
from .console import _say, _tell

app = typer.Typer(
    name="hwbench",
    help="What can this machine do, and how much of it does my Python get?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Select = Annotated[
    list[str] | None,
    typer.Argument(metavar="[SELECT]...", help="Globs of bench names, or topics; none: the standard set."),
]
Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="Where runs and the report go.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON on standard output, and nothing else.")]


def _version(wanted: bool) -> None:
    if wanted:
        _tell(f"hwbench {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run a command; every failure is one line on standard error and the design's exit code."""
    from ..errors import StoreError, UsageError
    from . import compare, run, show, verify  # noqa: F401 - each registers its commands

    streams.prepare()
    try:
        app()
    except (UsageError, StoreError) as error:
        _say(f"hwbench: {error}")
        sys.exit(2)
    except OSError as error:
        # What the commands look at before they read or write it: a name too long, a folder that may not be listed.
        streams.silence(sys.stdout, error)
        _say(f"hwbench: {error.filename or 'output'}: {error.strerror or error}")
        sys.exit(2)
    except Exception as error:
        if os.environ.get("HWBENCH_DEBUG"):
            raise
        _say(f"hwbench: {type(error).__name__}: {' '.join(str(error).split())} (HWBENCH_DEBUG=1 shows where)")
        sys.exit(2)  # 1 says that something is slower, and a gate on pull requests would believe it
