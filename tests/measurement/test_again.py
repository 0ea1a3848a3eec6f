"""Which cases are measured once more at the end of a run, and what that says of them."""

from __future__ import annotations

import msgspec
import pytest

from hwbench import catalog
from hwbench.analysis import run_quality
from hwbench.analysis.headline import TWELVE, headline
from hwbench.measurement import again
from hwbench.record.model import key
from hwbench.record.reasons import because
from made_up.declared import described
from made_up.sample import sample_run


@pytest.fixture(scope="module")
def run():
    """A made-up run of all benches, of their versions now."""
    made = described(sample_run(every_status=False))
    now = {name: one.version for name, one in catalog.benches().items()}
    return msgspec.structs.replace(
        made, records=[msgspec.structs.replace(one, version=now.get(one.bench, one.version)) for one in made.records]
    )


@pytest.fixture(scope="module")
def benches():
    """All of them, by name."""
    return catalog.benches()


def test_those_that_give_the_twelve_are(run, benches):
    """Each of the headline quantities of `compare`, by the same case; of what this run lacks nothing."""
    chosen = {record.case.label for _, record in again.groups(run.records, benches, 1e9)}
    given = {one.name: one.record for one in headline(run) if one.name in TWELVE}
    assert chosen == {*given.values()}
    assert len(chosen) >= 10


def test_only_what_was_measured_a_while_ago_and_once_is(run, benches):
    """Less than APART_S after its last round it is the same moment; a resumed run asks nothing twice."""
    [(_, first), *_] = again.groups(run.records, benches, 1e9)
    ended = 100.0
    stamped = msgspec.structs.replace(first, telemetry={**first.telemetry, "unix_s": [0.0], "at_s": [90.0, ended]})
    assert [*again.groups([stamped], benches, ended + again.APART_S - 1)] == []
    [(group, found)] = again.groups([stamped], benches, ended + again.APART_S)
    assert found == stamped
    assert [key(case) for case in group.cases] == [key(first)]
    once = again.compared(stamped, stamped)
    slower = msgspec.structs.replace(stamped, samples=[9.0], params={**stamped.params, "pages": "4K"})
    assert [*again.groups([once, slower], benches, 1e9)] == []  # the runner-up is no headline figure


@pytest.mark.parametrize(
    ("factor", "named"), [(1.0, False), (1.029, False), (1.05, True), (0.9, True)], ids=["same", "3%", "5%", "less"]
)
def test_a_case_that_differs_is_named_by_the_run(run, factor, named):
    """By more than 3%, and beyond both intervals; the case itself is not suspect, for the second may be the odd one."""
    steady = next(one for one in run.records if one.timed and one.bench == "peak.fma")
    first = msgspec.structs.replace(
        steady, samples=[1e-3, 1.001e-3] * 6, telemetry={"unix_s": [5.0], "at_s": [1.0]}, status="ok", reasons=[]
    )
    second = msgspec.structs.replace(
        first, samples=[factor * one for one in first.samples], telemetry={"unix_s": [5.0], "at_s": [72.0]}
    )
    found = again.compared(first, second)
    assert found.facts["again"]["after_s"] == 71.0
    assert found.facts["again"]["median_s"] == pytest.approx(1.0005e-3 * factor)
    assert (found.status, found.reasons) == ("ok", [])
    told = msgspec.structs.replace(run, records=[found])
    assert run_quality.unrepeated(told)[found.case.label] == pytest.approx(
        max(factor, 1 / factor) - 1 if factor != 1 else 0.0
    )
    cases = {one.name: one for one in run_quality.check(told)}[run_quality.UNLIKE].cases
    assert [one.rpartition(" by ")[0] for one in cases] == [found.case.label] * named
    assert all(one.endswith(f" {'longer' if factor > 1 else 'less'} 71 s later)") for one in cases)


def test_a_case_that_varies_is_not_named_for_another_draw(run):
    """Its interval holds both medians."""
    first = next(one for one in run.records if one.timed)
    wide = msgspec.structs.replace(first, samples=[1.0, 1.1, 1.2, 1.3, 1.4, 1.5], status="ok", reasons=[])
    other = msgspec.structs.replace(wide, samples=[1.1, 1.2, 1.3, 1.4, 1.5, 1.6])
    assert run_quality.changed(again.compared(wide, other)) == 0.0
    assert run_quality.changed(again.compared(wide, msgspec.structs.replace(wide, samples=[2.0] * 6))) > 0.5


def test_a_second_measurement_that_failed_or_was_disturbed_tells_nothing(run):
    """The record stays as it was; a fact that is no such thing says nothing."""
    first = next(one for one in run.records if one.timed)
    for status in ("error", "skipped"):
        assert again.compared(first, msgspec.structs.replace(first, status=status)) == first
    slower = [9 * one for one in first.samples]
    second = msgspec.structs.replace(first, status="suspect", reasons=[because("steal")], samples=slower)
    found = again.compared(first, second)
    assert found.facts["again"]["suspect"] == ["steal"]
    assert run_quality.changed(found) is None
    for odd in (3.0, {}, {"median_s": "1"}, {"low_s": 2.0, "median_s": 1.0, "high_s": 3.0}):
        assert run_quality.changed(msgspec.structs.replace(first, facts={"again": odd})) is None
