"""`hwbench ab`: its questions, what it refuses before it builds or starts anything, and a whole measurement."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest

from hwbench import cache
from hwbench.ab import environments, interleave
from hwbench.ab.journal import Measured
from hwbench.ab.judging import judged
from hwbench.ab.layout import Layout
from hwbench.ab.values import Quad, Value
from hwbench.tracking.history import TrackingError


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["HEAD", "HEAD", "--quads", "2"], "--quads 2: at least 3 are needed to bound a ratio"),
        (["HEAD", "HEAD", "--quads", "1001"], "--quads 1001: at least 3 are needed to bound a ratio, and at most 1000"),
        (["--base", "python", "x.py"], "--base python: needs a commit or an environment; use --base HEAD~1 -- py"),
        (["HEAD", "HEAD", "--quads", "4", "--for", "5m"], "--quads and --for: choose one"),
        (["HEAD", "HEAD", "--quads", "20", "--see", "4%"], "--quads and --see: choose one; --for bounds --see"),
        (["HEAD", "HEAD", "--see", "some"], "--see some: is no relative difference below 1, such as 2% or 0.02"),
        (["HEAD", "HEAD", "--see", "0.5%"], "--see 0.5%: is no more than the threshold, 0.50%, the difference"),
        (["HEAD", "HEAD", "--for", "soon"], "--for soon: is no time such as 5m"),
        (["HEAD", "HEAD", "--timeout", "0s"], "--timeout 0s: is no time"),
        (["HEAD", "HEAD", "--threshold", "-1"], "--threshold -1: is no relative difference"),
        (["HEAD", "HEAD", "--param", "size"], "--param size: is not of the form KEY=VALUE"),
        (["HEAD", "HEAD", "--json", "--markdown"], "--json and --markdown: choose one"),
        (["HEAD", "HEAD", "--metric", "x=(.)"], "--metric reads what a command prints"),
        ([], "names no sides; hwbench ab --base HEAD~1"),
        (["HEAD"], "HEAD: is one word of two"),
        (["HEAD", "HEAD", "--statistic", "max"], "--statistic max: is none of median, min, quartile or mean"),
        (
            ["--base", "HEAD", "--statistic", "min", "--", "python", "x.py"],
            "--statistic min: each process gives one number here",
        ),
        (["--new", "HEAD", "--", "pytest"], "--new needs --base"),
        (["--base", "HEAD"], "there is no command to measure"),
        (["--base", "HEAD", "--", "uv", "run", "pytest"], "uv chooses an environment itself"),
        (["a", "b", "--", "pytest", "x"], "pytest: is a command, and not a bench; hwbench ab --base a"),
    ],
)  # fmt: skip
def test_bad_usage_is_told_before_anything_is_built(command, monkeypatch, arguments, said):
    """One line and exit 2, and no environment is made."""
    monkeypatch.setattr(environments, "contenders", lambda *_, **__: pytest.fail("built an environment"))
    done = command("ab", *arguments)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert done.err.startswith(f"hwbench: {said}")


def test_a_directory_that_cannot_be_made_is_told_first(command, tmp_path):
    """`--keep` names a file."""
    (tmp_path / "file").write_text("")
    done = command("ab", "HEAD", "HEAD", "--keep", tmp_path / "file")
    assert done.code == 2
    assert str(tmp_path / "file") in done.err


def test_ctrl_c_is_exit_130(command, monkeypatch, tmp_path):
    """KeyboardInterrupt ends the process under way and leaves no traceback."""

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(cache, "directory", lambda *parts: tmp_path.joinpath(*parts))
    monkeypatch.setattr(environments, "contenders", interrupted)
    done = command("ab", "HEAD", "HEAD")
    assert (done.code, done.out) == (130, "")
    assert "Traceback" not in done.err


@pytest.fixture
def asked(monkeypatch, tmp_path):
    """What would be built and measured; nothing is."""
    found = {}
    side = environments.Contender("A", sys.executable)

    def contenders(specs, recipe, scratch, say, *, own, words, named):
        found.update(specs=specs, recipe=recipe, own=own, named=named)
        return [side, side]

    def measured(bout, budget, duet):
        found.update(command=bout.asked, budget=budget, duet=duet, threshold=bout.threshold)
        raise TrackingError("stopped")

    monkeypatch.setattr(cache, "directory", lambda *parts: tmp_path.joinpath(*parts))
    monkeypatch.setattr(environments, "contenders", contenders)
    monkeypatch.setattr(interleave.Bout, "measured", measured)
    return found


def test_benches_of_hwbench_are_named_as_their_processes_find_them(command, asked, monkeypatch, tmp_path):
    """They run in directories of their own."""
    monkeypatch.chdir(tmp_path)
    done = command("ab", "HEAD~1", "HEAD", "mine.py", "stream.load", "--param", "n=3")
    assert (done.code, done.err) == (2, "hwbench: stopped\n")
    assert asked["specs"] == ("HEAD~1", "HEAD")
    assert asked["command"].words == (
        "run",
        "--preset",
        "quick",
        "--param",
        "n=3",
        "--",
        f"{tmp_path}/mine.py",
        "stream.load",
    )
    assert (asked["own"], asked["recipe"].requirements, asked["budget"].quads) == (True, (), 6)


def test_the_threshold_of_a_project_holds_unless_another_is_given(command, asked, monkeypatch, tmp_path):
    """A change that is to be seen has to be larger."""
    monkeypatch.chdir(tmp_path)
    command("ab", "HEAD~1", "HEAD", "stream.load")
    assert asked["threshold"] == 0.005
    (tmp_path / "pyproject.toml").write_text("[tool.hwbench.compare]\nthreshold = 0.03\n")
    command("ab", "HEAD~1", "HEAD", "stream.load")
    assert asked["threshold"] == 0.03
    command("ab", "HEAD~1", "HEAD", "stream.load", "--threshold", "1%", "--see", "2%")
    assert (asked["threshold"], asked["budget"].see) == (0.01, 0.02)
    done = command("ab", "HEAD~1", "HEAD", "stream.load", "--see", "2%")
    assert done.code == 2
    assert "--see 2%: is no more than the threshold, 3.0%" in done.err


def test_a_command_is_measured_on_the_working_tree_unless_told_otherwise(command, asked):
    """With what it needs installed beside the project, for the time that is asked for."""
    command("ab", "--base", "HEAD~1", "--with", ".[bench]", "--for", "5m", "--no-duet", "--", "pytest", "-q", "tests")
    assert asked["specs"] == ("HEAD~1", ".")
    assert asked["command"].words == ("-q", "tests")
    assert asked["recipe"].requirements[0] == ".[bench]"
    assert asked["recipe"].requirements[1].startswith("pytest")
    assert (asked["own"], asked["budget"].seconds, asked["duet"], asked["recipe"].build) == (False, 300.0, False, True)


def test_what_was_measured_is_kept_where_there_is_no_answer(command, asked, monkeypatch, tmp_path):
    """Exit 2: it may be continued; a whole answer is forgotten. Interrupted, whole quads count."""
    look = interleave.LAST
    quads = [Quad([[Value(bench="a", value=1.0)]] * 2, [[Value(bench=name, value=1.0)]] * 2) for name in "bbb"]

    def measured(bout, budget, duet):
        bout.journal.begin(bout.journal.asked)
        return interleave.Outcome(judged(quads, ("A", "B"), 0.1, look), look, 3, 1.0)

    monkeypatch.setattr(interleave.Bout, "measured", measured)
    done = command("ab", "--base", "HEAD~1", "--", "python", "x.py")
    [kept] = tmp_path.glob("ab/measured/*/ab.jsonl")
    assert (done.code, f"what was measured is kept: {kept.parent}" in done.err) == (2, True)
    quads[:] = [Quad(one.base, one.base) for one in quads]
    assert command("ab", "--base", "HEAD~1", "--", "python", "x.py").code == 0
    assert not kept.exists()


@pytest.mark.parametrize(("whole", "said"), [(0, "no quad was measured to"), (2, "kept are 2 of 10 quads; the")])
def test_an_interruption_counts_whole_quads(command, asked, monkeypatch, whole, said):
    """The one that was cut off is measured again."""

    def measured(bout, budget, duet):
        for number in range(4 * whole + 1):
            bout.journal.measured.append(
                Measured(quad=number // 4, step=number % 4, side=0, layout=Layout("1", 2), began=1.0, seconds=1.0,
                         cpu=1.0, values=[])
            )  # fmt: skip
        raise KeyboardInterrupt

    monkeypatch.setattr(interleave.Bout, "measured", measured)
    done = command("ab", "--base", "HEAD~1", "--", "python", "x.py")
    assert (done.code, f"interrupted: {said}" in done.err) == (130, True)


SCRIPT = "import sys\nfrom work import rate\nprint('rate:', rate)\nsys.exit(code := 0)\n"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="processes of Linux")
def test_one_line_was_changed_and_is_it_faster(command, tmp_path, monkeypatch):
    """End to end, without a build: two commits, a script that prints a rate; JSON, exit code, what is kept."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    monkeypatch.setattr(cache, "directory", lambda *parts: tmp_path.joinpath("cache", *parts))
    monkeypatch.delenv("PYTHONHASHSEED", raising=False)  # tox sets one, which would be kept
    root = tmp_path / "project"
    root.mkdir()
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@localhost"]
    subprocess.run([*git, "init", "-q"], cwd=root, check=True)
    for rate in (100, 80):
        (root / "work.py").write_text(f"rate = {rate}\n")
        (root / "script.py").write_text(SCRIPT)
        subprocess.run([*git, "add", "."], cwd=root, check=True)
        subprocess.run([*git, "commit", "-qm", "x"], cwd=root, check=True)
    monkeypatch.chdir(root)
    keep = tmp_path / "kept"
    done = command("ab", "--base", "HEAD~1", "--quads", "3", "--no-build", "--no-duet", "--json", "--keep", keep,
                   "--metric", r"rate[MB/s]=rate: (\d+)", "--", "python", "-S", "script.py")  # fmt: skip
    assert done.code == 1, done.err
    told = json.loads(done.out)
    [case] = told["cases"]
    assert (case["verdict"], case["base"], case["new"], round(case["ratio"], 9)) == ("slower", 100, 80, 1.25)
    assert told["correction"].startswith("Holm")
    assert len(told["measured"]["processes"]) == 12
    assert len({one["hash_seed"] for one in told["measured"]["processes"]}) == 6
    assert "quad 3 of 3" in done.err
    assert (keep / "ab.jsonl").read_text().count("\n") == 13
