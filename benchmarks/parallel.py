"""Parallelism: what more threads bring."""

from __future__ import annotations

from ._glue import Records, _Suite, measure


class scaling(_Suite):
    """A loop that moves memory, one that computes and an uneven one, on one thread and on all."""

    bench = "parallel.scaling"
    version = 1
    param_names = ("variant", "work", "scaling", "threads")
    params = (("prange",), ("triad", "polynomial", "uneven"), ("strong", "weak"), (1, "all"))

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)
