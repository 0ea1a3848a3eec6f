"""Facts of records as a file may hold them: footprint, threads, caches, telemetry."""

from __future__ import annotations

import msgspec
import pytest

from doubles.scripted import MACHINE, record, run_of
from hwbench.record.facts import caches, footprint, numbers, rounds_ended, telemetry, threads_of
from hwbench.record.model import Cache
from made_up.sample import KIB


def test_a_footprint_is_stated_or_swept():
    """The fact comes first, then a size in bytes; a label alone, and what is no size, say nothing."""
    assert footprint(record(facts={"footprint": 48}, params={"size": "24KiB"})) == 48
    assert footprint(record(params={"size": "24KiB"})) == 24 * KIB
    assert footprint(record(params={"size": "L1"})) is None
    assert footprint(record(params={"size": "<script>"})) is None


QUIET = {"wall_s": [0.1] * 10, "steal_s": [0.0] * 10, "others_s": [0.0] * 10, "clock_hz": [3e9] * 10}


def load(size="DRAM", samples=(1.0, 1.001, 1.002, 1.003, 1.01, 1.02), telemetry=QUIET, **more):
    """A record of stream.load that reads 10 GB at 10 GB/s at best."""
    params = {"size": size, "dtype": "f8", "threads": 1, "pages": "huge"}
    facts = {"threads": 1, "footprint": 128 * 2**20}
    return record("simd", bench="stream.load", samples=samples, counts={"bytes": 1e10}, params=params, facts=facts,
                  telemetry=telemetry, **more)  # fmt: skip


def test_telemetry_is_counted_once_a_contrast():
    """Variants of a contrast carry the same telemetry; two contrasts with telemetry of their own count both."""
    other = msgspec.structs.replace(load(), variant="numpy")
    assert len(telemetry([load(), other])) == 1
    own = load("L1", telemetry=QUIET | {"core_share": [0.5] * 6})  # measured together, with its own readings
    assert telemetry([load(), own]) == [QUIET]
    assert len(telemetry([load(), load("L1", telemetry=QUIET | {"wall_s": [0.2] * 10})])) == 2


def test_rounds_have_the_time_of_the_wall():
    """Stamps count from one Unix time; a file of before it has none, and a file may hold anything in its place."""
    stamped = record(telemetry={"at_s": [0.25, 1.5], "unix_s": [1.7e9]})
    assert rounds_ended(stamped) == [1.7e9 + 0.25, 1.7e9 + 1.5]
    assert rounds_ended(record(telemetry={"at_s": [0.25]})) == []
    assert rounds_ended(record(telemetry={"at_s": "x", "unix_s": ["y"]})) == []


def test_threads_are_stated_or_an_axis():
    """The fact comes before the axis; one thread where neither is a positive whole number."""
    assert threads_of(record(facts={"threads": 2}, params={"threads": 4})) == 2
    assert threads_of(record(params={"threads": 4})) == 4
    assert [threads_of(record(params={"threads": value})) for value in ("all", 0, -1)] == [1, 1, 1]
    assert threads_of(record(facts={"threads": None})) == 1


def test_caches_are_one_per_level_from_the_core_outwards():
    """A second cache of a level, and levels and sizes that cannot be, are left out."""
    l1, l2 = Cache(1, 32 * KIB, 64, 1), Cache(2, 1024 * KIB, 64, 2)
    reported = [l2, l1, Cache(1, 48 * KIB, 64, 1), Cache(0, 1, 64, 1), Cache(3, 0, 64, 2), Cache(9, 1, 64, 1)]
    cpu = msgspec.structs.replace(MACHINE.cpu, caches=reported)
    assert caches(run_of(machine=msgspec.structs.replace(MACHINE, cpu=cpu))) == [l1, l2]


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ([1, 2.5], [1.0, 2.5]),
        ([1, "2", None, True, float("nan"), float("inf"), [3]], [1.0]),
        ((1, 2), []), ("12", []), (None, []), ({"0": 1}, []),
    ],
)  # fmt: skip
def test_only_the_finite_numbers_of_a_list_are_read(value, found):
    """Text, truth and what is not finite are left out; anything but a list has none."""
    assert numbers(value) == found
