"""`hwbench ab`: two environments or commits, measured in turn by any suite."""

from __future__ import annotations

import dataclasses
import secrets
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .completion import benches
from .console import echo_err
from .options import (
    AsJson,
    AsMarkdown,
    FailOn,
    HigherIsBetter,
    Param,
    Variant,
    axis_values,
    check_one_format,
    project_rules,
    relative,
    seconds,
)
from .signals import handle

if TYPE_CHECKING:
    from ..ab.interleave import Budget
    from ..ab.journal import Journal
    from ..ab.tools import Command

TOOLS = ("pytest", "py.test", "asv", "python", "python3", "pyperf", "hyperfine", "hwbench")
LONGEST = "30m"  # of a measurement with --see
REMEDY = "raise {}, or wait until the machine is quieter"


def ab(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="BASE NEW [SELECT]... | -- COMMAND",
            help="Two sides and benches of hwbench; with --base the command that runs your own suite.",
            autocompletion=benches,
        ),
    ] = None,
    base: Annotated[
        str, typer.Option(metavar="ENV|COMMIT", help="A Python, its environment, or a commit of the repository here.")
    ] = "",
    new: Annotated[str, typer.Option(metavar="ENV|COMMIT", help="The same; default: the working tree as it is.")] = "",
    quads: Annotated[
        int | None,
        typer.Option(metavar="N", help="Quads of four processes, 3 at least; default: 10, or 6 for hwbench's benches."),
    ] = None,
    for_: Annotated[
        str,
        typer.Option(
            "--for", metavar="TIME", help="Measure for this time, such as 5m, instead of --quads; 3 quads at least."
        ),
    ] = "",
    see: Annotated[
        str,
        typer.Option(
            metavar="SHARE",
            help="Measure until a change of this share, such as 4%, would be found in every case; at most --for (30m).",
        ),
    ] = "",
    duet: Annotated[
        bool | None,
        typer.Option("--duet/--no-duet", help="Measure both sides at once on two CPUs; default: where it pays."),
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME[UNIT]=REGEX", help="Judge a number that the command prints (repeatable)."),
    ] = None,
    higher_is_better: HigherIsBetter = None,
    statistic: Annotated[
        str,
        typer.Option(
            metavar="min|quartile|median|mean",
            help="Of a process's rounds; default: min, or what pyproject.toml says, of hwbench's benches the median.",
        ),
    ] = "",
    threshold: Annotated[
        str | None,
        typer.Option(
            metavar="SHARE",
            help="The difference that does not matter, such as 2%; default: 0.5%, or what pyproject.toml says.",
        ),
    ] = None,
    fail_on: FailOn = None,
    with_: Annotated[
        list[str] | None,
        typer.Option(
            "--with", metavar="REQUIREMENT", help="Also install this in a commit's environment, such as '.[bench]'."
        ),
    ] = None,
    python: Annotated[
        str, typer.Option(metavar="VERSION|PATH", help="The Python of commits' environments; default: this one.")
    ] = "",
    no_build: Annotated[
        bool,
        typer.Option("--no-build", help="Run a commit's sources with this Python and its packages."),
    ] = False,
    timeout: Annotated[str, typer.Option(metavar="TIME", help="The time that a process may take.")] = "1h",
    keep: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep what each process measured in this directory.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue an interrupted measurement.")] = False,
    preset: Annotated[
        str, typer.Option(metavar="NAME", help="Of hwbench's benches: quick, standard or full.")
    ] = "quick",
    param: Param = None,
    variant: Variant = None,
    json: AsJson = False,
    markdown: AsMarkdown = False,
) -> None:
    """Compare two environments or commits, measured in turn.

    hwbench ab --base HEAD~1 -- pytest tests/perf --benchmark-only

    Gives a verdict for each benchmark of any suite. Exit 1 if one is slower or failed (--fail-on). Results of
    pytest-benchmark, asv, hwbench, pyperf and hyperfine are read, also where a command writes them to {out}; any other
    command is timed as a whole.

    A commit is cloned and built by uv or pip, with the dependencies that it declares. Building and measuring run the
    code of both sides: name only commits and environments that you trust.
    """
    from ..ab import building, environments, interleave, journal, telling
    from ..ab.judging import THRESHOLD
    from ..ab.looks import FEWEST
    from ..errors import UsageError
    from ..measurement import numba_settings
    from ..record import store, text
    from ..tracking.comparison import COMPARED
    from ..tracking.history import TrackingError
    from ..tracking.rules import by_statistic
    from . import verdicts

    numba_settings.check()  # the processes of both sides inherit them
    rules = by_statistic(project_rules(threshold, fail_on, higher_is_better), statistic)
    check_one_format(json, markdown)
    axis_values(param or ())
    base, new, asked, own = _question(words or (), base, new, metric or (), preset, param or (), variant or ())
    if asked.warning:
        echo_err(f"warning: {asked.warning}")
    if statistic and asked.kind in ("whole", "metric"):
        raise UsageError(f"--statistic {statistic}: each process gives one number here, and no rounds; leave it out")
    budget = _budget(quads, for_, see, 6 if own else 10, FEWEST)
    edge, limit = THRESHOLD if rules.threshold is None else rules.threshold, seconds("--timeout", timeout)
    if budget.see is not None and budget.see <= edge:
        given = text.share(edge)
        raise UsageError(f"--see {see}: is no more than the threshold, {given}, the difference that does not matter")
    if keep is not None:
        store.prepare(keep)
    wished = tuple(with_ or ())
    recipe = building.Recipe(
        () if own else (*wished, *asked.requirements(wished)), python or sys.executable, not no_build
    )
    handle(signal.default_int_handler)  # KeyboardInterrupt, so that the process under way is ended, too
    kept: journal.Journal | None = None
    try:
        with journal.alone(), interleave.workplace() as scratch:
            sides = environments.contenders(
                (base, new or "."), recipe, scratch / "own", echo_err, own=own, words=() if own else asked.words,
                named=bool(new),
            )  # fmt: skip
            kept = journal.opened(
                journal.Asked(
                    command=asked.shown, much=str(budget), sides=(sides[0].identity, sides[1].identity),
                    names=(sides[0].name, sides[1].name), seed=secrets.randbits(32), started=store.now(),
                    options=journal.options(rules, wished, python, duet, build=not no_build, metric=metric or ()),
                ), keep, resume=resume, say=echo_err,
            )  # fmt: skip
            bout = interleave.Bout(
                sides, asked, kept, scratch / "processes", echo_err, threshold=edge, rules=rules, timeout=limit,
                keep=keep,
            )  # fmt: skip
            outcome = bout.measured(budget, duet)
    except KeyboardInterrupt:
        if kept is not None:
            echo_err(f"interrupted: {_left(kept, budget, keep)}")
        raise typer.Exit(130) from None
    except (TrackingError, UsageError) as error:
        if kept is not None and kept.complete(interleave.PROCESSES):
            raise TrackingError(f"{error}; {_left(kept, budget, keep)}") from None
        raise
    report = dataclasses.replace(
        outcome.report, notes=(*telling.notes(kept.asked, outcome), *outcome.report.notes),
        design=telling.design(kept, outcome),
    )  # fmt: skip
    if any(one.verdict in COMPARED for one in report.cases):
        journal.forget(kept, keep)
    else:
        echo_err(f"what was measured is kept: {kept.folder}")
    found = verdicts.Compared(report, telling.side(sides[0]), telling.side(sides[1]), edge, fail_on=rules.fail_on)
    reached = outcome.see is not None and not outcome.unseen
    remedy = REMEDY.format("--for" if for_ or see else "--quads") if not reached else f"give --see less than {see}"
    verdicts.deliver(found, remedy, json=json, as_markdown=markdown, every=True)


def _question(
    words: Sequence[str], base: str, new: str, metric: Sequence[str], preset: str, param: Sequence[str],
    variant: Sequence[str],
) -> tuple[str, str, Command, bool]:  # fmt: skip
    """Both sides, the command, and whether it measures hwbench's benches; UsageError for what is no question."""
    from .. import own
    from ..ab import metrics, tools
    from ..errors import UsageError

    if base or new:
        if not base:
            raise UsageError("--new needs --base, the side that it is compared with: --base HEAD~1")
        if base == "--" or base in TOOLS:
            command = " ".join([base] * (base != "--") + [*words])[:200]
            raise UsageError(f"--base {base}: needs a commit or an environment; use --base HEAD~1 -- {command}")
        return base, new, tools.command(words, metrics.metrics(metric)), False
    if metric:
        raise UsageError("--metric reads what a command prints: hwbench ab --base HEAD~1 --metric … -- COMMAND")
    if not words:
        raise UsageError("names no sides; hwbench ab --base HEAD~1 --new HEAD -- pytest tests/perf --benchmark-only")
    if len(words) < 2 or words[0] in TOOLS:
        raise UsageError(
            f"{words[0]}: is one word of two; hwbench ab BASE NEW measures hwbench's benches, and hwbench ab --base "
            "BASE -- COMMAND your own"
        )
    if len(words) > 2 and words[2] in TOOLS:
        raise UsageError(
            f"{words[2]}: is a command, and not a bench; hwbench ab --base {words[0]} --new {words[1]} -- "
            f"{' '.join(words[2:])[:200]}"
        )
    select = [own.absolute(word) for word in words[2:]]
    arguments = ["--preset", preset]
    for name, values in (("--param", param), ("--variant", variant)):
        for value in values:
            arguments += [name, value]
    return words[0], words[1], tools.of_benches([*arguments, *(["--", *select] if select else [])]), True


def _budget(quads: int | None, for_: str, see: str, usual: int, fewest: int) -> Budget:
    from ..ab import interleave, looks
    from ..errors import UsageError

    if quads is not None and for_:
        raise UsageError("--quads and --for: choose one")
    if quads is not None and not fewest <= quads <= looks.MOST:
        raise UsageError(f"--quads {quads}: at least {fewest} are needed to bound a ratio, and at most {looks.MOST}")
    if see and quads is not None:
        raise UsageError("--quads and --see: choose one; --for bounds --see")
    most = seconds("--for", for_ or LONGEST) if for_ or see else None
    return interleave.Budget(quads or usual, most, relative(see, "--see") if see else None)


def _left(kept: Journal, budget: Budget, keep: Path | None) -> str:
    """What is kept of a measurement that did not end, and how to go on."""
    from ..ab.interleave import PROCESSES

    whole = len(kept.complete(PROCESSES))
    if not whole:
        return "no quad was measured to its end; start again"
    of = f" of {budget.quads}" if budget.seconds is None else ""
    where = f"--keep {keep} " if keep is not None else ""
    return f"kept are {whole}{of} quads; the same command with {where}--resume goes on"
