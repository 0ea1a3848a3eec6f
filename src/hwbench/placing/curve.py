"""Bandwidth by working set: full within each cache, between two levels by what the nearer one can serve.

A cache serves its full bandwidth up to its size. Beyond it a part of each pass still comes from it, and the time of a
pass is interpolated between measured sizes; the bandwidths on both sides bound it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

DASH = "–"


@dataclass(frozen=True)
class Node:
    """A working set of so many bytes a thread, its bandwidth on all of them, and the level that serves it."""

    size: float
    rate: float
    level: str


@dataclass(frozen=True)
class Band:
    """The bandwidth of a working set, what bounds it on both sides, and the level or the two that serve it."""

    value: float
    low: float
    high: float
    level: str


def monotone(nodes: Sequence[Node]) -> list[Node]:
    """The nodes by size; a smaller working set is no slower than a larger one, so that a disturbed node is raised."""
    found: list[Node] = []
    for node in sorted(nodes, key=lambda one: one.size, reverse=True):
        found.append(Node(node.size, max(node.rate, found[-1].rate) if found else node.rate, node.level))
    return found[::-1]


def band(nodes: Sequence[Node], size: float) -> Band | None:
    """The bandwidth of a working set by nodes in order; None without any."""
    if not nodes:
        return None
    at = next((number for number, node in enumerate(nodes) if size <= node.size), len(nodes) - 1)
    far = nodes[at]
    if at == 0 or size >= far.size or nodes[at - 1].rate == far.rate:
        return Band(far.rate, far.rate, far.rate, far.level)
    near = nodes[at - 1]
    fast, slow = near.size / near.rate, far.size / far.rate  # seconds of a pass
    seconds = fast + (slow - fast) * (size - near.size) / (far.size - near.size)
    level = far.level if near.level == far.level else f"{near.level}{DASH}{far.level}"
    return Band(size / seconds, far.rate, near.rate, level)
