"""Verdicts as a comment for a pull request: totals, what changed, and the rest folded."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..record import text
from ..tracking.comparison import Comparison, ComparisonReport
from ..tracking.sides import Side
from .wording import case_of, each, escaped, heading, mean, method, ordered, ratio_of, remark, sign, totals, word_of

TOLD = ("slower", "failed", "faster", "new", "gone")  # verdicts that are no rest
LONGEST = 50  # rows of a Markdown table: people read comments on pull requests


def markdown(report: ComparisonReport, base: Side, new: Side, threshold: float) -> str:
    """A comment for a pull request: totals, changed cases as a table, and the method below it."""
    cases = ordered(report.cases)
    lines = [f"### hwbench: {totals(report.cases)}", "", *(f"{escaped(line)}  " for line in mean(report))]
    lines += [f"**{escaped(line)}**  " for line in report.remarks] + [""] * bool(lines[2:] or report.remarks)
    lines += _rows([one for one in cases if one.verdict in TOLD])
    rest: dict[str, list[Comparison]] = {}
    for one in cases:
        if one.verdict not in TOLD:
            rest.setdefault(one.verdict, []).append(one)
    for verdict, mine in rest.items():
        lines += [f"<details><summary>{len(mine)} {verdict}</summary>", "", *_rows(mine), "</details>", ""]
    below = (*heading(report, base, new, remarks=False), method(report, threshold))
    lines += [_with_code(line) + "  " for line in below]
    return "\n".join(lines)


def _with_code(line: str) -> str:
    """A line with its markup escaped, but for `code`, in which Markdown and mentions mean nothing."""

    def plain(piece: str) -> str:
        return f"{' ' * piece.startswith(' ')}{escaped(piece)}{' ' * piece[1:].endswith(' ')}"

    pieces = re.split(r"(`[^`]+`)", " ".join(line.split()))
    return "".join(text.printable(one) if place % 2 else plain(one) for place, one in enumerate(pieces))


def _rows(cases: Sequence[Comparison]) -> list[str]:
    """A Markdown table of cases, LONGEST at most; [] without any."""
    if not cases:
        return []
    lines = ["| | case | base | new | new against base (95% interval) | remark |"]
    lines += ["| --- | --- | ---: | ---: | --- | --- |"]
    for one in cases[:LONGEST]:
        verdict = f"{sign(one)} {word_of(one)}".strip()
        cells = (escaped(case_of(one)), *map(escaped, each(one)), escaped(ratio_of(one)), escaped(remark(one)))
        lines.append(f"| {verdict} | {' | '.join(cells)} |")
    lines += [f"| | and {len(cases) - LONGEST} more | | | | |"] if len(cases) > LONGEST else []
    return [*lines, ""]
