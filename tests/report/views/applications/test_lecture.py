"""The lecture's section: the summary of hardware says of each figure what it is, and slides stand in order."""

import msgspec
import pytest

from hwbench.record.model import Gpu, Record
from hwbench.report import lecture
from hwbench.report.views.applications import lecture_facts
from hwbench.report.views.applications.lecture import _said, view
from made_up.applications import ODD
from made_up.gpu_sample import gpu_run
from made_up.page import dataset
from made_up.sample import replace
from made_up.stability_records import activation, chain, run_of, variance

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


def test_facts_answer_where_no_finding_does():
    """By slide: the claim's activation, both variances with a verdict, coefficients, the lecture's seven cycles."""
    product = msgspec.structs.replace(
        ARRAY, params={"array": "3x3", "shape": "3x3x2"}, facts={"rows": 3, "cycles": 10, "closed_form": 10}
    )
    relu = chain(1.0, "f2", "he", activation="relu")
    sigmoid = chain(0.2, "f2", "xavier-normal", activation="sigmoid", safe=5)
    unlike = variance("xavier-normal", shape="alternating", rate=0.9)
    run = run_of([chain(1.5, "f4", "orthogonal-1.5"), relu, sigmoid, unlike, activation(), product])
    rows = {row[0]: row[2] for table in view(dataset(run)).blocks[1:] for row in table.rows}
    assert rows["Gradient exploding (ReLU)"] == (
        "Layers that float16 survives with ReLU: ≥ 100 with He (norm of the gradient 1.00)."
    )
    assert rows["Two issues for deep networks"] == (
        "Norm of a gradient: 4.07 × 10¹⁷ after 100 layers at 1.5 a layer (float32)."
    )
    assert rows["Gradient vanishing (sigmoid)"] == "Layers that float16 survives with sigmoid: 5 with Xavier."
    assert rows["Matrix multiplication, time 0 to 7"].startswith(
        "7 cycles from the first input to the last sum, after 3"
    )
    assert rows["Xavier initialization"].endswith("a layer: a compromise that keeps neither.")
    assert rows["Activation: linear and revised"] == "Fitted at 0: 0.500 + 0.250 x for sigmoid."
    assert rows["Hardware summary"] == "See the table Hardware summary."


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("fact", ["safe_depth", "log10_norms", "forward", "backward", "taylor", "rows", "cycles"])
def test_facts_of_a_file_cannot_break_a_slide(fact, odd):
    """Whatever a file holds."""
    product = msgspec.structs.replace(
        ARRAY, params={"array": "3x3", "shape": "3x3x2"}, facts={"rows": 3, "cycles": 10, "closed_form": 10}
    )
    records = [chain(1.0, "f2", "he", activation="relu"), variance("xavier-normal", shape="alternating"), activation(),
               product]  # fmt: skip
    odd_ones = [msgspec.structs.replace(one, facts=one.facts | {fact: odd}) for one in records if fact in one.facts]
    points = dataset(run_of(odd_ones))
    for name in lecture_facts.TOLD:
        assert "nan" not in lecture_facts.of(name, points)


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
