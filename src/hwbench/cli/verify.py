"""`hwbench verify`: native tools and our benches in turn, their paired ratios."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .console import console, echo, echo_err, print_json
from .options import AsJson, Out
from .signals import Stop, handle, leave, load_numpy


def verify(
    select: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SELECT]...",
            help="Comparisons by a part of their names or a glob; '*' takes all; default: a sample of five minutes.",
        ),
    ] = None,
    rounds: Annotated[int, typer.Option(metavar="N", help="Pairs of samples in each comparison.")] = 7,
    seconds: Annotated[float, typer.Option(metavar="SECONDS", help="How long a sample of either side lasts.")] = 0.1,
    pages: Annotated[
        str, typer.Option(metavar="4K|huge", help="The pages of hwbench's memory; the tools use 4K.")
    ] = "4K",
    stream: Annotated[
        Path | None, typer.Option("--stream", metavar="PATH", help="Also compare with this compiled STREAM.")
    ] = None,
    least: Annotated[
        float, typer.Option(metavar="RATIO", help="Exit 1 if the median of a ratio is below this.")
    ] = 0.95,
    out: Out = Path("reports"),
    machine: Annotated[str | None, typer.Option(metavar="NAME", help="What to call this machine.")] = None,
    json: AsJson = False,
) -> None:
    """Compare hwbench with native tools, measured in turn.

    The tools are likwid-bench, mbw, STREAM and C loops. Prints the paired ratio of each comparison.
    """
    stop = Stop()
    handle(leave)
    load_numpy()
    from ..measurement import numba_settings

    numba_settings.check()  # before the imports below, which load Numba
    from ..analysis.crosscheck import tool_comparisons
    from ..crosscheck import session
    from . import crosscheck as lines

    plan = session.Options(select or (), rounds, seconds, pages, stream, out, machine)
    printer = lines.Lines(console(stderr=True) if json else console())
    handle(stop.ask)
    try:
        done, path = session.execute(plan, printer.told, stop.check)
    except KeyboardInterrupt:
        echo_err("interrupted: what was measured is below " + str(out / "verify"))
        raise typer.Exit(130) from None
    handle(leave)
    found = tool_comparisons(done.records)
    if json:
        print_json({"run": done.id, "least": least, "comparisons": found})
    else:
        for line in lines.summary(found, least):
            echo(line)
        echo(f"kept: {path}")
    if any(one.status == "wrong" or one.below(least) for one in found):
        raise typer.Exit(1)
    if all(one.status == "skipped" for one in found):
        raise typer.Exit(2)
