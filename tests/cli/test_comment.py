"""A comment for a pull request."""

from __future__ import annotations

from doubles.scripted import record, run_of
from hwbench.cli import comment
from hwbench.tracking.readers.runs import side
from hwbench.tracking.verdicts import compare_sides


def compared(factor, new="fast", cases=1):
    """Two runs, the second slower by a factor: the report and both sides."""
    sides = []
    for name, scale in (("fast", 1.0), (new, factor)):
        samples = [scale * (1 + j / 1000) for j in range(12)]
        records = [record(f"{name}{i or ''}", samples=samples) for i in range(cases)]
        sides.append(side([run_of(*records, id=f"box-{name}-{scale}")]))
    return compare_sides(*sides, 0.02), *sides


def test_markdown_lists_what_changed_and_escapes_names():
    """A row for each change with its sign; a pipe in a name would break the table."""
    report, old, now = compared(1.5)
    text = comment.markdown(report, old, now, 0.02)
    assert text.startswith("### hwbench: 1 slower")
    assert "| 🔴 slower | test.bench/fast | 1.01 s | 1.51 s | 1.50× slower (1.47–1.53) |" in text
    assert "threshold 2.0%, corrected for the number of cases (Benjamini–Hochberg, 5%)" in text
    piped = compared(1.0, "a|b")
    assert "a|b" not in comment.markdown(*piped, 0.02)


def test_a_table_has_as_many_rows_as_people_read():
    """The rest is counted; what did not change is folded."""
    text = comment.markdown(*compared(1.5, cases=60), 0.02)
    assert text.count("🔴 slower") == comment.LONGEST
    assert "| | and 10 more | | | | |" in text
    same = comment.markdown(*compared(1.0, cases=3), 0.02)
    assert same.startswith("### hwbench: 3 same")
    assert "<details><summary>3 same</summary>" in same


def test_what_everything_shares_stands_above_the_table():
    """Once, and not below it again."""
    report, old, now = compared(1.0)
    told = comment.markdown(type(report)(report.cases, report.noise, ["everything moved"]), old, now, 0.02)
    assert told.count("everything moved") == 1
    assert told.index("everything moved") < told.index("<details>")


def test_code_stays_code():
    """Spaces around it, and markup outside of it; a lone backtick is escaped."""
    assert comment._with_code("by `a_b -m 'x|y'`: 3 *quads*") == "by `a_b -m 'x|y'`: 3 \\*quads\\*"
    assert comment._with_code("`a`") == "`a`"
    assert comment._with_code("a`b _c_") == "a\\`b \\_c\\_"
    assert comment._with_code("`a` `b`") == "`a` `b`"
