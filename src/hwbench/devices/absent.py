"""A stand-in for a GPU that cannot be used: it says why, and what to do about it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

import numpy.typing as npt

from ..bench import Pages, Skip, Sweep, Threads, Work
from ..protocols import Inputs, Shape, Values
from ..record import units
from ..record.model import Scalar
from ..record.reasons import Reason
from . import AxisValue


@dataclass
class AbsentGpu:
    """A `Device` on which every case is skipped: `why` is the reason of each, with its remedy."""

    why: Reason
    name: str = "gpu"
    kind: str = "gpu"

    @property
    def sizes(self) -> Mapping[str, int]:
        """No label stands for anything."""
        return {}

    def spread(self, value: AxisValue) -> Sequence[Scalar]:
        """One case for all values that only a machine with a GPU can tell apart."""
        if isinstance(value, Sweep):
            return [units.exact(value.first)]
        if isinstance(value, Threads):
            return [1]
        if isinstance(value, Pages):
            return ["4K"]
        raise TypeError(f"{value!r} is no axis value that depends on the machine")

    def resolve(self, params: Mapping[str, Scalar]) -> Values:  # noqa: ARG002 - whatever is asked for
        """Skip, with the reason."""
        self._refuse()

    def place(self, inputs: Inputs, where: str) -> Inputs:  # noqa: ARG002
        """Skip, with the reason."""
        self._refuse()

    def host_empty(self, shape: Shape, dtype: npt.DTypeLike) -> NoReturn:  # noqa: ARG002
        """Skip, with the reason."""
        self._refuse()

    def reclaim(self) -> None:
        """Nothing was given."""

    def free_memory(self) -> int:
        """Nothing."""
        return 0

    def settle(self, seconds: float) -> None:
        """There is nothing to keep busy."""

    def time(self, work: Work, loops: int) -> float:  # noqa: ARG002
        """Skip, with the reason."""
        self._refuse()

    def quiet(self) -> bool:
        """Nothing was begun."""
        return True

    def lost(self, error: Exception) -> str:  # noqa: ARG002
        """It was never there."""
        return ""

    def counters(self) -> dict[str, float]:
        """Time goes on here too."""
        return {"wall_s": time.perf_counter()}

    def core_share(self, work: Work) -> float | None:  # noqa: ARG002
        """It is no CPU."""
        return None

    def gauges(self) -> dict[str, float]:
        """Nothing to read."""
        return {}

    def _refuse(self) -> NoReturn:
        raise Skip(self.why.code, self.why.detail)
