"""The staircase of a GPU's latency."""

from __future__ import annotations

from hwbench.record.model import Gpu
from hwbench.report.views.contrasts import view as contrasts
from hwbench.report.views.gpu.latency import view as gpu_latency
from made_up.gpu_records import chases, record
from made_up.gpu_sample import gpu_run
from made_up.page import column, dataset, only_figure
from made_up.sample import replace

MIB = 2**20


def staircase():
    """Loads of a run with labels and swept sizes, whose L2 of 60 MiB answers late from 16 MiB on."""
    labels = [replace(one, facts={"footprint": 30 * MIB, "l2_bytes": 60 * MIB}) if one.params["size"] == "L2" else one
              for one in chases(140e-9, 287e-9) if one.params["size"] != "HBM"]  # fmt: skip
    swept = [
        record("device.latency", "l2", {"size": f"{size}MiB"}, 8192 * seconds, counts={"hops": 8192},
               facts={"cycles_per_hop": 280, "sm_clock_hz": 2e9})
        for size, seconds in ((8, 142e-9), (30, 290e-9), (256, 345e-9))
    ]  # fmt: skip
    return replace(gpu_run(), records=[*labels, *swept])


def test_labels_and_swept_sizes_are_one_line_for_each_kind_of_load():
    """At 30 MiB the label and the sweep have one point, and the L2's size is a dashed line."""
    shown = only_figure(gpu_latency(dataset(staircase())))
    [panel] = shown.panels
    data = panel.spec["datasets"]
    past_l1 = [row for row in data["marks"] if row["case"].startswith("device.latency l2")]
    assert [row["value"] for row in past_l1] == [140, 142, 287, 345]
    assert [round(row["x"] / MIB) for row in past_l1] == [0, 8, 30, 256]
    assert [(row["x"], row["label"]) for row in data["dashed"]] == [(60 * MIB, "L2")]
    assert panel.note == "L1 20.0 ns, L2 near 140 ns, L2 half full 287 ns"
    assert column(shown, "cycles") == ["–", "–", "280", "–", "280"]


def test_of_opencl_alone_the_caption_says_nothing_of_cuda():
    """Its one variant loads through all caches; on this CPU the last of them is no L2."""
    run = staircase()
    device = Gpu(name="pthread (this CPU)", state={"this_cpu": True})
    records = [replace(one, device="opencl:0", variant="opencl") for one in run.records]
    section = gpu_latency(dataset(replace(run, machine=replace(run.machine, opencl=[device]), records=records)))
    [shown] = section.blocks
    assert shown.text == "opencl loads through all caches, by one work-item. Lower is better."
    assert [row["label"] for row in shown.panels[0].spec["datasets"]["dashed"]] == ["cache"]
    assert not any("L2" in said for said in [*section.intro, *(key.label for key in shown.legend)])


def test_a_lone_footprint_is_no_staircase():
    """Nor does a run without GPU records have one."""
    one = [one for one in chases(140e-9, 287e-9) if one.params["size"] == "16KiB"]
    assert gpu_latency(dataset(replace(gpu_run(), records=one))) is None
    assert gpu_latency(dataset(gpu_run())) is None


def test_the_bars_of_contrasts_do_not_show_it_again():
    """The staircase has all of the bench's cases."""
    section = contrasts(dataset(staircase()))
    assert section is None or all(block.title != "device.latency" for block in section.blocks)
