"""Sentences on the memory hierarchy, and lists cut to a readable length."""

from __future__ import annotations

from collections.abc import Sequence

from ..record import text
from .hierarchy import CONTAINERS, SEEN, Hierarchy
from .staircase import Level

SHOWN = 3  # items named in a sentence


def _added(level: Level) -> str:
    return text.seconds(level.seconds) if level.seconds.value >= 1e-10 else "nothing"


def sentences(found: Hierarchy, virtual: str | None = None) -> list[str]:
    """What the sweeps show of cache sizes, the last-level cache and the TLB."""
    out = []
    guest = ", ".join(name for name in (virtual or "").split(", ") if name and name not in CONTAINERS)
    ends = [
        f"L{one.cache.level} after "
        f"{text.size(one.step)}{f', {one.verdict}' if one.verdict and not one.streamed else ''}"
        if one.cache
        else f"a level after {text.size(one.step)}"
        for one in found.caches
        if one.step is not None
    ]
    if ends:
        out.append(f"By the steps of the latency sweep these levels end: {'; '.join(ends)}.")
    last = found.last
    if last is not None and last.cache is not None and last.size is not None and last.verdict == "less than reported":
        whole = f"Of the {text.size(last.cache.bytes)} of L{last.cache.level} that are reported"
        who = "loads on one thread find" if last.streamed else "a chase on one thread finds"
        if last.unsure:
            out.append(
                f"{whole}, {who} {text.size(last.size)}; no stream of loads tells whether translation hides more."
            )
        elif guest:
            out.append(f"{whole}, this guest ({guest}) really gets {text.size(last.size)}: the rest is others'.")
        else:
            out.append(f"{whole}, {who} {text.size(last.size)}.")
    if last is not None and last.cache is not None and last.streamed and last.step is not None:
        if last.verdict != "less than reported":
            out.append(f"L{last.cache.level} is left after {text.size(last.streamed)}, {last.verdict}.")
        small = ", whose TLB reaches less far where a host keeps a guest's memory on small pages" * bool(guest)
        out.append(
            f"So far a stream of loads is faster than from memory. That a random chase takes longer from "
            f"{text.size(last.step)} on is not the cache's end: translation is the likeliest{small}."
        )
    if found.reach:
        *near, far = found.translation
        parts = [f"{_added(one)} up to {text.size(one.size)}" for one in near if one.size is not None]
        parts.append(f"{_added(far)} beyond")
        out.append(f"Over huge pages, 4 KiB pages add to a load {', '.join(parts)}: so far the TLB reaches.")
    elif found.translation and found.translation[-1].seconds.high < SEEN:
        out.append(
            f"4 KiB pages show no step against huge ones up to {text.size(found.translation[-1].last)}: the TLB "
            "reaches so far, or a hypervisor keeps both on pages of one size."
        )
    return out


def and_more(items: Sequence[str]) -> str:
    """`; and 2 more` where more than SHOWN items were to be named."""
    return f"; and {len(items) - SHOWN} more" if len(items) > SHOWN else ""
