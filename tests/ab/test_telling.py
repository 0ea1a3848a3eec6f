"""What is said of how it was measured."""

from __future__ import annotations

from hwbench.ab import telling
from hwbench.ab.environments import Contender
from hwbench.ab.interleave import Outcome
from hwbench.ab.journal import Asked, Journal, Measured
from hwbench.ab.judging import judged
from hwbench.ab.layout import Layout
from hwbench.ab.looks import EARLY, LAST
from hwbench.ab.values import Quad, Value

ASKED = Asked(command="pytest x", sides=("a", "b"), names=("A", "B"), seed=1, mode="duet", why="like CPUs", cpus=(0, 1))


def outcome(look):
    return Outcome(judged([], ("A", "B"), 0.01), look, 5, 100.0)


def test_the_way_its_reason_and_an_early_end_are_sentences(monkeypatch):
    """With the levels; a fixed hash seed and fixed addresses are told."""
    monkeypatch.delenv("PYTHONHASHSEED", raising=False)
    monkeypatch.setattr(telling, "aslr", lambda: "random")
    first, stopped, layout = telling.notes(ASKED, outcome(EARLY))
    assert first == (
        "measured by `pytest x`: 5 quads of 4 processes in 1:40 min, as duets on CPUs 0 and 1, swapped for every "
        "second pair (like CPUs)"
    )
    assert "0.25% for verdicts and 5.0% for intervals" in stopped
    assert layout == "each pair of processes has another hash seed and size of the environment"
    monkeypatch.setenv("PYTHONHASHSEED", "0")
    monkeypatch.setattr(telling, "aslr", lambda: "fixed")
    [_, layout] = telling.notes(ASKED, outcome(LAST))
    assert "hash seed" not in layout
    assert "the system draws no addresses" in layout


def test_the_direction_of_an_interval_is_told():
    """Where one holds 1: beside `slower` and `faster` the word tells it."""
    quads = [Quad([[Value(bench="a", value=1.0)]] * 2, [[Value(bench="a", value=new)]] * 2) for new in (1.0, 1.1, 0.9)]
    told = telling.notes(ASKED, Outcome(judged(quads, ("A", "B"), 0.01), LAST, 3, 1.0))
    assert told[-1] == "an interval that holds 1 is of times, new over base, also for rates: above 1 is worse"


def test_an_outcome_until_a_change_would_be_found_says_whether_it_was_reached(tmp_path):
    """In words and as data; the look at half of the quads was not taken."""
    quads = [Quad([[Value(bench="a", value=1.0)]] * 2, [[Value(bench="a", value=new)]] * 2) for new in (1.0, 1.1, 0.9)]
    found = judged(quads, ("A", "B"), 0.01)
    for unseen, asked, words in (
        (0, 1, "a change of 4.0% would be found in every case, and judged once"),
        (1, 1, "ended before a change of 4.0% would be found in every case: in 1 it would not"),
        (0, 0, "no case has a threshold below --see 4.0%, so that it ended as soon as it may"),
    ):
        ended = Outcome(found, LAST, 16, 1.0, 0.04, unseen, asked)
        assert any(note.endswith(words) for note in telling.notes(ASKED, ended))
        told = telling.design(Journal(tmp_path, ASKED, []), ended)
        assert (told["see"], told["unseen"], told["asked"]) == (0.04, unseen, asked)
        assert [look["last"] for look in told["looks"]] == [True]


def test_programs_get_each_process_with_its_layout(tmp_path):
    """And the levels of the looks."""
    one = Measured(quad=0, step=1, side=1, layout=Layout("7", 8), began=1.0, seconds=2.0, cpu=2.0,
                   values=[Value(bench="a", value=1.0)], cpus=(1,))  # fmt: skip
    told = telling.design(Journal(tmp_path, ASKED, [one]), outcome(LAST))
    [process] = told["processes"]
    assert (process["side"], process["hash_seed"], process["environment_padding"], process["cpus"]) == (
        "new",
        "7",
        8,
        [1],
    )
    assert [look["last"] for look in told["looks"]] == [False, True]
    assert (told["mode"], told["why"]) == ("duet", "like CPUs")


def test_versions_of_both_sides_are_compared():
    """As of any side."""
    side = telling.side(Contender("A", "/a", packages={"numpy": "2.4"}))
    assert (side.name, side.environment) == ("A", {"numpy": "2.4"})
