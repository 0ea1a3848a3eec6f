"""TODO cli.compare."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .app import AsJson, Out, Select, app
from .console import _console, _json, _say, _tell
from .run import _params
from .signals import handle

if TYPE_CHECKING:
    from ..tracking.sides import Side
    from ..tracking.verdicts import ComparisonReport


@app.command()
def compare(
    base: Annotated[
        str,
        typer.Argument(
            metavar="BASE",
            help="A run (file, id, several with commas, directory), asv:COMMIT[@MACHINE][/ENVIRONMENT], "
            "files of pytest-benchmark, or a machine's name.",
        ),
    ],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The same.")],
    threshold: Annotated[float, typer.Option(help="Relative difference that does not matter.")] = 0.02,
    across_machines: Annotated[
        bool, typer.Option("--across-machines", help="Compare unlike machines, each against its own limits.")
    ] = False,
    asv: Annotated[
        Path | None, typer.Option(metavar="DIR", help="asv's results; else asv/results below --out.")
    ] = None,
    out: Out = Path("reports"),
    json: AsJson = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="A table for a pull request.")] = False,
) -> None:
    """Give a verdict for each case: same, faster, slower, ambiguous, not measured. Exit 1 only where one is slower."""
    from ..errors import UsageError
    from ..tracking import resolve
    from ..tracking.sides import differing
    from ..tracking.verdicts import REMEDY, compare_sides

    _check_threshold(threshold)
    if json and markdown:
        raise UsageError("--json and --markdown: choose one")
    old, now = resolve.sides(base, new, out, asv, across=across_machines)
    differences = differing(old, now)
    if differences and not across_machines:
        raise UsageError(
            f"the machines differ ({'; '.join(differences)}): times of one say nothing about the other; "
            "--across-machines sets each against its own limits"
        )
    limits = None
    if across_machines:
        from .. import catalog

        limits = {name: bench.limit for name, bench in catalog.benches().items()}
    told = compare_sides(old, now, threshold, across=across_machines, limits=limits)
    _verdicts(told, old, now, threshold, REMEDY, json, markdown)


@app.command()
def ab(
    base: Annotated[
        str, typer.Argument(metavar="BASE", help="A Python, the environment of one, or a commit of hwbench here.")
    ],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The same.")],
    select: Select = None,
    quads: Annotated[int, typer.Option(help="Times four processes, in the order base new new base.")] = 6,
    threshold: Annotated[float, typer.Option(help="Relative difference that does not matter.")] = 0.005,
    preset: Annotated[str, typer.Option(help="quick, standard or full.")] = "quick",
    param: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="Narrow or set an axis (repeatable).")
    ] = None,
    variant: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Only this variant (repeatable).")] = None,
    keep: Annotated[Path | None, typer.Option(metavar="DIR", help="Keep the run of each process here.")] = None,
    no_build: Annotated[
        bool,
        typer.Option("--no-build", help="Run a commit's sources by this Python, with the packages that are here."),
    ] = False,
    json: AsJson = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="A table for a pull request.")] = False,
) -> None:
    """Measure two environments or commits interleaved and give a verdict for each case. Exit 1 where one is slower.

    A commit is built by pip into a temporary environment, with the dependencies that it declares.
    """
    from .. import errors
    from ..ab import environments, interleave
    from ..measure import numba_settings
    from ..record import store

    numba_settings.check()  # the processes of both sides inherit them
    _check_threshold(threshold)
    _params(param or ())
    if not interleave.FEWEST <= quads <= 1000:
        raise errors.UsageError(f"--quads {quads}: at least {interleave.FEWEST} are needed to bound a ratio")
    if json and markdown:
        raise errors.UsageError("--json and --markdown: choose one")
    if keep is not None:
        store.prepare(keep)
    handle(signal.default_int_handler)  # so that the process under way is ended, too
    asked = interleave.Asked(select or (), preset, param or (), variant or ())
    try:
        with interleave.workplace() as scratch:
            sides = environments.contenders((base, new), scratch / "sides", _say, build=not no_build)
            runs = interleave.interleaved(sides, asked, quads, scratch, _say, keep)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    told = interleave.judged(runs, (base, new), threshold)
    old, now = (interleave.side(one, runs[0][i][0]) for i, one in enumerate(sides))
    _verdicts(told, old, now, threshold, interleave.REMEDY, json, markdown)


def _check_threshold(threshold: float) -> None:
    from ..errors import UsageError

    if not 0 <= threshold < 10:
        raise UsageError(f"--threshold {threshold:g}: is no relative difference such as 0.05")


def _verdicts(
    told: ComparisonReport, old: Side, now: Side, threshold: float, remedy: str, json: bool, markdown: bool
) -> None:
    """Print verdicts the way that was asked for; exit 1 where one is slower, 2 where not a case could be compared."""
    from . import verdicts

    if json:
        _json(verdicts.as_json(told, old, now, threshold))
    elif markdown:
        _tell(verdicts.markdown(told, old, now, threshold))
    else:
        verdicts.show(told, old, now, threshold, remedy, _console())
    if any(one.verdict == "slower" for one in told.cases):
        raise typer.Exit(1)
    if all(one.verdict == "not measured" for one in told.cases):
        _say("nothing was compared: no case was measured on both sides")
        raise typer.Exit(2)
