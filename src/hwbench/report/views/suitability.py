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
    measured = listed(f"{card.name} {text.amount(card.balance)} (measured)" for card in others)
    whose = f"{name}'s CPU" if others else name
    yield (
        f"{whose} does {text.amount(row.balance)} float32 operations in the time in which memory delivers a byte"
        f"{f', its own {measured}' if others else ''}. By their datasheets {cpu.name} does {text.amount(cpu.balance)} "
        f"and {lectures.name} {text.amount(lectures.balance)}."
    )
    batches = (f"on {one.name} from {math.ceil(2 * (one.balance or 0))}" for one in (*others, lectures))
    yield (
        "Inference of one example uses each weight once, half an operation per byte, so memory limits it: it takes at "
        f"least {text.seconds(row.inference())} here. Arithmetic becomes the limit from batches of "
        f"{math.ceil(2 * row.balance)} examples on; {listed(batches)}."
    )
    for other in others:
        yield from _beside(whose, row, other, "")
        yield from [_sent(row, other.link)] if other.link else []
    yield from _beside(whose, row, lectures, ", by its datasheet")
    yield _sent(row, LECTURES_LINK)


def _beside(name: str, row: Row, other: Row, source: str) -> Iterator[str]:
    """A CPU beside a GPU: inference, training steps, and which of the two it suits better."""
    times = row.inference(), row.training(), other.inference(), other.training()
    here, training, there, other_training = (time or 0.0 for time in times)
    if not (there and other_training):
        return
    faster, trained = here / there, training / other_training
    yield (
        f"{other.name}{source}: inference, limited by memory, takes {text.seconds(there)} instead of "
        f"{text.seconds(here)}, {text.ratio(1 / faster)}; a training step, limited by arithmetic, takes "
        f"{text.seconds(other_training)} instead of {text.seconds(training)}, {text.ratio(1 / trained)}."
    )
    yield verdict(name, other.name, faster, trained)


def _sent(row: Row, link: HostLink) -> str:
    """Whether the CPU reads the weights faster than they can be sent to a GPU for each inference."""
    copied, inference = 4 * WEIGHTS / link.rate, row.inference() or 0.0
    longer = copied > inference
    return (
        f"Copying the weights over {link.name} ({text.amount(link.rate * 1e-9)} GB/s) takes {text.seconds(copied)}, "
        f"{'longer' if longer else 'less'} than the {text.seconds(inference)} in which the CPU reads them: "
        + (
            "a GPU helps inference only if the weights stay in its memory."
            if longer
            else "a GPU can help even if the weights are copied for each inference."
        )
    )


def verdict(name: str, other: str, faster: float, trained: float) -> str:
    """Which of the two suits a machine better, beside a card that is `faster` and `trained` times as fast at them."""
    if max(faster, trained) <= 1:
        return f"{name} is at least as fast as {other} at both, so it suits training and inference alike."
    best, at_best, at_other = ("inference", faster, trained) if trained > faster else ("training", trained, faster)
    if at_other > 1.1 * at_best:
        other_task = "training" if best == "inference" else "inference"
        return (
            f"{name} suits {best} better than {other_task}: it is {_compared(at_best, other)} at {best} and "
            f"{_compared(at_other, other)} at {other_task}."
        )
    return (
        f"{name} suits training and inference equally: it is {_compared(faster, other)} at inference and "
        f"{_compared(trained, other)} at training."
    )


def _compared(times: float, other: str) -> str:
    return against(Estimate(times, times, times), other)
