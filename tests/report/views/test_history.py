"""The history of the report: which commit changed what, what was the machine's, and what the page holds to draw."""

from __future__ import annotations

import math

import numpy as np
import pytest

from doubles.scripted import record, run_of
from hwbench import report
from hwbench.report.sections import Notes, Table, Tracks
from hwbench.report.views.history import view
from hwbench.tracking import change_points
from hwbench.tracking.counts import with_counts
from hwbench.tracking.history import Commit, History, Series, Setting
from hwbench.tracking.readers import runs
from made_up.page import dataset
from made_up.tracked import read

pytest.importorskip("asv", reason="asv is not installed: pip install '.[asv]'")

COUNT = 30


CONTROLS = ("stream.load", "latency.chase", "peak.fma")


def series(bench, values, setting=0, variant="v", **more):
    """A series with an interval of 1%."""
    values = np.asarray(values, dtype=float)
    return Series(bench, variant, {"size": "L1"}, setting, values, values * 0.99, values * 1.01, **more)


def noisy(seed, *levels, count=COUNT):
    """Values at these levels, one after the other for equally long, with 0.5% of noise."""
    rng = np.random.default_rng(seed)
    shape = np.repeat(levels, math.ceil(count / len(levels)))[:count]
    return shape * np.exp(rng.normal(0, 0.005, count))


def history(*every, settings=1, count=COUNT):
    """A history of commits `c0` … on machines m0 …"""
    commits = [Commit(f"c{i}", 1.7e9 + 86400 * i, f"change {i}") for i in range(count)]
    return History("project", "asv", commits, [Setting(f"m{i}") for i in range(settings)], list(every))


def blocks(made, given=()):
    """What the view shows of a history, by kind."""
    section = view(dataset(*given, histories=[made]))
    return {type(block): block for block in reversed(section.blocks)}


def told(made):
    return blocks(made).get(Notes, Notes("", [])).sentences


def test_the_commit_that_slowed_a_case_is_named():
    """A step of a third between c14 and c15 is told with hash, date, subject, size, case and machine."""
    [sentence] = told(history(series("a.b", noisy(1, 1e-3, 1.33e-3)), series("a.c", noisy(2, 1e-3))))
    assert sentence.startswith("c15 (2023-11-29), change 15: a.b/v [L1] 1.33× slower on m0")


def test_a_rate_that_falls_is_slower_and_one_that_rises_faster():
    """More of a rate is better, whatever asv thinks."""
    falling = told(history(series("a.b", noisy(1, 3.0, 2.0), unit="GB/s", higher=True)))
    rising = told(history(series("a.b", noisy(1, 2.0, 3.0), unit="GB/s", higher=True)))
    assert "1.50× slower" in falling[0]
    assert "1.50× faster" in rising[0]


def controls(*levels, setting=0, only=CONTROLS):
    return [
        series(name, noisy(i, *(levels if name in only else levels[:1])), setting) for i, name in enumerate(CONTROLS)
    ]


def test_a_step_that_the_controls_share_is_the_machine_s():
    """All limits and a bench slower by a tenth at once: the machine; a bench that fell by half besides: the code."""
    made = history(
        *controls(1e-3, 1.1e-3), series("a.b", noisy(7, 1e-2, 1.1e-2)), series("a.c", noisy(8, 1e-2, 1.65e-2))
    )
    sentences = told(made)
    assert sentences[0].startswith("c15 (2023-11-29), change 15: a.c/v [L1] 1.65× slower on m0")
    assert sentences[1].startswith(
        "From c15 (2023-11-29), change 15 on, the limits of m0 are 1.10× slower: this explains 4 changes."
    )
    assert len(sentences) == 2


def test_one_control_that_moves_alone_has_changed_itself():
    """stream.load slower, chase and peak as ever: its own code."""
    sentences = told(history(*controls(1e-3, 1.2e-3, only=("stream.load",))))
    assert [sentence for sentence in sentences if "stream.load/v [L1] 1.20× slower" in sentence]
    assert not [sentence for sentence in sentences if "own limits" in sentence]


def test_the_section_speaks_of_controls_where_there_are_some():
    """Without them it says that nobody knows whether the code changed or the machine."""
    for every, said, divided in (
        (controls(1e-3), "least two of them changed together", True),
        ([series("a.b", noisy(1, 1e-3))], "cannot be distinguished from a change of the machine", False),
    ):
        section = view(dataset(histories=[history(*every)]))
        assert said in section.intro[1]
        [tracks] = [block for block in section.blocks if isinstance(block, Tracks)]
        assert ("without the machine's drift" in tracks.text) is divided


def test_a_single_control_proves_nothing():
    """With one control alone, what moved with it may be the machine's."""
    made = history(series("stream.load", noisy(1, 1e-3, 1.1e-3)), series("a.b", noisy(2, 1e-3, 1.1e-3)))
    assert any("it may be the machine" in sentence for sentence in told(made))


def test_controls_count_only_where_they_were_measured_on_both_sides():
    """A control at the first commits alone does not make another one two: unclear, and told as such."""
    peak = noisy(2, 1e-3)
    peak[5:] = math.nan
    [both] = [series(CONTROLS[0], noisy(1, 1e-3, 1.2e-3))]
    sentences = told(history(both, series(CONTROLS[2], peak), series("a.b", noisy(7, 1e-2, 1.25e-2))))
    assert any("most of all a.b/v [L1] (the only control changed as much" in one for one in sentences)
    assert not [one for one in sentences if "own limits" in one]


def test_one_commit_measured_again_changed_no_code():
    """A step between two runs of one commit accuses no commit; with changes beside it, it is another's each time."""
    made = history(series("a.b", noisy(1, 1e-3, 1.33e-3)))
    for name, sentence in (("abc", "1 case changed between two measurements of one commit, at most 1.33× slower"),
                           ("abc+", "abc+ (2023-11-29), change 15: a.b/v [L1] 1.33× slower")):  # fmt: skip
        made.commits = [Commit(name, one.when, one.subject) for one in made.commits]
        assert told(made)[0].startswith(sentence)


def test_commits_that_another_machine_measured_in_between_are_no_gap():
    """Two machines take turns at the same commits: the commit is known, and none is said to lack."""
    values = noisy(1, 1e-3, 1.33e-3, count=2 * COUNT)
    mine, other = values.copy(), values.copy()
    mine[1::2], other[::2] = math.nan, math.nan
    made = history(series("a.b", mine), series("a.b", other, 1), settings=2, count=2 * COUNT)
    made.commits = [Commit(f"c{i // 2}", 1.7e9 + 86400 * i, "") for i in range(2 * COUNT)]
    assert all(sentence.startswith("c15 (") and "not measured" not in sentence for sentence in told(made))


def test_commits_that_were_not_measured_are_in_doubt():
    """Two commits between the levels were not measured: the sentence says so."""
    values = noisy(1, 1.0, 1.5)
    values[13:15] = np.nan
    assert told(history(series("a.b", values)))[0].startswith(
        "c15 (2023-11-29), change 15, or one of 2 commits before it that are suspect or not measured: "
    )


def test_open_regressions_stand_first():
    """In words and in the list: what is slower now, what recovered, what became faster, each the largest first."""
    found = blocks(history(
        series("gain", noisy(1, 5e-3, 1e-3)), series("open", noisy(2, 1e-3, 1.2e-3)),
        series("back", noisy(3, 1e-3, 2e-3, 1e-3)), series("worse", noisy(4, 1e-3, 1.4e-3)),
    ))  # fmt: skip
    rows = found[Tracks].changes
    assert [(row[0].partition("/")[0], row[2]) for row in rows] == [
        ("worse", "still worse"), ("open", "still worse"), ("back", "recovered"), ("gain", "better"),
        ("back", "better"),
    ]  # fmt: skip
    assert rows[0][1:6] == ("1.40× slower", "still worse", "c15 (2023-11-29), change 15", "m0", rows[0][5])
    assert "first the 2 that are still worse" in found[Tracks].caption
    assert ": 2 cases 1.20–1.40× slower" in found[Notes].sentences[0]


def test_what_is_no_longer_measured_stands_behind_with_its_last_commit():
    """The larger slowdown was last measured at c19; both benchmarks that came and went are named."""
    left, new = noisy(1, 1e-3, 2e-3), noisy(3, 1e-3)
    left[20:], new[:25] = np.nan, np.nan
    section = view(dataset(histories=[history(
        series("a.left", left), series("a.open", noisy(2, 1e-3, 1.2e-3)), series("a.new", new),
        series("a.broken", np.where(np.arange(COUNT) < 28, 1e-3, np.nan), failed=[28, 29]),
    )]))  # fmt: skip
    [rows] = [block.changes for block in section.blocks if isinstance(block, Tracks)]
    assert [row[0].partition("/")[0] for row in rows] == ["a.open", "a.left", "a.broken"]
    assert rows[1][1:3] == ("1.99× slower, last measured at c19", "still worse")
    [came] = [block for block in section.blocks if isinstance(block, Notes) and block.title.startswith("Failed, new")]
    assert came.sentences == [
        "Failed since c28 (2023-12-12), change 28: a.broken/v [L1].",
        "New since c25 (2023-12-09), change 25: a.new.",
        "No longer measured, last at c19 (2023-12-03), change 19: a.left.",
    ]


def test_five_commits_are_enough():
    """A slowdown in the third of five commits is found."""
    assert told(history(series("a.b", [1.0, 1.01, 1.5, 1.51, 1.5]), count=5))[0].startswith("c2 ")


def test_a_few_values_that_scatter_have_not_changed():
    """asv would cut 1, 1.03, 1.5, 1.45, 1.52 into five levels; the step to 1.5 alone is told."""
    assert [step.first for step in change_points.find([series("a.b", [1.0, 1.03, 1.5, 1.45, 1.52])])[0]] == [2]


def test_noise_is_no_change():
    """Two hundred series of 5% noise: hardly any is said to have changed."""
    rng = np.random.default_rng(1)
    every = [series("a.b", np.exp(rng.normal(0, 0.05, 100)), variant=f"v{i}") for i in range(200)]
    assert sum(map(bool, change_points.find(every))) <= 4


def test_without_asv_nothing_is_sought_and_that_is_said(monkeypatch):
    """The chart stays; the section says what is missing."""
    monkeypatch.setattr(change_points, "available", lambda: False)
    section = view(dataset(histories=[history(series("a.b", noisy(1, 1.0, 1.5)))]))
    assert "python -m pip install asv virtualenv" in section.intro[-1]
    assert [type(block) for block in section.blocks] == [Tracks]


def test_machines_stand_raw_and_against_their_own_limits():
    """A box with limits of half the speed and twice the time: 2 raw, 1 normalised."""
    made = history(*controls(1e-3), *controls(2e-3, setting=1), series("a.b", noisy(5, 1e-2)),
                   series("a.b", noisy(6, 2e-2), 1), settings=2)  # fmt: skip
    rows = {row[0]: row[1:] for row in blocks(made)[Table].rows}
    machine, cases, raw, normalised = rows["a.b"]
    assert (machine, cases) == ("m1", "1")
    assert float(raw) == pytest.approx(2.0, rel=0.02)
    assert float(normalised) == pytest.approx(1.0, rel=0.02)


def test_suspect_points_are_pale_and_prove_no_change():
    """A history of runs whose later half is disturbed: drawn with the reason, and nothing is said to have changed."""
    why = dict.fromkeys(range(COUNT // 2, COUNT), "9% of a CPU")
    found = blocks(history(series("a.b", noisy(1, 1e-3, 1.33e-3), suspect=why)))
    assert Notes not in found
    assert found[Tracks].changes == []
    assert read(found[Tracks].data)["cases"][0]["series"][0]["d"] == [[at, "9% of a CPU"] for at in why]
    points = found[Tracks].spec["layer"][-1]["encoding"]
    assert points["opacity"]["field"] == "fade"
    assert "suspect" in [one["field"] for one in points["tooltip"]]


def test_times_become_rates_where_a_run_tells_the_work():
    """asv has seconds alone; a run of the same machine, bench, version and size says how many bytes they took."""
    made = history(series("a.b", [1e-3, 1e-3, 2e-3], version="1"), count=3)
    made.settings = [Setting("box", (("cpu", "Scripted CPU"), ("num_cpu", "2"), ("ram", "16 GiB")))]
    run = run_of(record("v", bench="a.b", params={"size": "L1"}, counts={"bytes": 2e6}))
    rated = with_counts(made, [run])
    [case] = read(blocks(rated)[Tracks].data)["cases"]
    assert (case["unit"], case["higher"]) == ("GB/s", 1)
    assert case["series"][0]["values"] == pytest.approx([2.0, 2.0, 1.0], rel=1e-4)


def test_three_runs_are_a_history():
    """A point a run, in the order of their start, named by commit; two are none."""
    made = [
        run_of(record(samples=(1.0 + i,) * 5), id=f"r{i}", started=f"2026-11-2{i}T18:00:00Z", hwbench={"commit": "ab"})
        for i in (2, 0, 1)
    ]
    found = runs.history(made)
    assert [commit.subject for commit in found.commits] == ["r0", "r1", "r2"]
    assert found.series[0].values.tolist() == [1.0, 2.0, 3.0]
    assert runs.history(made[:2]) is None


def test_hostile_names_stay_text():
    """Markup in subjects, benches and machines never gets into the page unescaped."""
    evil = "</script><script>window.pwned=1</script>"
    made = history(series(evil, noisy(1, 1.0, 1.5), variant=evil))
    made.commits = [Commit(evil, 0.0, evil) for _ in made.commits]
    made.settings = [Setting(evil)]
    page = report.render([], [made], catalogue={})
    assert evil not in page
    assert "window.pwned" in page
