"""Whether a machine does what it usually does: proven, doubtful, and nothing to go by."""

from __future__ import annotations

import msgspec
import pytest

from doubles.scripted import MACHINE
from hwbench.analysis.reading import Reading
from hwbench.record import store
from hwbench.tracking import health
from made_up.check_ups import checked

QUIET = (0.99, 1.0, 1.01, 1.0, 0.995)
MILD = (0.94, 1.0, 1.06, 0.98, 1.02)
NOISY = (0.7, 1.0, 1.3, 0.85, 1.15)


def judged(now, factors=QUIET, **more):
    """What each quantity of a check is, after runs whose reads differ by these factors."""
    earlier = [Reading(checked(read=50e9 * factor, **more)) for factor in factors]
    return {one.now.name: one for one in health.judge(Reading(now), earlier)}


@pytest.mark.parametrize(
    ("now", "factors", "state"),
    [
        (checked(), QUIET, "good"),
        (checked(read=90e9), QUIET, "good"),
        (checked(read=47e9), QUIET, "good"),  # 6% slower does not matter
        (checked(read=30e9), QUIET, "bad"),
        (checked(read=30e9, disturbed=True), QUIET, "doubtful"),
        (checked(read=41e9), MILD, "doubtful"),  # slower, but perhaps by less than what matters
        (checked(read=38e9), NOISY, "good"),  # runs of this machine differ as much
        (checked(read=30e9), QUIET[:2], "unknown"),
    ],
)
def test_a_quantity_is_bad_where_runs_of_this_machine_prove_it(now, factors, state):
    """Slower than its threshold by more than its runs differ, undisturbed, with three runs to go by."""
    assert judged(now, factors)["dram.read.all"].state == state


def test_a_machine_whose_limits_all_moved_together_is_not_excused():
    """Elsewhere such a change is the machine's and not the code's; here it is what was asked for."""
    told = judged(checked(read=30e9, latency=170e-9, peak=120e9))
    assert {one.state for one in told.values()} == {"bad"}


def test_what_is_usual_is_told_in_the_quantity_s_own_unit():
    """Median, least and most, and how many times slower."""
    one = judged(checked(read=25e9))["dram.read.all"]
    assert (one.runs, one.usual.value) == (5, pytest.approx(50e9))
    assert (one.usual.low, one.usual.high) == (pytest.approx(49.5e9), pytest.approx(50.5e9))
    assert one.slower.value == pytest.approx(2.0, rel=0.01)
    assert judged(checked())["dram.latency"].usual.value == pytest.approx(100e-9)


def test_figures_of_another_size_or_version_are_no_history():
    """A level of twice the footprint, or a bench that timed something else."""
    other = checked()
    records = [msgspec.structs.replace(one, version=9) for one in other.records[:1]]
    records += [msgspec.structs.replace(one, facts={**one.facts, "footprint": 2**29}) for one in other.records[1:2]]
    strange = msgspec.structs.replace(other, records=[*records, *other.records[2:]])
    told = {one.now.name: one for one in health.judge(Reading(checked()), [Reading(strange)] * 4)}
    assert [told[name].state for name in ("dram.read.all", "dram.latency", "peak.f8.all")] == [
        "unknown", "unknown", "good",
    ]  # fmt: skip


def test_what_was_measured_again_replaces_the_first_figure():
    """Only where the first spoke against the machine."""
    first = list(judged(checked(read=30e9)).values())
    good, bad = (list(judged(checked(read=read)).values()) for read in (49e9, 31e9))
    assert [one.state for one in health.again(first, good)] == ["good"] * 3
    told = {one.now.name: one for one in health.again(first, bad)}
    assert told["dram.read.all"].state == "bad"
    assert told["dram.read.all"].now.value == pytest.approx(31e9)


def saved(out, stamp, folder="checks", **more):
    run = checked(stamp=stamp, **more)
    store.write(run, store.path_of(run, out, folder))
    return run


def test_history_is_of_this_machine_or_of_its_hardware(out):
    """Runs and checks, the newest first; another machine of the same hardware where its own are too few."""
    old = saved(out, "20261101T000000Z", "runs")
    for day in (2, 3):
        saved(out, f"2026110{day}T000000Z")
    fox = msgspec.structs.replace(MACHINE, name="fox")
    saved(out, "20261104T000000Z", machine=fox)
    small = msgspec.structs.replace(MACHINE, name="ox", cpu=msgspec.structs.replace(MACHINE.cpu, allowed=[0]))
    saved(out, "20261105T000000Z", machine=small)
    saved(out, "20261106T000000Z", finished=None)
    found = health.history(out, MACHINE, [], {})
    assert len(found.own) == 3
    assert not found.like
    assert len(found.cpu) == 5
    fewer = health.history(out, MACHINE, [old.id], {})
    assert (len(fewer.own), fewer.like) == (3, True)  # two of its own and one of the fox


def test_a_fleet_does_not_hide_a_machine_s_own_runs(out, monkeypatch):
    """However many newer ones lie beside them."""
    monkeypatch.setattr(health, "MOST", 4)
    for day in range(1, 4):
        saved(out, f"2026110{day}T000000Z")
    for day in range(10, 20):
        saved(out, f"202611{day}T000000Z", machine=msgspec.structs.replace(MACHINE, name=f"node{day}"))
    found = health.history(out, MACHINE, [], {})
    assert (len(found.own), found.like, len(found.cpu)) == (3, False, 7)


def test_files_that_cannot_be_read_are_no_history(out):
    """A broken file, and nothing at all."""
    assert health.history(out, MACHINE, [], {}).own == []
    saved(out, "20261101T000000Z")
    (out / "checks" / "box" / "box-20261102T000000Z-ffffff.json").write_text("{")
    assert len(health.history(out, MACHINE, [], {}).own) == 1


@pytest.fixture
def out(tmp_path):
    return tmp_path / "reports"
