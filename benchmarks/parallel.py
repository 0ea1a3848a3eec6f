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


class overhead(_Suite):
    """What a prange costs by threading layer."""

    bench = "parallel.overhead"
    version = 3
    param_names = ("variant", "n")
    params = (("serial", "workqueue", "omp", "tbb"), (100, 1_000, 10_000, 100_000, 1_000_000))

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)


class false_sharing(_Suite):
    """Counters in one cache line, in a line each, in a pair of lines each, and in registers."""

    bench = "parallel.false_sharing"
    version = 2
    param_names = ("variant", "threads")
    params = (("one-line", "line-each", "pair-each", "register"), (1, "all"))

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)


class smt(_Suite):
    """A second thread on the same core, and on one of its own."""

    bench = "parallel.smt"
    version = 2
    param_names = ("variant", "work")
    params = (("alone", "siblings", "cores"), ("compute", "latency"))

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)
