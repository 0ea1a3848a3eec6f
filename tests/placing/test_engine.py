"""Counts, time and roofs become a point; what cannot be placed is one line."""

from __future__ import annotations

import numpy as np
import pytest

from doubles.scripted import ScriptedDevice
from hwbench.counting import Range
from hwbench.errors import UsageError
from hwbench.placing import engine
from hwbench.placing.subject import Inputs
from made_up.placed import MIB, counts, exactly, roofs


def point(given=None, seconds=1e-3, **more):
    return engine.point("f", given or counts(24 * 10**6), exactly(seconds), roofs(), **more)


def test_the_share_is_the_least_time_over_the_time():
    """24 MB of a triad from memory at 24 GB/s take 1 ms at least; twice as long is half."""
    at = point(counts(240 * 10**6), seconds=20e-3, written=80 * 10**6)
    assert (at.level, at.roof.kind, at.share) == ("DRAM", "triad", pytest.approx(0.5))
    assert (at.share_issued, at.doubt) == (pytest.approx(0.5), "")


def test_the_peak_is_the_roof_where_flops_take_longer():
    """25 GFLOP at 50 GFLOP/s; issued bytes do not matter below it."""
    at = point(counts(1000, flops=Range(25e6, 26e6)), seconds=1e-3)
    assert (at.roof.kind, at.share, at.share_issued) == ("fma", pytest.approx(0.5), pytest.approx(0.5))
    assert at.unit == "FLOP/s"


def test_threads_choose_roof_and_level():
    """Two threads of 10 MiB together: each has 5 MiB in the L3 that they share."""
    at = point(counts(10 * 2**20), seconds=1e-3, threads=2)
    assert (at.level, at.roof.threads, at.roof.value) == ("L3", 2, 80e9)


def test_between_two_levels_the_time_of_a_pass_is_interpolated():
    """L3 holds 16 MiB and serves a part up to 64 MiB: 40 MiB are halfway between 0.34 and 3.36 ms."""
    at = point(counts(40 * MIB), seconds=4e-3)
    middle = (16 * MIB / 50e9 + 64 * MIB / 20e9) / 2
    assert (at.level, at.roof.name) == ("L3–DRAM", "L3–DRAM load, 1 thread")
    assert at.share == pytest.approx(middle / 4e-3)
    assert (at.band.low, at.band.high, at.doubt, at.note) == (20e9, 50e9, "", "")
    assert point(counts(200 * MIB), seconds=20e-3).band is None


def test_data_partly_in_a_nearer_cache_are_set_against_it():
    """Faster than is usual of this size, and no faster than L3; a note says so, which is no doubt."""
    at = point(counts(40 * MIB), seconds=1e-3)
    assert (at.level, at.share, at.doubt) == ("L3", pytest.approx(40 * MIB / 50e9 / 1e-3), "")
    assert (
        at.note == "part of its 40 MiB stayed in L3, so the share is of the L3 roof; 22.7 GB/s are usual of this size"
    )
    assert at.roof.name == "L3 load, 1 thread"


def test_issued_bytes_are_set_against_the_roof_of_the_share():
    """Neighbours of a stencil: 40 MiB from L3 and 40 MiB again from L1 take what one row's roofs say."""
    at = point(counts(40 * MIB, issued=Range(80 * MIB, 80 * MIB)), seconds=1.1e-3)
    assert at.share == pytest.approx(40 * MIB / 50e9 / 1.1e-3)
    assert at.share_issued == pytest.approx((40 * MIB / 50e9 + 40 * MIB / 200e9) / 1.1e-3) and at.share_issued < 1


def test_caches_that_serve_at_once_leave_no_issued_share():
    """1 MiB from L2 and three times as much from L1, faster than in turn: no share above all roofs."""
    given = counts(MIB, issued=Range(4 * MIB, 4 * MIB))
    at = point(given, seconds=1.5e-5)
    assert (at.share < 1, at.share_issued, at.doubt) == (True, None, "")
    assert point(given, seconds=3e-5).share_issued == pytest.approx((MIB / 100e9 + 3 * MIB / 200e9) / 3e-5)


def test_temporaries_do_not_move_the_roof_of_the_data():
    """Other code has none: inputs and results in L2 are bounded by L2."""
    at = point(counts(MIB, footprint=32 * MIB, data=MIB), seconds=1e-3)
    assert (at.level, at.roof.value) == ("L2", 100e9)


def test_what_is_faster_than_every_roof_is_told():
    """The share is kept, with the remedy."""
    at = point(counts(24_000), seconds=1e-8)
    assert at.share > 1.05
    assert at.doubt.startswith("faster than its roof, L1 load, 1 thread")


def test_an_unknown_count_gives_no_issued_share():
    """And compulsory bytes alone a bound."""
    assert point(counts(24_000, issued=None)).share_issued is None


def test_a_function_without_arrays_and_flops_has_no_roof():
    """What was not seen is named."""
    with pytest.raises(UsageError, match=r"f: takes and gives no array .* \(not seen: libfoo\)"):
        point(counts(0, flops=None, unknown=("libfoo",)))


# --- declared ---------------------------------------------------------------------------------------------------------


def test_declared_bytes_below_those_that_any_code_needs_are_refused():
    """Both numbers are told."""
    with pytest.raises(UsageError, match=r"f: 1000 B are declared, and its arguments and results alone have 23\.4 KiB"):
        engine._declared("f", counts(24_000), engine.Declared(bytes=1000))


def test_declared_amounts_above_the_roof_are_refused():
    """1.05 of it is what two measurements differ by."""
    given = engine._declared("f", counts(24_000), engine.Declared(bytes=1e9))
    with pytest.raises(UsageError, match=r"f: what is declared cannot be true: 5\.00 times its roof, L1 load"):
        point(given, seconds=1e-3, declared=True)
    stated = engine._declared("f", counts(24_000), engine.Declared(flops=1e6))
    assert stated.flops == Range(1e6, 1e6)


def test_amounts_for_each_n_are_multiplied():
    """`bytes=24n`."""
    assert engine.Declared(24.0, 7.0, ("bytes",)).at(1000) == engine.Declared(24_000.0, 7.0)


# --- the whole --------------------------------------------------------------------------------------------------------


class Millisecond(ScriptedDevice):
    """A device on which every call takes a millisecond."""

    def time(self, work, loops):
        work.call()
        self.clock.now += loops * 1e-3
        return loops * 1e-3


@pytest.fixture
def setting(monkeypatch):
    """A machine of the imagination, counts that are given, and what was told."""
    monkeypatch.setattr(engine, "count", lambda _f, _args, _kwargs, hardware: counts(240 * 10**6))
    monkeypatch.setattr(engine.timing, "spent", lambda _call, _seconds: engine.timing.Spent(1.0, 0.0))
    told = []
    return engine.Setting(roofs, {"cpu": Millisecond()}, tell=told.append, loops=False), told


def test_a_function_and_its_variants_are_placed_together(setting):
    """A variant that fails is told and left out."""
    known, told = setting

    def other(_x):
        raise ValueError("no such path")

    found = engine.place(
        "f", np.negative, Inputs((np.ones(100),)), known, n=100, variants={"other": other, "third": np.abs}
    )
    assert list(found) == ["f", "third"]
    assert (found["f"].n, found["f"].seconds.value, found["f"].threads) == (100, pytest.approx(1e-3), 1)
    assert told == ["left out: other (line 178 of test_engine.py): fails: ValueError: no such path"] or told[
        0
    ].endswith("fails: ValueError: no such path")


def test_a_function_that_does_nothing_is_refused(setting, monkeypatch):
    """Python's call takes as long."""
    known, _ = setting
    monkeypatch.setattr(Millisecond, "time", lambda _self, _work, loops: loops * 4e-8)
    with pytest.raises(UsageError, match=r"f: a call takes 40\.0 ns, no longer than Python needs to call it"):
        engine.place("f", len, Inputs(([],)), known)


def test_arrays_of_another_library_are_not_set_against_the_cpu(setting, monkeypatch):
    """They lie on a GPU, or nobody knows where."""
    monkeypatch.setattr(engine, "count", lambda _f, _args, _kwargs, hardware: counts(24, kind="cupy"))
    with pytest.raises(UsageError, match="f: its arrays have no address on an NVIDIA GPU"):
        engine.place("f", len, Inputs(([],)), setting[0])


def test_a_function_that_cannot_be_placed_is_raised(setting):
    """Its line, not that of a variant."""
    with pytest.raises(UsageError, match="f: fails: ZeroDivisionError"):
        engine.place("f", divmod, Inputs((1, 0)), setting[0])


def test_ordinary_loops_are_timed_beside_it(setting, monkeypatch):
    """Of the compulsory bytes: on one thread, and on all."""
    known, _ = setting
    known.loops = True
    loops = engine.beside(24 * 800, 8 * 800, 0, known)
    assert [sum(one.nbytes for one in loop.args[1:]) for loop in loops.values()] == [24 * 800] * 2
    anew = engine.beside(24 * 800, 8 * 800, 8 * 800, known)
    assert [[one.nbytes for one in loop.args] for loop in anew.values()] == [[6400, 6400]] * 2
    assert engine.beside(100, 0, 0, known) == {}
    monkeypatch.setattr(engine, "beside", lambda *_given: {
        engine.LOOP: lambda: None, engine.LOOPS: lambda: None
    })  # fmt: skip
    at = engine.place("f", np.negative, Inputs((np.ones(100),)), known)["f"]
    assert (at.beside.one, at.beside.every) == pytest.approx((1e-3, 1e-3))
