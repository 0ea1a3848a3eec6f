"""A file by a command, and what is wrong with the answer: one function for each kind of file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from campaign import doors, mutants


def run_fault(seed: int, folder: Path) -> str:
    """A mutant of a run by `show`, `show --json`, `compare` or `report`, in turn."""
    path = folder / "mutant.json"
    base = folder / "base.json"
    for file, data in zip((path, base), mutants.run_file(seed), strict=True):
        file.write_bytes(data)
    told, way = str(path), seed % 10
    if way < 3:
        return doors.fault(doors.ask("show", path, "--json"), strict_json=True, told=told)
    if way < 5:
        return doors.fault(doors.ask("show", path, *["--findings"] * (way == 4)), told=told)
    if way < 8:
        both = [base, path] if way == 5 else [path, base]
        across = ["--across-machines"] * (seed % 3 > 0)
        return doors.fault(doors.ask("compare", *both, "--json", *across), strict_json=True, told=told)
    return report_fault(folder, path)


def report_fault(folder: Path, *given: Path) -> str:
    """What is wrong with the page of these files."""
    page = folder / "page.html"
    page.unlink(missing_ok=True)
    return doors.fault(doors.ask("report", *given, "-o", page), page=page, told=str(given[-1]))


def asv_fault(seed: int, folder: Path) -> str:
    """A mutant among asv's results by `report` or `compare`."""
    results = folder / "results"
    machine = next(path for path in results.iterdir() if path.is_dir()) if results.exists() else None
    trees = mutants.asv_results(seed, folder)
    machine = machine or next(path for path in results.iterdir() if path.is_dir())
    files = sorted(path for path in machine.glob("*.json") if path.name != "machine.json")
    for path, data in zip((files[0], results / "benchmarks.json", machine / "machine.json"), trees, strict=True):
        path.write_bytes(data)
    if seed % 2:
        first, last = files[0].name[:8], files[-1].name[:8]
        asked = ("compare", f"asv:{first}", f"asv:{last}", "--asv", results, "--json")
        return doors.fault(doors.ask(*asked), strict_json=True, told=str(results))
    return report_fault(folder, results)


def pytest_fault(seed: int, folder: Path) -> str:
    """A mutant of pytest-benchmark's file by `report` or `compare`."""
    path = folder / "mutant.json"
    path.write_bytes(mutants.pytest_results(seed, folder))
    base = folder / "base.json"
    if seed % 2:
        return doors.fault(doors.ask("compare", base, path, "--json"), strict_json=True, told=str(path))
    return report_fault(folder, base, path)


KINDS: dict[str, Callable[[int, Path], str]] = {"run": run_fault, "asv": asv_fault, "pytest": pytest_fault}


def faults(kind: str, seeds: range, folder: Path) -> dict[int, str]:
    """The seeds whose file is neither answered rightly nor refused in one line."""
    (folder / kind).mkdir(exist_ok=True)
    found = {}
    for seed in seeds:
        if wrong := KINDS[kind](seed, folder / kind):
            found[seed] = wrong
    return found
