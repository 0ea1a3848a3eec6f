"""`hwbench ab`: two environments or commits, measured interleaved."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Annotated

import typer

from .console import echo_err
from .options import AsJson, AsMarkdown, FailOn, Param, Select, Variant, axis_values, check_one_format, project_rules
from .signals import handle


def ab(
    base: Annotated[
        str, typer.Argument(metavar="BASE", help="A Python, its environment, or a commit of this hwbench repository.")
    ],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The same.")],
    select: Select = None,
    quads: Annotated[int, typer.Option(help="How many quads: four processes, in the order base new new base.")] = 6,
    threshold: Annotated[float, typer.Option(help="Relative difference that does not matter.")] = 0.005,
    fail_on: FailOn = None,
    preset: Annotated[str, typer.Option(help="quick, standard or full.")] = "quick",
    param: Param = None,
    variant: Variant = None,
    keep: Annotated[Path | None, typer.Option(metavar="DIR", help="Keep the run of each process here.")] = None,
    no_build: Annotated[
        bool,
        typer.Option("--no-build", help="Run a commit's sources with this Python and its packages."),
    ] = False,
    json: AsJson = False,
    markdown: AsMarkdown = False,
) -> None:
    """Measure two environments or commits interleaved and give a verdict for each case.

    Exit 1 if a case is slower or failed (--fail-on).

    A commit is built by pip into a temporary environment, with the dependencies that it declares. Building and
    measuring run the code of both sides: name only commits and environments that you trust.
    """
    from .. import errors, own
    from ..ab import environments, interleave
    from ..measurement import numba_settings
    from ..record import store
    from . import verdicts

    numba_settings.check()  # the processes of both sides inherit them
    rules = project_rules(threshold, fail_on, None)
    axis_values(param or ())
    if not interleave.FEWEST <= quads <= 1000:
        raise errors.UsageError(f"--quads {quads}: at least {interleave.FEWEST} are needed to bound a ratio")
    check_one_format(json, markdown)
    if keep is not None:
        store.prepare(keep)
    handle(signal.default_int_handler)  # KeyboardInterrupt, so that the process under way is ended, too
    asked = interleave.Asked([own.absolute(word) for word in select or ()], preset, param or (), variant or ())
    try:
        with interleave.workplace() as scratch:
            sides = environments.contenders((base, new), scratch / "sides", echo_err, build=not no_build)
            runs = interleave.interleaved(sides, asked, quads, scratch, echo_err, keep)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    told = interleave.judged(runs, (base, new), threshold)
    old, now = (interleave.side(one, runs[0][i][0]) for i, one in enumerate(sides))
    found = verdicts.Compared(told, old, now, threshold, fail_on=rules.fail_on)
    verdicts.deliver(found, interleave.REMEDY, json=json, as_markdown=markdown, every=True)
