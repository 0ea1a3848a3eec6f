"""Texts, paths, numbers and flags of the command line, taken as they are: Typer would load pydantic, in 0.1 s.

Typer keeps what coerces a parameter in an attribute that it fills on first use. A Typer without that attribute goes its
own way: the same values, later.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from typer.core import TyperCommand, TyperGroup

from .usage import PlainHelp

T = TypeVar("T")

Kind: TypeAlias = Callable[[Any], object]

KINDS: dict[object, Kind] = {
    str: str, Path: Path, list[str]: str, list[Path]: Path, int: int, float: float,
}  # fmt: skip


class AsGiven:
    """Makes a text, a path or a number of what was given, or of each part of a list; Typer says what is no number."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind

    def coerce(self, value: object, param: Any, ctx: object) -> object:
        """The value of a parameter; () and None where nothing was given."""
        if value is None:
            return () if param.multiple or param.nargs == -1 else None
        try:
            return [self.kind(one) for one in value] if isinstance(value, list | tuple) else self.kind(value)
        except ValueError:
            param._runtime_param = None
            return param.get_runtime_param().coerce(value, param, ctx)


class NotGiven:
    """The value of a flag that was not given; Typer does not ask for one that was."""

    def coerce(self, value: T, param: object, ctx: object) -> T:  # noqa: ARG002 - as Typer calls it
        """A flag is a bool already, or None."""
        return value


class Simple:
    """A command whose texts, paths, numbers and flags are taken as they are."""

    def get_params(self, ctx: object) -> list[Any]:
        """The parameters, `--help` among them."""
        params: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for param in params:
            simplify(param)
        return params


class Command(Simple, PlainHelp, TyperCommand):
    """A command whose texts, paths and numbers are taken as they are."""


class Group(Simple, PlainHelp, TyperGroup):
    """Commands below a word: `hwbench fleet sql`."""


def simplify(param: Any) -> None:
    """Let a parameter that is a text, a path, a number, a list of texts or a flag be coerced without pydantic."""
    wanted = getattr(getattr(param, "type_descriptor", None), "annotation", None)
    if getattr(param, "_runtime_param", "") is not None:
        return
    if wanted in KINDS:
        param._runtime_param = AsGiven(KINDS[wanted])
    elif wanted is bool and getattr(param, "is_flag", False):
        param._runtime_param = NotGiven()
