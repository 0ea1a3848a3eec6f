"""What pyproject.toml says of benchmarks."""

from __future__ import annotations

import numpy as np
import pytest

from hwbench.errors import UsageError
from hwbench.tracking import directions, rules
from hwbench.tracking.history import History, Series
from hwbench.tracking.sides import Entry, Measurement, Side

SAID = """
[tool.hwbench.compare]
threshold = 0.05
fail-on = ["slower"]

[tool.hwbench.compare.benchmarks]
"io.*" = { threshold = 0.2, metric = "min" }
"io.read" = { threshold = 0.3 }
"*accuracy [[]1000]" = { direction = "higher" }
"""


def entry(bench, unit="s", **params):
    return Entry(
        bench, "", "cpu", params, measurements=[Measurement(2.0, 0.1, samples=(1.0, 2.0, 6.0))], unit=unit, sure=False
    )


@pytest.fixture
def project(tmp_path):
    """A project with rules, and a folder in it."""
    (tmp_path / "pyproject.toml").write_text(SAID)
    (tmp_path / "below").mkdir()
    return tmp_path / "below"


def test_the_last_glob_that_matches_wins_key_by_key(project):
    """In the nearest pyproject.toml at or above the directory."""
    found = rules.read(project)
    assert (found.threshold, found.fail_on) == (0.05, ("slower",))
    thresholds = [found.threshold_of(entry(name), 0.02) for name in ("io.read", "io.write", "sum")]
    assert thresholds == [0.3, 0.2, 0.02]


def test_metric_and_direction_are_applied_to_a_side(project):
    """The smallest sample with the median's relative error; more is better where it is said."""
    found = rules.read(project)
    tracked = [entry("track_accuracy", "", n=n) for n in (1000, 2)]
    side = Side("x", "box", {}, [entry("io.read"), *tracked])
    one, other, third = found.applied(side).entries
    assert (one.measurements[0].median, one.measurements[0].error) == (1.0, 0.05)
    assert [(x.higher, x.sure) for x in (one, other, third)] == [(False, False), (True, True), (False, False)]
    assert rules.with_higher(rules.Rules(), ["track_*"]).applied(side).entries[2].higher


def test_a_quartile_is_that_of_the_better_end():
    """The lower one of times and the upper one of rates."""
    side = Side("x", "box", {}, [entry("a"), entry("b", "GB/s")])
    found = rules.by_statistic(rules.Rules(rules=[rules.Rule("b", higher=True)]), "quartile").applied(side).entries
    assert [one.value for one in found] == [1.5, 4.0]
    with pytest.raises(UsageError, match="--statistic max: is none of median, min, quartile or mean"):
        rules.by_statistic(rules.Rules(), "max")


def test_without_a_file_nothing_is_said(tmp_path):
    """And without the table."""
    (tmp_path / "pyproject.toml").write_text("[tool.other]\n")
    assert rules.read(tmp_path) == rules.Rules()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[tool", "cannot be read"),
        ("[tool.hwbench]\ncompare = 3", "compare of [tool.hwbench.compare] is no table"),
        ("[tool.hwbench.compare]\nthresold = 1", "thresold of [tool.hwbench.compare] is not known"),
        (
            "[tool.hwbench.compare]\nthreshold = '5%'",
            "threshold of [tool.hwbench.compare] is no relative difference below",
        ),
        ("[tool.hwbench.compare]\nfail-on = ['slow']", "'slow' is none of slower, failed"),
        ("[tool.hwbench.compare]\nfail-on = 'slower'", "fail-on of [tool.hwbench.compare] is no list"),
        ("[tool.hwbench.compare.benchmarks]\n'a' = 3", "a of [tool.hwbench.compare] is no table such as"),
        ("[tool.hwbench.compare.benchmarks]\n'a' = {metric = 'max'}", "metric of [tool.hwbench.compare] is none of"),
        ("[tool.hwbench.compare.benchmarks]\n'a' = {x = 1}", "a: x of [tool.hwbench.compare] is not known"),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path, text, said):
    """The file, the place, the remedy."""
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(UsageError) as caught:
        rules.read(tmp_path)
    assert str(caught.value).startswith(str(tmp_path / "pyproject.toml"))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_history_has_the_directions_too():
    """And no longer says that one of them is assumed."""
    none = np.array([1.0])
    made = [Series(name, "", {}, 0, none, none, none, unit="", sure=False) for name in ("track_a", "track_b")]
    notes = [*directions.direction_notes({one.bench: directions.Direction(sure=False) for one in made}), "another"]
    history = History("x", "asv", [], [], made, notes)
    rules.with_higher(rules.Rules(), ["track_a"]).direct(history)
    assert [(one.higher, one.sure) for one in history.series] == [(True, True), (False, False)]
    assert history.notes[0] == "another"
    assert history.notes[1].startswith("Of track_b less is taken to be better")
