"""Does what is released install, run and know its version?

    python tests/check_package.py [--version 0.2.0]

From this checkout: an sdist, and a wheel from the sdist, in dist/. twine checks both. The wheel is installed alone
into a new environment and run outside of the checkout. The sdist is installed with its tests' packages into another,
and TESTS are run from it. The version is compared in each, and in a clone with a tag, a shallow clone without, an
archive with a tag and one without: as a build states it and as `hwbench --version` does of the sources. Exit code: 0
where all holds.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DIST = ROOT / "dist"
# A part of each half: the record, the catalogue, kernels, a page, the command line. What reads reports/ is not among
# them, since the sdist has no runs.
TESTS = (
    "tests/test_version.py", "tests/test_api.py", "tests/test_catalog.py", "tests/test_names.py", "tests/test_bench.py",
    "tests/record", "tests/kernels/test_permutation.py", "tests/kernels/test_gate.py",
    "tests/tracking/test_stats.py", "tests/report/test_bundle.py", "tests/report/test_page.py", "tests/cli/test_app.py",
    "tests/cli/test_list.py", "tests/benches/stream/test_kernels.py", "--ignore", "tests/record/test_identity.py",
)  # fmt: skip
LEAST = 1000  # tests that pass, so that the selection never becomes empty unseen
IN_WHEEL = (
    "hwbench/py.typed", "hwbench/report/vega.js.gz", "hwbench/report/page.css", "hwbench/pages/stream.md",
)  # fmt: skip
CLEAN = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}


def run(*command: str | Path, folder: Path, **variables: str) -> str:
    """The output of a command; its failure ends this check."""
    done = subprocess.run(
        [str(word) for word in command], cwd=folder, env={**CLEAN, **variables}, text=True, capture_output=True
    )
    if done.returncode:
        sys.exit(
            f"{' '.join(map(str, command))}: exit code {done.returncode}\n{done.stdout[-4000:]}{done.stderr[-4000:]}"
        )
    return done.stdout.strip()


def environment(folder: Path, *installed: str) -> Path:
    """The Python of a new environment that has this installed."""
    venv.create(folder, with_pip=True)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    run(python, "-m", "pip", "install", "--quiet", *installed, folder=folder)
    return python


def expect(what: str, found: str, wanted: str) -> None:
    """Print what was found; another value ends this check."""
    if found != wanted:
        sys.exit(f"{what}: {found!r}, not {wanted!r}")
    print(f"{what}: {found}")


def built(scratch: Path) -> tuple[Path, Path, str]:
    """The sdist, the wheel made from it, and their version."""
    shutil.rmtree(DIST, ignore_errors=True)
    run(sys.executable, "-m", "build", "--outdir", DIST, folder=ROOT)
    [sdist], [wheel] = DIST.glob("*.tar.gz"), DIST.glob("*.whl")
    run(sys.executable, "-m", "twine", "check", "--strict", sdist, wheel, folder=scratch)
    version = sdist.name.removeprefix("hwbench_suite-").removesuffix(".tar.gz")
    expect("version of the wheel", wheel.name.split("-")[1], version)
    print(f"{sdist.stat().st_size / 1e6:.1f} MB of sdist, {wheel.stat().st_size / 1e6:.1f} MB of wheel")
    names = set(zipfile.ZipFile(wheel).namelist())
    if missing := [name for name in IN_WHEEL if name not in names]:
        sys.exit(f"the wheel lacks {missing}")
    return sdist, wheel, version


def installed(sdist: Path, wheel: Path, version: str, scratch: Path) -> None:
    """Both run where there is no checkout, and the tests of the sdist pass against what was installed from it."""
    python = environment(scratch / "wheel", str(wheel))
    expect("hwbench of the wheel", run(python, "-m", "hwbench", "--version", folder=scratch), f"hwbench {version}")
    size = sum(path.lstat().st_size for path in (scratch / "wheel").rglob("*") if not path.is_symlink())
    code = sum(path.stat().st_size for path in (scratch / "wheel").rglob("*.pyc"))
    print(f"{(size - code) / 1e6:.0f} MB of environment, with pip, and {code / 1e6:.0f} MB of bytecode that pip made")
    run(python, "-m", "hwbench", "machine", folder=scratch)
    run(python, "-m", "hwbench", "run", "latency.chase", "--preset", "quick", "--param", "size=L1", folder=scratch)
    run(python, "-m", "hwbench", "report", folder=scratch)
    with tarfile.open(sdist) as archive:
        archive.extractall(scratch / "sources", filter="data")
    [sources] = (scratch / "sources").iterdir()
    in_place = {"PYTHONPATH": str(sources / "src")}
    expect("hwbench of the sdist, in place", run(python, "-m", "hwbench", "--version", folder=scratch, **in_place),
           f"hwbench {version}")  # fmt: skip
    python = environment(scratch / "sdist", f"{sdist}[test]")
    expect("hwbench of the sdist", run(python, "-m", "hwbench", "--version", folder=scratch), f"hwbench {version}")
    shutil.rmtree(sources / "src")  # what is installed is tested
    said = run(python, "-m", "pytest", "-q", "-n", "logical", "-m", "not slow", "-p", "no:cacheprovider",
               "--at-least", str(LEAST), *TESTS, folder=sources)  # fmt: skip
    print(f"tests from the sdist: {said.splitlines()[-1]}")


def versions(scratch: Path) -> None:
    """What a build states and what the sources state are one."""
    clone = scratch / "clone"
    run("git", "clone", "--quiet", ROOT, clone, folder=scratch)
    run("git", "tag", "v7.1.0", "HEAD~2", folder=clone)
    run("git", "clone", "--quiet", "--no-tags", "--depth", "1", f"file://{clone}", "shallow", folder=scratch)
    for name, tagged in (("archive", True), ("archive-without-tag", False)):
        if not tagged:
            run("git", "tag", "--delete", *run("git", "tag", folder=clone).split(), folder=clone)
        packed = scratch / f"{name}.tar"
        run("git", "archive", "--output", packed, "HEAD", folder=clone)
        with tarfile.open(packed) as archive:
            archive.extractall(scratch / name, filter="data")
        if tagged:
            shutil.copytree(clone, scratch / "tagged")
    for name in ("tagged", "shallow", "archive", "archive-without-tag"):
        folder = scratch / name
        stated = run(sys.executable, "-W", "ignore", "-m", "hatchling", "version", folder=folder)
        code = "from hwbench.version import __version__; print(__version__)"
        expect(name, run(sys.executable, "-S", "-c", code, folder=folder, PYTHONPATH=str(folder / "src")), stated)
        if (name in ("tagged", "archive")) != stated.startswith("7.1.1.dev"):
            sys.exit(f"{name}: {stated} does not go by its tags")


def main() -> int:
    """Build, install, run, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--version", help="what the version must be")
    wanted = parser.parse_args().version
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        versions(scratch)
        sdist, wheel, version = built(scratch)
        expect("version", version, wanted or version)
        installed(sdist, wheel, version, scratch)
    return 0


if __name__ == "__main__":
    sys.exit(main())
