"""pytest-benchmark's files as we read them: ours with rates, anybody's by group and name."""

from __future__ import annotations

import json
import math

import pytest

from hwbench.errors import StoreError
from hwbench.tracking.readers import pytest_benchmark
from hwbench.tracking.verdicts import compare_sides
from made_up.histories import commit, pytest_file

DATA = [1.0e-3, 1.1e-3, 1.2e-3, 1.3e-3, 1.4e-3]


def test_a_foreign_benchmark_keeps_its_name(tmp_path):
    """Group and function name the bench, parameters the case."""
    path = pytest_file(
        tmp_path / "a.json",
        [
            {"name": "test_sum[1000]", "group": "sums", "params": {"n": 1000}, "data": DATA},
            {"name": "test_plain", "data": DATA},
        ],
    )
    first, second = pytest_benchmark.read_file(path).timed
    assert (first.bench, first.params, first.median) == ("sums: test_sum", {"n": "1000"}, 1.2e-3)
    assert (second.bench, second.params, second.samples) == ("test_plain", {}, tuple(DATA))


def test_namesakes_in_two_files_are_two_benchmarks(tmp_path):
    """pytest-benchmark's `name` is the function's alone; what has no full name is numbered."""
    entries = [
        {"name": "test_encode", "fullname": "a.py::test_encode", "data": DATA},
        {"name": "test_encode", "fullname": "b.py::T::test_encode", "data": [5 * x for x in DATA]},
        {"name": "test_bare", "data": DATA},
        {"name": "test_bare", "data": DATA},
    ]
    path = pytest_file(tmp_path / "a.json", entries)
    names = ["test_encode (a.py)", "T::test_encode (b.py)", "test_bare", "test_bare (2)"]
    assert [one.bench for one in pytest_benchmark.read_file(path).timed] == names
    assert [one.bench for one in pytest_benchmark.history([path]).series] == names


def test_a_parameter_with_an_address_is_told_by_the_test_s_id(tmp_path):
    """pytest-benchmark writes the repr of what JSON cannot hold, which is another in each process."""
    cases = []
    for address in ("0x7f01", "0x7f02"):
        params = {"how": f"UNSERIALIZABLE[<function quick at {address}>]", "n": 3}
        entry = {"name": "test_sort[quick-3]", "fullname": "a.py::test_sort[quick-3]", "params": params, "data": DATA}
        [one] = pytest_benchmark.read_file(pytest_file(tmp_path / "a.json", [entry])).timed
        cases.append((one.bench, one.params))
    assert cases == [("test_sort (a.py)", {"id": "quick-3"})] * 2


def test_another_version_is_left_out_and_said(tmp_path):
    """Of a bench whose version rose, the newest is shown."""
    files = []
    for number, version in enumerate(("1", "2", "2")):
        extra = {"bench": "stream.load", "version": version}
        entry = {"name": "x", "params": {"variant": "simd"}, "data": DATA, "extra_info": extra}
        files.append(pytest_file(tmp_path / f"{number}.json", [entry], f"2026-11-2{number}T18:00:00+00:00"))
    found = pytest_benchmark.history(files)
    [one] = found.series
    assert (one.version, [math.isnan(x) for x in one.values]) == ("2", [True, False, False])
    assert any("of 1 case are left out" in note for note in found.notes)


def test_ours_tell_the_work_of_a_call(tmp_path):
    """Rate times median is the bytes of a call."""
    path = pytest_file(
        tmp_path / "a.json",
        [
            {
                "name": "stream.load/simd [L1]",
                "params": {"variant": "simd", "size": "L1"},
                "data": DATA,
                "extra_info": {"bench": "stream.load", "version": 1, "GB/s": 2.0},
            }
        ],
    )
    [one] = pytest_benchmark.read_file(path).timed
    assert (one.bench, one.variant, one.params, one.version) == ("stream.load", "simd", {"size": "L1"}, "1")
    assert one.counts == {"bytes": pytest.approx(2.4e6)}


def test_ours_state_the_counts_and_older_ones_leave_hops_or_items_open(tmp_path):
    """Counts by name where they are stated; nanoseconds alone compare with hops and with items, and each must agree."""

    def read(**info):
        entry = {"name": "x", "params": {"variant": "v"}, "data": DATA, "extra_info": {"bench": "a.b", **info}}
        return pytest_benchmark.side([pytest_benchmark.read_file(pytest_file(tmp_path / "a.json", [entry]))])

    stated = read(ns=2.0, counts={"items": 600_000, "words": 3.0, "bytes": "8", "flops": -1.0, "hops": 10**400})
    assert stated.entries[0].counts == {"items": 600_000}
    older = read(ns=2.0)
    for count, amount, said in (("items", 6e5, ""), ("hops", 6e5, ""), ("items", 5e5, "the work of a call differs")):
        [case] = compare_sides(older, read(counts={count: amount}), 0.02, benches={}).cases
        assert (said in case.reason, "differs" in case.reason) == (True, bool(said))


def test_without_the_rounds_the_quartiles_bound_the_median(tmp_path):
    """What was saved without its data has an error from the interquartile range; two rounds bound nothing."""
    path = pytest_file(
        tmp_path / "a.json",
        [
            {"name": "a", "data": DATA, "keep": False},
            {"name": "b", "data": DATA[:2], "keep": False},
        ],
    )
    first, second = pytest_benchmark.read_file(path).timed
    assert first.error == pytest.approx(1.2533 * 0.2e-3 / 1.349 / math.sqrt(5))
    assert second.error == math.inf


def test_without_a_commit_the_file_names_what_was_measured(tmp_path):
    """pytest-benchmark calls every tree outside of a repository `unversioned`."""
    path = pytest_file(tmp_path / "before.json", [{"name": "x", "data": DATA}], commit_info={"id": "unversioned"})
    assert pytest_benchmark.read_file(path).commit.name == "before"


def test_files_make_a_history(tmp_path):
    """Two files are two points, in the order of their times; a dirty tree is marked."""
    late = pytest_file(tmp_path / "a.json", [{"name": "x", "data": DATA}], when="2026-11-23T18:00:00")
    early = pytest_file(
        tmp_path / "b.json",
        [{"name": "x", "data": [t * 2 for t in DATA]}],
        commit_info={"id": commit(7), "dirty": True},
    )
    history = pytest_benchmark.history([late, early])
    assert [one.name for one in history.commits] == [commit(7) + "+", commit(1)]
    [series] = history.series
    assert series.values.tolist() == [2.4e-3, 1.2e-3]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"benchmarks": 3}, "is no file of pytest-benchmark"),
        ({"benchmarks": [{"stats": {}}]}, "benchmarks[0].stats: lacks"),
        ({"benchmarks": [{"stats": {"median": -1, "rounds": 3}}]}, "no time in seconds"),
        ({"benchmarks": [{"stats": {"median": 1.0, "rounds": 10**400}}]}, "benchmarks[0].stats: lacks"),
    ],
)
def test_a_broken_file_is_one_line(tmp_path, change, said):
    """Which file, where in it, what is wrong."""
    path = pytest_file(tmp_path / "a.json", [])
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(StoreError) as caught:
        pytest_benchmark.read_file(path)
    assert str(caught.value).startswith(str(path))
    assert said in str(caught.value)


def test_a_rate_that_no_machine_has_counts_nothing(tmp_path):
    """An integer beyond what a float holds is no rate of ours, and no error."""
    info = {"bench": "a.b", "GB/s": 10**400, "version": {}}
    path = pytest_file(tmp_path / "a.json", [{"name": "x", "data": DATA, "extra_info": info}])
    assert pytest_benchmark.read_file(path).timed[0].counts == {}


@pytest.mark.parametrize(("name", "value"), [("median", 1e300), ("median", 5e-324), ("median", 1e-13)])
def test_what_is_no_time_is_refused(tmp_path, name, value):
    """Reckoning with it would overflow."""
    path = pytest_file(tmp_path / "a.json", [{"name": "a", "data": DATA}])
    data = json.loads(path.read_bytes())
    data["benchmarks"][0]["stats"][name] = value
    path.write_text(json.dumps(data))
    with pytest.raises(StoreError, match="holds what is no time in seconds"):
        pytest_benchmark.read_file(path)


@pytest.mark.parametrize("value", [1e300, 10**300, 1e999])
def test_quartiles_beyond_any_time_bound_nothing(tmp_path, value):
    """The median has no interval then, and a comparison does not overflow."""
    path = pytest_file(tmp_path / "a.json", [{"name": "a", "data": DATA, "keep": False}])
    data = json.loads(path.read_bytes())
    data["benchmarks"][0]["stats"]["iqr"] = value
    path.write_text(json.dumps(data))
    [one] = pytest_benchmark.read_file(path).timed
    assert one.error == math.inf
    compare_sides(*(pytest_benchmark.side([pytest_benchmark.read_file(path)]) for _ in range(2)), 0.02)


@pytest.mark.parametrize("value", [10**400, -1.0, "fast", 1e300], ids=["overflow", "negative", "text", "eternal"])
def test_another_statistic_that_is_no_time_is_left_out(tmp_path, value):
    """The median is read, and so is a mean that can be true."""
    path = pytest_file(tmp_path / "a.json", [{"name": "a", "data": DATA}])
    data = json.loads(path.read_bytes())
    data["benchmarks"][0]["stats"] |= {"min": value, "mean": 1.2e-3}
    path.write_text(json.dumps(data))
    assert pytest_benchmark.read_file(path).timed[0].stats == {"mean": 1.2e-3}


def test_a_median_of_zero_is_below_the_clock_s_resolution(tmp_path):
    """It refuses no file: the case is named, and the others are read."""
    path = pytest_file(tmp_path / "a.json", [{"name": "x", "data": [0.0, 0.0, 0.0]}, {"name": "y", "data": [1.0] * 3}])
    side = pytest_benchmark.side([pytest_benchmark.read_file(path)])
    assert [(one.bench, one.unfit, one.value) for one in side.entries] == [
        ("x", "below the clock's resolution", None), ("y", "", 1.0),
    ]  # fmt: skip
    [zero, _] = pytest_benchmark.history([path]).series
    assert zero.values.tolist() == [0.0]


def test_a_version_in_somebody_s_extra_info_is_no_version(tmp_path):
    """Of hwbench's suite it is, which names the bench."""

    def read(info):
        entries = [{"name": "x", "data": [1.0] * 3, "extra_info": info}]
        return pytest_benchmark.read_file(pytest_file(tmp_path / "a.json", entries)).timed[0].version

    theirs, ours = (read(info) for info in ({"version": "2.1"}, {"version": "2", "bench": "stream.load"}))
    assert (theirs, ours) == ("", "2")


def test_what_single_files_of_a_side_share_is_no_noise(tmp_path):
    """One file of five is slower by a half as a whole: its cases are set back, and one that is slower alone is not."""
    paths = []
    for at in range(5):
        values = [(1 + i) * (1 + at / 1e3) * (1.5 if at == 3 else 1) for i in range(12)]
        values[4] *= 2 if at == 3 else 1
        entries = [{"name": f"b{i}", "data": [value] * 3} for i, value in enumerate(values)]
        paths.append(pytest_file(tmp_path / f"{at}.json", entries))
    side = pytest_benchmark.side([pytest_benchmark.read_file(path) for path in paths])
    medians = [[one.median for one in entry.measurements] for entry in side.entries]
    assert max(medians[0]) == pytest.approx(1.0, abs=0.01)
    assert medians[4][3] == pytest.approx(10.0, rel=0.01)
