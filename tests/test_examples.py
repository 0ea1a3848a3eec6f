"""The GitHub Action in docs/examples: its scripts are run as a runner would, on made-up results."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "docs" / "examples"
ACTION = EXAMPLES / "benchmarks"
TESTS = Path(__file__).parent

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="the action runs on Linux and macOS"),
]


@pytest.fixture
def runner(tmp_path):
    """A repository of two commits, and stand-ins for what takes long: venv, asv and the installed hwbench."""
    tools, repository, temporary = (tmp_path / name for name in ("tools", "repository", "temporary"))
    for folder in (tools, repository, temporary):
        folder.mkdir()
    python = sys.executable
    scripts = {
        "python": f'if [ "$1 $2" = "-m venv" ]; then mkdir -p "$3/bin"; cp "$0" "$3/bin/python"; '
        f'else exec {python} "$@"; fi',
        "hwbench": f'exec {python} -m hwbench "$@"',
    }
    for name, text in scripts.items():
        (tools / name).write_text(f"#!/bin/sh\n{text}\n")
        (tools / name).chmod(0o755)
    src = str(TESTS.parent / "src")
    environ = {
        "PATH": f"{tools}:{os.environ['PATH']}", "RUNNER_TEMP": str(temporary), "HOME": str(tmp_path),
        "PYTHONPATH": f"{src}:{TESTS}", "GITHUB_STEP_SUMMARY": str(temporary / "summary.md"),
        "GITHUB_OUTPUT": str(temporary / "output"), "THRESHOLD": "0.05", "FAIL_ON": "slower,failed", "ROUNDS": "3",
        "BASE": "main", "HEAD": "topic", "GIT_CONFIG_GLOBAL": os.devnull,
    }  # fmt: skip

    def run(*words, **more):
        return subprocess.run(
            words, cwd=repository, env=environ | more, capture_output=True, text=True, check=True, timeout=60
        )

    who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    run("git", "init", "--quiet", "--initial-branch", "main")
    for branch, speed in (("main", "1.0"), ("topic", "0.5")):
        if branch != "main":
            run("git", "checkout", "--quiet", "-b", branch)
        (repository / "speed").write_text(speed)
        run("git", "add", "speed")
        run("git", *who, "commit", "--quiet", "-m", branch)
    return run, tools, temporary


def said(run, temporary):
    """The outputs of compare.sh, and the table."""
    run("bash", str(ACTION / "compare.sh"))
    outputs = dict(line.split("=") for line in (temporary / "output").read_text().splitlines())
    table = (temporary / "table.md").read_text()
    assert (temporary / "summary.md").read_text() == table
    return outputs, table


def test_a_gain_by_pytest_benchmark_is_commented(runner):
    """Each side is measured three times, in turn; twice as fast is something to say, and no failure."""
    run, tools, temporary = runner
    (tools / "measure.py").write_text(
        "import sys\nfrom pathlib import Path\nfrom made_up.histories import pytest_file\n"
        "out = Path(sys.argv[-1].partition('=')[2])\nspeed = float(Path('speed').read_text())\n"
        "print(out.parent.name)\n"
        "data = [1e-3 * speed * (1 + i / 1000) for i in range(10)]\n"
        "pytest_file(out, [{'name': 'test_sum', 'fullname': 'test_sum', 'data': data}])\n"
    )
    done = run("bash", str(ACTION / "measure.sh"), HARNESS="pytest", SETUP=":", COMMAND=f"$PYTHON {tools}/measure.py")
    assert done.stdout.split() == ["base", "head", "head", "base", "base", "head"]
    outputs, table = said(run, temporary)
    assert outputs == {"code": "0", "changed": "true"}
    assert "2.00× faster" in table


def test_what_asv_finds_unchanged_is_not_commented(runner):
    """The head of a pull request that changes nothing: the table stands in the summary alone."""
    run, tools, temporary = runner
    (tools / "asv").write_text(
        f"#!{sys.executable}\nimport sys\nfrom pathlib import Path\n"
        "from made_up.histories import BOX, asv_file, row\n"
        "if sys.argv[1] == 'run':\n"
        "    for commit in Path(sys.argv[-1].partition(':')[2]).read_text().split():\n"
        "        rows = {'time_sum': row([1.0], samples=[[1.0, 1.001, 0.999] * 5])}\n"
        "        asv_file(Path('results'), int(commit[:8], 16), rows, commit_hash=commit, date=1700000000000)\n"
    )
    (tools / "asv").chmod(0o755)
    (Path(run("pwd").stdout.strip()) / "asv.conf.json").write_text(
        '{"version": 1, "repo": ".", "results_dir": "results"}'
    )
    run("bash", str(ACTION / "measure.sh"), HARNESS="asv")
    outputs, table = said(run, temporary)
    assert outputs == {"code": "0", "changed": "false"}
    assert "no change" in table or "same" in table


def test_the_action_names_scripts_that_exist():
    """And the workflow the folder of the action."""
    action = (ACTION / "action.yml").read_text()
    assert {*re.findall(r"GITHUB_ACTION_PATH/([\w.]+)", action)} == {path.name for path in ACTION.glob("*.sh")}
    assert "./.github/actions/benchmarks" in (EXAMPLES / "benchmarks.yml").read_text()
