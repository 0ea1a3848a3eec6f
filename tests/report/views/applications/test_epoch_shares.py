"""Where the time of an epoch goes: phases of each variant, and on a GPU work and waiting."""

import msgspec
import pytest

from hwbench.report.sections import Figure
from hwbench.report.views.applications.epoch_shares import batch_of, series_of
from hwbench.report.views.applications.house_prices import view as house_view
from made_up.applications import blocks, gpu_houses, house, run_of
from made_up.page import dataset


def test_launch_and_transfer_are_what_the_gpu_does_not_work():
    """10% work and 90% launches; with copies a third waits for data. The CPU has no row."""
    section = house_view(dataset(run_of(*gpu_houses())))
    (figure,) = [block for block in blocks(section, Figure) if block.title == "Launch and transfer"]
    assert figure.table.rows == [
        ("cupy, float32", "16", "10%", "–", "90%", "100", "ok"),
        ("cupy-copies, float32", "16", "6.7%", "33%", "60%", "150", "ok"),
    ]
    drawn = figure.panels[0].spec["datasets"]["marks"]
    assert [(row["phase"], row["high"]) for row in drawn if row["case"].startswith("cupy-copies")] == [
        ("the GPU works", pytest.approx(20 / 3)), ("waits for data", pytest.approx(40)),
        ("waits for launches", pytest.approx(100)),
    ]  # fmt: skip


def test_sending_is_a_phase_of_those_that_send():
    """A column of the shares where somebody sends; a dash for who does not; no column where nobody does."""
    with_gpu = house_view(dataset(run_of(*gpu_houses()))).blocks[2].table
    assert with_gpu.head[2:4] == ("gather a batch", "send it to the GPU")
    assert [row[3] for row in with_gpu.rows] == ["–", "40%", "–"]
    assert "send it to the GPU" not in house_view(dataset(run_of(house(16)))).blocks[2].table.head


def test_without_a_gpus_own_working_time_no_share_is_claimed():
    """Nor for copies whose counterpart is missing."""
    cpu, kept, sent = gpu_houses()
    unknown = msgspec.structs.replace(kept, facts=kept.facts | {"busy_s": None})
    for records in ((cpu,), (cpu, unknown, sent), (cpu, sent)):
        titles = [block.title for block in blocks(house_view(dataset(run_of(*records))), Figure)]
        assert "Launch and transfer" not in titles


def test_a_series_is_named_by_what_differs():
    """Variant and precision; the optimizer where there are two."""
    sgd = house(16)
    sgd = msgspec.structs.replace(sgd, params=sgd.params | {"optimizer": "sgd"})
    runs = dataset(run_of(house(16), sgd))
    assert [series_of(runs, point) for point in runs.measuring("training")] == [
        "numpy, float32, adam",
        "numpy, float32, sgd",
    ]
    assert [batch_of(point) for point in runs.measuring("training")] == [16, 16]
