"""Verdicts as a table, as Markdown and as plain data, and the exit codes that go with them."""

from __future__ import annotations

import io

import pytest
import typer
from rich.console import Console

from doubles.scripted import record, run_of
from hwbench.cli import verdicts
from hwbench.tracking.readers.runs import side
from hwbench.tracking.verdicts import compare_sides


def compared(factor, new="fast"):
    """Two runs of one case each, the second slower by a factor: the report and both sides."""
    old, now = (
        side([run_of(record(name, samples=[scale * (1 + i / 1000) for i in range(12)]), id=f"box-{name}-{scale}")])
        for name, scale in (("fast", 1.0), (new, factor))
    )
    return compare_sides(old, now, 0.02), old, now


def test_markdown_lists_what_changed_and_escapes_names():
    """A row for each change with its sign; a pipe in a name would break the table."""
    report, old, now = compared(1.5)
    text = verdicts.markdown(report, old, now, 0.02)
    assert text.startswith("### hwbench: 1 slower")
    assert "| 🔴 slower | test.bench/fast | 1.50× slower (1.47–1.53) |" in text
    assert "threshold 2.0%, corrected for the number of cases (Benjamini–Hochberg, 5%)" in text
    piped = compared(1.0, "a|b")
    assert "a|b" not in verdicts.markdown(*piped, 0.02)


def test_a_table_has_a_row_a_case():
    """The verdict, the case and the ratio with its interval, then the totals."""
    console = Console(file=io.StringIO(), width=200, no_color=True)
    verdicts.print_verdicts(*compared(1.5), 0.02, "measure again", console)
    lines = console.file.getvalue().splitlines()
    assert lines[0].startswith("base: ")
    assert any("slower" in line and "test.bench/fast" in line and "1.50× slower (" in line for line in lines)
    assert lines[-1] == "1 slower"


def test_plain_data_keeps_what_is_judged():
    """Counts by verdict and the method, for a script that reads them."""
    data = verdicts.as_json(*compared(0.5), 0.02)
    assert data["verdicts"] == {"slower": 0, "faster": 1, "ambiguous": 0, "same": 0, "not measured": 0}
    assert (data["threshold"], data["machines_differ"]) == (0.02, [])


@pytest.mark.parametrize(
    ("factor", "new", "code"), [(1.5, "fast", 1), (1.0, "fast", None), (0.5, "fast", None), (1.0, "other", 2)]
)
def test_exit_codes_tell_slower_from_nothing_compared(capsys, factor, new, code):
    """1 where a case is slower, 2 where no case was measured on both sides, else 0."""
    report, old, now = compared(factor, new)
    if code is None:
        verdicts.deliver(report, old, now, 0.02, "", json=False, as_markdown=True)
        return
    with pytest.raises(typer.Exit) as end:
        verdicts.deliver(report, old, now, 0.02, "", json=False, as_markdown=True)
    assert end.value.exit_code == code
    assert ("nothing was compared" in capsys.readouterr().err) is (code == 2)
