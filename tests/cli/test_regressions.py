"""`hwbench regressions`: the list of changes without a browser."""

from __future__ import annotations

import json

import pytest

from hwbench.tracking import gather, kept_answers
from made_up.histories import asv_file, benchmarks_file, commit, row

pytest.importorskip("asv", reason="asv is not installed: pip install '.[asv]'")
SUITE = ("a.time_slow", "a.time_fast", "a.peakmem", "a.time_broken")


@pytest.fixture
def results(tmp_path):
    """Twelve commits: from the seventh one is slower, one faster, one takes more memory; one breaks at the last."""
    benchmarks_file(tmp_path, {name: {"unit": "bytes" if "mem" in name else "seconds"} for name in SUITE})
    for number in range(1, 13):
        late = number > 6
        values = (1.5e-3 if late else 1e-3, 1.0 if late else 2.0, 2.2e8 if late else 2e8, None if number == 12 else 1.0)
        rows = {name: row([value], width=0.001) for name, value in zip(SUITE, values, strict=True)}
        asv_file(tmp_path, number, rows)
    return tmp_path


def test_open_ones_first_with_both_levels_and_the_commit(command, results):
    """A line each below the totals; exit 1, for one broke at the newest commit."""
    done = command("regressions", results)
    assert done.code == 1
    lines = done.out.splitlines()
    assert lines[0] == "2 still slower, 1 failed, 1 faster"
    assert [" ".join(line.split()) for line in lines[1:]] == [
        "slower 1.50× slower 1.00 ms → 1.50 ms a.time_slow 00000007 (2023-11-15) box",
        "slower 1.10× more 191 MiB → 210 MiB a.peakmem 00000007 (2023-11-15) box",
        "failed 1.00 s → – a.time_broken 0000000c (2023-11-15) box",
        "faster 2.00× faster 2.00 s → 1.00 s a.time_fast 00000007 (2023-11-15) box",
    ]


def test_plain_data_has_the_fields_that_scripts_read(command, results):
    """With the whole hash; a failure has no level after."""
    rows = json.loads(command("regressions", results, "--json").out)
    assert rows[0] == {
        "benchmark": "a.time_slow", "params": {}, "machine": "box", "environment": "py3.11", "commit": commit(7),
        "before": 1e-3, "after": 1.5e-3, "unit": "s", "ratio": pytest.approx(1.5), "state": "slower",
        "last_measured": None,
    }  # fmt: skip
    assert [(one["state"], one["after"]) for one in rows[2:3]] == [("failed", None)]


@pytest.mark.parametrize(
    ("options", "code", "count"),
    [
        (("--since", commit(5)[:8]), 1, 4), (("--since", commit(7)), 1, 1), (("--since", commit(12)), 0, 0),
        (("--since", "2023-11-15"), 1, 4), (("--since", "2024-01-01"), 0, 0), (("--over", "20%"), 1, 3),
        (("--over", "0.6"), 1, 2),
    ],
)  # fmt: skip
def test_what_began_after_a_date_or_commit_decides(command, results, options, code, count):
    """And is all that is listed; small changes can be left out."""
    done = command("regressions", results, "--json", *options)
    assert (done.code, len(json.loads(done.out))) == (code, count)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--since", "fedcba98"), "is none of the commits measured; name a date"),
        (("--over", "much"), "--over much: is no share such as 5% or 0.05"),
        (("--json", "--markdown"), "choose one"),
    ],
)
def test_a_question_that_makes_no_sense_has_no_answer(command, results, options, said):
    """Exit 2, one line."""
    done = command("regressions", results, *options)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert said in done.err


def test_markdown_folds_what_is_no_longer_slower(command, results):
    """Open ones as a table, the rest below."""
    text = command("regressions", results, "--markdown").out
    assert text.startswith("### hwbench: 2 still slower, 1 failed, 1 faster\n")
    assert "| 🔴 slower | 1.50× slower | 1.00 ms → 1.50 ms | a.time\\_slow |" in text
    assert text.index("💥 failed") < text.index("<details><summary>1 recovered or faster") < text.index("🟢 faster")


def test_what_is_no_longer_measured_stands_behind(command, results):
    """The larger slowdown was given up at the twelfth of twenty commits, and says so."""
    for number in range(13, 21):
        asv_file(results, number, {"a.peakmem": row([2.2e8], width=0.001)})
    lines = command("regressions", results).out.splitlines()
    assert lines[0] == "2 still slower (1 no longer measured), 1 failed (1 no longer measured), 1 faster"
    assert [" ".join(line.split()) for line in lines[1:3]] == [
        "slower 1.10× more 191 MiB → 210 MiB a.peakmem 00000007 (2023-11-15) box",
        "slower 1.50× slower 1.00 ms → 1.50 ms a.time_slow 00000007 (2023-11-15) box, last measured at 0000000c "
        "(2023-11-15)",
    ]
    rows = json.loads(command("regressions", results, "--json").out)
    assert [one["last_measured"] for one in rows[:2]] == [None, commit(12)]


def test_a_second_list_reads_nothing(command, results, monkeypatch, tmp_path_factory):
    """Where no file has changed; with another --since, too."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setattr(kept_answers.cache, "directory", lambda *parts: folder)
    monkeypatch.setattr(kept_answers, "LEAST", 1)
    first = command("regressions", results)
    monkeypatch.setattr(gather, "gather", None)  # would fail
    assert command("regressions", results) == first
    assert command("regressions", results, "--since", commit(12)).code == 0
