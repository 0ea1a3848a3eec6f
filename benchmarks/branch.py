"""Branches: what it costs when they go where nobody expects."""

from __future__ import annotations

from ._glue import Records, _Suite, measure


class prediction(_Suite):
    """A loop with a branch that is taken for a share of the elements."""

    bench = "branch.prediction"
    version = 1
    param_names = ("variant", "share", "n")
    params = (("sorted", "shuffled", "branch-free"), (0.0, 0.1, 0.25, 0.5, 1.0), (2**18,))

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)
