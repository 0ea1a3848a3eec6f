"""The way to the GPU on made-up runs: the map, the curves, and what is said without a GPU."""

from __future__ import annotations

import itertools

import pytest

from hwbench.report.sections import Notes
from hwbench.report.views.gpu.breakeven import view as breakeven
from hwbench.report.views.gpu.link import view as link
from hwbench.report.views.gpu.roofline import view as gpu_roofline
from made_up.gpu_sample import CARD, LATENCY, LINK, REASON, gpu_run, without_gpu
from made_up.page import column, dataset, figures_by_title
from made_up.sample import replace, sample_run

RUN = gpu_run()


@pytest.fixture(scope="module")
def way():
    return figures_by_title(link, RUN)


def test_the_map_has_what_was_measured_on_each_stretch_beside_the_lecture(way):
    """Four arrows: host memory, both directions of the link, and the GPU's memory, each in GB/s with its bench."""
    table = way["Bandwidth from memory to memory"].table
    stretches = [(row[1], float(row[3]), row[4]) for row in table.rows]
    assert [(name, lecture) for name, _, lecture in stretches] == [
        ("Host memory – CPU", "30.0"), ("CPU – GPU", "16.0"), ("CPU – GPU", "16.0"), ("GPU – GPU memory", "480"),
    ]  # fmt: skip
    values = [value for _, value, _ in stretches]
    assert (
        column(way["Bandwidth from memory to memory"], "work")[3] == "copy, bytes16"
    )  # the finding has other variants
    assert values[1:3] == pytest.approx([52, 52], rel=0.01)
    assert values[3] == pytest.approx(2.9e3, rel=0.02)  # the median of a copy, as in the headline
    spec = way["Bandwidth from memory to memory"].panels[0].spec
    assert len(spec["datasets"]["boxes"]) == 4
    assert all("GB/s" in row["label"] for row in spec["datasets"]["figures"] + spec["datasets"]["lecture"])


def test_texts_of_the_map_do_not_lie_on_each_other(way):
    """No two lines of figures are nearer than a line's height: 10 units are 400 pixels, and a line takes 16."""
    data = way["Bandwidth from memory to memory"].panels[0].spec["datasets"]
    lines = sorted(row["y"] for row in data["figures"] + data["lecture"])
    assert min(b - a for a, b in itertools.pairwise(lines)) * 40 >= 16


def test_a_stretch_that_was_not_measured_has_no_arrow():
    """Without device memory's bench the map ends at the GPU, a dashed line says so, and nothing is made up for it."""
    records = [record for record in RUN.records if record.bench != "device.stream"]
    found = figures_by_title(link, replace(RUN, records=records))["Bandwidth from memory to memory"]
    assert set(column(found, "stretch")) == {"Host memory – CPU", "CPU – GPU"}
    data = found.panels[0].spec["datasets"]
    told = [row["label"] for row in data["lecture"]]
    assert told == ["lecture: 30 GB/s", "lecture: 16 GB/s", "not measured; lecture: 480 GB/s"]
    assert [row["y"] for row in data["gaps"]] == [7.3]


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
    figure = figures_by_title(link, replace(RUN, records=kept))["Copies by their size"]
    assert "ideal" not in figure.panels[0].spec["datasets"]
    assert figure.panels[0].note == ""
    assert "–" in column(figure, "latency, µs")


def test_where_there_is_no_gpu_one_section_says_so():
    """One short section with the reason, the remedy and how many cases wait; no other view speaks of a GPU."""
    run = without_gpu()
    section = link(dataset(run))
    [block] = section.blocks
    assert isinstance(block, Notes)
    [sentence] = block.sentences
    assert sentence.startswith(REASON) and "cases wait for one" in sentence
    assert gpu_roofline(dataset(run)) is None and breakeven(dataset(run)) is None


def test_a_run_that_asked_for_no_gpu_says_nothing_of_one():
    """`--device cpu` is no lack."""
    assert (
        link(dataset(sample_run())) is gpu_roofline(dataset(sample_run())) is breakeven(dataset(sample_run())) is None
    )


def test_a_second_gpu_is_told_by_its_number():
    """Two cards of one name are two charts."""
    both = replace(RUN, machine=replace(RUN.machine, gpus=[CARD, CARD]), records=[
        *RUN.records, *(r for r in gpu_run(device="gpu:1").records if r.device == "gpu:1")
    ])  # fmt: skip
    titles = [panel.title for panel in figures_by_title(link, both)["Bandwidth from memory to memory"].panels]
    assert titles == [f"{CARD.name} (gpu:0)", f"{CARD.name} (gpu:1)"]
