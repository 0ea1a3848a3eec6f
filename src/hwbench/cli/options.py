"""Arguments and options that several commands share, and their checks."""

from __future__ import annotations

import dataclasses
import math
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .completion import benches

if TYPE_CHECKING:
    from ..tracking.rules import Rules

DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|min|m|h|)")
UNITS = {"ms": 1e-3, "": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}

Select = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[SELECT]...",
        help="Benches by name, glob or topic, or files, directories or packages of benches of your own; default: the "
        "standard set.",
        autocompletion=benches,
    ),
]
Param = Annotated[
    list[str] | None,
    typer.Option(metavar="KEY=VALUE", help="Only this value of an axis, such as size=L2 (repeatable)."),
]
Variant = Annotated[list[str] | None, typer.Option(metavar="NAME", help="Only this variant (repeatable).")]
Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="Where runs and pages are written and looked for.")]
Preset = Annotated[str, typer.Option("--preset", metavar="NAME", help="quick, standard or full.")]
Devices = Annotated[str, typer.Option("--device", metavar="NAME", help="cpu, gpu, gpu:N, opencl, opencl:N or all.")]
Repo = Annotated[
    Path,
    typer.Option(
        "--repo",
        metavar="DIR",
        help="The git repository of asv's commits; a repository around a results file is not used.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on standard output, and nothing else.")]
AsMarkdown = Annotated[bool, typer.Option("--markdown", help="Print a table for a pull request, in Markdown.")]

MachineName = Annotated[
    str,
    typer.Option(
        metavar="NAME", help="Take all results of asv and pytest-benchmark as measured on one machine of this name."
    ),
]
Threshold = Annotated[
    str | None,
    typer.Option(
        metavar="SHARE",
        help="The relative difference that does not matter, such as 2% or 0.02; default: pyproject.toml's, or 2%.",
    ),
]
FailOn = Annotated[
    str | None,
    typer.Option(
        metavar="LIST",
        help="Verdicts that give exit code 1, separated by commas: slower, failed, faster, ambiguous, gone; default: "
        "slower,failed.",
    ),
]
HigherIsBetter = Annotated[
    list[str] | None, typer.Option(metavar="GLOB", help="Benchmarks where more is better (repeatable).")
]


def project_rules(threshold: str | None, fail_on: str | None, higher: Sequence[str] | None) -> Rules:
    """What pyproject.toml says of benchmarks, with these options over it."""
    from ..tracking import rules

    found = rules.with_higher(rules.read(), higher or ())
    if threshold is not None:
        found = dataclasses.replace(found, threshold=relative(threshold))
    if fail_on is not None:
        names = [name.strip() for name in fail_on.split(",") if name.strip()]
        found = dataclasses.replace(found, fail_on=rules.reasons_to_fail(names, "--fail-on"))
    return found


def page_path(output: Path | None, out: Path, name: str) -> Path:
    """Where a page goes: the file that was named, else this name in `--out`; UsageError where that names a page."""
    from ..errors import UsageError

    if out.suffix.lower() in (".html", ".htm"):
        raise UsageError(f"--out {out}: names a directory; name the page by -o {out}")
    return out / name if output is None else output


def axis_values(texts: Sequence[str]) -> dict[str, list[str]]:
    """The values of each axis out of `KEY=VALUE` texts; UsageError for a text of another form."""
    from ..errors import UsageError

    found: dict[str, list[str]] = {}
    for pair in texts:
        name, equals, value = pair.partition("=")
        if not (name and equals and value):
            raise UsageError(f"--param {pair}: is not of the form KEY=VALUE, such as size=L1")
        found.setdefault(name, []).append(value)
    return found


def relative(said: str, option: str = "--threshold") -> float:
    """The relative difference that `2%` or `0.02` is; UsageError for another text."""
    from ..errors import UsageError

    number = said.strip()
    try:
        found = float(number.removesuffix("%")) / (100 if number.endswith("%") else 1)
    except ValueError:
        found = math.nan
    if not 0 <= found < 1:
        raise UsageError(f"{option} {said}: is no relative difference below 1, such as 2% or 0.02")
    return found


def seconds(option: str, said: str) -> float:
    """The seconds of `5m`, `90s` or `90`; UsageError for another text."""
    from ..errors import UsageError

    form = DURATION.fullmatch(said.strip())
    if form is None or not float(form[1]):
        raise UsageError(f"{option} {said}: is no time such as 5m, 90s or 2h")
    return float(form[1]) * UNITS[form[2]]


def check_repository(repository: Path) -> None:
    """UsageError where `--repo` names no directory: git's silence would be taken for commits without subjects."""
    from ..errors import UsageError

    if not os.path.isdir(repository):  # noqa: PTH112 - Path raises for a long name
        raise UsageError(f"--repo {repository}: is no directory; name the one where asv's commits are")


def check_one_format(json: bool, markdown: bool) -> None:
    """UsageError where two output formats are asked for."""
    from ..errors import UsageError

    if json and markdown:
        raise UsageError("--json and --markdown: choose one")
