"""`hwbench adopt`: write the few lines that run benches of your own under asv and pytest-benchmark."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .console import echo


def adopt(
    source: Annotated[
        str, typer.Argument(metavar="FILE", help="A file, a directory or a package of your own benches.")
    ],
    asv: Annotated[Path, typer.Option(metavar="DIR", help="Where asv's benchmarks go.")] = Path("benchmarks"),
    tests: Annotated[Path, typer.Option("--pytest", metavar="DIR", help="Where tests for pytest-benchmark go.")] = Path(
        "tests/perf"
    ),
    no_asv: Annotated[bool, typer.Option("--no-asv", help="Write nothing for asv.")] = False,
    no_pytest: Annotated[bool, typer.Option("--no-pytest", help="Write nothing for pytest-benchmark.")] = False,
) -> None:
    """Write files that run your benches under asv and pytest.

    An asv class for each bench, and tests for pytest-benchmark. Other files stay as they are.
    """
    from .. import catalog, errors
    from ..record import files, store
    from ..suites import adopt as lines

    benches = [bench for bench in catalog.select([source]) if bench in catalog.own()]
    if not benches:
        raise errors.UsageError(
            f"{source}: names benches of hwbench; name a file, a directory or a package of your own"
        )
    made = lines.files(source, benches, None if no_asv else asv, None if no_pytest else tests)
    wanted = {
        path: text for path, text in made.items() if not (path.exists() and path.name in ("__init__.py", "conftest.py"))
    }
    for path in wanted:
        if path.exists() and lines.MADE.encode() not in files.head(path, 1000):
            raise errors.UsageError(
                f"{path}: is there, and `hwbench adopt` has not made it; move it, or name another directory"
            )
    for path, text in wanted.items():
        store.write_bytes(text.encode(), path)
        echo(f"written: {path}")
    if not no_asv:
        echo("asv: `asv run`, where asv.conf.json has this directory and hwbench-suite in its matrix")
    if not no_pytest:
        echo(f"pytest-benchmark: `pytest {tests}` checks each case, `pytest {tests} --benchmark-only` measures it")
