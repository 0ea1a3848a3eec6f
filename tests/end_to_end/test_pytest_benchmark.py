"""What pytest-benchmark writes about the benches: hwbench's names, groups, rates and limits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from hwbench.record.model import Case
from hwbench.record.reasons import Reason
from hwbench.suites import perf

pytest.importorskip("pytest_benchmark", reason="pytest-benchmark is not installed: pip install '.[test]'")

PERF = Path(__file__).parents[1] / "perf"


def collected(*arguments: str) -> list[str]:
    """The ids of the tests in tests/perf."""
    said = subprocess.run(
        [sys.executable, "-m", "pytest", str(PERF), "--collect-only", "-q", "-p", "no:cacheprovider", *arguments],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True, timeout=120,
    ).stdout  # fmt: skip
    return [line for line in said.splitlines() if "::" in line]


def test_every_bench_and_variant_has_a_test():
    """The ids hold every bench and CPU variant that the quick preset measures and not the full set alone, none more."""
    from hwbench import catalog

    listed = {
        f"{bench.name}/{name}"
        for bench in catalog.select()
        if not bench.full_only
        for name in bench.presets["quick"].get("variant", bench.variants)
        if bench.variants[name].on == "cpu"
    }
    assert {line.partition("::test_bench[")[2].partition("[")[0] for line in collected()} == listed


def test_extra_figures_carry_the_codes_of_all_doubts():
    """Bimodal samples, a verdict of reading, and a share above a disturbed limit: each once, limit or not."""
    bench = SimpleNamespace(name="test.bench", version=1)
    trial = SimpleNamespace(case=Case("test.bench", "mine", "cpu", {}), loops=1, counts={"bytes": 1e9}, facts={})

    class Limits:
        share, verdicts = None, ()

        def reading(self, record, bench):
            reasons = [*record.reasons, *map(Reason, self.verdicts)]
            marked = msgspec.structs.replace(record, reasons=reasons, status="suspect" if reasons else "ok")
            return SimpleNamespace(records=[marked], share=lambda record: self.share)

    limits = Limits()
    assert perf.told(bench, trial, [1.0] * 12, limits)["doubt"] == []
    assert perf.told(bench, trial, [1.0] * 6 + [2.0] * 6, limits)["doubt"] == ["bimodal"]
    limits.verdicts = ("implausible",)
    limits.share = SimpleNamespace(limit=SimpleNamespace(name="L1 load"), value=1.2, doubt=("above_limit",))
    assert perf.told(bench, trial, [1.0] * 12, limits)["doubt"] == ["implausible", "above_limit"]


@pytest.mark.slow
def test_the_json_says_what_was_measured_and_how_near_to_the_limit(tmp_path):
    """Names, groups and parameters are hwbench's; times are in seconds a call, and agree with the rates beside them."""
    out = tmp_path / "perf.json"
    subprocess.run(
        [sys.executable, "-m", "pytest", str(PERF), "--benchmark-only", f"--benchmark-json={out}", "-q",
         "-p", "no:cacheprovider", "-k", "peak.fma and best and f8"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True, timeout=300,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
    )  # fmt: skip
    measured = json.loads(out.read_text())["benchmarks"]
    assert measured
    for one in measured:
        params = dict(one["params"])
        variant = params.pop("variant")
        assert one["name"] == f"peak.fma/{variant} [{', '.join(map(str, params.values()))}]"
        assert one["group"] == f"peak.fma [{', '.join(map(str, params.values()))}]"
        assert one["stats"]["rounds"] == 10
        info = one["extra_info"]
        assert info["limit"].startswith("FP peak")
        # one call is 2 flops a step, 2048 steps, 48 times 64 bytes of f8 a thread
        threads = 1 if params["threads"] == 1 else len(os.sched_getaffinity(0))
        assert info["GFLOP/s"] * one["stats"]["median"] * 1e9 == pytest.approx(2 * 2048 * 48 * 8 * threads)
        assert 0 < info["% of limit"] < 200
    assert {one["params"]["variant"] for one in measured} >= {"scalar"}
