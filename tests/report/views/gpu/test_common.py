"""What holds for all of the GPU's views: several runs, hostile names, nonsense in a file."""

from __future__ import annotations

import functools

import pytest

from hwbench.analysis import datasheets
from hwbench.report.page import render
from hwbench.report.views import VIEWS, compared_devices
from hwbench.report.views.applications.dsp import view as dsp
from hwbench.report.views.applications.house_prices import view as house_prices
from hwbench.report.views.applications.stability import view as stability
from hwbench.report.views.gpu import common
from hwbench.report.views.gpu.breakeven import view as breakeven
from hwbench.report.views.gpu.link import view as link
from hwbench.report.views.gpu.roofline import view as gpu_roofline
from made_up.gpu_sample import CARD, gpu_run, without_gpu
from made_up.page import dataset
from made_up.sample import replace, sample_run

RUN = gpu_run()


def test_names_from_a_file_are_data():
    """A card's name with markup in it stays text on the page, and a device number beyond the list is no error."""
    hostile = replace(CARD, name="<script>alert(1)</script>")
    page = render([replace(RUN, machine=replace(RUN.machine, gpus=[hostile]))], catalogue={})
    assert "<script>alert(1)" not in page
    assert common.gpu_of(RUN, "gpu:7") is None and common.gpu_of(RUN, "gpu:x") is None
    stray = [replace(r, device="gpu:7") if r.device == "gpu:0" else r for r in RUN.records]
    assert common.label(dataset(replace(RUN, records=stray)), 0, "gpu:7") == "gpu:7"


def test_several_runs_stand_side_by_side():
    """Charts carry the run's name, tables a column for it, and a run without a GPU takes nothing away."""
    other = replace(RUN, id="other", started="2026-11-23T10:00:00Z")
    source = dataset(RUN, other, without_gpu())
    for view in (link, gpu_roofline, breakeven):
        section = view(source)
        for figure in section.blocks:
            assert figure.table.head[0] == "run"
            assert len({row[0] for row in figure.table.rows}) == 2
            assert all("2026-11-2" in panel.title for panel in figure.panels)


@pytest.mark.parametrize("nonsense", [["a", "list"], {"a": 1}, None, -3, 1e400, "\u202e<b>"])
def test_nonsense_in_a_file_breaks_no_gpu_view(nonsense):
    """A file may hold any JSON where a parameter or a fact is expected: nothing is drawn of it, and nothing fails."""
    names = ("n", "work", "size", "direction", "memory", "kernel", "footprint", "l2_bytes", "transfers")
    for where in ("params", "facts"):
        records = [
            replace(r, **{where: getattr(r, where) | {names[i % len(names)]: nonsense}})
            for i, r in enumerate(record for record in RUN.records if common.on_gpu(record))
        ]
        source = dataset(replace(RUN, records=records))
        for view in (link, gpu_roofline, breakeven):
            view(source)


def test_no_view_fails_on_any_of_these_runs():
    """Every section of the page can be made of a run with a GPU and of one without."""
    for run in (RUN, without_gpu()):
        source = dataset(run)
        for view in VIEWS:
            view(source)


def by_opencl(this_cpu):
    """The run with a GPU as one of an OpenCL device."""
    device = replace(CARD, name="pthread (this CPU)" if this_cpu else "gfx1100", state={"this_cpu": this_cpu})
    records = [replace(r, device="opencl:0") if r.device == "gpu:0" else r for r in RUN.records]
    return replace(RUN, machine=replace(RUN.machine, gpus=[], opencl=[device]), records=records)


def test_an_opencl_device_stands_where_a_gpu_does():
    """Under its own name; its memory is on the map of bandwidths."""
    source = dataset(by_opencl(this_cpu=False))
    for view in (link, gpu_roofline):
        section = view(source)
        assert "gfx1100" in section.blocks[0].panels[0].title
        assert not any("OpenCL" in said for said in section.intro)
    for view in VIEWS:
        view(source)
    rows = [*compared_devices.measured_rows(source, 0, datasheets.load())]
    assert [row.kind for row in rows if "gfx1100" in row.name] == ["gpu"]


def test_captions_of_a_page_of_opencl_alone_say_nothing_of_cuda():
    """Copies and roofs are told by what was drawn."""
    run = by_opencl(this_cpu=True)
    renamed = {"raw": "opencl", "cupy": "opencl", "l1": "opencl", "l2": "opencl"}
    records = [replace(r, variant=renamed.get(r.variant, r.variant)) for r in run.records if "matmul" not in r.bench]
    source = dataset(replace(run, records=[r for r in records if "tensor" not in r.bench]))
    note = gpu_roofline(source).blocks[0].panels[0].note
    assert note.startswith("Roofs by the best samples (the summary has medians): cache ")
    assert not any("to GPU" in panel.title for block in link(source).blocks for panel in block.panels)
    words = ("CUDA", "cupy", "cuBLAS", "L2", "HBM")
    for view in (link, gpu_roofline):
        section = view(source)
        said = " ".join([*section.intro, *(f"{one.text} {[p.note for p in one.panels]}" for one in section.blocks)])
        assert not [word for word in words if word in said], said


def test_an_opencl_device_that_is_this_cpu_is_said_to_be_one_and_has_no_link():
    """In every section that shows it; the map of the way to a GPU leaves it out."""
    source = dataset(by_opencl(this_cpu=True))
    for view in (link, gpu_roofline):
        assert view(source).intro[-1].startswith("pthread (this CPU): this is no GPU but the machine's own CPU")
    assert [block.title for block in link(source).blocks] == ["Copies by their size"]
    rows = [*compared_devices.measured_rows(source, 0, datasheets.load())]
    assert not any("pthread" in row.name for row in rows)  # the CPU has its row


def test_a_device_in_a_variants_name_takes_no_colour_away():
    """Lines of copies differ by their memory, on this CPU by OpenCL as on a GPU."""
    run = by_opencl(this_cpu=True)
    records = [replace(r, variant="opencl" if r.variant == "raw" else r.variant) for r in run.records]
    [copies] = link(dataset(replace(run, records=records))).blocks
    colours = {key.label: key.colour for key in copies.legend if "opencl" in key.label}
    assert [colours[f"{kind} opencl (this CPU)"] for kind in ("pinned", "pageable", "mapped")] == ["c1", "c2", "c7"]
    assert common.plain("raw (gpu:1)") == "raw"


@functools.cache
def source_of(make):
    """The run that `make` gives, as views take it."""
    return dataset(make())


def told(view, make):
    """All that a view says and tabulates of a run, as one text."""
    section = view(source_of(make))
    blocks = [[getattr(block, "text", ""), getattr(block, "table", block)] for block in section.blocks]
    return " ".join(map(str, [*section.intro, *blocks]))


@pytest.mark.parametrize("view", [dsp, house_prices, stability])
def test_the_lectures_systems_have_the_gpu_beside_the_cpu(view):
    """Its variants stand in the tables of a run that has them, and in no other."""
    assert "cupy" in told(view, gpu_run)
    assert "cupy" not in told(view, sample_run)
    assert told(view, without_gpu) == told(view, sample_run)
