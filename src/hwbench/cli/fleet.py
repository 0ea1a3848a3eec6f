"""`hwbench fleet`: what is done with the runs of many machines. A command is a function of a file of its own."""

from __future__ import annotations

import typer

from .coercion import Command, Group
from .fleet_diagnose import diagnose, report
from .fleet_run import fleet_run
from .fleet_store import add, compact, flush, sql

fleet = typer.Typer(
    cls=Group,
    name="fleet",
    help="Many machines: run, gather, query, find the odd one.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
fleet.command("run", cls=Command)(fleet_run)
fleet.command("flush", cls=Command)(flush)
fleet.command("add", cls=Command)(add)
fleet.command("compact", cls=Command)(compact)
fleet.command("sql", cls=Command)(sql)
fleet.command("diagnose", cls=Command)(diagnose)
fleet.command("report", cls=Command)(report)
