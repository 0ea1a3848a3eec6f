"""Maps of bandwidth from GPU to GPU."""

from __future__ import annotations

from hwbench.report.views.gpu.peers import view as peers
from made_up.gpu_records import record
from made_up.gpu_sample import gpu_run
from made_up.page import column, dataset, only_figure
from made_up.sample import replace


def pairs(count=3, size=2**28):
    """Each GPU to each other, 100 GB/s for each number between them."""
    return [
        record("transfer.peer", variant, {"direction": way, "peer": (other - own) % count, "size": size},
               size * (1 + (way == "both")) / (1e11 * abs(own - other)), device=f"gpu:{own}",
               counts={"bytes": size * (1 + (way == "both"))}, facts={"peer": f"gpu:{other}", "direct": own != 2})
        for own in range(count) for other in range(count) if own != other
        for way in ("to", "both") for variant in ("engine", "kernel")
    ]  # fmt: skip


def test_each_direction_has_a_map_of_all_pairs():
    """Of the engines at the largest size; the table has all."""
    run = replace(gpu_run(), records=[*pairs(), *pairs(size=2**20)])
    shown = only_figure(peers(dataset(run)))
    assert [panel.title for panel in shown.panels] == ["written by the GPU of the row", "both ways at once"]
    cells = shown.panels[0].spec["datasets"]["marks"]
    assert {(cell["row"], cell["column"]): cell["label"] for cell in cells} == {
        (0, 1): "100", (0, 2): "200", (1, 0): "100", (1, 2): "100", (2, 0): "200", (2, 1): "100"
    }  # fmt: skip
    assert {cell["more"] for cell in cells if cell["row"] == 2} == {"reached by the host"}
    assert len(shown.table.rows) == 2 * len(pairs())
    assert column(shown, "other GPU")[0] == "gpu:1"


def test_what_names_no_pair_is_left_out():
    """A file may hold anything in the place of the other GPU."""
    run = gpu_run()
    assert peers(dataset(run)) is None
    for odd in (None, 7, "gpu:", "gpu:99999", "cpu"):
        records = [replace(one, facts={"peer": odd}) for one in pairs()]
        assert peers(dataset(replace(run, records=records))) is None
