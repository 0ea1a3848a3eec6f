"""The roofline: its roofs from measured records, cases with intervals, names with room."""

from __future__ import annotations

import itertools
import math

import msgspec
import pytest

from hwbench.record import text
from hwbench.record.model import Record, Run
from hwbench.record.reasons import Reason
from hwbench.report import charts
from hwbench.report.sections import Figure, Panel
from hwbench.report.views.gpu import common
from hwbench.report.views.roofline import view
from made_up.gpu_sample import gpu_run
from made_up.page import column, dataset, figure, run_of
from made_up.page import record as by_hand
from made_up.sample import KIB, MIB, replace, sample_run

SIZES = {"L1": 16 * KIB, "L2": 512 * KIB, "L3": 8 * MIB, "DRAM": 128 * MIB}


def record(bench: str, variant: str, seconds: list[float], counts: dict[str, float], **fields: object) -> Record:
    given = {"params": {"dtype": "f8"}, "facts": {"threads": 1}} | fields
    return Record(
        bench=bench, version=1, variant=variant, device="cpu", status="ok", samples=seconds, counts=counts, **given
    )  # type: ignore[arg-type]  # fmt: skip


def machine(loads: dict[str, float], peaks: dict[str, float], *more: Record) -> Run:
    """A run with these loads in GB/s and these peaks in GFLOP/s, one thread."""
    records = [
        record("stream.load", "simd", [1e-6] * 5, {"bytes": rate * 1e3}, params={"size": size, "dtype": "f8"},
               facts={"threads": 1, "footprint": SIZES[size]})
        for size, rate in loads.items()
    ]  # fmt: skip
    records += [record("peak.fma", variant, [1e-6] * 5, {"flops": rate * 1e3}) for variant, rate in peaks.items()]
    return replace(sample_run(benches=()), records=[*records, *more])


def gemm(n: int, seconds: list[float], dtype: str = "f8") -> Record:
    return record("peak.matmul", "numpy", seconds, {"flops": 2.0 * n**3, "bytes": 24.0 * n * n},
                  params={"n": n, "dtype": dtype, "threads": 1},
                  facts={"threads": 1, "footprint": 24 * n * n})  # fmt: skip


def panel(run: Run) -> Panel:
    section = view(dataset(run))
    assert section is not None
    found = section.blocks[0]
    assert isinstance(found, Figure)
    return found.panels[0]


LOADS = {"L1": 400.0, "L2": 160.0, "L3": 60.0, "DRAM": 20.0}
PEAKS = {"scalar": 14.0, "128": 28.0, "256": 56.0, "512": 58.0}


def test_every_roof_is_a_measured_one() -> None:
    """A slope for each level and a ceiling for each way to compute, at its best sample, told with its variant."""
    told = {
        row["roof"]: row["told"]
        for row in panel(machine(LOADS, PEAKS, gemm(1000, [0.04] * 5))).spec["datasets"]["roofs"]
    }
    assert list(told) == ["L1", "L2", "L3", "DRAM", "512-bit", "256-bit", "128-bit", "scalar"]
    assert told["L2"] == "L2 load, 1 thread: 160 GB/s, best sample of simd"
    assert told["scalar"] == "float64 multiply-adds in scalar code, 1 thread: 14.0 GFLOP/s, best sample"


def test_a_roof_that_was_not_measured_is_not_drawn() -> None:
    """Without L3 and without scalars there are three slopes and one ceiling."""
    run = machine({"L1": 400.0, "L2": 160.0, "DRAM": 20.0}, {"256": 56.0}, gemm(1000, [0.04] * 5))
    roofs = dict.fromkeys(row["roof"] for row in panel(run).spec["datasets"]["roofs"])
    assert list(roofs) == ["L1", "L2", "DRAM", "256-bit"]


def test_what_cannot_be_true_is_no_roof() -> None:
    """Loads from L2 faster than two lines a cycle raise no roof; a peak that was only disturbed does, and says so."""
    lucky = record("stream.load", "lucky", [1e-6] * 5, {"bytes": 600e3}, params={"size": "L2", "dtype": "f8"},
                   telemetry={"clock_hz": [4e9]})  # fmt: skip
    disturbed = msgspec.structs.replace(
        record("peak.fma", "512", [1e-7] * 5, {"flops": 1e6}),
        status="suspect",
        reasons=[Reason("other_processes", "40% of a CPU")],
    )
    shown = panel(machine(LOADS, {"256": 56.0}, gemm(1000, [0.04] * 5), lucky, disturbed))
    told = {row["roof"]: row["told"] for row in shown.spec["datasets"]["roofs"]}
    assert told["L2"] == "L2 load, 1 thread: 160 GB/s, best sample of simd"
    assert set(told) - set(LOADS) == {"256-bit", "512-bit~"}
    assert "suspect: other processes" in told["512-bit~"]
    assert shown.note == f"Roofs: L1 400, L2 160, L3 60.0, DRAM 20.0 GB/s; float64 {text.count(10_000)}~ GFLOP/s"


def test_blas_stands_below_the_peak_with_its_interval() -> None:
    """A product of 1000 by 1000 does 83 flop a byte: 50 of 58 GFLOP/s are 86% of the peak, not of a slope."""
    seconds = [0.04, 0.0401, 0.0399, 0.041, 0.039]
    [mark] = panel(machine(LOADS, PEAKS, gemm(1000, seconds))).spec["datasets"]["marks"]
    assert (mark["x"], mark["value"]) == (pytest.approx(83.333), pytest.approx(50))
    assert mark["low"] < mark["value"] < mark["high"]
    assert mark["more"] == "86% of float64 peak, 58.0 GFLOP/s"


def test_a_gpu_is_not_set_below_the_roofs_of_the_cpu() -> None:
    """Its records have counts too, and run on no threads of the CPU."""
    gpu = msgspec.structs.replace(gemm(1000, [1e-4] * 5), device="gpu:0")
    marks = panel(machine(LOADS, PEAKS, gemm(1000, [0.04] * 5), gpu)).spec["datasets"]["marks"]
    assert [mark["value"] for mark in marks] == [pytest.approx(50)]


def span(spec: dict, width: float) -> tuple[float, float]:
    """The ends of the x axis at a chart's width: expressions of it."""
    known = {"exp": math.exp, "min": min, "width": width}
    low, high = (eval(end["expr"], known) for end in spec["layer"][0]["encoding"]["x"]["scale"]["domain"])
    return low, high


def boxes(spec: dict, width: float) -> list[tuple[float, float, float, float]]:
    """Where the names stand at a chart's width, in pixels: left, right, top, bottom."""
    scales = spec["layer"][0]["encoding"]
    (x0, x1), (y0, y1) = span(spec, width), scales["y"]["scale"]["domain"]
    out = []
    for name, below in (("ceilings", 2), ("slopes", -5.5)):
        for row in spec["datasets"][name]:
            right = width * math.log(row["x"] / x0) / math.log(x1 / x0) - 4 if name == "slopes" else width
            bottom = spec["height"] * math.log(y1 / row["y"]) / math.log(y1 / y0) - below
            out.append((right - 6.2 * len(row["label"]), right, bottom - 11, bottom))
    return out


CLOSE = {"L1": 110.0, "L2": 105.0, "L3": 100.0, "DRAM": 95.0}


@pytest.mark.parametrize("loads", [LOADS, CLOSE, {"L1": 400.0, "L2": 390.0, "DRAM": 20.0}])
@pytest.mark.parametrize("peaks", [PEAKS, {"scalar": 14.0, "128": 14.5, "256": 20.0, "512": 26.0}, {"256": 5.0}])
@pytest.mark.parametrize("width", [265, 520, 1000])
def test_names_leave_each_other_room(loads: dict[str, float], peaks: dict[str, float], width: float) -> None:
    """On a phone and on a desk no name covers another, leaves the chart, or reaches where points are."""
    slow = record("access.row_column", "column", [1e-3] * 5, {"flops": 1e4, "bytes": 8e4},
                  params={"size": "DRAM", "dtype": "f8"}, facts={"threads": 1, "footprint": SIZES["DRAM"]})  # fmt: skip
    spec = panel(machine(loads, peaks, gemm(1000, [0.5] * 5), slow)).spec
    found = boxes(spec, width)
    for (l1, r1, t1, b1), (l2, r2, t2, b2) in itertools.combinations(found, 2):
        assert r1 <= l2 or r2 <= l1 or b1 <= t2 or b2 <= t1
    assert all(left >= -8 and right <= width and top >= -12 for left, right, top, _ in found)
    x0, x1 = span(spec, width)
    starts = min(left for (left, *_), _ in zip(found, spec["datasets"]["ceilings"], strict=False))
    points = [width * math.log(mark["x"] / x0) / math.log(x1 / x0) for mark in spec["datasets"]["marks"]]
    assert max(points) < starts


def test_joined_names_keep_the_first_ones_place() -> None:
    """Names nearer than the ratio are one, and a third is held against the first, not against the second."""
    assert charts._joined([("a", 1.0), ("b", 1.2), ("c", 1.4), ("d", 1.6)], 1.5) == [("a·b·c", 1.0), ("d", 1.6)]


def test_the_roof_is_the_lower_of_slope_and_ceiling() -> None:
    """At 1/8 flop a byte under 100 GB/s the roof is 12.5 GFLOP/s; at 100 flop a byte it is the peak."""
    one = {"threads": 1, "footprint": 16 * KIB}
    run = run_of(
        by_hand("stream.load", "simd", 1e-6, {"bytes": 1e5}, params={"size": "L1", "dtype": "f8"}, facts=one),
        by_hand("peak.fma", "256", 1e-6, {"flops": 5e4}, params={"dtype": "f8"}, facts={"threads": 1}),
        by_hand(
            "access.row_column",
            "row",
            1e-6,
            {"bytes": 4e4, "flops": 5e3},
            params={"size": "L1", "dtype": "f8"},
            facts=one,
        ),
        by_hand(
            "access.row_column",
            "column",
            1e-6,
            {"bytes": 4e2, "flops": 4e4},
            params={"size": "L1", "dtype": "f8"},
            facts=one,
        ),
    )
    table = figure(view(dataset(run))).table
    assert column(table, "of the roof") == ["80%", "40%"]
    assert column(table, "roof") == ["float64 peak, 50.0 GFLOP/s", "L1 load, 100 GB/s"]


def test_a_level_that_was_not_measured_hides_no_peak() -> None:
    """Without L3 a product keeps its 86% of the peak, which memory's slope exceeds; a sum of its size has no roof."""
    adding = record("vectorize.add", "numpy", [1e-3] * 5, {"flops": 1e6, "bytes": 24e6},
                    params={"dtype": "f8"}, facts={"threads": 1, "footprint": SIZES["L3"]})  # fmt: skip
    run = machine({"L1": 400.0, "L2": 160.0, "DRAM": 20.0}, {"512": 58.0}, gemm(512, [0.00537] * 5), adding)
    rows = panel(run).spec["datasets"]["marks"]
    assert [row["more"] for row in rows] == ["86% of float64 peak, 58.0 GFLOP/s", "–"]
    assert column(figure(view(dataset(run))).table, "roof") == ["float64 peak, 58.0 GFLOP/s", "–"]


def test_the_cpus_roofline_is_the_cpus_alone():
    """A GPU's case has no place below the CPU's roofs."""
    gpu = gpu_run()
    with_gpu, without = (view(dataset(run)) for run in (gpu, replace(gpu, records=[
        record for record in gpu.records if not common.on_gpu(record)
    ])))  # fmt: skip
    assert with_gpu.blocks[0].table.rows == without.blocks[0].table.rows


def test_at_most_seven_variants_have_each_a_colour_of_their_own():
    """With the key of suspect marks these are eight entries; the well-known come first, the table has the rest."""
    names = ["row", "column", "numpy-row", "serial", "loop", "builtin", "numba", "simd", "numpy", "workqueue", "omp"]
    run = machine(LOADS, PEAKS, *(
        record("access.row_column", name, [1e-3] * 5, {"flops": 1e4, "bytes": 8e4},
               params={"size": "DRAM", "dtype": "f8"}, facts={"threads": 1, "footprint": SIZES["DRAM"]})
        for name in names
    ))  # fmt: skip
    shown = figure(view(dataset(run)))
    assert [key.label for key in shown.legend][:4] == ["numpy", "numba", "loop", "simd"]
    colours = [key.colour for key in shown.legend]
    assert len(colours) == len(set(colours)) == 7
    assert "c8" not in colours
    drawn = {row["case"].split()[1].rstrip(",") for row in shown.panels[0].spec["datasets"]["marks"]}
    assert drawn == {key.label for key in shown.legend}
    assert len(shown.table.rows) == len(names)
    assert "The table has" in shown.text


def test_panels_share_their_axes():
    """A height means the same on one thread and on two."""
    two = {"params": {"size": "L1", "dtype": "f8"}, "facts": {"threads": 2, "footprint": SIZES["L1"]}}
    run = machine(
        LOADS, PEAKS, gemm(1000, [0.04] * 5), record("stream.load", "simd", [1e-6] * 5, {"bytes": 800e3}, **two),
        record("peak.fma", "512", [1e-6] * 5, {"flops": 116e3}, facts={"threads": 2}),
        record("access.row_column", "row", [1e-3] * 5, {"flops": 1e4, "bytes": 8e4}, **two),
    )  # fmt: skip
    panels = figure(view(dataset(run))).panels
    assert len(panels) == 2
    y = [panel.spec["layer"][0]["encoding"]["y"]["scale"]["domain"] for panel in panels]
    assert y[0] == y[1]


def test_a_desk_leaves_names_no_more_than_they_need():
    """The part of the width between the names grows with the width: their pixels stay the same."""
    spec = panel(machine(LOADS, PEAKS, gemm(1000, [0.04] * 5))).spec
    slopes, ceilings = ([len(row["label"]) for row in spec["datasets"][name]] for name in ("slopes", "ceilings"))
    needed = 8.2 * max(slopes) + 6.2 * max(ceilings) + 16
    left = spec["datasets"]["slopes"][0]["x"]
    right = max(10.0, 3 * 58.0 / 20.0, 1.5 * 83.4)
    for width in (400, 1000):
        low, high = span(spec, width)
        between = math.log(right / left) / math.log(high / low) * width
        assert between == pytest.approx(width - needed, abs=8)


def test_bandwidths_of_the_summary_above_a_slope_are_explained():
    """A copy that stores past the caches may be faster than loads; where loads were disturbed that is said too."""
    copy = record("stream.copy", "simd-nt", [1e-6] * 5, {"bytes": 30e3},
                  params={"size": "DRAM", "dtype": "f8", "threads": 1},
                  facts={"threads": 1, "footprint": SIZES["DRAM"]})  # fmt: skip
    run = machine(LOADS, PEAKS, gemm(1000, [0.04] * 5), copy)
    told = panel(run).note
    assert told.endswith(
        ". The summary has more (DRAM copy 30.0): slopes are loads alone, stores have a path of their own"
    )
    slow = [one for one in run.records if one.params.get("size") != "DRAM"]
    slow += [msgspec.structs.replace(one, status="suspect", reasons=[Reason("steal", "9%")])
             if one.bench == "stream.load" else one for one in run.records if one not in slow]  # fmt: skip
    assert panel(replace(run, records=slow)).note.endswith("; the loads of DRAM were disturbed")
    assert "The summary has more" not in panel(machine(LOADS, PEAKS, gemm(1000, [0.04] * 5))).note
