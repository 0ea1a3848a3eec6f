"""`hwbench compare`: a verdict for each case of two stored results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from .options import (
    AsJson,
    AsMarkdown,
    FailOn,
    HigherIsBetter,
    MachineName,
    Out,
    Repo,
    Threshold,
    check_one_format,
    check_repository,
    project_rules,
)
from .signals import load_numpy

ROOM = 62  # letters for the differences: with what is said around them a line of 160


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
    threshold: Threshold = None,
    fail_on: FailOn = None,
    across_machines: Annotated[
        bool, typer.Option("--across-machines", help="Compare different machines, each relative to its own limits.")
    ] = False,
    machine_name: MachineName = "",
    higher_is_better: HigherIsBetter = None,
    asv: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Directory of asv's results; default: asv/results in --out.")
    ] = None,
    out: Out = Path("reports"),
    repo: Repo = Path(),
    json: AsJson = False,
    markdown: AsMarkdown = False,
    every: Annotated[bool, typer.Option("--all", help="Print every case, not only those that changed.")] = False,
) -> None:
    """Compare two results: a verdict for each case.

    Exit 1 if a case is slower or failed (--fail-on), 2 if none could be compared. [tool.hwbench.compare] of
    pyproject.toml sets thresholds, metrics and directions for each benchmark.
    """
    load_numpy()
    from .. import catalog
    from ..errors import UsageError
    from ..tracking import resolve, side_by_side
    from ..tracking.sides import differing
    from ..tracking.verdicts import REMEDY, THRESHOLD, compare_sides
    from . import verdicts

    rules = project_rules(threshold, fail_on, higher_is_better)
    check_one_format(json, markdown)
    check_repository(repo)
    old, now = resolve.sides(
        base, new, out, asv, across=across_machines, repository=repo, catalogue=catalog.LAZY, machine=machine_name
    )
    differences = differing(old, now)
    if differences and not across_machines:
        raise UsageError(refusal(differences))
    shared = {one.bench for one in old.entries} & {one.bench for one in now.entries}
    unknown = sorted(shared - {*old.benches, *now.benches})  # results of asv and pytest-benchmark describe no bench
    benches = {name: catalog.LAZY[name].info for name in unknown if name in catalog.LAZY}
    limit = THRESHOLD if rules.threshold is None else rules.threshold
    told = compare_sides(old, now, limit, across=across_machines, benches=benches, rules=rules)
    wanted = json or (across_machines and not markdown)
    headline = side_by_side.quantities(old, now, catalog.LAZY) if wanted else ()
    found = verdicts.Compared(told, old, now, limit, headline, rules.fail_on)
    verdicts.deliver(found, REMEDY, json=json, as_markdown=markdown, every=every)


def refusal(differences: Sequence[str]) -> str:
    """Why two machines are not compared, in a line: as many differences as it holds, and what to do."""
    from ..record.phrases import counted

    told: list[str] = []
    for one in differences:
        if sum(map(len, told)) + 2 * len(told) + len(one) <= ROOM:
            told.append(one)
    rest = len(differences) - len(told)
    more = f"{rest} more" if told else f"{counted(rest, 'property', 'properties')}"
    said = ", ".join(told) + (" and " * bool(told) + more) * bool(rest)
    return f"the machines differ in {said}; --across-machines compares each with its own limits"
