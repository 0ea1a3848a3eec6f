"""Usual ranges: how far a value is from them, and which quantities of a run are compared with them."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from doubles.scripted import record, run_of
from hwbench.analysis.reading import Reading
from hwbench.analysis.usual import MEASURED, Usual
from hwbench.record import store, text
from hwbench.record.model import BenchInfo
from made_up.gpu_sample import gpu_run
from made_up.sample import sample_run

RUNS = Path(__file__).parents[2] / "reports" / "runs"


def usual(low, high):
    """A quantity in seconds with these bounds."""
    return Usual("It takes {}", lambda _reading: None, low, high, text.seconds, "")


def by(words):
    """The entry whose words begin so."""
    return next(one for one in MEASURED if one.words.startswith(words))


@pytest.mark.parametrize(
    ("low", "high", "value", "distance"),
    [(None, 2.0, 1.0, 1.0), (None, 2.0, 6.0, 3.0), (0.5, None, 0.25, 2.0), (0.5, None, 9.0, 1.0), (1.0, 2.0, 4.0, 2.0),
     (1.0, 2.0, 1.5, 1.0), (0.5, None, 0.0, 1.0)],
)  # fmt: skip
def test_a_distance_is_the_factor_to_the_nearest_bound(low, high, value, distance):
    """Within the range it is 1; a value of zero is no measurement."""
    assert usual(low, high).distance(value) == distance


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [(None, 2e-9, "up to 2.00 ns"), (2e-9, None, "from 2.00 ns on"), (1e-9, 2e-9, "1.00 ns to 2.00 ns")],
)
def test_a_range_is_told_by_the_bounds_that_it_has(low, high, said):
    """One bound or two."""
    assert usual(low, high).range == said


def test_every_entry_has_a_bound_and_words_for_its_value():
    """The words hold the value once, and end without a full stop."""
    for one in MEASURED:
        assert one.words.count("{}") == 1
        assert not one.words.endswith(".")
        assert one.low is not None or one.high is not None
        assert one.range
        if isinstance(one.remedy, str) and one.remedy:
            assert one.remedy.endswith(".")


def test_the_page_has_every_range():
    """docs/summary.md, in the order of the table."""
    page = (RUNS.parents[1] / "docs" / "summary.md").read_text("utf-8")
    rows = page.partition("| quantity | usual |")[2].partition("\n\n")[0].splitlines()[2:]
    assert [row.split(" | ")[-1].removesuffix(" |") for row in rows] == [one.range for one in MEASURED]


def test_what_a_run_did_not_measure_is_not_seen():
    """A run of another bench has none of the quantities."""
    reading = Reading(run_of(record(), benches={"test.bench": BenchInfo("How fast?", "a")}))
    assert [one.seen(reading) for one in MEASURED] == [None] * len(MEASURED)


def test_each_cpu_quantity_is_seen_in_a_standard_run():
    """The Intel run has all of them, with its own figures and doubts."""
    reading = Reading(store.read(next((RUNS / "intel-xeon-2cpu").glob("*.json"))))
    memory = by("Memory answers").seen(reading)
    head = reading.get("dram.latency")
    assert memory == (head.value, text.seconds(head.value), "latency.chase", True)
    assert by("On all threads").seen(reading).value == pytest.approx(
        reading.get("peak.f8.all").value / reading.get("peak.f8.one").value / 2
    )
    assert by("A compute-bound").seen(reading).value == pytest.approx(reading.get("prange.compute").value / 2)
    missing = [one.words for one in MEASURED if one.seen(reading) is None]
    assert all("GPU" in words or "kernel" in words for words in missing)


def test_each_gpu_quantity_is_seen_in_a_run_with_a_gpu():
    """Memory against the datasheet, the link against its lanes, pageable against pinned memory, a launch."""
    run = gpu_run()
    card = msgspec.structs.replace(run.machine.gpus[0], pcie={"max_generation": 5, "max_width": 16})
    reading = Reading(msgspec.structs.replace(run, machine=msgspec.structs.replace(run.machine, gpus=[card])))
    link = by("The link").seen(reading)
    assert link.value == pytest.approx(
        max(reading.get(f"{way}.pinned", "gpu:0").value for way in ("h2d", "d2h")) / 63e9, rel=0.01
    )
    pageable = by("Copies to the GPU").seen(reading)
    assert 0 < pageable.value < 1


def test_the_remedy_of_slow_memory_depends_on_the_machine():
    """A guest asks its host, a machine with several nodes keeps data at home, any other looks at its firmware."""
    remedy = by("Memory answers").remedy
    run = sample_run()

    def said(**more):
        return remedy(Reading(msgspec.structs.replace(run, machine=msgspec.structs.replace(run.machine, **more))))

    assert "host" in said(virtual="KVM")
    assert "numactl" in said(virtual=None, numa=[[0, 1], [2, 3]])
    assert "firmware" in said(virtual=None, numa=[[0, 1, 2, 3]])
