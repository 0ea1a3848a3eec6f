"""The asv suite: the same benches under the same names as `hwbench list`, and what asv makes of our samples."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hwbench import catalog
from hwbench.bench import Pages, Threads
from hwbench.host import machine
from hwbench.measurement import cases
from hwbench.tracking import asv_machine
from hwbench.tracking.readers import asv as reader
from hwbench.tracking.readers import asv_history

pytest.importorskip("asv_runner", reason="asv is not installed: pip install '.[asv]'")

ROOT = Path(__file__).parents[2]
SUFFIX = ".track_seconds"


@pytest.fixture(scope="module")
def suite():
    """Every benchmark of benchmarks/, by name, as asv discovers them."""
    from asv_runner.discovery import disc_benchmarks

    # The suite sets NUMBA_CACHE_DIR for asv's processes. Here Numba would notice, read its whole configuration again
    # when it next compiles, and count CPUs in whatever pinned thread that happens to be.
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT))
        patch.setattr(os, "environ", dict(os.environ))
        return {found.name: found for found in disc_benchmarks(str(ROOT / "benchmarks"))}


@pytest.fixture
def known():
    """All benches of the standard set; what needs a GPU is n/a where there is none."""
    return {name: bench for name, bench in catalog.benches().items() if not (bench.by_name or bench.full_only)}


def labels(value):
    """A machine-dependent axis value as labels, which are the same everywhere; a sweep has none."""
    if isinstance(value, Pages):
        return ("huge",)
    return (1, "all") if isinstance(value, Threads) else ()


def test_asv_and_the_catalogue_hold_the_same_benches(suite, known):
    """asv's names are the catalogue's with `.track_seconds` after them, none missing, none more."""
    here, there = {name.removesuffix(SUFFIX) for name in suite}, set(known)
    assert not there - here, f"add a class for each to benchmarks/<topic>.py: {sorted(there - here)}"
    assert not here - there, f"no bench has these names, remove them from benchmarks/: {sorted(here - there)}"
    assert all(name.endswith(SUFFIX) for name in suite)


def test_parameters_and_versions_are_the_catalogues(suite, known):
    """Variants, labels and version stand in benchmarks/ once more, since asv needs them fixed: they are the bench's."""
    for name, bench in known.items():
        if name + SUFFIX not in suite:
            continue  # the test above says so
        found = suite[name + SUFFIX]
        assert found.version == str(bench.version), name
        axes = {axis: cases.plain_values(values, labels) for axis, values in bench.axes.items() if values != (Pages(),)}
        assert found.param_names == ["variant", *axes], name
        assert found._params == [list(bench.variants), *axes.values()], name


def test_each_class_has_a_cache_of_its_own(suite):
    """asv tells caches apart by the line that defines `setup_cache`, so an inherited one would be shared by classes."""
    keys = [found.setup_cache_key for found in suite.values()]
    assert len(set(keys)) == len(keys)


SCRIPTED = '''
"""Records as hwbench would return them."""

from ._glue import _Suite

SAMPLES = [3e-6, 1e-6, 2e-6, 5e-6, 4e-6, 2e-6, 3e-6, 3e-6, 4e-6, 3e-6]


class scripted(_Suite):
    bench = "contract.scripted"
    version = 7
    param_names = ("variant", "size")
    params = (("ok", "suspect", "skipped", "wrong", "absent"), ("L1",))

    def setup_cache(self):
        return {(): {"status": "skipped", "reason": "because absent"}} | {
            (status, "L1"): {
                "status": status, "reason": f"because {status}", "loops": 1000, "codes": ["steal"],
                "samples": SAMPLES if status in ("ok", "suspect") else [],
            }
            for status in ("ok", "suspect", "skipped", "wrong")
        }


class missing(_Suite):
    bench = "contract.missing"
    version = 1
    param_names = ("variant", "size")
    params = (("ok",), ("L1",))

    def setup_cache(self):
        from ._glue import measure

        return measure(self)
'''


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A repository of one commit that holds the suite and a scripted bench, and asv's configuration."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    root = tmp_path_factory.mktemp("asv")
    shutil.copytree(ROOT / "benchmarks", root / "benchmarks", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "asv.conf.json", root)
    (root / "benchmarks" / "contract.py").write_text(SCRIPTED)
    identity = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
    for arguments in (["init", "-q", "-b", "main"], ["add", "."], [*identity, "commit", "-q", "-m", "one"]):
        subprocess.run(["git", *arguments], cwd=root, check=True)
    asv(root, "machine", "--machine", "here", "--yes")
    home = root / ".asv-machine.json"
    once = json.loads(home.read_text())
    once["here"] |= {"num_cpu": "64", "cpu": "what it was", "gpu": "gone"}
    home.write_text(json.dumps(once))
    return root


def asv(root: Path, *arguments: str, fails: bool = False) -> str:
    """What an asv command prints; no settings of the user take part."""
    done = subprocess.run(
        [sys.executable, "-m", "asv", *arguments],
        cwd=root, env=environment(root), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    said = done.stdout + done.stderr
    assert fails or done.returncode == 0, said
    return said


def environment(root: Path) -> dict[str, str]:
    """This process's environment with a home of its own, where asv keeps `.asv-machine.json`."""
    cache = os.environ.get("NUMBA_CACHE_DIR") or str(Path.home() / ".cache" / "hwbench-test")
    return {**os.environ, "HOME": str(root), "NUMBA_CACHE_DIR": cache}


@pytest.fixture(scope="module")
def measured(checkout) -> tuple[dict[str, dict], str]:
    """The scripted benches and a real one, run once here: asv's result file as {name: {column: values}}, its output."""
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=checkout, check=True, capture_output=True, text=True)
    said = asv(
        checkout, "run", "-E", f"existing:{sys.executable}", "--machine", "here", "--set-commit-hash",
        commit.stdout.strip(), "--quick", "--record-samples", "--show-stderr",
        "--bench", "contract[.]", "--bench", "latency[.]chase", fails=True,
    )  # fmt: skip
    [file] = (checkout / "reports" / "asv" / "results" / "here").glob(f"{commit.stdout[:8]}-*.json")
    data = json.loads(file.read_text())
    columns = data["result_columns"]
    return {name: dict(zip(columns, row, strict=False)) for name, row in data["results"].items()}, said


def shown(page: str, language: str) -> str:
    """The block of code of a language in a page of docs."""
    [block] = re.findall(rf"```{language}\n(.*?)```", (ROOT / "docs" / page).read_text(), re.DOTALL)
    return block


def test_the_matrix_that_is_shown_is_asv_s():
    """In the shipped file's place it gives six environments: two threads each of three pairs of NumPy and Numba."""
    from asv.config import Config
    from asv.environment import iter_matrix

    part = json.loads("{" + shown("tracking.md", "json") + "}")
    config = Config.load(str(ROOT / "asv.conf.json"))
    config.matrix = {"req": config.matrix["req"] | part["matrix"]["req"], "env": part["matrix"]["env"]}
    config.exclude = part["exclude"]
    made = list(iter_matrix("virtualenv", config.pythons, config))
    wanted = [("req", "numpy"), ("req", "numba"), ("env", "NUMBA_NUM_THREADS")]
    assert [[one[key] for key in wanted] for one in made] == [
        [numpy, numba, threads]
        for numpy, numba in (("2.3.5", "0.65.1"), ("2.3.5", "0.68.1"), ("2.4.6", "0.68.1"))
        for threads in ("1", "4")
    ]
    # All that the package needs to run is there, since asv installs it alone.
    assert {key for kind, key in made[0] if kind == "req"} >= {"jinja2", "msgspec", "scipy", "hatch-vcs"}


def test_the_workflow_that_is_shown_fails_only_on_slower(tmp_path):
    """YAML, its steps Bash; of ab's exit codes 0 passes, 1 is told and fails at the end, 2 fails at once."""
    import yaml

    steps = yaml.safe_load(shown("pull-requests.md", "yaml"))["jobs"]["ab"]["steps"]
    assert [step["name"] for step in steps if "name" in step] == ["measure", "comment", "fail only on slower"]
    measure, comment, last = steps[-3:]
    assert comment["continue-on-error"] is True
    ab = tmp_path / "hwbench"
    git = tmp_path / "git"
    git.write_text('#!/bin/sh\necho "fork-of-$2-and-$3"\n')
    git.chmod(0o755)
    for code, measured, end in ((0, True, True), (1, True, False), (2, False, None)):
        ab.write_text(f'#!/bin/sh\necho "$@"\nexit {code}\n')
        ab.chmod(0o755)
        output, summary = tmp_path / f"output{code}", tmp_path / f"summary{code}"
        variables = {
            **os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "BASE": "origin/main", "HEAD": "abc",
            "GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(summary),
        }  # fmt: skip
        done = subprocess.run(["bash", "-e", "-c", measure["run"]], cwd=tmp_path, env=variables)
        assert (done.returncode == 0) is measured
        assert summary.read_text().startswith("ab fork-of-origin/main-and-abc abc ")
        told = dict(line.split("=") for line in output.read_text().splitlines())
        assert last["env"] == {"CODE": "${{ steps.measure.outputs.code }}"}
        if end is not None:
            variables = {**os.environ, "CODE": told["code"]}
            assert (subprocess.run(["bash", "-e", "-c", last["run"]], env=variables).returncode == 0) is end


def test_asv_accepts_the_suite(checkout):
    """`asv check` finds nothing wrong with the arguments of any benchmark."""
    asv(checkout, "check", "-E", f"existing:{sys.executable}")


def test_asv_takes_our_samples_as_they_are(measured):
    """Samples and their number become median and interval in seconds; skips are n/a, wrong answers fail."""
    results, said = measured
    row = results["contract.scripted" + SUFFIX]
    samples = [3e-6, 1e-6, 2e-6, 5e-6, 4e-6, 2e-6, 3e-6, 3e-6, 4e-6, 3e-6]
    assert row["version"] == "7"
    assert row["params"][0] == ["'ok'", "'suspect'", "'skipped'", "'wrong'", "'absent'"]
    ok, suspect, skipped, wrong, absent = row["result"]
    assert ok == suspect == float(np.median(samples))
    assert math.isnan(skipped)
    assert wrong is None
    assert math.isnan(absent)
    assert row["samples"][:2] == [samples, samples]
    assert row["stats_number"][0] == 1000
    assert min(samples) <= row["stats_ci_99_a"][0] <= ok <= row["stats_ci_99_b"][0] <= max(samples)
    assert "suspect (steal): because suspect" in said
    assert "wrong: because wrong" in said
    assert "because skipped" in said
    assert "because absent" in said


def test_a_bench_that_a_commit_lacks_is_not_available(measured):
    """A class whose bench the installed hwbench does not know is n/a, not failed."""
    results, said = measured
    assert math.isnan(results["contract.missing" + SUFFIX]["result"][0])
    assert "this commit has no such case of contract.missing: no bench matches" in said


def test_a_bench_is_measured_by_our_engine(measured):
    """A real bench leaves at least ten samples for each case that this machine can run, each a time above nothing."""
    results, _ = measured
    row = results["latency.chase" + SUFFIX]
    assert None not in row["result"]  # none has failed
    timed = [samples for samples in row["samples"] if samples is not None]
    assert timed
    assert all(len(samples) >= 10 and min(samples) > 0 for samples in timed)
    assert [value for value in row["result"] if not math.isnan(value)] == [
        pytest.approx(np.median(samples)) for samples in timed
    ]


def test_each_result_states_what_the_machine_is(checkout, measured):
    """Facts once given to asv do not stay: a machine that is said to have 64 CPUs is told as it is, caches and all."""
    [result] = reader.read_all(checkout / "reports" / "asv" / "results")
    told = asv_machine.facts(machine.describe())
    assert {key: result.params[key] for key in told if key != "gpu"} == {key: told[key] for key in told if key != "gpu"}
    assert result.params["gpu"] != "gone"
    assert {"CPU", "CPU quota", "L2", "memory"} <= set(dict(result.identity))
    # As it was before the machine was resized, under another commit: the series is split.
    data = json.loads(result.path.read_text())
    data |= {"commit_hash": "0" * 40, "date": data["date"] - 1000, "params": data["params"] | {"quota": "1.5"}}
    before = result.path.with_name(result.path.name.replace(result.commit[:8], "0" * 8))
    before.write_text(json.dumps(data))
    try:
        history = asv_history.history(checkout / "reports" / "asv" / "results")
        assert history.labels() == ["here (1)", "here (2)"]
        assert "CPU quota: 1.5, then" in history.notes[0]
    finally:
        before.unlink()


def test_results_become_pages(checkout, measured):
    """`asv publish` reads what was measured, and leaves the reports directory alone."""
    kept = checkout / "reports" / "index.html"
    kept.write_text("a report")
    asv(checkout, "publish", "--no-pull")
    assert (checkout / ".asv" / "html" / "index.html").exists()
    assert kept.read_text() == "a report"
