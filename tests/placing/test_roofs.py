"""Roofs by level, kernel and threads; what is kept, and what is measured."""

from __future__ import annotations

import msgspec
import pytest

from hwbench.errors import UsageError
from hwbench.placing import costs, roofs
from hwbench.record import store, units
from hwbench.record.model import Policy
from made_up.placed import BOTH, MIB, ONE, SIZES, roof_run
from made_up.placed import roofs as made_up


def test_a_roof_is_the_best_of_all_variants_and_usual_is_what_ordinary_stores_reach():
    """From memory a triad past the caches reaches 1.2 times a load, one through them 0.75."""
    found = made_up()
    assert found.slope("triad", "DRAM").value == pytest.approx(1.2 * ONE["DRAM"])
    assert found.usual("triad", "DRAM") == pytest.approx(0.75 * ONE["DRAM"])
    assert found.usual("triad", "DRAM", 2) == pytest.approx(0.75 * BOTH["DRAM"])
    assert found.usual("load", "L2") == ONE["L2"]
    assert found.usual("add", "L2") is None
    assert found.threads == 2
    assert found.levels == ["L1", "L2", "L3", "DRAM"]


def test_peaks_are_by_precision():
    """Complex numbers count as their parts, whole numbers as float64."""
    found = made_up()
    assert [found.peak(dtype).value for dtype in ("f8", "f4", "c8", "c16", "i8")] == [50e9, 100e9, 100e9, 50e9, 50e9]
    assert found.peak("f8", 2).value == 100e9


@pytest.mark.parametrize(
    ("footprint", "threads", "level"),
    [(16 * 1024, 1, "L1"), (MIB, 1, "L2"), (2 * MIB, 2, "L2"), (10 * MIB, 1, "L3"), (2**28, 1, "DRAM"), (0, 1, "L1")],
)
def test_the_level_is_that_which_holds_the_footprint(footprint, threads, level):
    """Threads that share a cache share its bytes."""
    assert made_up().level(footprint, threads) == level


def test_between_one_thread_and_all_the_lower_bound_counts():
    """Three of eight threads: three times one, no more than all."""
    run = roof_run()
    eight = [msgspec.structs.replace(one, facts=one.facts | {"threads": 8}) if one.facts.get("threads") == 2 else one
             for one in run.records]  # fmt: skip
    found = roofs.Roofs(msgspec.structs.replace(run, records=eight), {})
    assert found.slope("load", "L1", 2).value == 400e9
    assert found.slope("load", "L1", 2).name == "L1 load, 2 threads"
    assert found.slope("load", "DRAM", 4).value == BOTH["DRAM"]
    assert found.slope("load", "DRAM", 16).value == BOTH["DRAM"]
    assert found.usual("load", "DRAM", 4) == BOTH["DRAM"]


def test_a_level_that_all_threads_together_do_not_have_is_that_of_one_multiplied():
    """A shared cache of which each thread has too little."""
    run = roof_run()
    alone = [one for one in run.records if one.params.get("size") != "L3" or one.facts["threads"] == 1]
    found = roofs.Roofs(msgspec.structs.replace(run, records=alone), {})
    assert found.slope("load", "L3", 2).value == 2 * ONE["L3"]
    assert found.usual("load", "L3", 2) == 2 * ONE["L3"]


def test_costs_are_seconds_a_call_or_a_byte():
    """What was not measured costs nothing."""
    found = made_up()
    assert found.cost(costs.FORK) == pytest.approx(1e-5)
    assert found.cost(costs.FRESH) == pytest.approx(1e-9)
    assert roofs.Roofs(roof_run(records=[]), {}).cost(costs.FORK) == 0


def test_nothing_is_missing_of_whole_roofs_and_stores_of_a_check():
    """What was tried and could not be measured is not missing."""
    run = roof_run()
    assert made_up().missing == []
    rest = [one for one in run.records if one.bench != "stream.store"]
    found = roofs.Roofs(msgspec.structs.replace(run, records=rest), {})
    assert found.missing == [f"{level}.write.{who}" for level in ("l1", "l2", "l3", "dram") for who in ("one", "all")]


@pytest.fixture
def cached(monkeypatch, tmp_path):
    """A cache of its own, and what would be measured, by what was asked for."""
    path = tmp_path / "roofs.json"
    asked = []

    def measured(known, names, _observer, _stop):
        asked.append(list(names))
        return roof_run()

    monkeypatch.setattr(roofs, "file", lambda: path)
    monkeypatch.setattr(roofs, "_measured", measured)
    return path, asked


def test_roofs_are_measured_once(cached):
    """And again when asked for; it is said that it takes half a minute."""
    path, asked = cached
    told = []
    assert roofs.get(told.append).threads == 2
    assert roofs.get(told.append).slope("load", "L1").value == 200e9
    assert asked == [list(roofs.NAMES)]
    assert told == ["measuring the roofs of this machine once, for about half a minute"]
    roofs.get(told.append, refresh=True)
    assert len(asked) == 2
    assert store.read(path).id == roof_run().id


def test_of_a_checks_roofs_the_rest_is_measured(cached):
    """Those of stores, and the costs."""
    path, asked = cached
    run = roof_run()
    part = msgspec.structs.replace(
        run, records=[one for one in run.records if one.bench in ("stream.load", "peak.fma")]
    )
    roofs.keep(part)
    roofs.keep(run)  # there are some already
    assert len(store.read(path).records) == len(part.records)
    roofs.get(print)
    assert len(asked[0]) == len(roofs.NAMES) - 12


def test_a_damaged_cache_is_measured_anew(cached):
    """And roofs that cannot be measured are one line."""
    path, asked = cached
    path.write_text("{")
    assert roofs.get(print).threads == 2
    assert len(asked) == 1


def test_a_machine_without_roofs_is_one_line(cached, monkeypatch):
    """What the records say is the reason."""
    bare = roof_run(records=[msgspec.structs.replace(one, status="skipped", samples=[]) for one in roof_run().records])
    monkeypatch.setattr(roofs, "_measured", lambda *_given: bare)
    with pytest.raises(UsageError, match="could not be measured: nothing could be measured; hwbench check"):
        roofs.get(print)


def hidden():
    """Roofs of a machine whose L3 has no label, as others fill it: steps between L2 and memory were measured."""
    run = roof_run()
    rest = [one for one in run.records if one.params.get("size") != "L3"]
    sizes = {key: value for key, value in SIZES.items() if key != "L3"}
    policy = msgspec.structs.replace(run.policy, sizes=sizes)
    return msgspec.structs.replace(run, records=rest, policy=policy)


def test_steps_are_measured_where_no_label_says_what_serves():
    """Between four times the last cache and memory; none where these meet."""
    assert made_up().between == []
    found = roofs.Roofs(hidden(), {})
    assert found.between == found.untried == [4 * MIB, int((4 * 128) ** 0.5 * MIB) // 4096 * 4096]


def test_many_last_level_caches_need_no_steps_beyond_one():
    """Memory is four times all of them; one thread has one, whose label reaches as far."""
    run = roof_run()
    sizes = SIZES | {"L3": 16 * MIB, "DRAM": 1024 * MIB}
    assert roofs.Roofs(msgspec.structs.replace(run, policy=Policy(sizes=sizes)), {}).between == []


def test_a_cache_without_a_label_serves_what_was_measured_of_it():
    """16 MiB on one thread at 60 GB/s, and not at memory's 20; on two threads no more than twice that of one."""
    run = hidden()
    [load] = [
        one for one in run.records
        if one.bench == "stream.load" and (one.params["size"], one.params["threads"]) == ("DRAM", 1)
    ]  # fmt: skip
    near, far = roofs.Roofs(run, {}).between
    steps = [
        msgspec.structs.replace(
            load, params=load.params | {"size": units.exact(size)}, counts={"bytes": rate},
        )
        for size, rate in ((near, 80e9), (far, 60e9))
    ]  # fmt: skip
    found = roofs.Roofs(msgspec.structs.replace(run, records=[*run.records, *steps]), {})
    assert found.untried == []
    assert found.roof("load", far).value == 60e9
    assert found.roof("load", far).name == "L3 load, 1 thread"
    between = found.band("load", 60 * MIB)
    assert (between.low, between.high, between.level) == (20e9, 60e9, "L3–DRAM")
    assert found.band("load", 2 * far, 2).value == 120e9
    assert found.roof("load", 200 * MIB).name == "DRAM load, 1 thread"
    assert found.roof("add", MIB) is None


def test_sizes_are_those_of_the_run():
    """Half of a cache, for one thread."""
    assert made_up().size("L2") == SIZES["L2"]
