"""Rows as arrays: any order, and what cannot be used."""

from dataclasses import replace

import numpy as np

from hwbench.fleet import cube as module
from hwbench.fleet.cube import Rows, coded, cube
from made_up.machines_alike import alike, rows

SMALL = alike(10, quantities=("clock.one", "dram.latency", "l1.read.one"))


def one(**columns):
    given = {"machine": "a", "hardware": "h", "quantity": "q", "better": 1, "value": 1.0, "low": 0.9, "high": 1.1,
             "started": 0.0, "run": "r", "suspect": False}  # fmt: skip
    number = max(len(column) for column in columns.values())
    return Rows(**{name: columns.get(name, [value] * number) for name, value in given.items()})


def test_rows_give_the_group_back():
    (group,) = cube(rows(SMALL)).groups
    assert np.allclose(group.y, SMALL.y)
    assert np.allclose(group.width, SMALL.width, rtol=1e-3)
    assert (list(group.machines), list(group.quantities)) == (list(SMALL.machines), list(SMALL.quantities))
    assert (group.model, group.units, group.benches) == (SMALL.model, SMALL.units, SMALL.benches)
    assert group.runs.tolist() == [3] * 10


def test_the_order_of_rows_does_not_matter():
    order = np.random.default_rng(2).permutation(SMALL.y.size)
    ((first,), (second,)) = cube(rows(SMALL)).groups, cube(rows(SMALL, order)).groups
    assert all(np.array_equal(getattr(first, name), getattr(second, name)) for name in ("y", "width", "started"))


def test_columns_may_be_numbers_of_names_in_any_order():
    made = rows(SMALL)
    names = list(reversed(SMALL.machines))
    codes = [names.index(name) for name in made.machine]
    assert np.array_equal(cube(replace(made, machine=coded(codes, names))).groups[0].y, cube(made).groups[0].y)


def test_the_key_of_many_columns_fits_into_a_number():
    many = module._Codes(np.array([0, 1, 1, 0]), range(2**40))
    assert module._key([many, many], np.arange(4)).tolist() == [0, 2**40 + 1, 2**40 + 1, 0]


def test_groups_by_hardware_and_a_name_in_two_of_them():
    found = cube(one(machine=["a", "a", "b"], hardware=["x", "y", "y"], run=["1", "2", "3"]))
    assert [list(group.machines) for group in found.groups] == [["a"], ["a", "b"]]
    assert found.refused == ["1 name with runs of more than one hardware (a): judged in each group"]


def test_what_is_no_figure_is_left_out_and_counted():
    found = cube(one(value=[1.0, -1.0, float("nan"), 0.0], run=["1", "2", "3", "4"]))
    assert found.groups[0].y.shape == (1, 1, 1)
    assert found.refused == ["3 of 4 figures are no positive numbers or have no time"]


def test_a_run_counts_once():
    twice = cube(one(run=["1", "1"], value=[2.0, 1.0]))
    assert twice.groups[0].y.tolist() == [[[0.0]]]
    assert twice.refused == ["1 figure twice in one run: counted once"]
    renamed = cube(one(run=["1", "1"], machine=["b", "a"]))
    assert [list(group.machines) for group in renamed.groups] == [["a"]]
    assert renamed.refused == ["1 run under more than one machine: counted once, for the first name"]


def test_doubted_figures_count_only_alone():
    found = cube(
        one(run=["1", "2", "3"], machine=["a", "a", "b"], suspect=[True, False, True], started=[0.0, 1.0, 0.0])
    ).groups[0]
    assert np.isfinite(found.y[:, 0]).tolist() == [[False, True], [False, True]]


def test_the_newest_runs_count():
    times = np.arange(30.0)
    found = cube(one(run=[f"r{i}" for i in range(30)], started=times, value=1 + times)).groups[0]
    assert found.started[0].tolist() == times[-module.RUNS :].tolist()


def test_no_rows_are_no_groups():
    assert cube(one(run=[])).groups == []
