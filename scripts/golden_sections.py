"""What golden.py writes down and checks, by section, from the code and the files of the checkout this lies in.

Nothing is measured. The machine of `cases` and `perf` is made up, so that they are the same on every machine.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import msgspec
import pytest
from asv_runner.discovery import disc_benchmarks

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests"), str(ROOT)]
import golden_lock  # noqa: E402 - it imports the tests' version_lock, and that hwbench

from hwbench.analysis.derived import as_json  # noqa: E402
from hwbench.analysis.findings import findings  # noqa: E402
from hwbench.analysis.limits import limit_for, measured, share  # noqa: E402
from hwbench.analysis.measures import completed  # noqa: E402
from hwbench.analysis.plausibility import judged  # noqa: E402
from hwbench.analysis.run_quality import check  # noqa: E402
from hwbench.bench import Pages, Threads  # noqa: E402
from hwbench.catalog import benches, select  # noqa: E402
from hwbench.devices.cpu import CpuDevice  # noqa: E402
from hwbench.measurement.cases import groups  # noqa: E402
from hwbench.measurement.policy import POLICIES  # noqa: E402
from hwbench.record.store import read  # noqa: E402
from hwbench.record.units import exact, octaves, parse  # noqa: E402

SIZES = {"L1": "16KiB", "L2": "512KiB", "L3": "16MiB", "DRAM": "256MiB", "HBM": "1GiB"}  # of the made-up machine
FACTS = ("version", "baseline", "limit", "core", "about", "together", "tolerance", "shared")  # of a bench
RUNS = {path.stem: completed(read(path), benches()) for path in (ROOT / "reports/runs").glob("*/*.json")}


def label(case: Any) -> str:
    """`stream.load/simd/cpu [size=L1, dtype=f8]`, of a case or a record."""
    return f"{case.bench}/{case.variant}/{case.device} [{', '.join(f'{k}={v}' for k, v in case.params.items())}]"


def place(limit: Any) -> str:
    """`cpu load L2 1 f8`: what tells one limit of a run from another."""
    return " ".join(filter(None, limit.place))


def figures(run: Any) -> dict[str, Any]:
    """Of each record its status, times, rates and limit; of the run its limits, levels and noise."""
    limits, sizes, cpu = measured(run.records, run.benches), run.policy.sizes, run.machine.cpu
    kinds, data = {name: bench.limit for name, bench in benches().items()}, as_json(run, benches(), {})
    found: dict[str, Any] = {"levels": data["levels"], "noise": [(one.seen, one.allowed) for one in check(run)]}
    found["limits"] = {place(one): (one.value, one.variant, bool(one.suspect)) for one in limits}
    for record, told, anew in zip(
        run.records, data["records"], judged(run.records, run.benches, sizes, cpu), strict=True
    ):
        entry = found[label(record)] = {"status": record.status, "judged": anew.status, **told.get("rates", {})}
        limit = limit_for(record, kinds.get(record.bench), limits, sizes, cpu) if record.timed else None
        if limit is not None:
            shares = {f"share of {which}": share(record, limit, entry[which]) for which in ("median_s", "best_s")}
            entry["limit"] = {"of": place(limit), "value": limit.value, **shares}
    return found


def spread(value: Any) -> list[Any]:
    """The axis values of the made-up machine."""
    if isinstance(value, Pages | Threads):
        return ["huge"] if isinstance(value, Pages) else [1, 2, 4, 6]
    return [exact(size) for size in octaves(value.first, parse(SIZES.get(value.last, value.last)), value.points)]


def cases(preset: str) -> dict[str, str]:
    """Every case of a preset, and which of its bench comes before: in the same group (`with`), or another (`after`)."""
    found, chosen = {}, select((), preset)
    for bench in benches().values():
        before = "nothing" if bench in chosen else "nothing, where it is selected"
        for group in groups([bench], preset=preset, devices={"cpu": "cpu", "gpu:0": "gpu"}, spread=spread):
            for case in group.cases:
                found[label(case)] = f"{'after' if case is group.cases[0] else 'with'} {before}"
                before = label(case)
    return found


def asv() -> dict[str, Any]:
    """What asv calls the benchmarks, and the names and values of their parameters."""
    with mock.patch.dict(os.environ):  # the suite sets Numba's cache for asv's processes
        known = list(disc_benchmarks(str(ROOT / "benchmarks")))
    return {one.name: {"version": one.version, **dict(zip(one.param_names, one.params, strict=True))} for one in known}


def perf() -> dict[str, str]:
    """The ids of pytest-benchmark's tests, on the pages of the made-up machine."""
    items: list[Any] = []
    plugin = SimpleNamespace(pytest_collection_finish=lambda session: items.extend(session.items))
    arguments = [f"--rootdir={ROOT}", "--collect-only", "-q", "-p", "no:cacheprovider", str(ROOT / "tests/perf")]
    with (
        mock.patch.object(CpuDevice, "spread", lambda _device, value: spread(value)),
        contextlib.redirect_stdout(io.StringIO()) as said,
    ):
        if pytest.main(arguments, [plugin]):
            raise ImportError(f"pytest cannot collect tests/perf: {said.getvalue()}")
    return {item.nodeid: "there" for item in items}


SECTIONS = {
    "runs": lambda: {name: figures(run) for name, run in RUNS.items()},
    "findings": lambda: {name: findings(run, benches().values()) for name, run in RUNS.items()},
    "benches": lambda: {name: {fact: getattr(bench, fact) for fact in FACTS} for name, bench in benches().items()},
    "policies": lambda: msgspec.to_builtins(POLICIES),
    "cases": lambda: {preset: cases(preset) for preset in POLICIES},
    "lock": lambda: golden_lock.timed(benches()),
    "asv": asv,
    "perf": perf,
}
