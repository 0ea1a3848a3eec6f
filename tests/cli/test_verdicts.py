"""Verdicts on a terminal and as plain data, and the exit codes that go with them."""

from __future__ import annotations

import dataclasses
import io

import msgspec
import pytest
import typer
from rich.console import Console

from doubles.scripted import record, run_of
from hwbench.cli import verdicts
from hwbench.tracking.readers.runs import side
from hwbench.tracking.side_by_side import quantities
from hwbench.tracking.verdicts import compare_sides
from made_up.check_ups import checked


def compared(factor, new="fast"):
    """Two runs of one case each, the second slower by a factor: the report and both sides."""
    old, now = (
        side([run_of(record(name, samples=[scale * (1 + i / 1000) for i in range(12)]), id=f"box-{name}-{scale}")])
        for name, scale in (("fast", 1.0), (new, factor))
    )
    return compare_sides(old, now, 0.02), old, now


def printed(*compared, headline=(), every=False):
    """The lines of a comparison."""
    console = Console(file=io.StringIO(), width=200, no_color=True)
    verdicts.print_verdicts(verdicts.Compared(*compared, 0.02, headline), "measure again", console, every=every)
    return console.file.getvalue().splitlines()


def test_totals_come_first_then_what_changed():
    """The verdict, the ratio with its interval and the case; the method below."""
    lines = printed(*compared(1.5))
    assert lines[:2] == ["1 slower", "base: box-fast-1.0"]
    assert "slower  1.50× slower (1.47–1.53)  1.01 s → 1.51 s  test.bench/fast" in lines
    assert lines[-1].startswith("threshold 2.0%, corrected")


def test_what_did_not_change_is_counted():
    """And shown with --all, as a table; the totals stand above it, and also below a long one."""
    lines = printed(*compared(1.0))
    assert not any("test.bench/fast" in line for line in lines)
    assert lines[-1] == "not shown: 1 same cases (--all)"
    lines = printed(*compared(1.0), every=True)
    assert any("│ same" in line and "test.bench/fast" in line for line in lines)
    assert (lines[0], lines.count("1 same")) == ("1 same", 1)


def test_lines_around_a_table_end_between_words_on_a_terminal():
    """A pipe's are not broken."""
    console = Console(file=io.StringIO(), width=60, force_terminal=True, no_color=True)
    verdicts.print_verdicts(verdicts.Compared(*compared(1.0), 0.02), "measure again", console)
    lines = console.file.getvalue().splitlines()
    assert max(map(len, lines)) <= 60
    assert any(line.startswith("threshold 2.0%, corrected for the number of cases") for line in lines)


def test_no_more_cases_are_listed_than_fit_a_screen():
    """The largest changes of each kind."""
    cases = [record(f"v{i}", samples=[1 + j / 1000 for j in range(12)]) for i in range(60)]
    slow = [record(f"v{i}", samples=[(1.5 + i / 100) * (1 + j / 1000) for j in range(12)]) for i in range(60)]
    old, now = (side([run_of(*each, id=name)]) for name, each in (("old", cases), ("new", slow)))
    report = compare_sides(old, now, 0.02)
    assert sum(one.verdict == "slower" for one in report.cases) > 40
    shown = verdicts.changed(report.cases, verdicts.MOST)
    assert [one.variant for one in shown] == [f"v{i}" for i in range(59, 39, -1)]


def test_where_nothing_was_compared_the_reasons_are_shown():
    """Some of them: why a gate is not green."""
    assert "gone  1.01 s → –  test.bench/fast (not in new)" in printed(*compared(1, "other"))


def test_headline_figures_stand_side_by_side():
    """Raw, how much they differ, and the share of each machine's limits; within 80 columns."""
    old, now = side([checked()]), side([checked(read=100e9, disturbed=True)])
    found = quantities(old, now)
    lines = verdicts.side_by_side(found, every=False)
    assert lines[1].split() == ["base", "new", "new", "against", "base", "of", "limits"]
    assert [line.split()[0] for line in lines[2:]] == ["dram.latency", "dram.read.all", "peak.f8.all"]
    read = next(line for line in lines if line.startswith("dram.read.all"))
    assert read.split()[1:8] == ["50.0", "GB/s", "100", "GB/s~", "2.000×", "faster", "(1.992–2.009)"]
    assert max(map(len, lines)) <= 80
    assert verdicts.side_by_side([], every=False) == []


def test_plain_data_keeps_what_is_judged():
    """Counts by verdict and the method, for a script that reads them."""
    data = verdicts.as_json(verdicts.Compared(*compared(0.5), 0.02))
    assert {verdict: count for verdict, count in data["verdicts"].items() if count} == {"faster": 1}
    [case] = data["cases"]
    assert (case.unit, round(case.base, 2), round(case.new, 2)) == ("s", 1.01, 0.5)
    assert (data["threshold"], data["machines_differ"], data["headline"]) == (0.02, [], [])


def test_plain_data_has_the_headline_pairs():
    """As on a terminal: both values with their doubts, the ratio of times, and the shares of the limits."""
    old, now = side([checked()]), side([checked(read=100e9, disturbed=True)])
    report = compared(1.0)[0]
    pairs = verdicts.as_json(verdicts.Compared(report, old, now, 0.02, quantities(old, now)))["headline"]
    [read] = [one for one in pairs if one["name"] == "dram.read.all"]
    assert (read["device"], read["unit"]) == ("cpu", "B/s")
    assert [round(read[name]["value"]) for name in ("base", "new")] == [50_000_000_000, 100_000_000_000]
    assert [bool(read[name]["doubt"]) for name in ("base", "new")] == [False, True]
    assert read["times"]["value"] == pytest.approx(0.5)
    assert 0.9 < read["base"]["of_limit"] <= 1
    assert msgspec.json.decode(msgspec.json.encode(pairs)) == pairs


@pytest.mark.parametrize(
    ("factor", "new", "code"), [(1.5, "fast", 1), (1.0, "fast", None), (0.5, "fast", None), (1.0, "other", 2)]
)
def test_exit_codes_tell_slower_from_nothing_compared(capsys, factor, new, code):
    """1 where a case is slower, 2 where no case was measured on both sides, else 0."""
    report, old, now = compared(factor, new)
    if code is None:
        verdicts.deliver(verdicts.Compared(report, old, now, 0.02), "", json=False, as_markdown=True)
        return
    with pytest.raises(typer.Exit) as end:
        verdicts.deliver(verdicts.Compared(report, old, now, 0.02), "", json=False, as_markdown=True)
    assert end.value.exit_code == code
    assert ("nothing was compared" in capsys.readouterr().err) is (code == 2)


def test_files_that_were_left_out_are_ten_lines_and_a_count(capsys):
    """On standard error."""
    verdicts.warn_of([f"{i}.json: is no JSON" for i in range(12)])
    lines = capsys.readouterr().err.splitlines()
    assert (lines[0], len(lines), lines[-1]) == ("left out: 0.json: is no JSON", 11, "left out: 2 more files")


def test_the_whole_of_an_interleaved_measurement_has_a_verdict_of_its_own(capsys):
    """Said first, with how it was measured; in the JSON; and it ends by exit code 1 though no case is slower."""
    report, old, now = compared(1.0)
    case = report.cases[0]
    whole = msgspec.structs.replace(case, bench="geometric mean", verdict="slower", ratio=1.02, low=1.01, high=1.03)
    more = {"whole": whole, "notes": ("measured in turn",), "design": {"mode": "abba"}, "correction": "Holm"}
    report = dataclasses.replace(report, cases=[case, msgspec.structs.replace(case, bench="b")], **more)
    told = verdicts.Compared(report, old, now, 0.02)
    for as_markdown in (False, True):
        with pytest.raises(typer.Exit) as end:
            verdicts.deliver(told, "", json=False, as_markdown=as_markdown)
        assert end.value.exit_code == 1
        said = capsys.readouterr().out
        assert "geometric mean of 2 times: slower, 1.02× slower (1.01–1.03)" in said
        assert "measured in turn" in said
        assert "(Holm)" in said
    data = verdicts.as_json(told)
    assert data["geometric_mean"] == {"value": 1.02, "low": 1.01, "high": 1.03}
    assert (data["whole"].verdict, data["measured"], data["correction"]) == ("slower", {"mode": "abba"}, "Holm")
    assert "whole" not in verdicts.as_json(verdicts.Compared(compared(1.0)[0], old, now, 0.02))
