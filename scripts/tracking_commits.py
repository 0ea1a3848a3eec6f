"""Five commits, one of which slows a kernel, measured by real `asv run`, and what every tool says of it.

    python scripts/tracking_commits.py [--keep DIR] [--by 0.5] [--passes 4]

In a clone of this repository the third of five commits slows a planted kernel of ten milliseconds by half. asv measures
each with the Python that runs this script. Then Chromium opens the page from its file, and what it says is compared
with `asv publish`, `asv compare`, asv's own reader and `hwbench compare`. Exit 1 where one of them disagrees.

The commits are measured in several passes, there and back; asv adds the samples of each pass (`--append-samples`). One
pass gives a commit ten samples within a tenth of a second: their interval does not include the noise of minutes, yet
asv takes its inverse for a weight. Passes spread all commits over the same minutes, as asv's own `--interleave-rounds`
does where it builds the environments itself.

asv's detection weighs a second level against one level with autocorrelated residuals, and five values are few: it finds
the step to 1.5 always where medians scatter by 1% from commit to commit, in 97% of cases at 2%, in 80% at 5% (made-up
values). On a noisier machine use more passes or a larger step: `--by 1` tolerates 3%. `hwbench compare` needs less,
since it uses the intervals.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tracking_experiments import PLANTED, ROOT, plant

SLOW = (False, False, True, True, True)  # two levels of two commits at least: asv takes a single one for a stray
GLUE = '''"""A kernel of ten milliseconds in which a slowdown is planted."""

from ._glue import Records, _Suite, measure


class loop(_Suite):
    """The planted kernel."""

    bench = "planted.loop"
    version = 1
    param_names = ("variant", "n")
    params = (("loop",), (4_000_000,))

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)
'''
NAME = "planted.loop.track_seconds"


def run(where: Path, *command: str, **variables: str) -> str:
    """What a command prints; its exit code must be 0, or 1 where it says that something is slower."""
    environment = {**os.environ, "HOME": str(where.parent), **variables}
    environment.pop("PYTHONPATH", None)
    if "hwbench" in command:
        environment["PYTHONPATH"] = str(where / "src")
    done = subprocess.run(command, cwd=where, env=environment, capture_output=True, text=True)
    if done.returncode not in (0, 1):
        sys.exit(f"{' '.join(command)}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def environment(root: Path) -> str:
    """A Python that has what this one has, but for hwbench, which is the clone's: asv clears PYTHONPATH."""
    where = root.parent / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(where)], check=True)
    [packages] = where.glob("lib/python*/site-packages")
    (packages / "clone.pth").write_text(f"{root / 'src'}\n{sysconfig.get_path('purelib')}\n")
    return str(where / "bin" / "python")


def committed(root: Path, by: float) -> list[str]:
    """Five commits on main, a day apart, oldest first; their hashes."""
    run(root, "git", "checkout", "-q", "-B", "main")
    (root / "benchmarks" / "planted.py").write_text(GLUE)
    commits = []
    for number, slow in enumerate(SLOW, 1):
        kernel = PLANTED.format(extra=by if slow else 0.0) + f"\n# state {number}\n"
        plant(root, kernel)
        run(root, "git", "add", "src", "benchmarks")
        when = f"2026-01-0{number}T12:00:00+0000"
        run(root, "git", "-c", "user.name=x", "-c", "user.email=x@localhost", "commit", "-qm", f"State {number}",
            GIT_COMMITTER_DATE=when, GIT_AUTHOR_DATE=when)  # fmt: skip
        commits.append(run(root, "git", "rev-parse", "HEAD").strip())
    return commits


def order(commits: Sequence[str], passes: int) -> Iterator[str]:
    """Every commit in each pass, every second pass backwards: what drifts evenly is the same to all."""
    for number in range(passes):
        yield from commits[::-1] if number % 2 else commits


def measure(root: Path, commits: Sequence[str], passes: int) -> None:
    """All commits in each pass by `asv run`, samples added to those of the passes before."""
    asv = (sys.executable, "-m", "asv")
    run(root, *asv, "machine", "--machine", "here", "--yes")
    python = environment(root)
    turns = list(order(commits, passes))
    for turn, commit in enumerate(turns, 1):
        run(root, "git", "checkout", "-q", commit)
        run(root, *asv, "run", "-E", f"existing:{python}", "--machine", "here", "--append-samples",
            "--set-commit-hash", commit, "--bench", "planted")  # fmt: skip
        taken = samples(root, commit)
        print(f"{turn} of {len(turns)}: {commit[:8]}, {taken} samples in all", file=sys.stderr)
    run(root, "git", "checkout", "-q", "main")


def samples(root: Path, commit: str) -> int:
    """How many samples asv has of a commit by now; the end where it has none."""
    [file] = (root / "reports" / "asv" / "results" / "here").glob(f"{commit[:8]}-*.json")
    data = json.loads(file.read_text())
    row = dict(zip(data["result_columns"], data["results"][NAME], strict=False))
    taken = [one for one in row.get("samples") or () if one]
    if not taken:
        sys.exit(f"asv measured nothing at {commit[:8]}; asv run --show-stderr says why")
    return len(taken[0])


def page_says(page: Path) -> str:
    """The first sentence of the history, and what the chart is of, in Chromium from a file."""
    from playwright.sync_api import sync_playwright

    path = os.environ.get("HWBENCH_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as tool:
        browser = tool.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        opened = browser.new_page()
        opened.goto(page.as_uri())
        opened.wait_for_selector("html[data-charts=done]", timeout=60_000)
        told = opened.locator("#history .sayings li")
        said = told.first.inner_text() if told.count() else "no change was found"
        drawn = opened.locator(".chart.chosen").inner_text()
        browser.close()
    return f"{said} | chart: {' '.join(drawn.split())}"


def main() -> int:
    """Measure, ask everybody, say who agrees."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--keep", type=Path, metavar="DIR")
    parser.add_argument("--by", type=float, default=0.5, help="how much slower, as a share; 0.5")
    parser.add_argument("--passes", type=int, default=4, help="over all commits; 4 take a minute or two")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        root = (asked.keep or Path(scratch)).resolve() / "clone"
        root.parent.mkdir(parents=True, exist_ok=True)
        run(root.parent, "git", "clone", "-q", str(ROOT), str(root))
        commits = committed(root, asked.by)
        measure(root, commits, asked.passes)
        good, bad = commits[1], commits[2]
        results = root / "reports" / "asv" / "results"
        run(root, sys.executable, "-m", "hwbench", "report", str(results), "-o", str(root / "page.html"))
        page = page_says(root / "page.html")
        run(root, sys.executable, "-m", "asv", "publish", "--no-pull")
        regressions = json.loads((root / ".asv" / "html" / "regressions.json").read_text())["regressions"]
        published = json.dumps([one for one in regressions if one[0].startswith(NAME)])
        compared = run(root, sys.executable, "-m", "asv", "compare", good, bad, "--machine", "here")
        ours = json.loads(run(root, sys.executable, "-m", "hwbench", "compare", f"asv:{good}", f"asv:{bad}", "--json"))
        [case] = [one for one in ours["cases"] if one["bench"] == "planted.loop"]
        theirs = ratio_of_asv(results, good, bad)
        subject = "State 3"
    checks = {
        f"the page names {bad[:8]} ({subject})": bad[:8] in page and subject in page,
        "asv publish reports a regression of it": len(json.loads(published)) == 1,
        "asv compare marks it": any("+" in line.split()[:2] and "planted" in line for line in compared.splitlines()),
        "hwbench compare calls it slower": case["verdict"] == "slower",
        "our ratio is that of asv's own reader": abs(case["ratio"] / theirs - 1) < 1e-9,
    }
    print(page)
    print(f"asv publish: {published}")
    print(f"asv compare: {' '.join(next((x for x in compared.splitlines() if 'planted' in x), '').split())}")
    bounds = f"{case['ratio']:.4f} ({case['low']:.4f}–{case['high']})"
    print(f"hwbench compare: {case['verdict']} {bounds}; asv's values: {theirs:.4f}")
    for what, holds in checks.items():
        print(f"{'holds ' if holds else 'BROKEN'} {what}")
    return int(not all(checks.values()))


def ratio_of_asv(results: Path, base: str, new: str) -> float:
    """New over base as `asv.results` reads them."""
    from asv.results import iter_results

    values = {
        one.commit_hash: one.get_result_value(NAME, one.get_result_params(NAME))[0]
        for one in iter_results(str(results))
    }
    return float(values[new] / values[base])


if __name__ == "__main__":
    sys.exit(main())
