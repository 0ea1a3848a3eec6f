"""The GPU's views on made-up runs: what they draw, say and leave out."""

from __future__ import annotations

import itertools

import pytest

from hwbench.analysis.findings import findings
from hwbench.catalog import benches
from hwbench.report.dataset import Runs
from hwbench.report.page import render
from hwbench.report.sections import Figure, Sayings
from hwbench.report.views import VIEWS, cpu_vs_gpu, roofline
from hwbench.report.views.applications import dsp, house_prices, stability  # fmt: skip
from hwbench.report.views.gpu import breakeven, common, link
from hwbench.report.views.gpu import roofline as report_views_gpu_roofline
from made_up.gpu_sample import CARD, LATENCY, LINK, REASON, gpu_run, without_gpu
from made_up.sample import replace, sample_run

RUN = gpu_run()


def figures(view, run):
    """The figures of a view by title."""
    section = view([run])
    assert section is not None
    return {block.title: block for block in section.blocks if isinstance(block, Figure)}


def column(figure, name):
    return [row[list(figure.table.head).index(name)] for row in figure.table.rows]


@pytest.fixture(scope="module")
def way():
    return figures(link, RUN)


def test_the_map_has_what_was_measured_on_each_stretch_beside_the_lecture(way):
    """Four arrows: host memory, both directions of the link, and the GPU's memory, each in GB/s with its bench."""
    table = way["Bandwidth from memory to memory"].table
    stretches = [(row[1], float(row[3]), row[4]) for row in table.rows]
    assert [(name, lecture) for name, _, lecture in stretches] == [
        ("Host memory – CPU", "30.0"), ("CPU – GPU", "16.0"), ("CPU – GPU", "16.0"), ("GPU – GPU memory", "480"),
    ]  # fmt: skip
    values = [value for _, value, _ in stretches]
    assert values[1:3] == pytest.approx([52, 52], rel=0.01)
    assert values[3] == pytest.approx(2.9e3 / 0.95, rel=0.01)
    spec = way["Bandwidth from memory to memory"].panels[0].spec
    assert len(spec["datasets"]["boxes"]) == 4
    assert all("GB/s" in row["label"] for row in spec["datasets"]["figures"] + spec["datasets"]["lecture"])


def test_texts_of_the_map_do_not_lie_on_each_other(way):
    """No two lines of figures are nearer than a line's height: 10 units are 400 pixels, and a line takes 16."""
    data = way["Bandwidth from memory to memory"].panels[0].spec["datasets"]
    lines = sorted(row["y"] for row in data["figures"] + data["lecture"])
    assert min(b - a for a, b in itertools.pairwise(lines)) * 40 >= 16


def test_a_stretch_that_was_not_measured_has_no_arrow():
    """Without device memory's bench the map ends at the GPU, and nothing is made up for it."""
    records = [record for record in RUN.records if record.bench != "device.stream"]
    found = figures(link, replace(RUN, records=records))["Bandwidth from memory to memory"]
    assert set(column(found, "stretch")) == {"Host memory – CPU", "CPU – GPU"}


def test_copies_are_drawn_by_size_with_the_fit_of_pinned_raw(way):
    """A chart for each direction; the fit gives back the latency and bandwidth that the times were made of."""
    figure = way["Copies by their size"]
    assert [panel.title.split(",")[0] for panel in figure.panels] == [
        "host to GPU", "GPU to host", "both ways at once",
    ]  # fmt: skip
    latency = {row[2]: float(row[6]) for row in figure.table.rows if row[1] == "host to GPU"}
    assert latency["pinned raw"] == pytest.approx(LATENCY * 1e6, rel=0.03)
    assert latency["pinned cupy"] == pytest.approx(LATENCY * 1e6 + 12, rel=0.03)
    curve = figure.panels[0].spec["datasets"]["ideal"]
    assert curve[-1]["value"] == pytest.approx(LINK * 1e-9, rel=0.03)
    assert curve[0]["value"] == pytest.approx(64 / LATENCY * 1e-9, rel=0.03)
    [half] = figure.panels[0].spec["datasets"]["dashed"]
    assert half["x"] == pytest.approx(LATENCY * LINK, rel=0.05)
    assert {key.label for key in figure.legend} >= {"pinned raw", "pageable cupy", "suspect"}


def test_times_that_are_no_links_have_no_fit():
    """Two sizes bound no latency: the points are drawn, the curve is not."""
    kept = [r for r in RUN.records if r.bench != "transfer.copy" or r.params["size"] in ("64B", "1GiB")]
    figure = figures(link, replace(RUN, records=kept))["Copies by their size"]
    assert "ideal" not in figure.panels[0].spec["datasets"]
    assert figure.panels[0].note == ""
    assert "–" in column(figure, "latency, µs")


def test_the_roofline_has_a_ceiling_for_each_precision_and_both_slopes():
    """Peaks of fused multiply-adds and of products of matrices in TFLOP/s, L2 and memory in GB/s; no CPU's case."""
    [figure] = figures(report_views_gpu_roofline, RUN).values()
    note = figure.panels[0].note
    assert "HBM 3050 GB/s" in note and "fp32 50.0" in note and "bf16 779" in note
    assert {row[1] for row in figure.table.rows} == {"device.stream", "dsp.dot", "offload.breakeven", "roof"}
    names = [row["label"] for row in figure.panels[0].spec["datasets"]["ceilings"]]
    assert len(names) == len(set(names))
    shares = [float(row[6].rstrip("%")) for row in figure.table.rows if row[1] == "device.stream"]
    assert all(share == pytest.approx(95, abs=6) for share in shares)


def test_the_cpus_roofline_is_the_cpus_alone():
    """A GPU's case has no place below the CPU's roofs."""
    with_gpu, without = (roofline([run]) for run in (RUN, replace(RUN, records=[
        record for record in RUN.records if not common.on_gpu(record)
    ])))  # fmt: skip
    assert with_gpu.blocks[0].table.rows == without.blocks[0].table.rows


def test_the_break_even_is_marked_where_the_lines_cross():
    """With transfers an addition never pays; resident it does, at the size where the made-up times are equal."""
    [figure] = figures(breakeven, RUN).values()
    panels = {panel.title.split(",")[0]: panel for panel in figure.panels}
    add = panels["adding two arrays"]
    assert "With the transfers it never wins" in add.note
    [rule] = add.spec["datasets"]["solid"]
    # 1 µs + 0.4 ns · n on the CPU against 6 µs on the GPU
    assert rule["x"] == pytest.approx(12_500, rel=0.1) and rule["label"] == "R"
    assert {row["label"] for row in panels["a product of matrices"].spec["datasets"]["solid"]} == {"T", "R"}
    assert set(column(figure, "way")) == {"best of the CPU", "GPU with transfers", "GPU, data resident"}


def test_a_wide_interval_is_drawn_too():
    """Where the samples scatter, dashed lines stand at the ends of the crossing's interval."""
    [figure] = figures(breakeven, gpu_run(spread=0.6)).values()
    assert any(panel.spec["datasets"].get("dashed") for panel in figure.panels)


def test_the_lectures_table_holds_the_gpu_measured_and_by_its_datasheet():
    """A measured row, the datasheet's, and the share of it that was reached; the lecture's rows below."""
    section = cpu_vs_gpu([RUN])
    table = next(block for block in section.blocks if getattr(block, "caption", "") == "CPU against GPU")
    rows = {(row[0].rpartition(": ")[2], row[1]): row for row in table.rows}
    measured = rows[CARD.name, "measured here"]
    assert float(measured[3]) == pytest.approx(50, rel=0.01) and "for 32 ways" in measured[7]
    assert rows["H100 SXM", "datasheet"][3] == "67.0"
    assert rows["H100 SXM", "measured / datasheet"][3:6] == ("75%", "–", "91%")


def test_a_gpu_that_was_not_measured_has_no_measured_row():
    """The datasheet of a card alone is no measurement, and is compared with none."""
    run = replace(sample_run(), machine=replace(RUN.machine, gpus=[CARD]))
    section = cpu_vs_gpu([run])
    table = next(block for block in section.blocks if getattr(block, "caption", "") == "CPU against GPU")
    kinds = [row[1] for row in table.rows if "H100" in row[0]]
    assert kinds == ["datasheet"]


def test_where_there_is_no_gpu_one_section_says_so():
    """One short section with the reason, the remedy and how many cases wait; no other view speaks of a GPU."""
    run = without_gpu()
    section = link([run])
    [block] = section.blocks
    assert isinstance(block, Sayings)
    [sentence] = block.sentences
    assert sentence.startswith(REASON) and "cases wait for one" in sentence
    assert report_views_gpu_roofline([run]) is None and breakeven([run]) is None


def test_a_run_that_asked_for_no_gpu_says_nothing_of_one():
    """`--device cpu` is no lack."""
    assert link([sample_run()]) is report_views_gpu_roofline([sample_run()]) is breakeven([sample_run()]) is None


def test_several_runs_stand_side_by_side():
    """Charts carry the run's name, tables a column for it, and a run without a GPU takes nothing away."""
    other = replace(RUN, id="other", started="2026-11-23T10:00:00Z")
    for view in (link, report_views_gpu_roofline, breakeven):
        section = view([RUN, other, without_gpu()])
        for figure in section.blocks:
            assert figure.table.head[0] == "run"
            assert len({row[0] for row in figure.table.rows}) == 2
            assert all("2026-11-2" in panel.title for panel in figure.panels)


def test_a_second_gpu_is_told_by_its_number():
    """Two cards of one name are two charts."""
    both = replace(RUN, machine=replace(RUN.machine, gpus=[CARD, CARD]), records=[
        *RUN.records, *(r for r in gpu_run(device="gpu:1").records if r.device == "gpu:1")
    ])  # fmt: skip
    titles = [panel.title for panel in figures(link, both)["Bandwidth from memory to memory"].panels]
    assert titles == [f"{CARD.name} (gpu:0)", f"{CARD.name} (gpu:1)"]


def test_names_from_a_file_are_data():
    """A card's name with markup in it stays text on the page, and a device number beyond the list is no error."""
    hostile = replace(CARD, name="<script>alert(1)</script>")
    page = render([replace(RUN, machine=replace(RUN.machine, gpus=[hostile]))])
    assert "<script>alert(1)" not in page
    assert common.gpu_of(RUN, "gpu:7") is None and common.gpu_of(RUN, "gpu:x") is None
    stray = [replace(r, device="gpu:7") if r.device == "gpu:0" else r for r in RUN.records]
    assert common.label(Runs([replace(RUN, records=stray)]), 0, "gpu:7") == "gpu:7"


def told(view, run):
    """All that a view says and tabulates, as one text."""
    section = view([run])
    blocks = [[getattr(block, "text", ""), getattr(block, "table", block)] for block in section.blocks]
    return " ".join(map(str, [*section.intro, *blocks]))


@pytest.mark.parametrize("view", [dsp, house_prices, stability])
def test_the_lectures_systems_have_the_gpu_beside_the_cpu(view):
    """Its variants stand in the tables of a run that has them, and in no other."""
    assert "cupy" in told(view, RUN)
    assert "cupy" not in told(view, sample_run())
    assert told(view, without_gpu()) == told(view, sample_run())


def test_findings_of_the_lectures_systems_name_a_gpu_only_where_one_was_measured():
    """What was skipped is no figure: a run that asked for a GPU in vain says what the CPU's says."""
    chosen = [bench for bench in benches().values() if bench.topic in ("dsp", "stability", "workload")]
    on_gpu, asked, without = (findings(run, chosen) for run in (RUN, without_gpu(), sample_run()))
    assert asked == without
    for name in ("dsp.dot", "stability.gradients", "stability.initialization", "workload.house_prices"):
        assert any("GPU" in line for line in on_gpu[name])
        assert not any("GPU" in line or "cupy" in line for line in without.get(name, []))


def test_no_view_fails_on_any_of_these_runs():
    """Every section of the page can be made of a run with a GPU and of one without."""
    for run in (RUN, without_gpu()):
        for view in VIEWS:
            view([run])


@pytest.mark.parametrize("nonsense", [["a", "list"], {"a": 1}, None, -3, 1e400, "\u202e<b>"])
def test_nonsense_in_a_file_breaks_no_gpu_view(nonsense):
    """A file may hold any JSON where a parameter or a fact is expected: nothing is drawn of it, and nothing fails."""
    names = ("n", "work", "size", "direction", "memory", "kernel", "footprint", "l2_bytes", "transfers")
    for where in ("params", "facts"):
        records = [
            replace(r, **{where: getattr(r, where) | {names[i % len(names)]: nonsense}})
            for i, r in enumerate(record for record in RUN.records if common.on_gpu(record))
        ]
        for view in (link, report_views_gpu_roofline, breakeven):
            view([replace(RUN, records=records)])
