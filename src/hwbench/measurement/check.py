"""The check of a group's variants: each must give the reference's answer, and must have written it itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from ..bench import Bench, Inputs, Work
from .poison import Kept, Shared, copied, poison
from .trial import Trial
from .verify_output import Answer, mismatch

Parameters: TypeAlias = tuple[tuple[str, str], ...]
"""Some of a case's axis values, as a key."""


class Check:
    """Compares one call of each variant with the reference, which is asked once for what it depends on."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._answers: dict[Parameters, Answer] = {}
        self._kept = Kept()
        self._wrote = ""  # the variant that has written into the inputs

    def wrong(self, trial: Trial, work: Work, inputs: Inputs, placed: Inputs) -> str:
        """How the answer differs from the reference, in words; "" where it agrees.

        `inputs` are the host's, which the reference gets, `placed` the same as the builder got them. What the variant
        or the reference has written into them is poisoned, so that the next variant does not find an answer there.
        """
        shared = Shared(inputs, placed)
        try:
            reason = self._differs(trial, work, inputs, shared)
            if reason and self._wrote not in ("", trial.case.variant):
                reason += f"; '{self._wrote}' wrote into the inputs, which variants share and only read"
            return reason
        finally:
            if shared.poison():
                self._wrote = self._wrote or trial.case.variant

    def _differs(self, trial: Trial, work: Work, inputs: Inputs, shared: Shared) -> str:
        flops, tolerance = trial.counts.get("flops", 0.0), self._bench.tolerance
        output = shared.apart(answer_of(work))
        left = self._kept.among(output)  # an answer of another variant lay there already
        self._kept.add(output)
        asked = parameters(trial, (*self._bench.names("inputs"), *self._bench.names("reference")))
        if asked not in self._answers:
            self._answers[asked] = shared.apart(self._bench.ask("reference", trial.values, inputs))
            if self._kept.among(self._answers[asked]):
                self._answers[asked] = copied(self._answers[asked])
                left = self._kept.among(output)  # the reference's too
        reference = self._answers[asked]
        reason = mismatch(output, reference, trial.values, flops, tolerance)
        if left and not reason:
            for array in left:
                poison(array)
            reason = mismatch(answer_of(work), reference, trial.values, flops, tolerance)
        return reason


def answer_of(work: Work) -> Answer:
    """What one call gives."""
    result: Answer = work.call()
    return result if work.output is None else work.output()


def parameters(trial: Trial, names: Sequence[str]) -> Parameters:
    """The values of those names that are axes, or the variant."""
    case = {*trial.case.params, "variant"}
    return tuple((name, str(trial.values[name])) for name in names if name in case)
