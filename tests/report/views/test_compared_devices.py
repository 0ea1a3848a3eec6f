"""Devices that are compared: limits of a run, and what they mean for training and inference."""

import pytest
from msgspec.structs import replace

from hwbench.record.model import Gpu, Record
from hwbench.report.views.compared_devices import BATCH, WEIGHTS, Row
from hwbench.report.views.cpu_vs_gpu import view as machine_view
from made_up.cpu_and_gpu import MACHINE, on_gpu, peak, run_of, stream, table_of
from made_up.page import dataset


def branch(variant, share, seconds, n=4):
    return Record(
        bench="branch.prediction", version=1, variant=variant, device="cpu", params={"share": share, "n": n},
        status="ok", loops=1, samples=[seconds] * 3,
    )  # fmt: skip


def test_control_flow_is_told_by_the_branch_that_costs_most():
    """Of the shares of taken branches the one where random order costs most counts, not the first that was measured."""
    branches = [branch("sorted", share, 1.0) for share in (0.0, 0.5)]
    branches += [branch("shuffled", 0.0, 1.1), branch("shuffled", 0.5, 6.0), branch("shuffled", 1.0, 50.0)]
    branches += [branch("sorted", 0.5, 1.0, 2), branch("shuffled", 0.5, 9.0, 2)]  # of a short sequence
    for records in (branches, branches[::-1]):
        row = table_of(machine_view(dataset(run_of([peak(), stream(), *records])))).rows[0]
        assert row[7] == "6.00× slower if unpredictable"


def test_divergence_stands_beside_each_device_that_took_it():
    """By CUDA in a warp, by OpenCL among neighbours; a card that both drive has two rows, a CPU by OpenCL none."""
    cards = {"gpus": [Gpu(name="Card")], "opencl": [Gpu(name="x", state={"this_cpu": True}), Gpu(name="Card")]}
    records = []
    for device, head, factor in (("gpu:0", "", 4.0), ("opencl:0", "opencl-", 2.0), ("opencl:1", "opencl-", 7.0)):
        at = {"device": device, "variant": f"{head}uniform"}
        divergence = on_gpu("device.divergence", 1e9, "items", {"paths": 32})
        records.append(replace(on_gpu("device.peak", 1e12, "flops", {"dtype": "f4", "chains": 8}), device=device))
        records.append(replace(divergence, **at))
        records.append(replace(divergence, **at | {"variant": f"{head}divergent", "samples": [factor * 1e-3] * 10}))
    table = table_of(machine_view(dataset(run_of([peak(), stream(), *records], replace(MACHINE, **cards)))))
    assert [(row[0], row[7]) for row in table.rows if "Card" in row[0]] == [
        ("box: Card", "4.00× for 32 ways in a warp"), ("box: Card by OpenCL", "7.00× for 32 ways among neighbours"),
    ]  # fmt: skip
    assert not any("2.00×" in row[7] for row in table.rows)


def test_training_and_inference_follow_the_roofline():
    """Inference takes 4 bytes a weight, training 6 operations a weight and example, or the other limit if slower."""
    row = Row("x", "measured here", flops=1e12, bandwidth=50e9)
    assert row.inference() == pytest.approx(4 * WEIGHTS / 50e9)
    assert row.training() == pytest.approx(6 * WEIGHTS * BATCH / 1e12)
    assert Row("y", "measured here", flops=1e15, bandwidth=50e9).training() == pytest.approx(20 * WEIGHTS / 50e9)
    assert Row("z", "measured here", flops=1e12).inference() is None
