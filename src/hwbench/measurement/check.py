"""The check of a group's variants: each gives the reference's answer, writes it itself, and leaves the inputs alone."""

from __future__ import annotations

import copy

from ..bench import Bench, Work
from .inputs import Parameters, SharedInputs, parameters
from .poison import Kept, arrays_on_host, overwrite_freed, owner
from .trial import Trial
from .verify_output import Answer, mismatch


class Check:
    """Compares one call of each variant with the reference, which is asked once for what it depends on."""

    def __init__(self, bench: Bench, inputs: SharedInputs) -> None:
        self._bench = bench
        self._inputs = inputs
        self._answers: dict[Parameters, Answer] = {}
        self._kept = Kept()

    def ask(self, trial: Trial) -> None:
        """Ask the reference before anything is built: it gets the inputs as they were made, and may change them."""
        asked = self._key(trial)
        if asked in self._answers:
            return

        def again() -> Answer:
            answer: Answer = self._bench.ask("reference", trial.values, self._inputs.host(trial))
            return answer

        answer = again()
        found = arrays_on_host(answer)
        self._kept.add(found, again)
        self._answers[asked] = copy.deepcopy(answer)
        self._inputs.changed(trial)
        sizes = [owner(one).nbytes for one in found]
        del answer, found
        overwrite_freed(sizes)

    def wrong(self, trial: Trial, work: Work) -> str:
        """How the answer differs from the reference, or what else is wrong, in words; "" where nothing is."""
        reason, sizes = self._judged(trial, work)
        overwrite_freed(sizes)
        return reason

    def _judged(self, trial: Trial, work: Work) -> tuple[str, list[int]]:
        """What is wrong, and the sizes of the output's arrays, which are freed on return if each call makes them."""
        output = answer_of(work)
        outputs = arrays_on_host(output)
        sizes = [owner(one).nbytes for one in outputs]
        if name := self._inputs.changed(trial):
            return f"it changed '{name}', an input that all variants share; copy it in the builder", sizes
        flops, tolerance = trial.counts.get("flops", 0.0), self._bench.tolerance
        reference = self._answers[self._key(trial)]
        reason = mismatch(output, reference, trial.values, flops, tolerance)
        outputs = [one for one in outputs if not self._inputs.among(trial, one)]
        known = [one for one in outputs if self._kept.before(one)]
        if known and not reason:
            stale, output = self._kept.stale(known, lambda: answer_of(work))
            reason = mismatch(output, reference, trial.values, flops, tolerance)
            self._inputs.changed(trial)  # by a reference that was asked again
            if stale:
                reason = "its call does not write the output, where it finds the answer of an earlier variant"
        self._kept.add(outputs, lambda: answer_of(work))
        return reason, sizes

    def _key(self, trial: Trial) -> Parameters:
        return parameters(trial, (*self._bench.names("inputs"), *self._bench.names("reference")))


def answer_of(work: Work) -> Answer:
    """What one call gives."""
    result: Answer = work.call()
    return result if work.output is None else work.output()
