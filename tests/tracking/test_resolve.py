"""What BASE and NEW of `hwbench compare` name: runs, asv's commits, pytest-benchmark's files, machines."""

from __future__ import annotations

import json

import msgspec
import numpy as np
import pytest

from doubles.scripted import record, run_of
from hwbench.record import store
from hwbench.tracking import resolve
from hwbench.tracking.verdicts import compare
from made_up.histories import BOX, SUM, asv_file, commit, five_commits, pytest_file, row, scattered


@pytest.fixture
def out(tmp_path):
    """Where runs and asv's results lie."""
    return tmp_path / "reports"


@pytest.fixture
def results(out):
    """Five commits on a box, of which the last is slower by half."""
    return five_commits(out / "asv" / "results")


@pytest.mark.parametrize(
    ("spec", "said"),
    [("asv:0000", "begins several commits"), ("asv:ffffffff", "has no results of commit ffffffff"),
     ("asv:00000001@fox", "fox did not measure"), ("asv:00000001/py9", "no environment has 'py9'"),
     ("asv:", "is not of the form"), ("nobody", "is no file"), ("a.json,b.json", "a.json: cannot be read")],
)  # fmt: skip
def test_what_cannot_be_found_is_one_line(command, out, results, spec, said):
    """What is misspelt is said, with what there is."""
    done = command("compare", spec, f"asv:{commit(1)}", "--out", out)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert said in done.err


def test_two_environments_at_one_commit(command, out, results):
    """NumPy's versions are set against each other, each with as many threads: what both sides share names no case."""
    for numpy, factor in (("2.3.5", 1.0), ("2.4.6", 2.0)):
        for threads in ("1", "4"):
            asv_file(
                results, 7, {SUM: row([0.5 * factor * int(threads)], width=0.002)}, requirements={"numpy": numpy},
                env_vars={"NUMBA_NUM_THREADS": threads}, env_name=f"virtualenv-{numpy}-{threads}",
                result_name=f"{numpy}-{threads}",
            )  # fmt: skip
    pair = [f"asv:{commit(7)[:8]}@box/numpy {numpy}" for numpy in ("2.3.5", "2.4.6")]
    told = json.loads(command("compare", *pair, "--out", out, "--json").out)["cases"]
    assert [(one["params"], round(one["ratio"], 6)) for one in told] == [
        ({"NUMBA_NUM_THREADS": "1"}, 2.0), ({"NUMBA_NUM_THREADS": "4"}, 2.0)
    ]  # fmt: skip


def test_files_that_are_not_asked_for_are_not_read(command, out, results):
    """A broken file of another machine stops nobody; one of the machine's own history is named and left out."""
    asv_file(results, 3, {SUM: row([0.5])}, {**BOX, "machine": "fox"}).write_text("{")
    pair = ("compare", f"asv:{commit(4)[:8]}@box", f"asv:{commit(5)[:8]}@box", "--out", out)
    assert command(*pair).code == 1
    (results / "box" / f"{commit(2)[:8]}-other.json").write_text("{")
    done = command(*pair)
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert "other.json: is no JSON, or was cut off" in done.err


def test_a_directory_of_asv_s_is_no_side(command, out, results):
    """What to write instead."""
    done = command("compare", results, results, "--out", out)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "holds results of asv: name a commit, asv:COMMIT --asv" in done.err


def test_two_files_of_asv_can_be_compared(command, out, results, tmp_path):
    """Where asv has put them, with the machine's noise, and anywhere else."""
    old, new = (next((results / "box").glob(f"{commit(number)[:8]}-*.json")) for number in (4, 5))
    told = json.loads(command("compare", old, new, "--out", out, "--json").out)
    assert (told["base"], told["verdicts"]["slower"]) == (f"{commit(4)[:8]} on box", 1)
    assert "history" in told["run_to_run"]["source"]
    for path in (old, new):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    told = json.loads(command("compare", tmp_path / old.name, tmp_path / new.name, "--out", out, "--json").out)
    assert {one["unit"] for one in told["cases"] if one["bench"] == SUM} == {"s"}


def test_a_file_with_itself_is_all_the_same(command, out, results):
    """Whatever its noise is."""
    path = next((results / "box").glob(f"{commit(5)[:8]}-*.json"))
    done = command("compare", path, path, "--out", out, "--json")
    assert done.code == 0
    assert {one["verdict"] for one in json.loads(done.out)["cases"]} <= {"same", "not measured"}


def test_environments_that_no_case_shares_get_a_hint(command, out, results):
    """Two environments against one that is neither: which to name."""
    for number, versions in ((6, ("2.3", "2.4")), (7, ("2.5",))):
        for version in versions:
            asv_file(results, number, {SUM: row([0.5])}, requirements={"numpy": version})
    done = command("compare", f"asv:{commit(6)}", f"asv:{commit(7)}", "--out", out)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert f"'asv:{commit(6)}/py3.11 numpy 2.3'" in done.err


def test_a_machine_s_name_is_its_newest_commit_or_run(command, out, results):
    """`box` is the newest commit of asv's; once it has run, its newest run."""
    done = command("compare", f"asv:{commit(4)}", "box", "--out", out, "--json")
    assert json.loads(done.out)["new"] == f"{commit(5)[:8]} on box"
    store.write(run_of(record()), out / "runs" / "box" / "box-20261122T180000Z-abcdef.json")
    store.write(run_of(record(), id="before"), out / "before.json")
    told = command("compare", out / "before.json", "box", "--out", out, "--json")
    assert json.loads(told.out)["new"].endswith("abcdef")


def test_environments_of_one_side_name_the_cases_of_both(command, out, results):
    """A commit under two versions of NumPy and one under the newer: those are compared, and not nothing."""
    for number, versions in ((6, ("2.3", "2.4")), (7, ("2.4",))):
        for version in versions:
            rows = {SUM: row([0.5 if version == "2.3" else 0.4], width=0.002)}
            asv_file(results, number, rows, requirements={"numpy": version})
    done = command("compare", f"asv:{commit(6)}", f"asv:{commit(7)}", "--out", out, "--json")
    told = {one["params"]["numpy"]: (one["verdict"], one["ratio"]) for one in json.loads(done.out)["cases"]}
    assert told["2.4"][1] == pytest.approx(1.0)
    assert told["2.3"][0] == "gone"


def test_sides_of_unlike_files_are_refused(command, tmp_path):
    """Two machines on a side, and a run beside a file of pytest-benchmark."""
    data = [1e-3 + i * 1e-8 for i in range(15)]
    one = pytest_file(tmp_path / "a.json", [{"name": "x", "data": data}])
    other = pytest_file(tmp_path / "b.json", [{"name": "x", "data": data}], machine_info={"cpu": {"brand_raw": "B"}})
    third = pytest_file(tmp_path / "c.json", [{"name": "x", "data": data}])
    store.write(run_of(record()), tmp_path / "run.json")
    for second, said in ((other, "cannot be one side"), (tmp_path / "run.json", "no side holds both")):
        done = command("compare", f"{one},{second}", third)
        assert (done.code, done.err.count("\n")) == (2, 1)
        assert said in done.err


def verdicts(done):
    return {one["bench"]: one["verdict"] for one in json.loads(done.out)["cases"]}


def test_the_history_of_a_machine_says_how_much_it_strays(command, out):
    """A figure that always strayed by 10% is not slower for straying once more; without its past it would be."""
    rng = np.random.default_rng(11)
    for number in range(8):
        run, day = scattered(rng, 1, 0.1), f"1{number}"
        run = msgspec.structs.replace(run, id=f"box-202611{day}T180000Z-a", started=f"2026-11-{day}T18:00:00Z")
        store.write(run, out / "runs" / "box" / f"{run.id}.json")
    old = record("v0", [1.0 + i / 1e4 for i in range(12)])
    new = record("v0", [1.08 + i / 1e4 for i in range(12)])
    paths = []
    for name, one in (("old", old), ("new", new)):
        paths.append(out / f"{name}.json")
        store.write(msgspec.structs.replace(run_of(one), id=name), paths[-1])
    done = command("compare", *paths, "--out", out, "--json")
    assert verdicts(done) == {"test.bench": "ambiguous"}
    assert "history" in json.loads(done.out)["run_to_run"]["source"]
    assert compare(run_of(old), run_of(new))[0].verdict == "slower"


def test_all_other_runs_of_a_machine_are_its_history(command, out):
    """Of ten runs a day apart, the third is compared with the second: all others show the noise, at most eight."""
    rng = np.random.default_rng(11)
    ids = []
    for number in range(10):
        ids.append(f"box-2026111{number}T180000Z-a")
        run = scattered(rng, 1, 0.001 if number < 3 else 0.3)
        run = msgspec.structs.replace(run, id=ids[-1], started=f"2026-11-1{number}T18:00:00Z")
        store.write(run, out / "runs" / "box" / f"{run.id}.json")
    named = [[(store.read(out / "runs" / "box" / f"{ids[i]}.json"), out / "runs" / "box" / "x")] for i in (8, 9)]
    mine = [run for one in named for run, _ in one]
    others = [run.id for run in resolve.other_runs(named[1], mine, out)]
    assert others == ids[:8]  # the other side is none of them
    told = json.loads(command("compare", ids[1], ids[2], "--out", out, "--json").out)
    assert "history" in told["run_to_run"]["source"]
