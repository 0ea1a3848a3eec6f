"""The clock under load; widths that the machine lacks are n/a."""

from __future__ import annotations

from ._glue import Records, _Suite, measure


class frequency(_Suite):
    """A chain of cycles beside multiply-adds of each width."""

    bench = "clock.frequency"
    version = 3
    param_names = ("variant", "threads", "units")
    params = (("scalar", "128", "256", "512"), (1, "all"), (1,))

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)
