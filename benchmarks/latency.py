"""Latency: how long a load takes that has to wait for the one before."""

from __future__ import annotations

from ._glue import Records, _Suite, measure


class chase(_Suite):
    """A pointer chase in each cache and in memory."""

    bench = "latency.chase"
    version = 2
    param_names = ("variant", "size", "order")
    params = (("follow",), ("L1", "L2", "L3", "DRAM"), ("random",))

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)


class parallel(_Suite):
    """Several pointer chases at once."""

    bench = "latency.parallel"
    version = 2
    param_names = ("variant", "size", "chains")
    params = (("follow",), ("L2", "L3", "DRAM"), (1, 2, 4, 8, 16))

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)


class loaded(_Suite):
    """A chase in memory while the other cores stream; n/a on one core."""

    bench = "latency.loaded"
    version = 3
    param_names = ("variant", "size", "gap")
    params = (("read", "write"), ("DRAM",), ("idle", 1024, 256, 64, 16, 0))

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)


class core_to_core(_Suite):
    """A cache line handed to and fro between all pairs of CPUs; n/a on one CPU."""

    bench = "latency.core_to_core"
    version = 2
    param_names = ("variant", "pairs")
    params = (("store", "exchange"), ("all",))

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)
