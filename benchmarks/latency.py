"""Latency: how long a load takes that has to wait for the one before."""

from __future__ import annotations

from ._glue import Records, _Suite, measure


class chase(_Suite):
    """A pointer chase in each cache and in memory."""

    bench = "latency.chase"
    version = 1
    param_names = ("variant", "size", "order")
    params = (("follow",), ("L1", "L2", "L3", "DRAM"), ("random",))

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)
