"""`hwbench regressions`: what changed in a history and is still slower, without a browser."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .console import echo, print_json
from .options import (
    AsJson,
    AsMarkdown,
    HigherIsBetter,
    MachineName,
    Repo,
    check_one_format,
    check_repository,
    project_rules,
)
from .signals import load_numpy

if TYPE_CHECKING:
    from ..tracking.listing import Listing, Row

MOST = 20  # rows of each state that is not open, without --all
SIGNS = {"slower": "🔴", "failed": "💥", "recovered": "🟡", "faster": "🟢"}


def regressions(
    path: Annotated[
        list[Path],
        typer.Argument(metavar="PATH...", help="Results of asv, files of pytest-benchmark, runs, or directories."),
    ],
    since: Annotated[
        str, typer.Option(metavar="DATE|COMMIT", help="Only what began after this date (2026-11-22) or commit.")
    ] = "",
    over: Annotated[
        str, typer.Option(metavar="PERCENT", help="Only changes of more than this, such as 5% or 0.05.")
    ] = "0",
    machine_name: MachineName = "",
    higher_is_better: HigherIsBetter = None,
    repo: Repo = Path(),
    json: AsJson = False,
    markdown: AsMarkdown = False,
    every: Annotated[
        bool, typer.Option("--all", help="List all cases that recovered or got faster, not only 20.")
    ] = False,
) -> None:
    """List the commits that made a benchmark slower or faster.

    Benchmarks are listed as still slower, failed, recovered or faster. Exit 1 if one that is still slower or failed
    changed after --since (default: at the newest commit), 2 if there is no answer.
    """
    load_numpy()
    from .. import catalog
    from ..errors import UsageError
    from ..record import collector, installing
    from ..tracking import change_points, gather, kept_answers, listing
    from ..tracking.changes import OPEN, STATES
    from .verdicts import warn_of

    check_one_format(json, markdown)
    check_repository(repo)
    least = _share(over)
    rules = project_rules(None, None, higher_is_better)
    if not change_points.available():
        raise UsageError(f"no changes can be searched for, since asv is not installed: {installing.command('asv')}")

    def judged() -> kept_answers.Answer:
        with collector.paused(keep=True):
            found = gather.gather(path, repo, machine_name)
            made = []
            for history in found.histories:
                rules.direct(history)
                ours = {one.bench for one in history.series if one.bench in catalog.LAZY}
                made.append(listing.listed(history, {name: catalog.LAZY[name].info for name in ours}))
        return kept_answers.Answer(listing.packed(made), found.commits, found.skipped, keep=not found.runs)

    answer = kept_answers.through(("regressions", rules, machine_name), path, repo, judged)
    histories = listing.unpacked(answer.data)
    if not histories:
        raise UsageError(f"{path[0]}: holds no history: three runs, results of asv or files of pytest-benchmark")
    rows: list[Row] = []
    begun = False
    for one in histories:
        mine = [row for row in one.rows if row.state == "failed" or row.size > least]
        after = _after(one, since)
        new = [row for row in mine if row.at > after]
        begun |= any(row.state in OPEN for row in new)
        rows += new if since else mine
    # Stable: by size within a history.
    rows.sort(key=lambda row: (STATES.index(row.state), row.last_measured is not None))
    if json:
        print_json([{name: getattr(row, name) for name in listing.PLAIN} for row in rows])
    else:
        for line in _markdown(rows) if markdown else _lines(rows, every):
            echo(line)
    warn_of(answer.skipped)
    if begun:
        raise typer.Exit(1)


def _cells(row: Row) -> tuple[str, str, str, str, str]:
    """What changed, both levels, the case, the commit, and where."""
    return row.much, row.levels, row.label, row.title, row.where


def _totals(rows: Sequence[Row]) -> str:
    named = {"slower": "still slower", "failed": "failed", "recovered": "recovered", "faster": "faster"}
    told = []
    for state, name in named.items():
        mine = [row for row in rows if row.state == state]
        left = sum(row.last_measured is not None for row in mine) if state in ("slower", "failed") else 0
        told += [f"{len(mine)} {name}" + f" ({left} no longer measured)" * bool(left)] * bool(mine)
    return ", ".join(told) or "no change"


def _shown(rows: Sequence[Row], every: bool) -> list[Row]:
    """All that are open, and of the others MOST of each state."""
    met: dict[str, int] = {}
    out = []
    for row in rows:
        state = row.state
        met[state] = met.get(state, 0) + 1
        if every or state in ("slower", "failed") or met[state] <= MOST:
            out.append(row)
    return out


def _lines(rows: Sequence[Row], every: bool) -> Iterator[str]:
    from ..record import text

    yield _totals(rows)
    shown = _shown(rows, every)
    table = [(row.state, *_cells(row)) for row in shown]
    widths = [max((len(cells[at]) for cells in table), default=0) for at in range(3)]
    for cells in table:
        first = "  ".join(f"{cell:{width}}" for cell, width in zip(cells[:3], widths, strict=True))
        yield text.printable("  ".join([first, *cells[3:]]))
    if left := len(rows) - len(shown):
        yield f"not shown: {left} that recovered or got faster (--all)"


def _markdown(rows: Sequence[Row]) -> Iterator[str]:
    """Open ones as a table, all others folded."""
    from .wording import escaped

    yield f"### hwbench: {_totals(rows)}"
    yield ""
    for folded in (False, True):
        mine = [row for row in rows if (row.state not in ("slower", "failed")) is folded]
        if not mine:
            continue
        if folded:
            yield f"<details><summary>{len(mine)} recovered or faster</summary>"
            yield ""
        yield "| | change | before → after | case | commit | machine |"
        yield "| --- | --- | --- | --- | --- | --- |"
        for row in mine:
            state = row.state
            yield f"| {SIGNS[state]} {state} | {' | '.join(map(escaped, _cells(row)))} |"
        yield ""
        if folded:
            yield "</details>"


def _share(over: str) -> float:
    """`5%` and `0.05` as a number; UsageError for anything else."""
    from math import log1p

    from ..errors import UsageError

    form = re.fullmatch(r"(\d{1,6}(?:\.\d{1,6})?)(%?)", over.strip())
    if form is None:
        raise UsageError(f"--over {over}: is no share such as 5% or 0.05")
    return log1p(float(form[1]) / (100 if form[2] else 1))


def _after(listing: Listing, since: str) -> int:
    """The position of the last commit before those that count; UsageError where no commit has this name."""
    from ..errors import UsageError

    commits = listing.commits
    if not since:
        return len(commits) - 2
    if re.fullmatch(r"\d{4}-\d\d-\d\d", since):
        return max((at for at, (_, date, _) in enumerate(commits) if date < since), default=-1)
    whole = len(since) < 4  # fewer digits of a hash might be a tag's name
    found = [at for at, (name, *_) in enumerate(commits) if name == since or (not whole and name.startswith(since))]
    if len({commits[at][0] for at in found}) != 1:
        what = "is none of the commits measured" if not found else "begins several commits"
        known = f"a date such as 2026-11-22 or a commit such as {commits[-1][2]}"
        raise UsageError(f"--since {since}: {what}; name {known}")
    return found[-1]
