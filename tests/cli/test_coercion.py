"""Texts, paths and flags of the command line without pydantic, with the values that Typer would make."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from hwbench.cli.app import Command


@pytest.mark.parametrize("plain", [Command, None])
def test_values_are_those_of_typer(plain):
    """A text, a path, lists of them, flags and what was left out, beside a number that Typer itself makes."""
    seen = []
    app = typer.Typer()

    @app.command(cls=plain)
    def command(
        names: Annotated[list[str] | None, typer.Argument()] = None,
        out: Annotated[Path, typer.Option()] = Path("reports"),
        more: Annotated[list[Path] | None, typer.Option()] = None,
        word: str | None = None,
        yes: bool = False,
        count: int = 6,
    ) -> None:
        seen.append((names, out, more, word, yes, count))

    for given in ([], ["a", "b", "--out", "x", "--more", "y", "--more", "z", "--word", "w", "--yes", "--count", "7"]):
        assert CliRunner().invoke(app, given).exit_code == 0
    assert seen == [
        (None, Path("reports"), None, None, False, 6),
        (["a", "b"], Path("x"), [Path("y"), Path("z")], "w", True, 7),
    ]
    assert CliRunner().invoke(app, ["--count", "many"]).exit_code == 2
