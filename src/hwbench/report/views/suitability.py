"""What a machine's balance suits: training or inference, beside its own GPUs and the lecture's, in sentences."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ...record import text
from ...record.estimate import Estimate
from ...record.phrases import against, listed
from .compared_devices import BATCH, LECTURES_LINK, MEASURED, WEIGHTS, HostLink, Row

ALIKE = 1.1  # factors that differ by less suit both alike


def assumptions() -> str:
    """The work that all sentences are about."""
    return (
        f"Computed from the figures above for a fully connected network of {WEIGHTS / 1e6:g} million float32 weights "
        f"({4 * WEIGHTS / 1e6:g} MB), at best, as the roofline allows; a training step is SGD on a batch of {BATCH}."
    )


def by_run(own: Sequence[Row]) -> Iterator[tuple[Row, list[Row]]]:
    """Each run's measured CPU, with the GPUs that were measured beside it."""
    measured = [row for row in own if row.origin == MEASURED]
    starts = [number for number, row in enumerate(measured) if row.kind == "cpu"]
    for start, end in itertools.pairwise([*starts, len(measured)]):
        yield measured[start], measured[start + 1 : end]


def suits(row: Row, cards: Sequence[Row], machines: Sequence[Row], several: bool) -> Iterator[str]:
    """What one machine's measured balance says about training and inference, beside its own GPUs and the lecture's."""
    name = row.name.partition(":")[0] if several else "This machine"
    if row.balance is None or row.inference() is None:
        return
    cpu, _, lectures = machines
    others = [replace(card, name=card.name.rpartition(": ")[2]) for card in cards if card.balance is not None]
    measured = listed(f"{card.name} {text.amount(_balance(card))} (measured)" for card in others)
    whose = f"{name}'s CPU" if others else name
    yield (
        f"{whose} does {text.amount(_balance(row), 'float32 operations')} in the time in which memory delivers a byte"
        f"{f', its own {measured}' if others else ''}{_mark(row, *others)}. By their datasheets {cpu.name} does "
        f"{text.amount(cpu.balance)} and {lectures.name} {text.amount(lectures.balance)}."
    )
    batches = (f"on {one.name} from {text.count(_batches(one))}" for one in (*others, lectures))
    yield (
        "Inference of one example uses each weight once, half an operation per byte, so memory limits it: it takes at "
        f"least {text.seconds(_inference(row))} here. Arithmetic becomes the limit from batches of "
        f"{text.count(_batches(row))} examples on; {listed(batches)}{_mark(row, *others)}."
    )
    for other in others:
        yield from _beside(whose, row, other, "")
        yield from [_sent(row, other.link)] if other.link else []
    yield from _beside(whose, row, lectures, ", by its datasheet")
    yield _sent(row, LECTURES_LINK)


def _balance(row: Row) -> Estimate:
    return row.estimate(lambda one: one.balance)


def _batches(row: Row) -> Estimate:
    """Examples in a batch from which arithmetic is the limit."""
    return Estimate(*(math.ceil(2 * one) if math.isfinite(one) else one for one in _balance(row)))


def _inference(row: Row) -> Estimate:
    return row.estimate(Row.inference)


def _over(a: Estimate, b: Estimate) -> Estimate:
    """The ratio of two times, with the widest interval that theirs leave."""
    return Estimate(a.value / b.value, a.low / b.high, a.high / b.low if b.low else math.inf)


def _mark(*doubtful: Row | HostLink) -> str:
    """` (suspect: the clock drifted)`, with what is to be doubted about the figures of these devices."""
    words = dict.fromkeys(words for one in doubtful for words in one.doubt)
    return f" (suspect: {'; '.join(words)})" if words else ""


def _beside(name: str, row: Row, other: Row, source: str) -> Iterator[str]:
    """A CPU beside a GPU: inference, training steps, and which of the two it suits better."""
    if not other.inference():
        return
    here, there = _inference(row), _inference(other)
    training, other_training = row.estimate(Row.training), other.estimate(Row.training)
    faster, trained = _over(here, there), _over(training, other_training)
    yield (
        f"{other.name}{source}: inference, limited by memory, takes {text.seconds(there)} instead of "
        f"{text.seconds(here)}, {text.ratio(_over(there, here))}; a training step, limited by arithmetic, takes "
        f"{text.seconds(other_training)} instead of {text.seconds(training)}, "
        f"{text.ratio(_over(other_training, training))}{_mark(row, other)}."
    )
    concluded = verdict(name, other.name, faster, trained)
    yield from [f"{concluded}{_mark(row, other)}."] if concluded else []


def _sent(row: Row, link: HostLink) -> str:
    """Whether the CPU reads the weights faster than they can be sent to a GPU for each inference."""
    copied, inference = link.seconds(4 * WEIGHTS), _inference(row)
    longer, less = copied.low > inference.high, copied.high < inference.low
    told = f"Copying the weights over {link.name} ({text.amount(link.rate * 1e-9)} GB/s) takes {text.seconds(copied)}, "
    read = f"the {text.seconds(inference)} in which the CPU reads them{_mark(row, link)}"
    if longer:
        return f"{told}longer than {read}: a GPU helps inference only if the weights stay in its memory."
    if less:
        return f"{told}less than {read}: a GPU can help even if the weights are copied for each inference."
    return f"{told}not clearly longer or less than {read}."


def verdict(name: str, other: str, faster: Estimate, trained: Estimate) -> str:
    """Which of the two suits a machine better, beside a card that is `faster` and `trained` times as fast at them.

    "" where the intervals overlap, so that nothing can be said. Without a full stop.
    """
    if max(faster.high, trained.high) <= 1:
        return f"{name} is at least as fast as {other} at both, so it suits training and inference alike"
    tasks = sorted((("inference", faster), ("training", trained)), key=lambda one: one[1].value)
    (best, at_best), (other_task, at_other) = tasks
    if at_other.value > ALIKE * at_best.value:
        said = (
            f"{name} suits {best} better than {other_task}: it is {against(at_best, other)} at {best} and "
            f"{against(at_other, other)} at {other_task}"
        )
        return said if at_other.low > at_best.high else ""
    said = (
        f"{name} suits training and inference equally: it is {against(faster, other)} at inference and "
        f"{against(trained, other)} at training"
    )
    return said if at_other.high <= ALIKE * at_best.low else ""
