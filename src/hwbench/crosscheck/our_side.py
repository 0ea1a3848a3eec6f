"""Our side of a comparison: a case of a bench, built and checked anew for each sample, as a tool's process is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..bench import Bench
from ..devices.cpu import CpuDevice
from ..measure.verify_output import mismatch


class WrongAnswer(Exception):  # noqa: N818 - the message is the sentence that a record carries
    """Our kernel's answer is not the reference's."""


def calibrate(run: Callable[[int], float], seconds: float) -> int:
    """Repetitions of which `run(n)` says that they take about `seconds`; one disturbed call does not end the search."""
    n = 1
    while (taken := min(run(n), run(n))) < seconds / 2:
        n = int(n * min(64.0, max(2.0, 0.9 * seconds / max(taken, 1e-6))))
    return n


class Ours:
    """Seconds of one call of a case, a sample at a time.

    Parameters
    ----------
    values
        What builders are given, resolved: `size` in bytes, `threads` a count, `dtype` a `numpy.dtype`.
    seconds
        How long a sample lasts.
    best_of
        Where above 1, a sample is the best of so many single calls: what a tool that tells its best is to be compared
        with.
    """

    def __init__(
        self, device: CpuDevice, bench: Bench, variant: str, values: Mapping[str, Any], seconds: float, best_of: int = 1
    ) -> None:
        self.device, self.bench, self.variant, self.best_of = device, bench, variant, best_of
        self.values = {"device": device, "variant": variant, **values}
        self.seconds = seconds
        inputs = self.inputs()
        self.counts = bench.count(self.values, inputs)
        self.answer = bench.ask("reference", self.values, inputs)
        self.loops = 0
        self.facts: dict[str, Any] = {}

    def __call__(self) -> float:
        """Seconds a call. Which pages the memory happens to get shows in its figures, so each sample gets its own.

        It goes back at once, so that the tool that runs next gets the same pages: kept until then, each side would have
        pages of its own for good, and those of a guest differ by some percent.
        """
        work = self.bench.build(self.variant, self.values, self.inputs())
        self.facts = dict(work.facts)
        try:
            returned = work.call()
            output = work.output() if work.output else returned
            if reason := mismatch(output, self.answer, self.values, 0.0, self.bench.tolerance):
                raise WrongAnswer(f"{self.bench.name}/{self.variant} {reason}")
            if self.best_of > 1:
                return min(self.device.time(work, 1) for _ in range(self.best_of))
            self.loops = self.loops or calibrate(lambda n: self.device.time(work, n), self.seconds)
            return self.device.time(work, self.loops) / self.loops
        finally:
            if work.close:
                work.close()
            self.device.forget()

    def inputs(self) -> tuple[Any, ...]:
        """The same ones each time, with nothing built on them yet."""
        return self.bench.make_inputs({**self.values, "rng": np.random.default_rng(0)})
