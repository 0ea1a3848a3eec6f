"""A machine against its own earlier runs: for small groups, where no others show what is usual."""

from __future__ import annotations

import numpy as np

from .components import BETWEEN, WITHIN, part
from .cube import Floats, Group
from .health import Health, Part
from .levels import quiet_median, run_to_run

FEWEST = 4  # runs: the newest, and three that show what was usual
DRIFT = 0.005  # of a part from day to day, where nothing is at fault
TAIL = 4.0


def since(group: Group) -> Health | None:
    """The newest run of each machine against the middle of its earlier ones; None where no machine has enough."""
    count = np.isfinite(group.y).sum(axis=2)
    enough = count >= FEWEST
    if not enough.any():
        return None
    noise = run_to_run(group.y)
    newest, before = _newest(group.y)
    with np.errstate(all="ignore"):
        deviation = np.where(enough, newest - before, np.nan)
        # The median of n runs is about π/2 times as uncertain as their mean.
        variance = np.where(enough, noise**2 * (1 + np.pi / 2 / np.maximum(count - 1, 1)), np.nan)
    none = np.full((len(deviation), 2), np.nan)
    names = [*group.quantities, BETWEEN, WITHIN]
    places: dict[str, list[int]] = {}
    for i, name in enumerate(group.quantities):
        if enough[:, i].any():
            places.setdefault(part(name), []).append(i)
    parts = []
    for name, here in sorted(places.items()):
        at = np.array(here)
        usual = float(quiet_median(variance[:, at]))
        width = float(np.sqrt(DRIFT**2 + usual / (len(at) if len(at) > 1 else 1)))
        parts.append(Part(name, at, np.ones(len(at)), np.zeros(len(at)), 0.0, width, TAIL, usual / len(at), TAIL))
    return Health(
        names, np.zeros(len(names)), np.concatenate([deviation, none], axis=1),
        np.concatenate([variance, none], axis=1), parts, np.concatenate([np.sqrt(noise**2 + DRIFT**2), [1.0, 1.0]]),
    )  # fmt: skip


def _newest(y: Floats) -> tuple[Floats, Floats]:
    """The newest value of each machine and quantity, and the median of those before."""
    there = np.isfinite(y)
    last = y.shape[2] - 1 - np.argmax(there[:, :, ::-1], axis=2)
    newest = np.take_along_axis(y, last[:, :, None], axis=2)[:, :, 0]
    earlier = np.where(np.arange(y.shape[2]) == last[:, :, None], np.nan, y)
    return newest, quiet_median(earlier, axis=2)
