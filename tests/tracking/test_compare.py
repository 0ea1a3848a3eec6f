"""`hwbench compare` over runs, asv's commits, pytest-benchmark's files and machines, and what makes it trustworthy."""

from __future__ import annotations

import json
import math

import msgspec
import numpy as np
import pytest

from doubles.scripted import MACHINE, record, run_of
from hwbench.record import estimate, store
from hwbench.tracking import resolve, stats, variance
from hwbench.tracking import verdicts as verdicts
from hwbench.tracking.readers import runs
from made_up.histories import BOX, asv_file, benchmarks_file, commit, pytest_file, row

LOAD, SUM = "stream.load.track_seconds", "suite.time_sum"


@pytest.fixture
def out(tmp_path):
    """Where runs and asv's results lie."""
    return tmp_path / "reports"


@pytest.fixture
def results(out):
    """Five commits on a box, of which the last is slower by half."""
    directory = out / "asv" / "results"
    benchmarks_file(
        directory, {LOAD: {"param_names": ["variant", "size"]}, SUM: {}, "suite.track_rate": {"unit": "GB/s"}}
    )
    for number in range(1, 6):
        slow = 1.5 if number == 5 else 1.0 + number / 1e4
        rows = {
            LOAD: row([1e-6], [["'simd'"], ["'L1'"]], width=0.002),
            SUM: row([0.5 * slow], width=0.002),
            "suite.track_rate": row([10 * slow], width=0.002),
        }
        asv_file(directory, number, rows)
    return directory


def verdicts(done):
    return {one["bench"]: one["verdict"] for one in json.loads(done.out)["cases"]}


def test_commits_of_asv(command, out, results):
    """A slower sum is slower and exits 1; a rate that rose by half is faster."""
    done = command("compare", f"asv:{commit(4)[:8]}", f"asv:{commit(5)}@box", "--out", out, "--json")
    assert verdicts(done) == {"stream.load": "same", SUM: "slower", "suite.track_rate": "faster"}
    assert done.code == 1
    assert command("compare", f"asv:{commit(5)}", f"asv:{commit(4)}", "--out", out).code == 1  # the rate fell
    assert command("compare", f"asv:{commit(3)}", f"asv:{commit(4)}", "--asv", results).code == 0


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
    """A broken file of another machine stops nobody; one of the machine's own history is named."""
    asv_file(results, 3, {SUM: row([0.5])}, {**BOX, "machine": "fox"}).write_text("{")
    pair = ("compare", f"asv:{commit(4)[:8]}@box", f"asv:{commit(5)[:8]}@box", "--out", out)
    assert command(*pair).code == 1
    (results / "box" / f"{commit(2)[:8]}-other.json").write_text("{")
    done = command(*pair)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "other.json: is no JSON, or was cut off" in done.err


@pytest.mark.parametrize(
    ("spec", "said"),
    [("results", "holds results of asv: name a commit, asv:COMMIT --asv"), ("file", "is one of asv's files")],
)
def test_asv_s_own_files_are_told_from_broken_runs(command, out, results, spec, said):
    """The directory or a file of it in the place of a run: what to write instead."""
    path = results if spec == "results" else next((results / "box").glob("0*.json"))
    done = command("compare", path, path, "--out", out)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert said in done.err


def test_two_names_for_one_machine_are_told(command, out):
    """Alike in every respect: compared, and said above the table."""
    for name in ("box", "renamed"):
        run = run_of(record(), machine=msgspec.structs.replace(MACHINE, name=name), id=name)
        store.write(run, out / f"{name}.json")
    done = command("compare", out / "box.json", out / "renamed.json")
    assert done.code == 0
    assert "box and renamed are alike in every respect that is known, and taken for one machine" in done.out


def test_two_machines_with_one_commit_must_be_told_apart(command, out, results):
    """A commit that two machines measured needs the machine's name, and unlike machines a flag."""
    asv_file(results, 5, {SUM: row([1.5], width=0.002), LOAD: row([2e-6], [["'simd'"], ["'L1'"]], width=0.002)},
             {**BOX, "machine": "fox", "cpu": "Other"})  # fmt: skip
    assert "name one as asv:" in command("compare", f"asv:{commit(5)}", f"asv:{commit(4)}", "--out", out).err
    pair = ("compare", f"asv:{commit(5)}@box", f"asv:{commit(5)}@fox", "--out", out)
    refused = command(*pair)
    assert refused.code == 2
    assert "CPU: Scripted CPU in base, Other in new" in refused.err
    told = {one["bench"]: one for one in json.loads(command(*pair, "--across-machines", "--json").out)["cases"]}
    # Twice the time, but its loads take twice the time too: a slower box, no slower code.
    assert told[SUM]["ratio"] == pytest.approx(2.0)
    assert told[SUM]["machine"] == pytest.approx(2.0)
    assert told[SUM]["normalised"] == pytest.approx(1.0)
    assert told[SUM]["verdict"] == "same"


def test_a_machine_s_name_is_its_newest_commit_or_run(command, out, results):
    """`box` is the newest commit of asv's; once it has run, its newest run."""
    done = command("compare", f"asv:{commit(4)}", "box", "--out", out, "--json")
    assert json.loads(done.out)["new"] == f"{commit(5)[:8]} on box"
    store.write(run_of(record()), out / "runs" / "box" / "box-20261122T180000Z-abcdef.json")
    assert json.loads(command("compare", "box", "box", "--out", out, "--json").out)["new"].endswith("abcdef")


def test_files_of_pytest_benchmark(command, tmp_path):
    """Two files, one of them of slower code; a name is matched by group, function and parameters."""
    fast = [1e-3 + i * 1e-7 for i in range(15)]
    old = pytest_file(
        tmp_path / "old.json", [{"name": "x[1]", "params": {"n": 1}, "data": fast}, {"name": "y", "data": fast}]
    )
    new = pytest_file(tmp_path / "new.json", [
        {"name": "x[1]", "params": {"n": 1}, "data": [2 * t for t in fast]}, {"name": "y", "data": fast, "keep": False},
    ])  # fmt: skip
    done = command("compare", old, new, "--json")
    assert done.code == 1
    assert verdicts(done) == {"x": "slower", "y": "same"}


def test_several_files_of_pytest_benchmark_show_their_noise(command, tmp_path):
    """Files that differ by a tenth though nothing changed, with commas or in a directory: a tenth accuses nobody."""

    def written(name, factor):
        data = [1e-3 * factor + i * 1e-8 for i in range(15)]
        return str(pytest_file(tmp_path / name, [{"name": "x", "data": data}]))

    (tmp_path / "old").mkdir()
    old = [written(f"old/{i}.json", factor) for i, factor in enumerate((0.95, 1.0, 1.05, 1.1))]
    new = written("new.json", 1.15)
    for base in (",".join(old), tmp_path / "old"):
        told = json.loads(command("compare", base, new, "--json").out)
        assert [one["verdict"] for one in told["cases"]] == ["ambiguous"]
        assert told["run_to_run"]["deviation"] == pytest.approx(0.063, rel=0.01)
    assert verdicts(command("compare", old[1], new, "--json")) == {"x": "slower"}


def test_a_comparison_of_nothing_is_no_success(command, tmp_path):
    """A gate whose only case went wrong is not green."""
    paths = [tmp_path / "base.json", tmp_path / "new.json"]
    broken = record("v0", (), status="wrong", reason="differs by 3")
    for path, one in zip(paths, (record("v0"), broken), strict=True):
        store.write(msgspec.structs.replace(run_of(one), id=path.stem), path)
    done = command("compare", *paths, "--out", tmp_path)
    assert done.code == 2
    assert "nothing was compared: no case was measured on both sides" in done.err
    assert "wrong in new: differs by 3" in done.out


def test_a_failure_in_the_first_of_several_runs_leaves_the_others():
    """One run of four failed: three are compared, whichever it was."""
    flaky = record("v0", (), status="error", reason="flaky", counts={})
    good = [record("v0", [1.0 + i / 1e4 + k / 1e3 for i in range(12)], counts={"bytes": 8.0}) for k in range(3)]
    made = runs.side([run_of(one) for one in (flaky, *good)])
    assert len(made.entries[0].measurements) == 3
    assert not made.entries[0].unfit


def test_a_run_and_asv_state_a_machine_in_the_same_words(command, out, results):
    """A run of another processor under the same name is not compared with asv's commit."""
    cpu = msgspec.structs.replace(MACHINE.cpu, model="Other CPU")
    there = msgspec.structs.replace(MACHINE, name="box", cpu=cpu)
    store.write(run_of(record("simd", bench="stream.load"), machine=there), out / "run.json")
    done = command("compare", out / "run.json", f"asv:{commit(5)}", "--out", out)
    assert done.code == 2
    assert "CPU: Other CPU in base, Scripted CPU in new" in done.err


def test_environments_of_one_side_name_the_cases_of_both(command, out, results):
    """A commit under two versions of NumPy and one under the newer: those are compared, and not nothing."""
    for number, versions in ((6, ("2.3", "2.4")), (7, ("2.4",))):
        for version in versions:
            rows = {SUM: row([0.5 if version == "2.3" else 0.4], width=0.002)}
            asv_file(results, number, rows, requirements={"numpy": version})
    done = command("compare", f"asv:{commit(6)}", f"asv:{commit(7)}", "--out", out, "--json")
    told = {one["params"]["numpy"]: (one["verdict"], one["ratio"]) for one in json.loads(done.out)["cases"]}
    assert told["2.4"][1] == pytest.approx(1.0)
    assert told["2.3"][0] == "not measured"


def test_what_helps_is_said_where_a_verdict_is_ambiguous(command, tmp_path):
    """On a terminal, below the sum; not where every case has its verdict."""
    paths = []
    for name, centre in (("base", 1.0), ("close", 1.02), ("far", 1.5)):
        paths.append(tmp_path / f"{name}.json")
        samples = [centre + i / 1e4 for i in range(12)]
        store.write(msgspec.structs.replace(run_of(record("v0", samples)), id=name), paths[-1])
    base, close, far = paths
    unclear, clear = (command("compare", base, new, "--out", tmp_path).out for new in (close, far))
    assert "1 ambiguous\nto tell the ambiguous: give each side several runs" in unclear
    assert clear.endswith("1 slower\n")


def test_sides_of_unlike_files_are_refused(command, tmp_path):
    """Two machines on a side, and a run beside a file of pytest-benchmark."""
    data = [1e-3 + i * 1e-8 for i in range(15)]
    one = pytest_file(tmp_path / "a.json", [{"name": "x", "data": data}])
    other = pytest_file(tmp_path / "b.json", [{"name": "x", "data": data}], machine_info={"cpu": {"brand_raw": "B"}})
    store.write(run_of(record()), tmp_path / "run.json")
    for second, said in ((other, "cannot be one side"), (tmp_path / "run.json", "no side holds both")):
        done = command("compare", f"{one},{second}", one)
        assert (done.code, done.err.count("\n")) == (2, 1)
        assert said in done.err


def test_a_markdown_table_for_a_pull_request(command, tmp_path):
    """What changed stands in the table, and markup in a name is text."""
    fast = [1e-3 + i * 1e-7 for i in range(15)]
    old, new = (
        pytest_file(tmp_path / f"{name}.json", [{"name": "a|<b>`c`", "data": [t * factor for t in fast]}])
        for name, factor in (("old", 1), ("new", 2))
    )
    text = command("compare", old, new, "--markdown").out
    assert text.startswith("### hwbench: 1 slower\n")
    assert "| 🔴 slower | a&#124;&#60;b&#62;\\`c\\` | 2.000 |" in text
    assert command("compare", old, new, "--markdown", "--json").code == 2


def scattered(rng, cases, spread, factors=None):
    """A run of so many cases whose medians each stray from 1 s by `spread`."""
    factors = factors or {}
    medians = [factors.get(i, 1.0) * math.exp(rng.normal(0, spread)) for i in range(cases)]
    return run_of(*(record(f"v{i}", (m * rng.normal(1, 0.002, 12)).tolist()) for i, m in enumerate(medians)))


@pytest.mark.parametrize("spread", [0.0, 0.01, 0.05, 0.2])
def test_nobody_is_accused_where_nothing_changed(spread):
    """Whatever medians stray by from run to run, 100 cases tell by their scatter: ≤ 1% slower."""
    rng = np.random.default_rng(7)
    found = [
        one.verdict
        for _ in range(20)
        for one in verdicts.compare(scattered(rng, 100, spread), scattered(rng, 100, spread))
    ]
    assert found.count("slower") <= len(found) / 100
    assert found.count("faster") <= len(found) / 100


def test_few_that_changed_are_found_among_many():
    """Five cases slower by a fifth are found among a hundred that stray by half a percent, and no others."""
    rng = np.random.default_rng(3)
    changed = dict.fromkeys(range(0, 100, 20), 1.2)
    told = verdicts.compare(scattered(rng, 100, 0.005), scattered(rng, 100, 0.005, changed))
    assert [one.variant for one in told if one.verdict == "slower"] == [f"v{i}" for i in changed]


def test_the_steady_are_not_judged_by_the_unsteady():
    """Half the cases repeat within 0.1%, half stray by 10% and are unsteady within a run too: the steady are `same`.

    And hardly anybody is accused: neither the unsteady by the steady, nor the other way round.
    """
    rng = np.random.default_rng(11)

    def run():
        medians = [math.exp(rng.normal(0, 0.1 if i % 2 else 0.001)) for i in range(100)]
        return run_of(*(
            record(f"v{i}", (m * rng.normal(1, 0.1 if i % 2 else 0.002, 12)).tolist()) for i, m in enumerate(medians)
        ))  # fmt: skip

    told = [verdicts.compare(run(), run()) for _ in range(5)]
    steady = [one.verdict for cases in told for one in cases[::2]]
    unsteady = [one.verdict for cases in told for one in cases[1::2]]
    assert steady.count("same") > 0.9 * len(steady)
    assert unsteady.count("ambiguous") > 0.9 * len(unsteady)
    assert (steady + unsteady).count("slower") <= 0.01 * len(steady + unsteady)


def test_cases_of_one_sample_judge_nobody():
    """Sixty medians of which nothing is known do not make the noise of the others, which stray by 5%, look small."""
    rng = np.random.default_rng(13)

    def run():
        known = [
            record(f"v{i}", (math.exp(rng.normal(0, 0.05)) * rng.normal(1, 0.002, 12)).tolist()) for i in range(25)
        ]
        return run_of(*known, *(record(f"w{i}", [math.exp(rng.normal(0, 0.05))]) for i in range(60)))

    told = [one for _ in range(8) for one in verdicts.compare(run(), run())]
    assert sum(one.verdict == "slower" for one in told) <= 0.01 * len(told)
    assert {one.verdict for one in told if one.variant.startswith("w")} == {"ambiguous"}


def test_several_runs_a_side_show_their_own_noise():
    """Ten runs each that stray by 4%: a tenth is found; two single runs of them could not tell."""
    rng = np.random.default_rng(5)
    olds, news = ([scattered(rng, 1, 0.04, {0: factor}) for _ in range(10)] for factor in (1.0, 1.1))
    [one] = verdicts.compare_sides(runs.side(olds), runs.side(news)).cases
    assert one.verdict == "slower"
    assert one.ratio == pytest.approx(1.1, rel=0.05)
    [alone] = verdicts.compare_sides(runs.side(olds[:1], olds), runs.side(news[:1], olds)).cases
    assert alone.verdict == "ambiguous"


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
    assert verdicts.compare(run_of(old), run_of(new))[0].verdict == "slower"


def test_what_came_later_is_no_history(command, out):
    """Of ten runs a day apart, the third is compared with the second: the first alone is older, the rest is unknown."""
    rng = np.random.default_rng(11)
    ids = []
    for number in range(10):
        ids.append(f"box-2026111{number}T180000Z-a")
        run = scattered(rng, 1, 0.001 if number < 3 else 0.3)
        run = msgspec.structs.replace(run, id=ids[-1], started=f"2026-11-1{number}T18:00:00Z")
        store.write(run, out / "runs" / "box" / f"{run.id}.json")
    named = [[(store.read(out / "runs" / "box" / f"{ids[i]}.json"), out / "runs" / "box" / "x")] for i in (8, 9)]
    mine = [run for one in named for run, _ in one]
    earlier = [run.id for run in resolve.earlier_runs(named[1], mine, mine[1].started, out)]
    assert earlier == ids[:8]  # the other side is none of them
    told = json.loads(command("compare", ids[1], ids[2], "--out", out, "--json").out)
    assert "assumed" in told["run_to_run"]["source"]


def limits(factor):
    """Records of the three controls, all slower by a factor."""
    return [record("simd", (factor, factor * 1.001, factor * 0.999) * 4, bench=bench, params={"size": "L1"})
            for bench in ("stream.load", "latency.chase", "peak.fma")]  # fmt: skip


def test_what_the_limits_share_is_the_machine_s():
    """Everything slower by 8%, limits too: nobody's code; a case slower by half besides is accused all the same."""
    base = run_of(*limits(1.0), record("a", (1.0, 1.001, 0.999) * 4), record("b", (1.0, 1.001, 0.999) * 4))
    new = run_of(*limits(1.08), record("a", (1.08, 1.081, 1.079) * 4), record("b", (1.5, 1.501, 1.499) * 4))
    report = verdicts.compare_sides(runs.side([base]), runs.side([new]))
    found = {one.variant: one for one in report.cases if one.bench == "test.bench"}
    assert found["a"].verdict == "ambiguous"
    assert found["a"].reason == "the machine's own limits moved alike (×1.080)"
    assert found["b"].verdict == "slower"
    assert "moved together" in report.remarks[0]


def test_controls_that_hardly_moved_excuse_nobody():
    """A case slower by 3% is not the machine's because the limits moved by 1%, which is less than what matters."""
    base = run_of(*limits(1.0), record("a", (1.0, 1.0001, 0.9999) * 4))
    new = run_of(*limits(1.01), record("a", (1.03, 1.0301, 1.0299) * 4))
    report = verdicts.compare_sides(runs.side([base] * 6), runs.side([new] * 6))
    assert [one.verdict for one in report.cases if one.bench == "test.bench"] == ["slower"]


# --- across machines --------------------------------------------------------------------------------------------------


def boxed(rng, cases, level=1.0, spread=0.0, noise=0.0, factors=None):
    """A run of the controls and so many cases on a box of some level, which suits each case more or less."""

    def samples(value):
        return (value * math.exp(rng.normal(0, noise)) * rng.normal(1, 0.0005, 12)).tolist()

    controls = [
        record("simd", samples(level), bench=bench, params={"size": "L1"}, counts={"bytes": 1e6})
        for bench in ("stream.load", "latency.chase", "peak.fma")
    ]
    return run_of(*controls, *(
        record(f"v{i}", samples(level * math.exp(rng.normal(0, spread)) * (factors or {}).get(i, 1.0)),
               counts={"items": 1.0})
        for i in range(cases)
    ))  # fmt: skip


def test_what_is_slow_on_another_box_is_found_among_what_differs():
    """A box 1.5 times as slow that suits cases by ±10%: the case that takes three times as long is slower there."""
    rng = np.random.default_rng(1)
    old, new = boxed(rng, 60), boxed(rng, 60, 1.5, 0.1, factors={7: 3.0})
    cases = {
        one.variant: one for one in verdicts.compare_sides(runs.side([old]), runs.side([new]), across=True).cases
    }
    assert cases["v7"].verdict == "slower"
    assert cases["v7"].normalised == pytest.approx(3.0, rel=0.4)
    assert sum(one.verdict == "ambiguous" for one in cases.values()) < 60


def test_machines_that_are_alike_accuse_nobody():
    """Medians that stray by 2%, the controls' too: what is taken out brings its own error along."""
    rng = np.random.default_rng(2)
    for cases in (10, 60):
        told = [
            one.verdict
            for _ in range(20)
            for one in verdicts.compare_sides(
                runs.side([boxed(rng, cases, noise=0.02)]), runs.side([boxed(rng, cases, 1.3, noise=0.02)]),
                across=True,
            ).cases
        ]  # fmt: skip
        assert told.count("slower") <= 0.01 * len(told)


def test_ratios_of_asv_are_for_the_same_work_where_runs_tell_it(command, out, results):
    """A fox whose L1 is twice as large takes twice as long for twice the bytes; what no run measured is said."""
    fox = {**BOX, "machine": "fox", "cpu": "Other"}
    asv_file(results, 5, {SUM: row([0.75], width=0.002), LOAD: row([2e-6], [["'simd'"], ["'L1'"]], width=0.002)}, fox)
    pair = ("compare", f"asv:{commit(5)}@box", f"asv:{commit(5)}@fox", "--out", out, "--across-machines", "--json")
    for known in (False, True):
        told = {one["bench"]: one for one in json.loads(command(*pair).out)["cases"]}
        assert told["stream.load"]["ratio"] == pytest.approx(1.0 if known else 2.0)
        assert ("the work of a call is not known" in told["stream.load"]["reason"]) is not known
        assert "the work of a call is not known" in told[SUM]["reason"]
        for name, cpu, amount in (("box", "Scripted CPU", 1e6), ("fox", "Other", 2e6)):
            machine = msgspec.structs.replace(MACHINE, name=name, cpu=msgspec.structs.replace(MACHINE.cpu, model=cpu))
            one = record("simd", bench="stream.load", params={"size": "L1"}, counts={"bytes": amount})
            run = run_of(one, machine=machine, id=f"{name}-20261122T180000Z-a")
            store.write(run, out / "runs" / name / f"{run.id}.json")


def test_a_control_that_moves_alone_is_code():
    """stream.load slower while chase and peak stay: its kernel changed."""
    base, new = run_of(*limits(1.0)), run_of(*limits(1.2)[:1], *limits(1.0)[1:])
    assert {one.bench: one.verdict for one in verdicts.compare(base, new)} == {
        "stream.load": "slower", "latency.chase": "same", "peak.fma": "same",
    }  # fmt: skip


def test_runs_of_a_resized_machine_are_refused(command, out):
    """Half the CPUs under the same name: refused, and said in what they differ."""
    small = msgspec.structs.replace(MACHINE, cpu=msgspec.structs.replace(MACHINE.cpu, allowed=[0]))
    for name, machine in (("a", MACHINE), ("b", small)):
        store.write(run_of(record(), machine=machine, id=name), out / f"{name}.json")
    done = command("compare", out / "a.json", out / "b.json")
    assert done.code == 2
    assert "CPUs allowed: 2 in base, 1 in new" in done.err


# --- the numbers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [10, 20, 100])
def test_the_median_s_error_is_what_medians_scatter_by(n):
    """Price and Bonett's error of normal samples is the deviation of many such medians, within a fifth."""
    rng = np.random.default_rng(2)
    drawn = rng.normal(10, 1, (2000, n))
    mean = float(np.mean([estimate.median_error(samples) for samples in drawn]))
    assert mean == pytest.approx(float(np.median(drawn, axis=1).std()), rel=0.2)
    assert estimate.median_error([1.0, 2.0]) == math.inf


def test_adjusted_p_is_scipy_s():
    """Benjamini and Hochberg's step-up, as scipy.stats has it."""
    from scipy.stats import false_discovery_control

    ps = np.random.default_rng(1).uniform(size=50) ** 3
    assert stats.adjusted(ps.tolist()) == pytest.approx(false_discovery_control(ps).tolist())
    assert stats.adjusted([]) == []


def test_nothing_is_known_better_than_a_floor():
    """Identical histories do not make a figure exact."""
    entry = runs.side([run_of(record())] * 3).entries[0]
    assert variance.moderated((entry, entry), variance.common([(entry, entry)]))[0] == variance.LEAST**2
