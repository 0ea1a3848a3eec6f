"""The rate of a GPU over its threads."""

from __future__ import annotations

from hwbench.record.model import Gpu
from hwbench.report.views.gpu.occupancy import view as occupancy
from made_up.gpu_records import record
from made_up.gpu_sample import gpu_run
from made_up.page import column, dataset, only_figure
from made_up.sample import replace


def filled(threads=(32, 2048, 131072)):
    """Multiply-adds and copies whose rate grows with what is in flight, up to 1024 of it."""
    records = [
        record("device.occupancy", "kernel", {"work": work, "threads": n, "chains": chains}, 1e-3,
               counts={count: 1e6 * min(n * chains, 1024)}, facts={"resident": 4096})
        for work, count in (("fma", "flops"), ("copy", "bytes")) for n in threads for chains in (8, 1)
    ]  # fmt: skip
    return replace(gpu_run(), records=records)


def test_each_kind_of_work_has_a_line_for_each_number_in_flight():
    """In its own unit, over threads, with the threads that the GPU holds."""
    shown = only_figure(occupancy(dataset(filled())))
    assert [panel.title.partition(",")[0] for panel in shown.panels] == ["multiply-adds", "copies"]
    assert [panel.spec["title"]["text"] for panel in shown.panels] == ["GFLOP/s, log scale", "GB/s, log scale"]
    data = shown.panels[0].spec["datasets"]
    assert [(row["series"], row["value"]) for row in data["marks"]] == [
        ("s0", 32), ("s0", 1024), ("s0", 1024), ("s1", 256), ("s1", 1024), ("s1", 1024),
    ]  # fmt: skip
    assert [row["x"] for row in data["marks"][:2]] == [32, 2048]
    assert [row["x"] for row in data["dashed"]] == [4096]
    assert [key.label for key in shown.legend][:2] == ["1 in flight a thread", "8 in flight a thread"]
    assert column(shown, "threads")[:3] == ["32", "2048", "131\u202f072"]


def test_a_cpu_by_opencl_is_named_and_holds_no_stated_number_of_threads():
    """Which OpenCL does not tell; the introduction says what a thread is there."""
    run = filled()
    records = [
        replace(one, device="opencl:0", variant="opencl", facts={"item_threads": 16 if by_lanes else 1})
        for one in run.records
        for by_lanes in [one.params["work"] == "fma"]
    ]
    device = Gpu(name="pthread (this CPU)", state={"this_cpu": True})
    section = occupancy(dataset(replace(run, records=records, machine=replace(run.machine, opencl=[device]))))
    shown = only_figure(section)
    assert [panel.title for panel in shown.panels] == [
        "multiply-adds, pthread (this CPU)", "copies, pthread (this CPU)"
    ]  # fmt: skip
    assert [key.label for key in shown.legend] == ["1 in flight a thread", "8 in flight a thread"]
    assert "a work-item with a vector stands for as many threads" in section.intro[0]
    assert "this is no GPU but the machine's own CPU" in section.intro[1]


def test_one_number_of_threads_is_no_curve():
    """Nor is nonsense in the place of threads a point of one."""
    assert occupancy(dataset(filled((32,)))) is None
    assert occupancy(dataset(gpu_run())) is None
    odd = [replace(one, params=one.params | {"threads": "many"}) for one in filled().records]
    assert occupancy(dataset(replace(filled(), records=odd))) is None
