"""Latency on the device, told beside the host's."""

from __future__ import annotations

from hwbench.benches.device import latency
from made_up.gpu_records import record, said


def test_a_load_is_told_beside_the_hosts_in_random_order():
    """What prefetchers guessed is no latency, and small pages are not told where there are huge ones."""
    far = record("device.latency", "l2", {"size": "HBM"}, 600e-9, counts={"hops": 1}, facts={"cycles_per_hop": 900})
    host = [
        record("latency.chase", "follow", {"size": size, "pages": pages, "order": order}, ns * 1e-9, device="cpu",
               counts={"hops": 1})
        for size, pages, order, ns in (
            ("DRAM", "4K", "page-local", 20), ("L3", "huge", "random", 10), ("DRAM", "4K", "random", 150),
            ("DRAM", "huge", "random", 100),
        )
    ]  # fmt: skip
    *_, told = said(latency.bench, far, *host)
    assert told.startswith("The CPU's own memory answers in 100 ns: a GPU waits 6× as long for one load")
    *_, told = said(latency.bench, far, *(one for one in host if one.params["pages"] == "4K"))
    assert told.startswith("The CPU's own memory answers in 150 ns: a GPU waits 4× as long for one load")
    assert len(said(latency.bench, far, *host[:2])) == 1
