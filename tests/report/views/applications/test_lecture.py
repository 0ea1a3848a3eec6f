"""The lecture's section: the summary of hardware says of each figure what it is, and slides stand in order."""

import pytest

from hwbench.record.model import Gpu, Record
from hwbench.report import lecture
from hwbench.report.views.applications.lecture import _said, view
from made_up import page
from made_up.gpu_sample import gpu_run
from made_up.page import dataset
from made_up.sample import replace
from made_up.stability_records import chain, run_of

ARRAY = Record(
    bench="systolic.matmul", version=3, variant="weight-stationary", device="cpu", status="ok", loops=1,
    samples=[1.0] * 5, params={"array": "128x128", "shape": "256x256x32"}, counts={"flops": 1.0},
    facts={"rows": 128, "columns": 128, "utilisation": 0.2},
)  # fmt: skip


def test_without_the_lecture_s_benches_there_is_no_section():
    """A run of nothing has no slides."""
    assert view(dataset(run_of([]))) is None


def test_every_claim_is_a_row_in_order():
    """A table for each part; what was not measured has its command all the same."""
    section = view(dataset(run_of([chain(1.5, "f4", "orthogonal-1.5")])))
    tables = [block for block in section.blocks if block.caption.startswith("Slides")]
    slides = [row[0] for table in tables for row in table.rows]
    assert slides == [slide.title for part in lecture.parts() for slide in part.claims]
    assert all(row[3] or "annot" in row[4] for table in tables for row in table.rows)


def test_the_finding_that_speaks_of_the_claim_is_told():
    """By its pattern, in whichever of the slide's benches; the first without one, and none rather than a wrong one."""
    findings = {"a.one": ["PEs in use: 4.0%.", "Cycles: 7."], "a.two": ["Bandwidth: 30 GB/s."]}
    benches = ["a.one", "a.two", "a.three"]
    told = [_said(lecture.Slide("t", "c", benches, finding=one), findings) for one in ("", "^Cycles", "Band", "other")]
    assert told == ["PEs in use: 4.0%.", "Cycles: 7.", "Bandwidth: 30 GB/s.", ""]
    assert (
        _said(lecture.Slide("t", "c", benches, finding="other", cannot="no part is here"), findings)
        == "No part is here."
    )


def test_a_pattern_is_of_the_finding_without_its_run():
    """`^Load` finds it behind a run's name, which stays in what is told; a long one is cut between words."""
    findings = {"a.one": ["box, 1: Latency: 1 ns.", "box, 1: Load bandwidth: 30 GB/s."], "a.two": ["word " * 90]}
    slide = lecture.Slide("t", "c", ["a.one"], finding="^Load")
    assert _said(slide, findings, ["box, 1"]) == "box, 1: Load bandwidth: 30 GB/s."
    assert _said(lecture.Slide("t", "c", ["a.two"]), findings).endswith("word …")


def test_a_slide_without_an_answer_says_why():
    """Nothing of it was measured, or no finding speaks of its claim: no row is blank."""
    slide = lecture.Slide("t", "c", ["a.one"], finding="^Cycles")
    assert _said(slide, {}, timed=set()) == "Not measured in these runs."
    assert _said(slide, {"a.one": ["Bandwidth."]}, timed={"a.one"}) == "Measured, but no finding speaks of this claim."
    section = view(dataset(run_of([chain(1.5, "f4", "orthogonal-1.5")]), run_of([ARRAY])))
    assert all(row[2] for table in section.blocks[1:] for row in table.rows)


def test_the_summary_of_hardware_keeps_its_place():
    """It leads its topic; the tables of slides give way to charts."""
    blocks = view(dataset(run_of([ARRAY]))).blocks
    assert [block.caption for block in blocks if block.leads] == ["Hardware summary"] == [blocks[0].caption]


def test_each_figure_of_the_summary_says_what_it_is():
    """Simulated here, published elsewhere; what was not measured is said."""
    section = view(dataset(run_of([ARRAY])))
    rows = {row[0]: row for row in section.blocks[0].rows}
    assert rows["AI ASIC"][3] == "128 × 128 PEs, 20% of them busy with a batch of 32 (simulated)"
    assert rows["Intel/AMD CPU"][3] == "not measured in these runs" == rows["Arm CPU"][3]
    assert (rows["Intel/AMD CPU"][1], rows["Arm CPU"][1]) == ("training", "inference")
    assert rows["FPGA"][2] == "not in the lecture's table"
    assert all("published" in row[4] for row in rows.values() if row[4])


def test_a_cpu_has_its_int8_rate_beside_float32():
    """The fastest int8 dot product that was measured, on x86 in the row of Intel and AMD."""
    dots = [
        page.record("peak.integer", "512", 1e-3, {"ops": rate}, params={"operation": operation, "threads": 1})
        for operation, rate in (("dot-int8", 4e8), ("dot-int8", 9e8), ("add-int32", 5e9))
    ]
    section = view(page.dataset(page.run_of(*dots)))
    rows = {row[0]: row[3] for row in section.blocks[0].rows}
    assert rows["Intel/AMD CPU"] == "0.900 TOP/s in int8 (measured)"
    assert rows["Arm CPU"] == "not measured in these runs"


def by_opencl(name, platform, *, this_cpu=False):
    """A run with a GPU, as if an OpenCL device."""
    run = gpu_run()
    device = Gpu(name=name, versions={"platform": platform}, state={"this_cpu": this_cpu})
    records = [replace(r, device="opencl:0") if r.device == "gpu:0" else r for r in run.records]
    return replace(run, machine=replace(run.machine, gpus=[], opencl=[device]), records=records)


@pytest.mark.parametrize(
    ("name", "platform", "row"),
    [
        ("gfx1100", "AMD Accelerated Parallel Processing", "AMD GPU"),
        ("Mali-G78", "ARM Platform", "Intel/Arm/Qualcomm GPU"),
        ("NVIDIA H200", "NVIDIA CUDA", "Nvidia GPU"),
        ("pthread (this CPU)", "Portable Computing Language", "OpenCL on this CPU"),
    ],
)
def test_an_opencl_device_stands_in_the_row_of_its_kind(name, platform, row):
    """No other row is answered by it: a CPU is no Nvidia GPU."""
    run = by_opencl(name, platform, this_cpu="this CPU" in name)
    rows = {one[0]: one[3] for one in view(dataset(run)).blocks[0].rows}
    gpus = {"AMD GPU", "Intel/Arm/Qualcomm GPU", "Nvidia GPU", "OpenCL on this CPU"} & {*rows}
    assert [one for one in gpus if "measured)" in rows[one]] == [row]
    assert all(rows[one].startswith("not measured in these runs") for one in gpus - {row})


def test_no_slide_is_answered_by_opencl_on_this_cpu():
    """Neither those on GPUs nor those on CPUs, whose own figures are others."""
    blocks = view(dataset(by_opencl("pthread (this CPU)", "PoCL", this_cpu=True))).blocks
    assert not any("pthread" in cell for block in blocks[1:] for row in block.rows for cell in row)
