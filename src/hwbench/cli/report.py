"""`hwbench report`: one offline HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .console import echo
from .options import HigherIsBetter, MachineName, Out, Repo, check_repository, project_rules
from .signals import load_numpy


def report(
    path: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[PATH]...",
            help="Run files, asv's results, pytest-benchmark's files, or directories of them; default: the newest "
            "run. Beside these files of benches of your own, for their findings.",
        ),
    ] = None,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="Where the page goes.")] = Path(
        "reports/index.html"
    ),
    out: Out = Path("reports"),
    repo: Repo = Path(),
    machine_name: MachineName = "",
    higher_is_better: HigherIsBetter = None,
) -> None:
    """Write one offline HTML page from runs, asv's results and files of pytest-benchmark."""
    from .. import catalog
    from .. import report as pages
    from ..record import collector, store
    from ..tracking import gather, kept_answers
    from .verdicts import warn_of

    check_repository(repo)
    rules = project_rules(None, None, higher_is_better)
    load_numpy()
    benches = [one for one in path or () if one.suffix == ".py"]
    for file in benches:
        catalog.add_path(file)
    path = [one for one in path or () if one.suffix != ".py"]
    taken = path or [store.newest(out)]

    def page() -> kept_answers.Answer:
        with collector.paused(keep=True):
            found = gather.gather(taken, repo, machine_name)
            for history in found.histories:
                rules.direct(history)
            proofs = [] if path else store.verified(out, found.runs[0].machine)
            data = pages.encoded([*found.runs, *proofs], found.histories, catalogue=catalog.benches())
        return kept_answers.Answer(data, found.commits, found.skipped, keep=not found.runs)

    made = kept_answers.through(("report", rules, machine_name), [*benches, *taken], repo, page)
    store.write_bytes(made.data, output)
    warn_of(made.skipped)
    echo(f"report: {output}")
