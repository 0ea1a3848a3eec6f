"""`hwbench ab`: the order of processes, the choice of a duet, early ends, and what is kept."""

from __future__ import annotations

import collections
import sys

import numpy as np
import pytest

from hwbench.ab import duet, interleave, journal, looks
from hwbench.ab.environments import Contender
from hwbench.ab.interleave import Bout, Budget, steps
from hwbench.ab.process import Ended
from hwbench.ab.results import Read
from hwbench.ab.tools import command
from hwbench.ab.values import Value
from hwbench.tracking.history import TrackingError
from hwbench.tracking.rules import Rules

SIDES = [Contender("A", "/a/bin/python", commit="a"), Contender("B", "/b/bin/python", commit="b")]


def test_a_quad_is_a_b_b_a_or_the_reverse_and_neither_is_first_more_often():
    """Of two quads each begins with another side; which, is drawn; both of a pair have one layout."""
    orders = [[step.side for at_once in steps(quad, 7) for step in at_once] for quad in range(40)]
    assert {tuple(one) for one in orders} == {(0, 1, 1, 0), (1, 0, 0, 1)}
    assert all(one != other for one, other in zip(orders[::2], orders[1::2], strict=True))
    assert len({tuple(one) for one in orders[::2]}) == 2
    [one], [two], [three], [four] = steps(0, 7)
    assert one.layout == two.layout != three.layout == four.layout
    assert steps(0, 7) == steps(0, 7) != steps(0, 8)


def test_a_duet_measures_both_at_once_and_swaps_the_cpus():
    """Each side once on each CPU; which is first on which, is drawn."""
    for quad in range(8):
        pairs = steps(quad, 7, (2, 3))
        assert [[step.side for step in pair] for pair in pairs] == [[0, 1], [0, 1]]
        assert [pair[0].cpus for pair in pairs] == [pair[1].cpus for pair in reversed(pairs)]
        assert all({step.cpus for step in pair} == {(2,), (3,)} for pair in pairs)
    assert len({steps(quad, 7, (2, 3))[0][0].cpus for quad in range(8)}) == 2


class Scripted(Bout):
    """A measurement without processes: `times` gives a side's values, and how long a process takes."""

    def __init__(self, folder, times, *, kind="pytest", fails=None, **more):
        asked = journal.Asked(command="x", sides=("a", "b"), names=("A", "B"), seed=3)
        kept = journal.opened(asked, folder, resume=more.pop("resume", False))
        self.said, self.ran, self.times, self.fails = [], [], times, fails
        super().__init__(SIDES, command([kind, "run"]), kept, folder, self.said.append, threshold=0.005, rules=Rules(),
                         **more)  # fmt: skip

    def run(self, at_once, number, what):
        self.ran.append((number, [step.side for step in at_once], [step.cpus for step in at_once]))
        if number == self.fails:
            raise TrackingError(f"{what} failed")
        found = []
        for step in at_once:
            values = self.times(step.side, len(at_once) > 1)
            found.append((Ended(0, 1.0, 1.0, "", ""), Read([Value(bench="a", value=one) for one in values]), 0.0))
        return found


@pytest.fixture
def two_cpus(monkeypatch):
    monkeypatch.setattr(duet, "pair", lambda: duet.Pair((0, 1)))


def test_a_duet_is_chosen_where_both_at_once_take_no_longer(tmp_path, two_cpus):
    """After a process of each side alone; none of the three is counted."""
    bout = Scripted(tmp_path, lambda side, both: [1.0])
    found = bout.measured(Budget(3))
    assert bout.journal.asked.mode == "duet"
    assert bout.ran[:3] == [(0, [0], [()]), (0, [1], [()]), (0, [0, 1], [(0,), (1,)])]
    assert collections.Counter(sides == [0, 1] for _, sides, _ in bout.ran[3:]) == {True: 6}
    assert found.quads == 3


def test_sides_that_slow_each_other_down_are_measured_in_turn(tmp_path, two_cpus):
    """Looked at twice, as a neighbour may have disturbed the first; the reason is kept."""
    bout = Scripted(tmp_path, lambda side, both: [1.5 if both else 1.0])
    bout.measured(Budget(3))
    assert bout.journal.asked.mode == "abba"
    assert bout.journal.asked.why.startswith("no duet: at once, both sides take 50% longer")
    assert [sides for _, sides, _ in bout.ran[:6]] == [[0], [1], [0, 1], [0], [1], [0, 1]]
    assert [number for number, *_ in bout.ran[6:]] == [*range(1, 13)]


@pytest.mark.parametrize(
    ("kind", "pair", "wished", "mode", "why"),
    [
        ("pytest", duet.Pair(why="there is one CPU"), None, "abba", "no duet: there is one CPU"),
        ("pytest", duet.Pair((0, 1)), False, "abba", "asked for by --no-duet"),
        ("pytest", duet.Pair((0, 1), unless="there are two CPUs"), None, "abba", "no duet: there are two CPUs"),
        (
            "pytest",
            duet.Pair((0, 1), unless="there are two CPUs"),
            True,
            "duet",
            "asked for by --duet, though there are",
        ),
        ("hwbench", duet.Pair((0, 1)), None, "abba", "no duet: hwbench's benches use all CPUs"),
        ("hwbench", duet.Pair((0, 1)), True, "duet", "asked for by --duet, though hwbench's benches"),
    ],
)
def test_the_reason_for_the_choice_is_told(tmp_path, monkeypatch, kind, pair, wished, mode, why):
    """One CPU, the user's wish, benches of several threads."""
    monkeypatch.setattr(duet, "pair", lambda: pair)
    bout = Scripted(tmp_path, lambda side, both: [1.0], kind=kind)
    bout.measured(Budget(3), wished)
    assert (bout.journal.asked.mode, bout.journal.asked.why[: len(why)]) == (mode, why)


def test_a_duet_that_cannot_be_is_refused_before_anything_runs(tmp_path, monkeypatch):
    """`--duet` on one CPU."""
    monkeypatch.setattr(duet, "pair", lambda: duet.Pair(why="there is one CPU"))
    bout = Scripted(tmp_path, lambda side, both: [1.0])
    with pytest.raises(TrackingError, match="--duet: there is one CPU"):
        bout.measured(Budget(3), wished=True)
    assert bout.ran == []


def test_it_stops_at_half_where_all_is_clear_and_at_no_other_time(tmp_path, two_cpus):
    """A tenth slower without noise; with noise all quads are measured."""
    clear = Scripted(tmp_path / "clear", lambda side, both: [1.1 if side else 1.0])
    found = clear.measured(Budget(10), wished=False)
    assert (found.quads, found.look) == (5, looks.EARLY)
    assert found.report.cases[0].verdict == "slower"
    values = iter(1 + 0.1 * (i % 7) for i in range(1000))
    noisy = Scripted(tmp_path / "noisy", lambda side, both: [next(values)])
    found = noisy.measured(Budget(10), wished=False)
    assert (found.quads, found.look) == (10, looks.LAST)
    assert any(line.startswith("quad 4 of 10, 0 s left; so far a ") for line in noisy.said)


def test_what_was_measured_is_kept_and_continued(tmp_path, two_cpus):
    """The quad that was cut off is measured again, the others are not, and the choice stays."""
    bout = Scripted(tmp_path, lambda side, both: [1.0], fails=7)
    with pytest.raises(TrackingError, match="process 7 failed"):
        bout.measured(Budget(3), wished=False)
    again = Scripted(tmp_path, lambda side, both: [1.0], resume=True)
    assert again.measured(Budget(3)).quads == 3
    assert [number for number, *_ in again.ran] == [*range(5, 13)]
    assert again.journal.asked.mode == "abba"


def test_a_time_is_kept_to_but_for_three_quads(tmp_path, monkeypatch, two_cpus):
    """`--for`: FEWEST at least, then until it is over."""
    clock = iter(range(10_000))
    monkeypatch.setattr(interleave.time, "monotonic", lambda: next(clock))
    values = iter(1 + 0.1 * (i % 7) for i in range(1000))
    assert Scripted(tmp_path / "a", lambda *_: [next(values)]).measured(Budget(seconds=0.5)).quads == 3
    assert Scripted(tmp_path / "b", lambda *_: [next(values)]).measured(Budget(seconds=20)).quads > 5


def test_it_goes_on_until_a_change_would_be_found(tmp_path, monkeypatch, two_cpus):
    """`--see`: SURE quads at least, then pairs of quads until each case would show it, or the time is over."""
    steady = Scripted(tmp_path / "steady", lambda *_: [1.0]).measured(Budget(seconds=1e6, see=0.04), wished=False)
    assert (steady.quads, steady.look) == (interleave.SURE, looks.LAST)
    source = np.random.default_rng(1)
    noisy = Scripted(tmp_path / "noisy", lambda *_: [float(source.normal(1, 0.05))])
    found = noisy.measured(Budget(seconds=1e6, see=0.04), wished=False)
    assert found.quads > interleave.SURE
    assert not found.quads % 2
    assert found.report.cases[0].sees == pytest.approx(0.04, rel=0.15)
    assert "4.0% would be found in 0 of 1 case" in noisy.said
    clock = iter(range(10_000))
    monkeypatch.setattr(interleave.time, "monotonic", lambda: next(clock))
    wild = Scripted(tmp_path / "wild", lambda *_: [float(source.normal(1, 0.3))])
    assert wild.measured(Budget(seconds=90, see=0.04), wished=False).quads < 100
    clear = Scripted(tmp_path / "clear", lambda *_: [1.0])  # at half of the time, but it is judged once
    assert clear.measured(Budget(seconds=90, see=0.0051), wished=False).look == looks.LAST


def test_benches_of_hwbench_with_kept_kernels_need_no_first_process(tmp_path, monkeypatch):
    """Nothing is left to compile, and there is nothing to choose."""
    monkeypatch.setattr(duet, "pair", lambda: duet.Pair((1, 2)))
    (tmp_path / "kernels" / "x").mkdir(parents=True)
    bout = Scripted(tmp_path / "kept", lambda side, both: [1.0], kind="hwbench")
    bout.sides = [Contender("A", "/a", {"NUMBA_CACHE_DIR": str(tmp_path / "kernels")})] * 2
    assert not interleave._warm(bout.sides[0])
    (tmp_path / "kernels" / "x" / "a.nbi").touch()
    bout.measured(Budget(3))
    assert [number for number, *_ in bout.ran] == [*range(1, 13)]


def test_sides_without_a_common_benchmark_are_told_after_their_first_processes(tmp_path, two_cpus, monkeypatch):
    """With what each has; not after all quads."""
    bout = Scripted(tmp_path, lambda side, both: [1.0])
    plain = bout.run

    def run(at_once, *more):
        found = plain(at_once, *more)
        return [(one, Read([Value(bench=f"b{at_once[0].side}", value=1.0)]), at) for one, _, at in found]

    monkeypatch.setattr(bout, "run", run)
    with pytest.raises(TrackingError, match="no benchmark in common: base has b0, new has b1"):
        bout.measured(Budget(3))
    assert len(bout.ran) == 2


def test_a_time_for_fewer_than_three_quads_is_told(tmp_path, monkeypatch, two_cpus):
    """After the first one, with how long three take."""
    clock = iter(range(10_000))
    monkeypatch.setattr(interleave.time, "monotonic", lambda: 10 * next(clock))
    bout = Scripted(tmp_path, lambda *_: [1.0])
    bout.measured(Budget(seconds=15))
    [line] = [line for line in bout.said if "--for" in line]
    assert line.startswith("--for 15 s is too short: 3 quads are measured at least, in about ")


@pytest.mark.skipif(sys.platform == "win32", reason="a shell")
def test_processes_of_both_sides_run_for_real(tmp_path):
    """Words, folders, layout and results; a side that dies is named with its process, and its output is kept."""
    sides = [Contender("A", sys.executable, folder=tmp_path), Contender("B", sys.executable, {"SIDE": "7"}, tmp_path)]
    asked = command(["python", "-I", "-S", "-c", "import os; os._exit(int(os.environ.get('SIDE', 0)))"])
    kept = journal.opened(journal.Asked(command="x", sides=("a", "b"), names=("A", "B"), seed=3), tmp_path / "kept",
                          resume=False)  # fmt: skip
    bout = Bout(sides, asked, kept, tmp_path / "scratch", print, threshold=0.1, rules=Rules())
    pair = steps(0, 1)[0][0].layout
    [(ended, read, _)] = bout.run([interleave.Step(0, pair)], 1, "process 1")
    assert read.values[0].value == ended.seconds
    with pytest.raises(TrackingError, match=r"^new, B: process 2 ended by exit code 7: it said nothing; its output: "):
        bout.run([interleave.Step(1, pair)], 2, "process 2")
    assert (kept.folder / "002-new.txt").read_text() == ""
    bout.asked = command(["python", "-I", "-S", "gone.py"])
    bout.sides = [Contender("A", sys.executable, folder=tmp_path, commit="c0ffee")] * 2
    with pytest.raises(TrackingError, match=r"base, A: process 3 .*; is the file new\? Copy it out"):
        bout.run([interleave.Step(0, pair)], 3, "process 3")
    bout.asked, bout.timeout = command(["python", "-I", "-S", "-c", "import time; time.sleep(60)"]), 0.01
    with pytest.raises(TrackingError, match=r"^base, A: process 4 took more .*; its output: .*004-base\.txt$"):
        bout.run([interleave.Step(0, pair)], 4, "process 4")


def test_an_environment_is_as_if_it_were_activated(tmp_path, monkeypatch):
    """Its programs first, its own variables, the draw."""
    monkeypatch.setenv("PATH", "/usr/bin")
    monkeypatch.setenv("PYTHONHOME", "/x")
    binaries = tmp_path / "bin"
    binaries.mkdir()
    (tmp_path / "pyvenv.cfg").touch()
    one = interleave.environment(Contender("A", str(binaries / "python"), {"X": "1"}), steps(0, 1)[0][0].layout)
    assert one["PATH"].startswith(f"{binaries}")
    assert (one["VIRTUAL_ENV"], one["X"], "PYTHONHOME" in one) == (str(tmp_path), "1", False)
    assert "PYTHONHASHSEED" in one
    assert "ASV_PYTHONPATH" not in one
    sources = Contender("A", str(binaries / "python"), {"PYTHONPATH": "/x"})
    assert interleave.environment(sources, steps(0, 1)[0][0].layout)["ASV_PYTHONPATH"] == "/x"
