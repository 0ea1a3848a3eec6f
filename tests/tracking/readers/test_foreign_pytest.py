"""A foreign project's files, written by pytest-benchmark itself: a toy module, with its rounds and without."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from hwbench import report
from hwbench.tracking import gather
from hwbench.tracking.readers import pytest_benchmark

pytest.importorskip("pytest_benchmark", reason="pytest-benchmark is not installed: pip install '.[test]'")

TOY = """
import pytest


@pytest.mark.parametrize("n", [100, 1000])
def test_sum(benchmark, n):
    assert benchmark(lambda: sum(range(n))) == n * (n - 1) // 2


@pytest.mark.benchmark(group="texts")
def test_join(benchmark):
    benchmark.pedantic(lambda: ",".join(["a"] * 1000), rounds=12, iterations=10)
"""


@pytest.mark.slow
@pytest.mark.parametrize("rounds", [True, False], ids=["data", "no data"])
def test_a_toy_module_is_read_rendered_and_compared(tmp_path, command, rounds):
    """Names and groups are theirs, two files make a page, and verdicts are given."""
    (tmp_path / "test_toy.py").write_text(TOY)
    for name in ("before", "after"):
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "test_toy.py", f"--benchmark-json={name}.json", "--benchmark-min-rounds=5",
             "--benchmark-max-time=0.05", "-p", "no:cacheprovider", "--benchmark-save=toy",
             *(["--benchmark-save-data"] if rounds else [])],
            cwd=tmp_path, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL,
            env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
    [first, second] = sorted((tmp_path / ".benchmarks").rglob("*.json"))
    named = pytest_benchmark.read_file(tmp_path / "before.json")  # which has its rounds in either case
    assert all(len(one.samples) > 2 for one in named.timed)
    files = [first, second]
    found = pytest_benchmark.read_file(files[0])
    assert [(one.bench, one.params) for one in found.timed] == [
        ("test_sum (test_toy.py)", {"n": "100"}), ("test_sum (test_toy.py)", {"n": "1000"}),
        ("texts: test_join (test_toy.py)", {}),
    ]  # fmt: skip
    assert all((len(one.samples) > 2) is rounds and 0 < one.median < 0.1 for one in found.timed)
    [history] = gather.gather(files).histories
    assert [len(one.values) for one in history.series] == [2, 2, 2]
    assert [one.label for one in history.series] == [
        "test_sum (test_toy.py) [100]",
        "test_sum (test_toy.py) [1000]",
        "texts: test_join (test_toy.py)",
    ]
    assert 'id="history"' in report.render([], [history], catalogue={})
    told = json.loads(command("compare", *files, "--threshold", "0.99", "--json").out)
    assert [one["bench"] for one in told["cases"]] == [
        "test_sum (test_toy.py)",
        "test_sum (test_toy.py)",
        "texts: test_join (test_toy.py)",
    ]
    assert all(one["verdict"] in ("same", "ambiguous") and one["ratio"] > 0 for one in told["cases"])
