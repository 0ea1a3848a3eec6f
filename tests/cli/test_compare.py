"""`hwbench compare` over runs, asv's commits, pytest-benchmark's files and machines, and what makes it trustworthy."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec
import pytest

from doubles.scripted import MACHINE, record, run_of
from hwbench.analysis.headline import TWELVE
from hwbench.analysis.measures import former
from hwbench.cli.compare import refusal
from hwbench.record import store
from hwbench.record.model import BenchInfo
from hwbench.record.reasons import Reason
from inspection.loaded import modules_of
from made_up.commands import saved
from made_up.histories import BOX, LOAD, SUM, asv_file, benchmarks_file, commit, five_commits, pytest_file, row

ROOT = Path(__file__).parents[2]


@pytest.fixture
def results(out):
    """Five commits on a box, of which the last is slower by half."""
    return five_commits(out / "asv" / "results")


def verdicts(done):
    return {one["bench"]: one["verdict"] for one in json.loads(done.out)["cases"]}


def test_commits_of_asv(command, out, results):
    """A slower sum is slower and exits 1; a rate that rose by half is faster."""
    done = command("compare", f"asv:{commit(4)[:8]}", f"asv:{commit(5)}@box", "--out", out, "--json")
    assert verdicts(done) == {"stream.load": "same", SUM: "slower", "suite.track_rate": "faster"}
    assert done.code == 1
    assert command("compare", f"asv:{commit(5)}", f"asv:{commit(4)}", "--out", out).code == 1  # the rate fell
    assert command("compare", f"asv:{commit(3)}", f"asv:{commit(4)}", "--asv", results).code == 0


def test_two_names_for_one_machine_are_told(command, out):
    """Alike in every respect: compared, and said above the table."""
    for name in ("box", "renamed"):
        run = run_of(record(), machine=msgspec.structs.replace(MACHINE, name=name), id=name)
        store.write(run, out / f"{name}.json")
    done = command("compare", out / "box.json", out / "renamed.json")
    assert done.code == 0
    assert "box and renamed differ in nothing that is known; they are compared as one machine" in done.out


def test_two_machines_with_one_commit_must_be_told_apart(command, out, results):
    """A commit that two machines measured needs the machine's name, and unlike machines a flag."""
    asv_file(results, 5, {SUM: row([1.5], width=0.002), LOAD: row([2e-6], [["'simd'"], ["'L1'"]], width=0.002)},
             {**BOX, "machine": "fox", "cpu": "Other"})  # fmt: skip
    assert "name one as asv:" in command("compare", f"asv:{commit(5)}", f"asv:{commit(4)}", "--out", out).err
    pair = ("compare", f"asv:{commit(5)}@box", f"asv:{commit(5)}@fox", "--out", out)
    refused = command(*pair)
    assert refused.code == 2
    assert "CPU Scripted CPU against Other" in refused.err
    told = {one["bench"]: one for one in json.loads(command(*pair, "--across-machines", "--json").out)["cases"]}
    # Twice the time, but its loads take twice the time too: a slower box, no slower code.
    assert told[SUM]["ratio"] == pytest.approx(2.0)
    assert told[SUM]["machine"] == pytest.approx(2.0)
    assert told[SUM]["normalised"] == pytest.approx(1.0)
    assert told[SUM]["verdict"] == "same"


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
    assert verdicts(done) == {"x": "slower", "y": "no change"}


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
    broken = record("v0", (), status="wrong", reasons=[Reason("wrong_answer", "differs by 3")])
    for path, one in zip(paths, (record("v0"), broken), strict=True):
        store.write(msgspec.structs.replace(run_of(one), id=path.stem), path)
    done = command("compare", *paths, "--out", tmp_path)
    assert done.code == 1
    assert "wrong in new: differs by 3" in done.out
    done = command("compare", *paths, "--out", tmp_path, "--fail-on", "slower")
    assert done.code == 2
    assert "nothing was compared: no case was measured on both sides" in done.err
    done = command("compare", *paths, "--fail-on", "slow")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "--fail-on: 'slow' is none of slower, failed, faster, ambiguous or gone" in done.err


def test_a_run_and_asv_state_a_machine_in_the_same_words(command, out, results):
    """A run of another processor under the same name is not compared with asv's commit."""
    cpu = msgspec.structs.replace(MACHINE.cpu, model="Other CPU")
    there = msgspec.structs.replace(MACHINE, name="box", cpu=cpu)
    store.write(run_of(record("simd", bench="stream.load"), machine=there), out / "run.json")
    done = command("compare", out / "run.json", f"asv:{commit(5)}", "--out", out)
    assert done.code == 2
    assert "CPU Other CPU against Scripted CPU" in done.err


def test_what_helps_is_said_where_a_verdict_is_ambiguous(command, tmp_path):
    """On a terminal, below the sum; not where every case has its verdict."""
    paths = []
    for name, centre in (("base", 1.0), ("close", 1.03), ("far", 1.5)):
        paths.append(tmp_path / f"{name}.json")
        samples = [centre + i / 1e4 for i in range(12)]
        store.write(msgspec.structs.replace(run_of(record("v0", samples)), id=name), paths[-1])
    base, close, far = paths
    unclear, clear = (command("compare", base, new, "--out", tmp_path).out for new in (close, far))
    assert unclear.startswith("1 ambiguous\n")
    assert "\nfor clear verdicts: give each side several runs" in unclear
    assert clear.startswith("1 slower\n")
    assert "for clear verdicts" not in clear


def test_a_markdown_table_for_a_pull_request(command, tmp_path):
    """What changed stands in the table, and markup in a name is text."""
    fast = [1e-3 + i * 1e-7 for i in range(15)]
    old, new = (
        pytest_file(tmp_path / f"{name}.json", [{"name": "a|<b>`c`", "data": [t * factor for t in fast]}])
        for name, factor in (("old", 1), ("new", 2))
    )
    text = command("compare", old, new, "--markdown").out
    assert text.startswith("### hwbench: 1 slower\n")
    assert "| 🔴 slower | a&#124;&#60;b&#62;\\`c\\` | 1.00 ms | 2.00 ms | 2.00× slower (" in text
    assert command("compare", old, new, "--markdown", "--json").code == 2


def test_runs_of_a_resized_machine_are_refused(command, out):
    """Half the CPUs under the same name: refused, and said in what they differ."""
    small = msgspec.structs.replace(MACHINE, cpu=msgspec.structs.replace(MACHINE.cpu, allowed=[0]))
    for name, machine in (("a", MACHINE), ("b", small)):
        store.write(run_of(record(), machine=machine, id=name), out / f"{name}.json")
    done = command("compare", out / "a.json", out / "b.json")
    assert done.code == 2
    remedy = "--across-machines compares each with its own limits"
    assert done.err == f"hwbench: the machines differ in CPUs allowed 2 against 1; {remedy}\n"


@pytest.mark.parametrize("lengths", [[20], [30, 30, 30, 30], [300, 20], [300, 300], [9] * 40])
def test_a_refusal_fits_a_line(lengths):
    """However many things differ, and however long their names are: the others are counted."""
    said = f"hwbench: {refusal(['x' * length for length in lengths])}"
    assert len(said) <= 160
    told = len(re.findall("x+", said.partition("differ in ")[2].partition(";")[0]))
    rest = len(lengths) - told
    assert ((f" and {rest} more;" if told else f" in {rest} properties;") in said) == (rest > 0)
    assert told or min(lengths) == 300


# --- exit codes and formats -------------------------------------------------------------------------------------------


def two(out, factor):
    old = saved(out, record("fast", samples=[1 + i / 1000 for i in range(12)]), stamp="20251122T180000Z")
    new = saved(out, record("fast", samples=[factor * (1 + i / 1000) for i in range(12)]))
    return old, new


@pytest.mark.parametrize(("factor", "verdict", "code"), [(1.5, "slower", 1), (0.5, "faster", 0), (1.0, "same", 0)])
def test_compare_exits_1_where_something_is_slower(command, out, factor, verdict, code):
    """Verdicts in words and as JSON; the shell learns of a regression."""
    old, new = two(out, factor)
    done = command("compare", old, new)
    assert done.code == code
    assert done.out.splitlines()[0] == f"1 {verdict}"
    as_json = command("compare", old.stem, new.stem, "--out", out, "--json")
    assert as_json.code == code
    [case] = json.loads(as_json.out)["cases"]
    assert (case["verdict"], case["ratio"]) == (verdict, pytest.approx(factor))


def test_every_case_is_shown_on_request(command, out):
    """As a table, with the same exit code."""
    old, new = two(out, 1.0)
    assert "test.bench/fast" not in command("compare", old, new).out
    done = command("compare", old, new, "--all")
    assert (done.code, done.out.splitlines()[0]) == (0, "1 same")
    assert "│ same" in done.out


def test_across_machines_headline_figures_come_before_cases(command, out):
    """The committed runs of two CPUs: a screen or two, and not a line for each of their cases."""
    [other] = (ROOT / "reports/runs/intel-xeon-2cpu").glob("*.json")
    mine = max((ROOT / "reports/runs/amd-epyc-2cpu").glob("*.json"))
    lines = command("compare", mine, other, "--across-machines").out.splitlines()
    assert len(lines) < 48
    names = [line.split()[0] for line in lines if line]
    assert [name for name in names if name in TWELVE] == list(TWELVE)
    assert lines[-1].startswith("not shown: ")
    every = command("compare", mine, other, "--across-machines", "--all").out
    assert "\ncall.python " in every


def test_compare_takes_a_threshold(command, out):
    """What does not matter is said by who compares."""
    old, new = two(out, 1.5)
    assert command("compare", old, new, "--threshold", "0.6").code == 0


def test_compare_of_runs_with_nothing_in_common(command, out):
    """New and gone; no cases at all are said."""
    one = saved(out, record("a"), stamp="20251122T180000Z")
    other = saved(out, record("b"))
    assert command("compare", one, other).out.startswith("1 new, 1 gone\n")
    empty, void = saved(out, stamp="20241122T180000Z"), saved(out, stamp="20241123T180000Z")
    assert "no cases" in command("compare", empty, void).out


def test_the_same_results_on_both_sides_are_the_same(command, out, results, tmp_path):
    """A run, its id, a copy, a file of pytest-benchmark, a commit: all the same; one of several is refused."""
    path, other = saved(out, record()), saved(out, record(), stamp="20251122T180000Z")
    copy = tmp_path / "copy.json"
    copy.write_bytes(path.read_bytes())
    benchmarked = pytest_file(tmp_path / "before.json", [{"name": "test_sum", "data": [1.0, 1.1, 1.2]}])
    same = [
        (path, path), (path, path.stem), (path, copy), ("box", path), (benchmarked, benchmarked),
        (f"asv:{commit(4)}", f"asv:{commit(4)[:8]}@box"),
    ]  # fmt: skip
    for base, new in same:
        done = command("compare", base, new, "--out", out, "--json")
        assert done.code == 0, (base, new)
        assert set(verdicts(done).values()) == {"same"}
        assert "base and new are the same measurements" in json.loads(done.out)["remarks"]
    for base, new in ((path, f"{other},{path}"), (out / "runs", path)):
        done = command("compare", base, new, "--out", out)
        assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
        assert "the same measurements are on both sides, with others" in done.err


def test_two_files_are_compared_without_numba(out):
    """Verdicts of stored runs that describe their benches need no bench and no kernel."""
    paths = two(out, 1.0)
    for path in paths:
        run = store.read(Path(path))
        described = msgspec.structs.replace(run, benches={"test.bench": BenchInfo("How fast?", "x", variants=["x"])})
        store.write(described, Path(path))
    code, modules = modules_of("compare", *paths)
    assert code == 0
    assert not modules & {"numba", "llvmlite"}


@pytest.mark.parametrize("across", [[], ["--across-machines"]])
def test_committed_files_are_compared_without_numba(out, across):
    """Of an older hwbench: one describes no bench, one states question, baseline and limit alone."""
    [path] = (Path(__file__).parents[2] / "reports/runs/intel-xeon-2cpu").glob("*.json")
    run = store.read(path)
    early = {name: BenchInfo(info.question, info.baseline, info.limit) for name, info in former().items()}
    between = out / "between.json"
    store.write(msgspec.structs.replace(run, id="between", benches=early), between)
    code, modules = modules_of("compare", str(path), str(between), *across)
    assert code == 0
    assert not modules & {"numba", "llvmlite"}


def test_compare_marks_an_older_file_as_the_page_does(command, out):
    """Two measurements of one latency disagree in the committed run: a case that rests on one is suspect here, too."""
    [path] = (Path(__file__).parents[2] / "reports/runs/intel-xeon-2cpu").glob("*.json")
    again = out / "again.json"
    store.write(msgspec.structs.replace(store.read(path), id="again"), again)
    cases = json.loads(command("compare", path, again, "--json").out)["cases"]
    [told] = [one["reason"] for one in cases if one["bench"] == "latency.parallel" and
              one["params"] == {"size": "DRAM", "pages": "huge", "chains": 1}]  # fmt: skip
    assert told.startswith("base: two measurements of one quantity disagree: latency.loaded/read [DRAM, huge, idle]")


def test_compare_prints_one_format(command, out):
    """JSON or Markdown, not both."""
    done = command("compare", *two(out, 1.0), "--json", "--markdown")
    assert (done.code, done.err) == (2, "hwbench: --json and --markdown: choose one\n")


def test_runners_of_other_hardware_are_one_machine_by_hand(command, tmp_path):
    """Refused, and compared under a name; as the history has it."""
    paths = [
        pytest_file(
            tmp_path / f"{cpu}.json", [{"name": "x", "data": [1e-3 + i * 1e-8 for i in range(15)]}],
            machine_info={"node": f"fv-az-{cpu}", "python_version": "3.12.7", "cpu": {"brand_raw": cpu, "count": 4}},
        )
        for cpu in ("EPYC", "Xeon")
    ]  # fmt: skip
    assert "CPU EPYC against Xeon" in command("compare", *paths).err
    done = command("compare", *paths, "--machine-name", "hosted", "--json")
    assert (done.code, json.loads(done.out)["machines_differ"]) == (0, [])


def test_a_comment_names_what_failed_is_new_and_gone(command, out):
    """With both values, the trend and for how many commits the old level stood; what did not change is folded."""
    results = out / "asv" / "results"
    benchmarks_file(results, {f"a.time_{name}": {} for name in ("slow", "broken", "new", "gone", "same")})
    for number in range(1, 13):
        last = number == 12
        values = {"slow": 1.5e-3 if last else 1e-3, "broken": None if last else 1e-3, "same": 1e-3}
        values |= {"new": 1e-3} if last else {"gone": 1e-3}
        asv_file(results, number, {f"a.time_{name}": row([value], width=0.001) for name, value in values.items()})
    done = command("compare", f"asv:{commit(11)}", f"asv:{commit(12)}", "--out", out, "--markdown")
    assert done.code == 1
    text = done.out
    assert text.startswith("### hwbench: 1 slower, 1 failed, 1 same, 1 new, 1 gone\n")
    slow = next(line for line in text.splitlines() if "slow |" in line)
    assert slow.startswith("| 🔴 slower | a.time\\_slow | 1.00 ms | 1.50 ms | 1.50× slower (1.4")
    assert slow.endswith("| ▁▁▁▁▁▁▁▁▁▁▁█ was 1.00 ms for 11 commits |")
    assert "| 💥 failed | a.time\\_broken | 1.00 ms | – |  | ▄▄▄▄▄▄▄▄▄▄▄; failed in new |" in text
    assert "| 🆕 new | a.time\\_new | – | 1.00 ms |  | not in base |" in text
    assert "| ⚪ gone | a.time\\_gone | 1.00 ms | – |  | not in new |" in text
    assert text.index("gone |") < text.index("<details><summary>1 same</summary>") < text.index("a.time\\_same |")
    pair = (f"asv:{commit(11)}", f"asv:{commit(12)}", "--out", out)
    assert command("compare", *pair, "--fail-on", "ambiguous").code == 0
    assert command("compare", *pair, "--fail-on", "gone").code == 1


def test_settings_that_differ_are_one_line(command, out):
    """Of two runs: the governor, and a variable with what it does."""
    for name, governor, variables in (("a", "performance", {}), ("b", "powersave", {"NUMBA_OPT": "1"})):
        machine = msgspec.structs.replace(MACHINE, settings={"governor": governor})
        run = msgspec.structs.replace(run_of(record(), machine=machine, id=name), variables=variables)
        store.write(run, out / f"{name}.json")
    lines = command("compare", out / "a.json", out / "b.json").out.splitlines()
    assert [line for line in lines if line.startswith("the settings differ: ")] == [
        "the settings differ: governor performance against powersave; variables: only new has NUMBA_OPT=1; "
        "NUMBA_OPT in new: kernels are optimized less"
    ]
