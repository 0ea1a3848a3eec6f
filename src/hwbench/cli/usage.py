"""How `--help` names arguments: as their metavars have it; newer versions of Typer add brackets, braces and types."""

from __future__ import annotations

from typing import Any

Row = tuple[str, str]


class PlainHelp:
    """A command whose arguments are called `FILE` or `[RUN]...`, not `{FILE}`, `[[RUN]...]...` or `<list[str]>`."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """The words after the command's name."""
        pieces: list[str] = super().collect_usage_pieces(ctx)  # type: ignore[misc]
        plain = {piece: one.metavar for one in _arguments(self, ctx) for piece in one.get_usage_pieces(ctx)}
        return [plain.get(piece, piece) for piece in pieces]

    def help_rows(self, ctx: Any) -> tuple[list[Row], list[Row]]:
        """Arguments and options, each with its help."""
        arguments = [(one.metavar, told[1]) for one in _arguments(self, ctx) if (told := one.get_help_record(ctx))]
        params = self.get_params(ctx)  # type: ignore[attr-defined]
        others = [one.get_help_record(ctx) for one in params if one.param_type_name != "argument"]
        return arguments, [told for told in others if told]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write both, then the commands of a group."""
        for title, rows in zip(("Arguments", "Options"), self.help_rows(ctx), strict=True):
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)
        if hasattr(self, "format_commands"):
            self.format_commands(ctx, formatter)


def _arguments(command: Any, ctx: Any) -> list[Any]:
    return [one for one in command.get_params(ctx) if one.param_type_name == "argument" and one.metavar]
