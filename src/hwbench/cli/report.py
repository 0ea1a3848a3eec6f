"""`hwbench report`: one offline HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .console import echo
from .options import HigherIsBetter, MachineName, Out, Repo, check_repository, page_path, project_rules
from .signals import load_numpy


def report(
    path: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[PATH]...",
            help="Run files, asv's results, pytest-benchmark's files, or directories of them; default: the newest "
            "run. Files of benches of your own add their findings.",
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="The page; default: index.html in --out.")
    ] = None,
    out: Out = Path("reports"),
    repo: Repo = Path(),
    machine_name: MachineName = "",
    higher_is_better: HigherIsBetter = None,
) -> None:
    """Write one offline HTML page of runs and other results.

    These are runs of hwbench, results of asv, and files of pytest-benchmark.
    """
    from .. import catalog
    from .. import report as pages
    from ..record import collector, store
    from ..tracking import gather, kept_answers
    from .verdicts import warn_of

    check_repository(repo)
    page_file = page_path(output, out, "index.html")
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
    store.write_bytes(made.data, page_file)
    warn_of(made.skipped)
    echo(f"report: {page_file}")
