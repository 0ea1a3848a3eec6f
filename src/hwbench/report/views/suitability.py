"""What a machine's balance suits: training or inference, beside its own GPUs and the lecture's, in sentences."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ...record import text
from .compared_devices import BATCH, LECTURES_LINK, MEASURED, WEIGHTS, HostLink, Row


def assumptions() -> str:
    """The work that all sentences are about."""
    return (
        f"Computed from the figures above for a fully connected network of {WEIGHTS / 1e6:g} million float32 weights "
        f"({4 * WEIGHTS / 1e6:g} MB), "
        f"as the roofline allows at best; a training step is SGD on a batch of {BATCH}."
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
    beside = ", ".join(f"{card.name} {text.amount(card.balance)}" for card in others)
    whose = f"{name}'s CPU" if others else name
    yield (
        f"{whose} does {text.amount(row.balance)} float32 operations in the time that a byte takes from memory"
        f"{f', its own {beside} (measured)' if others else ''}; by its datasheet {cpu.name} does "
        f"{text.amount(cpu.balance)}, {lectures.name} {text.amount(lectures.balance)}."
    )
    yield (
        "Inference of one example uses each weight once, half an operation a byte: memory is the limit, and an "
        f"answer takes at least {_seconds(row.inference() or 0)} here. From {math.ceil(2 * row.balance)} examples at "
        "once on arithmetic would be the limit; "
        + ", ".join(f"{one.name} needs {math.ceil(2 * (one.balance or 0))}" for one in (*others, lectures))
        + "."
    )
    for other in others:
        yield from _beside(whose, row, other, "answers")
        yield from [_sent(row, other.link)] if other.link else []
    yield from _beside(whose, row, lectures, "would answer")
    yield _sent(row, LECTURES_LINK)


def _beside(name: str, row: Row, other: Row, answers: str) -> Iterator[str]:
    """A CPU beside a GPU: answers, training steps, and which of the two it suits better."""
    times = row.inference(), row.training(), other.inference(), other.training()
    here, training, there, other_training = (time or 0.0 for time in times)
    if not (there and other_training):
        return
    faster, trained = here / there, training / other_training
    yield (
        f"{other.name} {answers} in {_seconds(there)}, {text.amount(faster)} times as fast, by its bandwidth; a "
        f"training step takes {_seconds(training)} here and {_seconds(other_training)} there, {text.amount(trained)} "
        "times "
        "as fast, by its arithmetic."
    )
    yield verdict(name, other.name, faster, trained)


def _sent(row: Row, link: HostLink) -> str:
    """Whether weights are better read by the CPU than sent to a GPU for each question."""
    copied, inference = 4 * WEIGHTS / link.rate, row.inference() or 0.0
    longer = copied > inference
    return (
        f"Copying the weights over {link.name} ({text.amount(link.rate * 1e-9)} GB/s) takes {_seconds(copied)}, "
        f"{'longer' if longer else 'less'} than the {_seconds(inference)} in which the CPU reads them: "
        + (
            "a GPU pays for inference only if they stay there."
            if longer
            else "even copied for each question they could be used sooner there."
        )
    )


def verdict(name: str, other: str, faster: float, trained: float) -> str:
    """Which of the two suits a machine better, beside a card that is `faster` and `trained` times as fast at them."""
    if max(faster, trained) <= 1:
        return f"{name} is as fast as {other} or faster at both: it suits training and inference alike."
    best, at_best, at_other = ("inference", faster, trained) if trained > faster else ("training", trained, faster)
    if at_other > 1.1 * at_best:
        other_task = "training" if best == "inference" else "inference"
        return (
            f"So of the two this is a machine for {best}: beside {other} it gives up a factor of "
            f"{text.amount(at_best)} there, and of {text.amount(at_other)} in {other_task}."
        )
    return (
        f"So it is no better suited to one than to the other: beside {other} it gives up a factor of "
        f"{text.amount(faster)} in either."
    )


def _seconds(value: float) -> str:
    for size, unit in ((1.0, "s"), (1e-3, "ms")):
        if value >= size:
            return f"{text.amount(value / size)} {unit}"
    return f"{text.amount(value * 1e6)} µs"
