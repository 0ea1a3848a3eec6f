"""What the views read out of runs: shares, ratios, speed-ups, level sizes, roofs, troubles, and how they name them."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import msgspec
import pytest

from hwbench.record import store
from hwbench.record.estimate import Estimate
from hwbench.record.model import Disturbance, Record, Run
from hwbench.report import format, theme
from hwbench.report.dataset import Runs
from hwbench.report.sections import Facts, Figure, Records, Sayings, Section, Table, Tiles, Troubles
from hwbench.report.views import VIEWS
from hwbench.report.views.contrasts import view as contrasts
from hwbench.report.views.crosscheck import _labels as labels
from hwbench.report.views.crosscheck import view as verify
from hwbench.report.views.findings import view as findings
from hwbench.report.views.gpu.breakeven import view as gpu_breakeven
from hwbench.report.views.gpu.link import view as gpu_link
from hwbench.report.views.gpu.roofline import view as gpu_roofline
from hwbench.report.views.history import view as history
from hwbench.report.views.ladder import view as ladder
from hwbench.report.views.latency import view as latency
from hwbench.report.views.latency_under_load import view as waiting
from hwbench.report.views.machine import view as machine
from hwbench.report.views.matmul import view as computing
from hwbench.report.views.quality import remedy
from hwbench.report.views.quality import view as quality
from hwbench.report.views.records import as_csv, file_name
from hwbench.report.views.records import view as records
from hwbench.report.views.roofline import view as roofline
from hwbench.report.views.scaling import view as scaling
from made_up.sample import HOSTILE, KIB, LAPTOP, Model, proof_run, replace, sample_run

# Views of what the sample run has none of: a GPU, and other harnesses' results.
ABSENT = (history, gpu_link, gpu_roofline, gpu_breakeven)


def record(bench: str, variant: str, seconds: float, counts: dict[str, float], **fields: object) -> Record:
    """A record whose samples are all alike, so that every derived figure can be worked out by hand."""
    params = fields.pop("params", {})
    return Record(
        bench=bench, version=1, variant=variant, device="cpu", params=params, status="ok", samples=[seconds] * 10,
        counts=counts, **fields,
    )  # type: ignore[arg-type]  # fmt: skip


def run_of(*given: Record) -> Run:
    return replace(sample_run(benches=()), records=list(given))


def figure(section: Section | None, at: int = 0) -> Figure:
    assert section is not None
    return [block for block in section.blocks if isinstance(block, Figure)][at]


def column(table: Table, head: str) -> list[str]:
    return [row[list(table.head).index(head)] for row in table.rows]


STREAM = {"params": {"size": "L1", "dtype": "f8", "threads": 2}, "facts": {"threads": 2, "footprint": 16 * KIB}}


def test_a_rung_is_its_share_of_the_whole_machine() -> None:
    """5 GB/s out of L1 are 5% where two threads together stream 100 GB/s there, on whatever threads it runs."""
    run = run_of(
        record("stream.triad", "simd", 1e-6, {"bytes": 1e5}, **STREAM),
        record("vectorize.add", "numpy", 48e3 / 5e9, {"bytes": 48e3, "items": 2e3}, params={"n": 2000}),
        record("vectorize.add", "loop", 48e3 / 5e7, {"bytes": 48e3, "items": 2e3}, params={"n": 2000}),
    )
    table = figure(ladder([run])).table
    assert dict(zip(column(table, "variant"), column(table, "of the limit"), strict=True)) == {
        "loop": "0.0500%", "numpy": "5.00%",
    }  # fmt: skip
    assert column(table, "against the baseline") == ["100× slower than numpy", "–"]


def test_a_rung_without_a_time_says_why() -> None:
    """A variant that was skipped at an n stands there with its status, not as a gap."""
    section = ladder([sample_run()])
    labels = [row.get("label") for panel in figure(section).panels for row in panel.spec["datasets"].get("absent", [])]
    assert "not measured at this n" in labels


def test_contrasts_compare_times_with_the_baseline() -> None:
    """Twice the time is `2.00× slower`, half of it `2.00× faster`, whichever way the metric points."""
    params = {"size": "DRAM", "dtype": "f8", "threads": 1}
    run = run_of(
        *(
            record("stream.copy", variant, seconds, {"bytes": 1e6}, params=params)
            for variant, seconds in (("simd", 1e-3), ("numba", 2e-3), ("simd-nt", 5e-4), ("numpy", 1e-3))
        )
    )
    marks = figure(contrasts([run])).panels[0].spec["datasets"]["marks"]
    assert [mark["label"] for mark in marks] == ["1.00 GB/s", "2.00× slower", "2.00× faster", "same"]


def test_an_interval_that_holds_one_is_no_difference() -> None:
    """A ratio whose interval holds 1 is called the same, however far its median lies."""
    assert format.compared(Estimate(1.3, 0.9, 2.0)) == "same"
    assert format.compared(Estimate(1.3, 1.2, 1.4)) == "1.30× slower"
    assert format.compared(Estimate(0.1, 0.09, 0.11)) == "10.0× faster"


def test_a_wrong_case_stands_in_its_place_without_a_bar() -> None:
    """The wrong answer's bar is missing, and its place says so with the reason in the tooltip."""
    section = contrasts([sample_run()])
    absent = [row for panel in figure(section).panels for row in panel.spec["datasets"].get("absent", [])]
    assert [(row["label"], row["more"][:22]) for row in absent] == [("wrong", "largest relative error")]


def test_speed_up_is_work_a_second_over_work_a_second() -> None:
    """Strong: the same work in half the time is 2×. Weak: twice the work in the same time is 2× as well."""
    strong = {"work": "triad", "scaling": "strong"}
    weak = {"work": "triad", "scaling": "weak"}
    run = run_of(
        record("parallel.scaling", "prange", 4.0, {"items": 8.0}, params={**strong, "threads": 1}),
        record("parallel.scaling", "prange", 2.5, {"items": 8.0}, params={**strong, "threads": 2}),
        record("parallel.scaling", "prange", 4.0, {"items": 8.0}, params={**weak, "threads": 1}),
        record("parallel.scaling", "prange", 4.0, {"items": 16.0}, params={**weak, "threads": 2}),
    )
    table = figure(scaling([run])).table
    found = dict(
        zip(
            zip(column(table, "scaling"), column(table, "threads"), strict=True), column(table, "speed-up"), strict=True
        )
    )
    assert found == {("strong", "1"): "1.00", ("strong", "2"): "1.60", ("weak", "1"): "1.00", ("weak", "2"): "2.00"}
    # Karp and Flatt: (1/1.6 - 1/2) / (1 - 1/2) = 0.25
    assert column(table, "serial fraction") == ["–", "0.250", "–", "–"]


def test_level_sizes_are_set_beside_the_reported_ones() -> None:
    """A last level of which only 32 of 260 MiB are ours is found out by the staircase."""
    section = latency([sample_run()])
    assert section is not None
    table = next(block for block in section.blocks if isinstance(block, Table))
    assert column(table, "reported")[:3] == ["32 KiB", "1 MiB", "260 MiB"]
    assert column(table, "measured")[:3] == ["32 KiB", "1 MiB", "32 MiB"]


def test_where_a_stream_goes_further_than_a_chase_both_sizes_stand_in_the_table() -> None:
    """The committed run of an Intel: L3 as far as loads find it, and below it the reach of translation."""
    [path] = (Path(__file__).parents[3] / "reports/runs/intel-xeon-2cpu").glob("*.json")
    section = latency([store.read(path)])
    assert section is not None
    table = next(block for block in section.blocks if isinstance(block, Table))
    assert column(table, "level")[2:5] == ["L3", "its random reach", "memory"]
    assert column(table, "measured")[2:4] == ["64 MiB", "8 MiB"]
    assert column(table, "verdict")[2:4] == ["less than reported", "translation"]


def test_a_sweep_that_ends_unsettled_has_no_latency_of_memory() -> None:
    """Where the last stretch is not level, the last plateau is a cache's, and memory's latency is not told."""
    sweep = {4: 1.0, 8: 1.0, 16: 1.0, 32: 1.0, 64: 4.0, 128: 4.0, 256: 4.0, 512: 4.0, 1024: 9.0, 2048: 30.0, 4096: 80.0}
    run = run_of(
        *(
            record("latency.chase", "follow", ns * 1e-9, {"hops": 1.0}, params={"size": f"{size}KiB"})
            for size, ns in sweep.items()
        )
    )
    section = latency([run])
    assert section is not None
    table = next(block for block in section.blocks if isinstance(block, Table))
    assert column(table, "measured") == ["32 KiB", "512 KiB", "–", "–"]
    assert column(table, "latency") == ["1.00 ns", "4.00 ns", "–", "–"]


def test_the_roof_is_the_lower_of_slope_and_ceiling() -> None:
    """At 1/8 flop a byte under 100 GB/s the roof is 12.5 GFLOP/s; at 100 flop a byte it is the peak."""
    one = {"threads": 1, "footprint": 16 * KIB}
    run = run_of(
        record("stream.load", "simd", 1e-6, {"bytes": 1e5}, params={"size": "L1", "dtype": "f8"}, facts=one),
        record("peak.fma", "256", 1e-6, {"flops": 5e4}, params={"dtype": "f8"}, facts={"threads": 1}),
        record(
            "access.row_column",
            "row",
            1e-6,
            {"bytes": 4e4, "flops": 5e3},
            params={"size": "L1", "dtype": "f8"},
            facts=one,
        ),
        record(
            "access.row_column",
            "column",
            1e-6,
            {"bytes": 4e2, "flops": 4e4},
            params={"size": "L1", "dtype": "f8"},
            facts=one,
        ),
    )
    table = figure(roofline([run])).table
    assert column(table, "of the roof") == ["80%", "40%"]
    assert column(table, "roof") == ["float64 peak, 50.0 GFLOP/s", "L1 load, 100 GB/s"]


def test_headlines_are_the_best_undisturbed_samples() -> None:
    """A suspect figure heads the page only where there is no other."""
    fast = record("stream.load", "simd", 1e-6, {"bytes": 9e4}, params={"size": "DRAM", "dtype": "f8", "threads": 1})
    slow = record("stream.copy", "simd", 1e-6, {"bytes": 2e4}, params={"size": "DRAM", "dtype": "f8", "threads": 1})
    doubtful = msgspec.structs.replace(fast, status="suspect", reason="the clock drifted by 5.0%")
    for records_, value in (([fast, slow], "90.0"), ([doubtful, slow], "20.0"), ([doubtful], "90.0")):
        section = machine([run_of(*records_)])
        tiles = next(block for block in section.blocks if isinstance(block, Tiles))
        assert [tile.value for tile in tiles.tiles] == [value]


def test_machines_side_by_side_have_a_column_each() -> None:
    """Of several runs the limits become one table, beside the lecture's column."""
    section = machine([sample_run(), sample_run(LAPTOP)])
    table = next(block for block in section.blocks if isinstance(block, Table))
    assert list(table.head) == ["limit", "zen-vm, 2026-11-22", "laptop, 2026-11-22", "lecture"]
    assert column(table, "lecture") == ["30", "0.5", "7", "100", "–", "0.15"]


def test_every_trouble_is_told_with_a_remedy() -> None:
    """All cases that are not ok stand under Quality, grouped by reason, the gravest first."""
    run = sample_run()
    section = quality([run])
    assert section is not None
    troubles = next(block for block in section.blocks if isinstance(block, Troubles)).items
    assert sum(len(trouble.cases) for trouble in troubles) == sum(one.status != "ok" for one in run.records)
    assert [trouble.status for trouble in troubles] == ["wrong", "error", "suspect", "suspect", "skipped"]
    assert all(trouble.remedy for trouble in troubles)


@pytest.mark.parametrize(
    ("status", "reason", "word"),
    [
        ("suspect", "the hypervisor took 4% of a CPU (steal)", "guests"),
        ("suspect", "other processes took 138% of a CPU", "Close"),
        ("suspect", "the clock drifted by 4.2%", "clock"),
        ("suspect", "samples fall into two heaps, 12% apart", "two states"),
        ("suspect", "faster than L2 load, 1 thread (70 GB/s), a level nearer to the core", "cannot be true"),
        ("suspect", "slower than a level further from the core (L2 store, 2 threads: 210 GB/s)", "too high"),
        ("suspect", "after measuring: OSError: the clock is gone", "kept"),
        ("suspect", "something new", "again"),
        ("skipped", "needs 4 GiB for 2 variants; 60% of the 1 GiB free may be taken", "memory"),
        ("skipped", "the budget of 5 s was spent before its turn; raise --budget", "--resume"),
        ("wrong", "the clock on the wall", "reference"),
    ],
)
def test_remedies_fit_their_reasons(status: str, reason: str, word: str) -> None:
    """Each reason the engine gives has a remedy of its own; an unknown one gets its status's."""
    assert word in remedy(status, reason)


def test_a_case_disturbed_twice_is_told_twice() -> None:
    """Two reasons of one case are two troubles with a remedy each; a semicolon within a skip's reason is none."""
    case = record("stream.copy", "simd", 1e-3, {"bytes": 1.0})
    twice = msgspec.structs.replace(
        case, status="suspect", reason="the clock drifted by 5%; other processes took 90% of a CPU"
    )
    skip = msgspec.structs.replace(case, status="skipped", reason="needs 2 GiB; 60% of it", samples=[])
    section = quality([run_of(twice, skip)])
    assert section is not None
    troubles = next(block for block in section.blocks if isinstance(block, Troubles)).items
    assert len(troubles) == 3
    assert len({trouble.remedy for trouble in troubles}) == 3


def test_a_size_measured_twice_is_one_point_of_the_line() -> None:
    """Where a label's size is a size of the sweep as well, the line takes the better of the two, the table both."""
    given = [("L1", 3e-9), ("16KiB", 2e-9), ("32KiB", 2.1e-9)]
    run = run_of(
        *(
            record("latency.chase", "follow", seconds, {"hops": 1.0}, params={"size": size, "pages": "huge"},
                   facts={"footprint": 16 * KIB if size == "L1" else int(size[:2]) * KIB})
            for size, seconds in given
        )
    )  # fmt: skip
    drawn = figure(latency([run]))
    assert [mark["value"] for mark in drawn.panels[0].spec["datasets"]["marks"]] == [2.0, 2.1]
    assert len(drawn.table.rows) == 3


def test_telemetry_is_counted_once_a_contrast() -> None:
    """The variants of a contrast carry the same telemetry; its seconds are not added up for each of them."""
    telemetry = {"wall_s": [1.0, 1.0], "steal_s": [0.1, 0.1], "clock_hz": [3e9, 3e9, 3e9]}
    run = run_of(
        *(record("stream.copy", variant, 1e-3, {"bytes": 1.0}, telemetry=telemetry) for variant in ("simd", "numba"))
    )
    section = quality([run])
    assert section is not None
    table = next(block for block in section.blocks if isinstance(block, Table) and "telemetry" in block.caption)
    assert column(table, "time in rounds") == ["2.00 s"]
    assert column(table, "steal") == ["10%"]


def test_csv_has_a_line_a_record_in_si_units() -> None:
    """Every record is a line; a rate is the count over the median, in bytes a second."""
    run = run_of(record("stream.copy", "simd", 2e-3, {"bytes": 1e6}, params={"size": "L2"}))
    [line] = list(csv.DictReader(io.StringIO(as_csv(Runs([run])))))
    assert (line["bench"], line["size"], line["n"]) == ("stream.copy", "L2", "10")
    assert float(line["median_s"]) == 2e-3
    assert float(line["bytes_per_s"]) == pytest.approx(5e8)
    whole = sample_run()
    assert len(list(csv.DictReader(io.StringIO(as_csv(Runs([whole])))))) == len(whole.records)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t"])
def test_csv_cells_are_no_formulas(start: str) -> None:
    """A name that a spreadsheet would evaluate gets an apostrophe before it."""
    run = run_of(record("b.c", f"{start}HYPERLINK(1)", 1.0, {}))
    [line] = list(csv.DictReader(io.StringIO(as_csv(Runs([run])))))
    assert line["variant"] == f"'{start}HYPERLINK(1)"


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("zen-2026T-ab", "zen-2026T-ab"),
        ("../../etc/passwd", "etc-passwd"),
        (HOSTILE, None),
        ("…", "run"),
        ("a" * 300, "a" * 100),
    ],
)
def test_a_download_is_named_by_harmless_characters(name: str, safe: str | None) -> None:
    """A run's id is data: what becomes a file's name has no separators, dots in front, or markup."""
    made = file_name(name)
    assert safe is None or made == safe
    assert not set(made) & set("/\\<>\"'&\u202e")


def test_every_record_is_in_the_raw_table() -> None:
    """No status is left out of the table; what was skipped for one reason is a row with the number of cases."""
    run = sample_run(benches=("stream.load",))
    absent = [msgspec.structs.replace(record("device.stream", "raw", 1.0, {}, params={"n": n}), status="skipped",
                                      reason="no GPU", samples=[]) for n in range(7)]  # fmt: skip
    section = records([replace(run, records=[*run.records, *absent])])
    assert section is not None
    block = next(block for block in section.blocks if isinstance(block, Records))
    skipped = {(one.bench, one.variant, one.reason) for one in run.records if one.status == "skipped"}
    timed = [one for one in run.records if one.status != "skipped"]
    assert len(block.table.rows) == len(timed) + len(skipped) + 1
    assert column(block.table, "parameters")[-1] == "7 cases"
    assert b"device.stream" in block.downloads[0].data
    assert block.downloads[0].data.count(b"no GPU") == 7


def test_labels_tell_runs_apart() -> None:
    """The machine and its date; with a time where the date is shared, with a number where that is shared too."""
    first, later = sample_run(), sample_run(started="2026-11-22T19:00:00Z")
    other = sample_run(LAPTOP)
    assert Runs([first]).labels == ["zen-vm"]
    assert Runs([first, other]).labels == ["zen-vm, 2026-11-22", "laptop, 2026-11-22"]
    assert Runs([first, later]).labels == ["zen-vm, 2026-11-22 18:27", "zen-vm, 2026-11-22 19:00"]
    assert len(set(Runs([first, first]).labels)) == 2


def test_a_variant_has_one_colour_and_shares_it_with_no_neighbour() -> None:
    """Variants that meet in a bench differ in colour, and keep it whatever else the page holds."""
    few = theme.assign([{"loop", "numpy"}, {"mine", "yours"}])
    many = theme.assign([{"loop", "numpy", "numba", "prange"}, {"mine", "yours"}, {"row", "column"}])
    assert {name: many[name] for name in few} == few
    assert few["mine"] != few["yours"]
    crowd = theme.assign([{f"v{i}" for i in range(8)}])
    assert len(set(crowd.values())) == 8


def test_text_and_lines_have_contrast_in_both_themes() -> None:
    """Text keeps 4.5:1 against the card and the page, the colours of series 3:1 on the light card and the dark one."""
    for colours in (theme.LIGHT, theme.DARK):
        for ground in ("card", "paper"):
            assert all(
                _contrast(colours[name], colours[ground]) >= 4.5 for name in ("ink", "ink-2", "accent", "warn", "bad")
            )
        assert all(_contrast(colours[slot], colours["card"]) >= 3 for slot in theme.SLOTS)


def _contrast(one: str, other: str) -> float:
    """WCAG's ratio of relative luminances."""

    def luminance(colour: str) -> float:
        channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_loads_in_flight_are_the_latency_over_the_time_between_loads() -> None:
    """Four chases whose hops come four times as often are four in flight; by best samples, in any unit of work."""
    chases = [
        record(
            "latency.parallel", "follow", seconds, {"hops": 1000.0 * chains}, params={"size": "L3", "chains": chains}
        )
        for chains, seconds in ((1, 50e-6), (4, 50e-6), (16, 100e-6))
    ]
    table = figure(waiting([run_of(*chases)])).table
    assert column(table, "loads in flight") == ["1.00", "4.00", "8.00"]
    assert column(table, "GB/s of lines") == ["1.28", "5.12", "10.2"]
    assert waiting([run_of(chases[1], chases[2])]) is None, "without one chase alone nothing is known"


def test_latency_is_drawn_over_what_was_streamed() -> None:
    """The points stand at the measured traffic in GB/s, in its order, whatever the gaps are called."""
    run = run_of(
        *(
            record("latency.loaded", "read", ns * 1e-6, {"hops": 1000.0}, params={"gap": gap},
                   facts={"streamed": streamed, "streaming": 3})
            for gap, ns, streamed in (("idle", 90, 0.0), (0, 200, 30e9), (64, 100, 12e9))
        )
    )  # fmt: skip
    shown = figure(waiting([run]))
    assert [(mark["x"], mark["value"]) for mark in shown.panels[0].spec["datasets"]["marks"]] == [
        (0, 90), (12, 100), (30, 200),
    ]  # fmt: skip
    assert column(shown.table, "they wait") == ["all the time", "64 cycles a line", "0 cycles a line"]


def test_the_map_of_pairs_is_symmetric_and_has_no_diagonal() -> None:
    """Each pair stands in two cells, none for a CPU and itself; the slowest has all of the colour."""
    between = [[0, 1, "cache", 50e-9], [0, 5, "memory", 200e-9], [1, 5, "memory", 100e-9]]
    run = run_of(record("latency.core_to_core", "store", 1e-3, {"hops": 1e4}, facts={"between": between}))
    shown = figure(waiting([run]))
    cells = shown.panels[0].spec["datasets"]["marks"]
    assert len(cells) == 6
    assert {(cell["row"], cell["column"]) for cell in cells} == {(c["column"], c["row"]) for c in cells}
    assert all(cell["row"] != cell["column"] for cell in cells)
    assert {cell["label"]: cell["fade"] for cell in cells} == {"50.0": 0.25, "100": 0.625, "200": 1.0}
    assert column(shown.table, "they share") == ["the last-level cache", "memory alone", "memory alone"]


def test_the_clock_is_its_best_sample_and_the_peak_is_told_by_it() -> None:
    """3 GHz at best; 96 GFLOP/s of the same width on one thread are 32 operations a cycle."""
    clock = record("clock.frequency", "512", 1e-5, {"cycles": 3e4}, params={"threads": 1}, facts={"threads": 1})
    clock = msgspec.structs.replace(clock, samples=[1e-5, *[1.5e-5] * 9])
    peak = record("peak.fma", "512", 1e-3, {"flops": 96e6}, params={"dtype": "f8", "threads": 1}, facts={"threads": 1})
    table = figure(computing([run_of(clock, peak)])).table
    assert column(table, "GHz, best sample") == ["3.00"]
    assert column(table, "GHz, median") == ["2.00"]
    assert column(table, "peak.fma: operations a cycle and core") == ["32.0"]


def test_the_matrix_product_is_told_in_operations() -> None:
    """The curve is GFLOP/s although bytes are counted too, under the dotted peak of the most threads."""
    products = [
        record("peak.matmul", "numpy", 2 * n**3 / 4e10, {"flops": 2.0 * n**3, "bytes": 24.0 * n * n},
               params={"n": n, "dtype": "f8", "threads": 1}, facts={"threads": 1})
        for n in (64, 256)
    ]  # fmt: skip
    peak = record("peak.fma", "512", 1e-3, {"flops": 5e7}, params={"dtype": "f8", "threads": 1}, facts={"threads": 1})
    shown = figure(computing([run_of(*products, peak)]))
    assert [mark["value"] for mark in shown.panels[0].spec["datasets"]["marks"]] == [40, 40]
    assert {point["value"] for point in shown.panels[0].spec["datasets"]["ideal"]} == {50}
    assert column(shown.table, "of the peak") == ["80%", "80%"]


def test_branches_are_drawn_at_the_largest_n() -> None:
    """The curve is of one n, the largest; the table has them all, sorted before shuffled."""
    run = run_of(
        *(
            record("branch.prediction", variant, n * 1e-9, {"items": float(n)}, params={"share": share, "n": n})
            for variant in ("shuffled", "sorted")
            for share in (0.0, 0.5)
            for n in (1024, 4096)
        )
    )
    shown = figure(computing([run]))
    assert len(shown.panels[0].spec["datasets"]["marks"]) == 4
    assert column(shown.table, "variant") == ["sorted"] * 4 + ["shuffled"] * 4


def test_a_label_never_stands_outside_the_chart() -> None:
    """An interval that ends a thousand times further out is cut: its label would squeeze the chart to nothing."""
    wild = record("latency.core_to_core", "store", 1e-3, {"hops": 1e4}, params={"pairs": "all"})
    wild = msgspec.structs.replace(wild, samples=[1e-3, 1e-3, 1e-3, 1.0, 1.0])
    other = record("latency.core_to_core", "exchange", 1e-3, {"hops": 1e4}, params={"pairs": "all"})
    marks = figure(contrasts([run_of(wild, other)])).panels[0].spec["datasets"]["marks"]
    assert all(mark["high"] <= 1.0501 * max(m["value"] for m in marks) for mark in marks)


def test_nonsense_in_a_file_breaks_no_view() -> None:
    """Caches of no size, absurd values, axes of another type and negative phases leave the rest standing."""
    run = sample_run(hostile=True)
    sized = zip(run.machine.cpu.caches, (0, -1, 7), strict=True)
    caches = [msgspec.structs.replace(cache, bytes=size) for cache, size in sized]
    cpu = msgspec.structs.replace(run.machine.cpu, caches=caches)
    odd = [
        record("stream.load", "simd", 1.0, {"bytes": 0.0}, params={"size": "L1"}),
        record("stream.load", "simd", 5e-324, {"bytes": 1e300}, params={"size": "L1", "threads": -3}),
        record("vectorize.add", "loop", 1.0, {"items": 1.0}, params={"n": "many"}),
        record("vectorize.add", "loop", 1.0, {"items": 1.0}, params={"n": -5}),
        record("vectorize.add", "loop", 1.0, {"items": 1.0}, params={"n": 0}),
        record("latency.chase", "follow", 1.0, {"hops": 1.0}, params={"size": "huge"}, facts={"footprint": -1}),
        record("latency.chase", "follow", 1e300, {"hops": 1.0}, params={"size": "1e18"}),
        record("parallel.scaling", "prange", 1.0, {}, params={"threads": "some"}, telemetry={"wall_s": [-1.0]}),
        record("peak.fma", "512", 1e300, {"flops": 1e-300}, params={}),
        record("latency.parallel", "follow", 1.0, {"hops": 1.0}, params={"chains": "many"}),
        record("latency.parallel", "follow", 1.0, {"items": 1.0}, params={"chains": 1, "size": "L7"}),
        record("latency.loaded", "read", 1.0, {"hops": 1.0}, params={"gap": 1}, facts={"streamed": "much"}),
        record("latency.loaded", "x", 1.0, {"hops": 1.0}, params={}, facts={"streamed": -1.0}),
        record("latency.core_to_core", "y", 1.0, {"hops": 1.0}, facts={"between": [[0, 1], 7, [0, "1", "a", 1e-9]]}),
        record("clock.frequency", "1024", 1.0, {"cycles": 1.0}, params={"threads": None}),
        record("peak.matmul", "numpy", 1.0, {"flops": 1.0}, params={"n": "large"}),
        record("branch.prediction", "perhaps", 1.0, {"items": 1.0}, params={"share": 7, "n": 1}),
    ]
    broken = replace(
        run, machine=msgspec.structs.replace(run.machine, cpu=cpu), records=run.records + odd,
        policy=msgspec.structs.replace(run.policy, phases={"sample": -1.0, "total": 0.0}, sizes={"L1": 1}),
    )  # fmt: skip
    for runs in ([broken], [broken, sample_run()]):
        shown = [view(Runs([*runs, proof_run()])) for view in VIEWS if view not in ABSENT]
        assert None not in shown
        specs = [panel.spec for section in shown if section for block in section.blocks if isinstance(block, Figure)
                 for panel in block.panels]  # fmt: skip
        json.dumps(specs, allow_nan=False)


def test_the_machine_card_names_what_disturbs() -> None:
    """A virtual machine with a quota, siblings and no huge pages is told so in a sentence each."""
    run = sample_run(Model(cpus=4))
    cpu = msgspec.structs.replace(run.machine.cpu, quota=1.5, smt=2)
    memory = msgspec.structs.replace(run.machine.memory, huge_pages="never")
    section = machine([replace(run, machine=msgspec.structs.replace(run.machine, cpu=cpu, memory=memory))])
    told = " ".join(sentence for block in section.blocks for sentence in getattr(block, "sentences", ()))
    assert all(word in told for word in ("virtual", "1.50 CPUs", "share a core", "huge pages"))
    assert any(isinstance(block, Facts) for block in section.blocks)


def test_a_comparison_with_native_tools_is_no_run() -> None:
    """It has its own section, one panel a tool, and stands beside the run instead of being one of two."""
    runs = Runs([sample_run(), proof_run()])
    assert not runs.several
    section = verify(runs)
    shown = figure(section)
    assert [panel.title for panel in shown.panels] == ["likwid-bench", "C loop"]
    assert column(shown.table, "ours / native") == ["1.250", "0.500", "1.000"]
    assert column(shown.table, "native") == ["80.0 GB/s", "100 GFLOP/s", "200 M hops/s"]
    assert column(shown.table, "native command")[0] == "likwid-bench -t load"
    assert section is not None and "no mbw" in str(section.blocks[1])
    assert verify(Runs([sample_run()])) is None


def test_comparisons_are_named_by_what_differs() -> None:
    """No topic and nothing that all like it share, so that no name is cut; whole where two would be one."""
    names = [
        "stream.load/simd L1 f8 1 4K",
        "stream.load/simd DRAM f8 2 4K",
        "peak.fma/512 f8 1 12",
        "peak.fma/512 f4 1 12",
    ]
    assert labels(names) == ["load/simd L1 1", "load/simd DRAM 2", "fma/512 f8", "fma/512 f4"]
    alike = ["a.same/x L1", "b.same/x L1"]
    assert labels(alike) == alike


def test_a_comparison_of_absurd_numbers_is_shown() -> None:
    """Ratios beyond any axis are cut there, and told in the table."""
    run = proof_run()
    values = zip(run.records[:2], (5e-324, 1e300), strict=True)
    ours, native = (msgspec.structs.replace(record, samples=[value] * 3) for record, value in values)
    section = verify(Runs([replace(run, records=[ours, native])]))
    assert column(figure(section).table, "ours / native") == ["inf"]


def test_a_noisy_run_says_so_before_its_findings() -> None:
    """The verdict heads the findings, and quality has each check with both numbers and the cases beyond."""
    params = {"size": "DRAM", "dtype": "f8", "threads": 1, "pages": "huge"}
    lonely = record("stream.load", "simd", 1.0, {"bytes": 1e10}, params=params)
    run = run_of(msgspec.structs.replace(lonely, samples=[1.0, *[1.1] * 9]))
    section = findings([run])
    assert section is not None
    first = section.blocks[0]
    assert isinstance(first, Sayings)
    assert first.sentences[0].startswith("The machine was too noisy")
    section = quality([run])
    assert section is not None
    table = next(block for block in section.blocks if isinstance(block, Table))
    [row] = [row for row in table.rows if row[3] == "too much"]
    assert row[:3] == ("limits that few samples back", "10.0%", "3.0%")
    assert "stream.load/simd [DRAM, f8, 1, huge] by 10.0%" in row[4]


@pytest.mark.parametrize(
    ("handovers", "shown"),
    [([42e-9] * 9 + [163e-9], "42 ns, in 10% of rounds 163 ns"), ([42e-9] * 10, "42 ns"), ([], "–")],
)
def test_where_cpus_were_stands_in_the_telemetry(handovers: list[float], shown: str) -> None:
    """One state of the machine, or both with the share of the rarer; a run from before is silent."""
    timed = record("stream.load", "simd", 1.0, {"bytes": 1e10}, params={"size": "L1", "dtype": "f8", "threads": 2})
    telemetry = {"wall_s": [0.1] * 10, "handover_s": handovers}
    section = quality([run_of(msgspec.structs.replace(timed, telemetry=telemetry))])
    assert section is not None
    [table] = [block for block in section.blocks if isinstance(block, Table) and "telemetry" in block.caption]
    assert column(table, "line between CPUs") == [shown]


def test_what_disturbs_is_kept_with_the_run() -> None:
    """Each disturbance of the machine stands in the report with what it bends and the remedy, as the run found it."""
    one = Disturbance("swap", "1 GiB in use", "memory is short", "end what takes it")
    section = quality([replace(sample_run(), disturbances=[one])])
    assert section is not None
    [said] = [block for block in section.blocks if isinstance(block, Sayings)]
    assert "before the run" in said.title
    assert said.sentences == ["swap (warning): 1 GiB in use. Bends: memory is short. Remedy: end what takes it."]
    assert not any(isinstance(block, Sayings) for block in quality([sample_run()]).blocks)  # type: ignore[union-attr]
