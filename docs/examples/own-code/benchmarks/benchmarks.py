"""Shares of the roof over commits: `asv run`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # a project that is installed needs no such line

from smooth import make_inputs, numba_smooth, smooth

from hwbench.asv import RoofShare


class Smooth(RoofShare):
    """`benchmarks.Smooth.track_share(function, n)`."""

    params = (["smooth", "numba_smooth"], [10_000, 1_000_000])
    param_names = ("function", "n")
    functions = {"smooth": smooth, "numba_smooth": numba_smooth}  # noqa: RUF012 - asv shares no class between processes

    def setup(self, function: str, n: int) -> None:
        """The function and its arguments."""
        self.call = self.functions[function], make_inputs(n)
