"""Our side of a comparison: a case that is built and checked anew for each sample, as a tool's process is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..bench import Bench
from ..devices.cpu import CpuDevice
from ..devices.opencl import OpenClDevice
from ..measurement.verify_output import mismatch
from ..protocols import Inputs, Values
from ..record.model import JsonObject


class WrongAnswer(Exception):  # noqa: N818 - the message is the sentence that a record carries
    """Our kernel's output differs from the reference."""


def calibrate(run: Callable[[int], float], seconds: float) -> int:
    """The n for which `run(n)` takes about `seconds`. Each n is tried twice: one disturbed call ends no search."""
    n = 1
    while (taken := min(run(n), run(n))) < seconds / 2:
        n = int(n * min(64.0, max(2.0, 0.9 * seconds / max(taken, 1e-6))))
    return n


class Ours:
    """Seconds of one call of a case, a sample at a time.

    Parameters
    ----------
    values
        Resolved, as builders get them: `size` in bytes, `threads` a count, `dtype` a `numpy.dtype`.
    seconds
        How long a sample lasts.
    best_of
        Above 1, a sample is the best of so many single calls: for tools that report their best.
    """

    def __init__(
        self,
        device: CpuDevice | OpenClDevice,
        bench: Bench,
        variant: str,
        values: Values,
        seconds: float,
        best_of: int = 1,
    ) -> None:
        self.device, self.bench, self.variant, self.best_of = device, bench, variant, best_of
        self.values = {"device": device, "variant": variant, **values}
        self.seconds = seconds
        inputs = self.inputs()
        self.counts = bench.count(self.values, inputs)
        self.answer = bench.ask("reference", self.values, inputs)
        self.loops = 0
        self.facts: JsonObject = {}

    def __call__(self) -> float:
        """Seconds a call, in memory allocated for this sample: which pages a buffer gets changes bandwidth by percents.

        The memory is returned at once, so that the tool that runs next may get the same pages. If each side kept its
        own, the ratio would compare pages.
        """
        placed = self.device.place(self.inputs(), self.bench.variants[self.variant].inputs)
        work = self.bench.build(self.variant, self.values, placed)
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

    def inputs(self) -> Inputs:
        """The bench's inputs, the same each time, before anything is built on them."""
        return self.bench.make_inputs({**self.values, "rng": np.random.default_rng(0)})
