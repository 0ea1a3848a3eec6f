"""What views read of runs: names, points, baselines."""

from __future__ import annotations

import msgspec

from hwbench.record.model import BenchInfo, Gpu
from hwbench.report.dataset import Runs, swept
from made_up.declared import DECLARED
from made_up.page import dataset, record, run_of
from made_up.sample import LAPTOP, proof_run, replace, sample_run


def test_labels_tell_runs_apart() -> None:
    """The machine and its date; with a time where the date is shared, with a number where that is shared too."""
    first, later = sample_run(), sample_run(started="2026-11-22T19:00:00Z")
    other = sample_run(LAPTOP)
    assert dataset(first).labels == ["zen-vm"]
    assert dataset(first, other).labels == ["zen-vm, 2026-11-22", "laptop, 2026-11-22"]
    assert dataset(first, later).labels == ["zen-vm, 2026-11-22 18:27", "zen-vm, 2026-11-22 19:00"]
    assert len(set(dataset(first, first).labels)) == 2


def test_a_lone_run_needs_no_name() -> None:
    """Rows, heads and titles carry a run's name only where there are several."""
    one, two = dataset(sample_run()), dataset(sample_run(), sample_run(LAPTOP))
    assert (one.row(0, ("x",)), one.head(("h",)), one.suffix(0)) == (("x",), ("h",), "")
    assert two.row(1, ("x",)) == ("laptop, 2026-11-22", "x")
    assert (two.head(("h",)), two.suffix(1)) == (("run", "h"), " · laptop, 2026-11-22")


def test_points_state_their_axes_as_text() -> None:
    """What a file lacks is empty, and an n that is no count is 0."""
    point, odd = dataset(
        run_of(
            record("vectorize.add", "numpy", 1.0, {"items": 1.0}, params={"n": 1000, "work": "triad"}),
            record("vectorize.add", "loop", 1.0, {"items": 1.0}, params={"n": "many"}),
        )
    ).points
    assert (point.text("work"), point.text("size"), point.n, odd.n) == ("triad", "", 1000, 0)
    assert (point.variant, point.status) == ("numpy", "ok")


def test_a_variant_is_called_by_its_device_where_another_has_it_or_it_is_this_cpu() -> None:
    """Each has a colour of its own; a lone GPU's variants need no device, and have the colour that they always have."""
    devices = [Gpu(name="pthread (this CPU)", state={"this_cpu": True}), Gpu(name="gfx1100")]
    numpy, sent = record("vectorize.add", "numpy", 1.0, {}), record("vectorize.add", "cupy", 1.0, {})
    by_opencl = [
        replace(record("vectorize.add", "opencl", 1.0, {}, params={"n": n}), device=f"opencl:{n}") for n in (0, 1)
    ]
    for records, names in (
        (by_opencl, ["numpy", "cupy", "opencl (this CPU)", "opencl (opencl:1)"]),
        (by_opencl[:1], ["numpy", "cupy", "opencl (this CPU)"]),
        (by_opencl[1:], ["numpy", "cupy", "opencl"]),
    ):
        run = run_of(numpy, replace(sent, device="gpu:0"), *records)
        shown = dataset(replace(run, machine=replace(run.machine, opencl=devices)))
        assert [point.variant for point in shown.points] == names
        assert len({shown.colours[name] for name in names}) == len(names)
        assert (shown.colours["numpy"], shown.colours["cupy"]) == ("c1", "c6")


def test_labels_of_cpu_and_gpu_are_no_points_of_a_sweep() -> None:
    """HBM is a label as DRAM is; bytes are a sweep, and a case without a size is none."""
    sizes = ("DRAM", "L2", "HBM", "64MiB")
    assert [swept(record("a.b", "x", 1.0, {}, params={"size": size})) for size in sizes] == [False, False, False, True]
    assert not swept(record("a.b", "x", 1.0, {}))


def test_a_point_is_compared_with_the_baseline_that_its_bench_names() -> None:
    """A run that states no baselines gets the catalogue's; of a bench that nobody knows nothing is compared."""
    params = {"params": {"n": 1000}}
    run = run_of(
        record("vectorize.add", "numpy", 1.0, {"items": 1.0}, **params),
        record("vectorize.add", "loop", 4.0, {"items": 1.0}, **params),
    )
    runs = dataset(run)
    base, loop = runs.points
    assert runs.against_baseline(base) is None
    found = runs.against_baseline(loop)
    assert found is not None and found.value == 4.0
    mine = [msgspec.structs.replace(one, bench="mine.add") for one in run.records]
    bare = Runs([msgspec.structs.replace(run, records=mine)], catalogue={})
    assert [bare.against_baseline(point) for point in bare.points] == [None, None]
    assert bare.points[0].bench is None


def test_absurd_values_are_no_points() -> None:
    """They stay in the table of records, and out of every chart."""
    run = run_of(record("a.b", "v", 1e-300, {"bytes": 1e300}), record("a.b", "v", 1.0, {"bytes": 1e9}))
    assert [point.value.value for point in dataset(run).points] == [1.0]


def test_comparisons_with_native_tools_are_set_apart() -> None:
    """They describe no machine, unless nothing else was given."""
    both, alone = dataset(sample_run(), proof_run()), dataset(proof_run())
    assert (len(both), len(both.proofs)) == (1, 1)
    assert (len(alone), len(alone.proofs)) == (1, 1)


def test_what_a_run_states_of_its_benches_goes_before_the_catalogue() -> None:
    """Question, baseline and what is measured are the file's, whatever this hwbench's bench of that name says."""
    one, other = record("stream.load", "mine", 1.0, {"bytes": 1.0}), record("a.b", "v", 1.0, {"bytes": 1.0})
    own = {"stream.load": BenchInfo("Why?", "mine", variants=["mine"])}
    runs = dataset(replace(run_of(one, other), benches=own))
    assert runs.benches["stream.load"] == own["stream.load"]
    assert runs.benches["stream.copy"] == DECLARED["stream.copy"]
    assert runs.points[0].bench == own["stream.load"]
    assert runs.points[1].bench is None


def test_points_are_found_by_what_their_benches_measure() -> None:
    """A bench of one's own stands beside hwbench's; several kinds come in the order asked for."""
    mine = {"my.sweep": BenchInfo("How fast?", "v", measures="load", variants=["v"])}
    given = [record(name, "v", 1.0, {"bytes": 1.0}) for name in ("stream.copy", "my.sweep", "stream.load", "a.b")]
    runs = dataset(replace(run_of(*given), benches=DECLARED | mine))
    assert [point.record.bench for point in runs.measuring("load", "copy")] == [
        "my.sweep", "stream.load", "stream.copy"
    ]  # fmt: skip
    assert runs.measuring("latency") == []
