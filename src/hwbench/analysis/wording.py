"""Sentences on the memory hierarchy, and lists cut to a readable length."""

from __future__ import annotations

from collections.abc import Sequence

from ..record import text
from ..record.estimate import clear
from ..record.phrases import listed
from .hierarchy import CONTAINERS, SEEN, Hierarchy, MeasuredCache
from .staircase import Level

SHOWN = 3  # items named in a sentence


def sizes(found: Hierarchy, virtual: str | None = None) -> str:
    """What the sweeps show of cache sizes and of the last-level cache."""
    guest = ", ".join(name for name in (virtual or "").split(", ") if name and name not in CONTAINERS)
    return " ".join(filter(None, (_steps(found, guest), _last(found.last, guest))))


def _steps(found: Hierarchy, guest: str) -> str:
    ends = [_step(one, guest) for one in found.caches if one.step is not None]
    return f"Latency (1 thread) rises {'; '.join(ends)}." if ends else ""


def _step(one: MeasuredCache, guest: str) -> str:
    """Where a level ends, or where translation begins to cost: loads go on at the cache's speed beyond that step."""
    if one.streamed:
        small = ", which is short where the host backs guests with small pages" * bool(guest)
        return f"at {text.size(one.step)}, probably TLB reach{small}"
    name = f"L{one.cache.level}" if one.cache else "an unreported level"
    return f"past {name} after {text.size(one.step)}" + f", {one.verdict}" * bool(one.cache and one.verdict)


def _last(last: MeasuredCache | None, guest: str) -> str:
    """How much of the last-level cache is there."""
    if last is None or last.cache is None or last.size is None or last.step is None:
        return ""
    name, size = f"L{last.cache.level}", text.size(last.size)
    whole = f"{size} of the {text.size(last.cache.bytes)} reported"
    if last.verdict == "less than reported" and last.unsure:
        hidden = "TLB misses may hide the rest, which a bandwidth sweep would show"
        return f"{name}: a chase on 1 thread sees {whole}; {hidden}."
    said = f"{name}: sequential loads on 1 thread stay fast up to {size}, {last.verdict}"
    if last.verdict == "less than reported":
        who = "loads on 1 thread see" if last.streamed else "a chase on 1 thread sees"
        said = f"{name}: {f'this guest ({guest}) gets' if guest else who} {whole}"
        said += "; other guests may use the rest" * bool(guest)
    elif not last.streamed:
        return ""
    return f"{said}."


def shortfall(last: MeasuredCache | None, virtual: str | None) -> tuple[str, str] | None:
    """The last cache's name, and in short what is missing of its reported size; None where all of it is there."""
    if last is None or last.cache is None or last.size is None or last.verdict != "less than reported":
        return None
    guest = any(name not in CONTAINERS for name in (virtual or "").split(", ") if name)
    who = "one thread's chase sees" if last.unsure else ("this guest gets" if guest else "one thread gets")
    said = f"{text.size(last.cache.bytes)} reported, {who} about {text.size(last.size.value)}: {blocks(last)}"
    return f"L{last.cache.level}", said


def blocks(last: MeasuredCache) -> str:
    """For which size of data to choose blocks, and what is known of TLB reach; "" without a size."""
    if last.size is None or last.step is None:
        return ""
    said = f"choose blocks for {text.size(last.size.value)}"
    if last.streamed:
        return f"{said}, in random order for {text.size(last.step.value)} (probably TLB reach)"
    return said + ", which may be TLB reach" * last.unsure


def pages(found: Hierarchy) -> str:
    """What 4 KiB pages add to huge ones, and so how far the TLB reaches."""
    if found.reach:
        *near, far = found.translation
        if not all(one.size is not None and clear(one.size) for one in near):
            return ""
        parts = [f"{_added(one)} up to {text.size(one.size)}" for one in near]
        each = listed([*parts, f"{_added(far)} beyond"])
        return f"Compared with huge pages, 4 KiB pages add {each} to each load: the first step is TLB reach."
    if found.translation and found.translation[-1].seconds.high < SEEN:
        size = text.size(found.translation[-1].last)
        why = "the TLB reaches that far, or a hypervisor backs both alike"
        return f"Up to {size}, 4 KiB pages cost no more than huge pages: {why}."
    return ""


def _added(level: Level) -> str:
    return text.seconds(level.seconds) if level.seconds.value >= 1e-10 else "nothing"


def and_more(items: Sequence[str], shown: int = SHOWN) -> str:
    """`; and 2 more` where more items than are shown were to be named."""
    return f"; and {len(items) - shown} more" if len(items) > shown else ""
