"""What GPU benches say of made-up records, what they bound one another by, and what their counts are."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from msgspec.structs import replace

from hwbench import catalog
from hwbench.analysis import limits, plausibility
from hwbench.analysis.findings import findings
from inspection.answers import reading
from made_up.declared import DECLARED
from made_up.gpu_records import L2, copies, record, said, streamed, suspect
from made_up.gpu_sample import gpu_run, without_gpu
from made_up.sample import sample_run

BENCHES = [bench for bench in catalog.benches().values() if "gpu" in bench.kinds]


@pytest.mark.parametrize("bench", BENCHES, ids=lambda bench: bench.name)
def test_without_records_nothing_is_said(bench):
    """Where nothing was measured there is no sentence, and no error."""
    assert list(bench.hooks["finding"](reading(bench, [], {}))) == []


@pytest.mark.parametrize("bench", BENCHES, ids=lambda bench: bench.name)
def test_a_skipped_case_is_no_figure(bench):
    """Where there is no GPU each case is skipped, and nothing is said of it."""
    params = {axis: values[0] for axis, values in bench.axes.items()}
    skipped = record(bench.name, bench.baseline, params, 1.0, status="skipped", samples=[], device="gpu")
    assert said(bench, skipped) == []


def test_limits_of_a_gpu_are_its_own():
    """The link's and the device's best bound what is measured on the same GPU at the same level, and nothing else."""
    records = [
        streamed("bytes16", "triad", "HBM", 2**30, 3e12),
        streamed("bytes16", "triad", "8MiB", 2**23, 6e12),
        streamed("bytes16", "triad", "64MiB", 2**26, 4e12),  # between the levels: no limit
        *copies("raw", "h2d", "pinned", 8e-6, 50e9),
    ]
    found = limits.measured(records, DECLARED)
    assert {(x.kind, x.level, round(x.value, -9)) for x in found} == {
        ("gpu triad", "HBM", 3003e9), ("gpu triad", "L2", 6006e9), ("h2d", "", 50e9),
    }  # fmt: skip
    assert [x.name for x in found] == ["HBM triad of gpu:0", "L2 triad of gpu:0", "host to GPU of gpu:0"]
    cupy = record("vectorize.add", "cupy", {"n": 10**8}, 1e-3, counts={"bytes": 2.4e9},
                  facts={"footprint": 2.4e9, "l2_bytes": L2})  # fmt: skip
    bound = limits.limit_for(cupy, "triad", found, {})
    assert (bound.kind, bound.level) == ("gpu triad", "HBM")
    assert limits.share(cupy, bound, 1e-3) == pytest.approx(0.8, rel=0.01)
    on_cpu = record("vectorize.add", "numpy", {"n": 10**8}, 1e-3, device="cpu", counts={"bytes": 2.4e9},
                    facts={"footprint": 2.4e9})  # fmt: skip
    assert limits.limit_for(on_cpu, "triad", found, {"L1": 1, "DRAM": 2}) is None
    other = record("transfer.copy", "raw", {"direction": "h2d"}, 1.0, device="gpu:1", counts={"bytes": 1})
    assert limits.limit_for(other, "link", found, {}) is None


def test_a_chunked_copy_beyond_the_link_cannot_be_true():
    """Faster than the best copy of the same direction: refused."""
    fast = record("transfer.chunks", "once", {"direction": "h2d", "size": "64MiB", "pieces": 1}, 2**26 / 80e9,
                  counts={"bytes": 2**26})  # fmt: skip
    records = [*copies("raw", "h2d", "pinned", 8e-6, 50e9), fast]
    [(index, reason)] = plausibility.impossible(records, DECLARED, {}).items()
    assert index == 4
    assert "times the limit it should touch (host to GPU of gpu:0: 50" in reason.detail


@pytest.mark.parametrize(
    ("bench", "values", "counts"),
    [
        ("transfer.copy", {"size": 100, "direction": "h2d"}, {"bytes": 100, "calls": 1}),
        ("transfer.copy", {"size": 100, "direction": "both"}, {"bytes": 200, "calls": 1}),
        ("device.stream", {"size": 2**30, "kernel": "copy"}, {"bytes": 2**30, "flops": 0}),
        ("device.stream", {"size": 2**20, "kernel": "copy"}, {"bytes": 2**29, "flops": 0}),
        ("device.stream", {"size": 2**20, "kernel": "copy", "variant": "cupy"}, {"bytes": 2**20, "flops": 0}),
        ("device.stream", {"size": 2**20, "kernel": "triad"}, {"bytes": 520 * 63 * 2**14, "flops": 520 * 42 * 2**12}),
        ("device.sync", {"block": 64}, {"calls": 16384}),
        ("device.sync", {"block": 64, "variant": "grid"}, {"calls": 256}),
        ("device.occupancy", {"work": "fma", "threads": 32, "chains": 2}, {"flops": 32 * 2 * 2049 * 64}),
        ("device.occupancy", {"work": "fma", "threads": 2**21, "chains": 2}, {"flops": 2 * 2 * 2049 * 2**22}),
        ("device.occupancy", {"work": "copy", "threads": 32, "chains": 2}, {"bytes": 2 * 32 * 65536}),
        ("device.matmul", {"n": 10}, {"flops": 2000, "items": 100}),
        ("offload.breakeven", {"work": "fft", "n": 1024}, {"items": 1024, "flops": 51200, "bytes": 16384}),
    ],
)
def test_counts(bench, values, counts):
    """Bytes as STREAM counts them, two operations for a multiply-add, both directions of a link."""
    made = catalog.benches()[bench]
    device = SimpleNamespace(properties=SimpleNamespace(l2=L2, sm=132), bandwidth_size=lambda size: size)
    given = {"device": device, "variant": made.baseline}
    assert made.count(given | values) == counts


def test_only_two_gpu_benches_are_quick():
    """The quick set of 30 seconds has a copy across the link and the device's own bandwidth."""
    assert {bench.name for bench in BENCHES if bench.core} == {"transfer.copy", "device.stream", "vectorize.add"}


def test_findings_of_the_lectures_systems_name_a_gpu_only_where_one_was_measured():
    """What was skipped is no figure: a run that asked for a GPU in vain says what the CPU's says."""
    chosen = [bench for bench in catalog.benches().values() if bench.topic in ("dsp", "stability", "workload")]
    on_gpu, asked, without = (findings(run, chosen) for run in (gpu_run(), without_gpu(), sample_run()))
    assert asked == without
    for name in ("dsp.dot", "stability.gradients", "stability.initialization", "workload.house_prices"):
        assert any("GPU" in line for line in on_gpu[name])
        assert not any("GPU" in line or "cupy" in line for line in without.get(name, []))


@pytest.mark.parametrize("bench", BENCHES, ids=lambda bench: bench.name)
def test_no_figure_of_a_disturbed_run_stands_without_its_mark(bench):
    """Where every record is suspect each sentence about times says so; errors, depths and variances are no times."""
    run = gpu_run()
    disturbed = replace(run, records=[suspect(one) if one.timed else one for one in run.records])
    exact = ("Error of", "Norm of", "Held-out", "Output variance", "Output and gradient", "Of ")
    told = findings(disturbed, [bench]).get(bench.name, [])
    assert [line for line in told if "(suspect" not in line and not line.startswith(exact)] == []


@pytest.mark.parametrize("bench", BENCHES, ids=lambda bench: bench.name)
def test_a_bench_says_three_sentences_at_most(bench):
    """However much was measured, and each is a whole one without a value that is none."""
    told = findings(gpu_run(), [bench]).get(bench.name, [])
    assert len(told) <= 3
    assert all(line.endswith(".") and line[0].isalnum() for line in told)
    assert not [line for line in told for word in ("None", "nan", "–)", "  ") if word in line]
