"""`hwbench fleet`: what is done with the runs of many machines. A command is a function of a file of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .coercion import Command, Group
from .fleet_run import fleet_run
from .options import Out

Url = Annotated[
    str,
    typer.Argument(metavar="URL", help="The store: a directory, file://, s3://bucket/prefix, gs://… or az://…."),
]

fleet = typer.Typer(
    cls=Group,
    name="fleet",
    help="Many machines: run everywhere, gather, query, find the odd one.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@fleet.command("flush", cls=Command)
def flush(out: Out = Path("reports")) -> None:
    """Deliver finished runs that could not reach their store."""
    raise NotImplementedError


fleet.command("run", cls=Command)(fleet_run)
