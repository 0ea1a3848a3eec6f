"""Shares of the roof in asv: `track_share` of anybody's benchmarks.

In a file of benchmarks:

    from hwbench.asv import RoofShare

    class Blur(RoofShare):
        params = [10**4, 10**6]
        param_names = ["n"]

        def setup(self, n):
            self.call = blur, (np.ones(n),)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence


class RoofShare:
    """A mixin: `setup` sets `self.call` to a function and its arguments, and asv records its share of the roof."""

    unit = "share of the roof"
    timeout = 300.0  # the first in an environment measures the roofs
    call: tuple[Callable[..., object], Sequence[object]]

    def track_share(self, *_params: object) -> float:
        """The least time that the roof allows over the time taken."""
        function, args = self.call
        return share(function, *args)


def share(function: Callable[..., object], /, *args: object, **kwargs: object) -> float:
    """The share of the roof, for a `track_` benchmark of your own; ValueError where it cannot be placed."""
    from .api import placed

    return placed(function, args, kwargs).share


def times_the_least(function: Callable[..., object], /, *args: object, **kwargs: object) -> float:
    """How many times the least time the function takes: less is better, as asv wants it."""
    return 1 / share(function, *args, **kwargs)
