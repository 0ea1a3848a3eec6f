"""A row for each case: which columns, of what kind, and what they say."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from doubles.scripted import MACHINE, record, run_of
from hwbench.analysis.reading import Reading
from hwbench.export import table as tables
from hwbench.record.model import Answer, BenchInfo
from hwbench.record.reasons import because

INFO = {"test.bench": BenchInfo("How fast?", "a", limit="load", variants=["a"]),
        "test.load": BenchInfo("How much?", "a", measures="load", variants=["a"])}  # fmt: skip
AT = {"size": "L1", "threads": 1}


def made(*records, **more):
    return tables.table([Reading(run_of(*records, **{"benches": INFO, **more}))])


@pytest.fixture
def both():
    """A record at half of its limit, its limit, and one that was skipped."""
    return made(
        record(params=AT, samples=[2.0] * 10, counts={"bytes": 1e9, "flops": 4e9}, facts={"footprint": 16384}),
        record(bench="test.load", params=AT, samples=[1.0] * 10, counts={"bytes": 1e9}, facts={"footprint": 16384}),
        record(variant="b", status="skipped", samples=[], reasons=[because("needs_smt", "one thread a core")]),
    )


def test_a_row_has_figures_limit_and_machine(both):
    """In the units that the columns name; what a case has not is None."""
    first, _, skipped = both.rows()
    assert len(both) == 3
    assert first == first | {
        "machine": "box", "cpu": "Scripted CPU", "cores": 2, "memory_bytes": 2**34,
        "bench": "test.bench", "variant": "a", "device": "cpu", "param_size": "L1", "param_threads": 1, "status": "ok",
        "samples": 10, "median_s": 2.0, "best_s": 2.0, "count_bytes": 1e9, "count_flops": 4e9, "count_hops": None,
        "bandwidth_gb_per_s": 0.5, "flop_rate_gflop_per_s": 2.0, "latency_ns": None,
        "metric": "bandwidth", "value": 0.5, "unit": "GB/s", "level": "L1",
        "limit": "L1 load, 1 thread", "limit_value": 1.0, "limit_unit": "GB/s", "share": 0.5, "share_doubt": "",
        "footprint_bytes": 16384, "threads": 1,
    }  # fmt: skip
    assert skipped["median_s"] is skipped["limit"] is skipped["param_size"] is None
    assert (skipped["status"], skipped["reasons"], skipped["why"]) == (
        "skipped", "needs_smt", "needs SMT: one thread a core"
    )  # fmt: skip


def test_the_columns_are_the_same_for_every_run(both):
    """But for parameters and answers, so that tables can be put together; none stands twice."""
    fixed = [name for name in both.names if not name.startswith(("param_", "answer_"))]
    assert fixed == [*tables.RUN, *tables.CASE, *tables.FIGURES]
    assert len(set(both.names)) == len(both.names)
    assert all(len(column.values) == 3 for column in both.columns)


@pytest.mark.parametrize(
    ("values", "kind", "given"),
    [([1, 2], "int", [1, 2]), ([1, 0.5], "float", [1.0, 0.5]), ([1, "all"], "string", ["1", "all"]),
     ([2**63, 1], "string", [str(2**63), "1"])],
)  # fmt: skip
def test_a_parameter_has_one_kind_for_all_cases(values, kind, given):
    """The narrowest that holds all its values."""
    found = made(*(record(params={"n": value}) for value in values))
    [column] = [one for one in found.columns if one.name == "param_n"]
    assert (column.kind, column.values) == (kind, given)
    assert [type(one) for one in column.values] == [type(one) for one in given]


def test_an_answer_that_is_no_rate_has_a_column():
    """The fact as the bench declares it: scaled, of a list the entry; None where it is no number."""
    info = {"test.bench": BenchInfo("How deep?", "a", variants=["a"], answers=[
        Answer("depth", "depth"), Answer("norms", "norm", scale=10.0, at=-1)])}  # fmt: skip
    rows = made(
        record(params={"n": 1}, facts={"depth": 7, "norms": [1.0, 2.0]}),
        record(params={"n": 2}, facts={"depth": "deep", "norms": []}),
        benches=info,
    ).rows()
    assert [(row["answer_depth"], row["answer_norms"]) for row in rows] == [(7.0, 20.0), (None, None)]


def test_its_repr_is_short(both):
    """It names the size and the first columns."""
    assert repr(both) == f"<Table of 3 cases, {len(both.columns)} columns: run, started, hwbench, commit …>"


def test_a_gpu_s_case_has_no_threads():
    """And every GPU of the machine is named."""
    from hwbench.record.model import Gpu

    machine = replace(MACHINE, gpus=[Gpu(name="A"), Gpu(name="B")])
    [row] = made(record(device="gpu:0"), machine=machine).rows()
    assert (row["threads"], row["gpu"]) == (None, "A, B")
