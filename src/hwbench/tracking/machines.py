"""Identities of machines: notices two machines under one name, and one machine under two names."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence

from ..record import text
from .history import Setting

GIB = re.compile(r"([\d.]+) GiB")
RESERVED = 0.03  # of the memory: how much a kernel reserves differs between versions


class Settings:
    """The settings of a history, numbered in the order added.

    Only keys that two files both state can differ, so a project may begin to state more. Where they differ, one name
    stands for two machines.
    """

    def __init__(self) -> None:
        self.machines: dict[str, list[dict[str, str]]] = {}
        self.known: dict[tuple[str, int, str], int] = {}

    def place(self, machine: str, identity: Iterable[tuple[str, str]], environment: str) -> int:
        """The number of a setting."""
        stated = dict(identity)
        there = self.machines.setdefault(machine, [])
        which = next((i for i, one in enumerate(there) if not differences(one, stated)), len(there))
        if which == len(there):
            there.append({})
        there[which] = {**stated, **there[which]}
        return self.known.setdefault((machine, which, environment), len(self.known))

    def made(self) -> list[Setting]:
        """All settings, with all that is known of their machines."""
        return [
            Setting(machine, tuple(sorted(self.machines[machine][which].items())), environment)
            for machine, which, environment in self.known
        ]


def identity_notes(settings: Sequence[Setting]) -> list[str]:
    """A sentence for each name of several machines, and for each machine that seems to have two names."""
    by_name: dict[str, list[tuple[tuple[str, str], ...]]] = {}
    by_identity: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for one in settings:
        if one.identity not in by_name.setdefault(one.machine, []):
            by_name[one.machine].append(one.identity)
        if one.machine not in by_identity.setdefault(one.identity, []):
            by_identity[one.identity].append(one.machine)
    out = []
    for name, known in by_name.items():
        for number, (old, new) in enumerate(itertools.pairwise(known), 2):
            change = "; ".join(differences(dict(old), dict(new)))
            out.append(
                f"{name} is not the same machine throughout: {change}. Its series are split, as {name} ({number})."
            )
    out += [
        f"{' and '.join(names)} are alike in every respect that is known: perhaps one machine under several names. "
        "Their series are kept apart."
        for identity, names in by_identity.items()
        if len(names) > 1 and len(identity) > 1
    ]
    return out


def differences(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    """`CPUs: 2, then 4` for each key that two machines both state differently."""
    return [f"{key}: {old[key]}, then {new[key]}" for key in old if key in new and not alike(old[key], new[key])]


def alike(old: str, new: str) -> bool:
    """Whether two values are equal: up to spaces, memory up to what a kernel reserves."""
    sizes = GIB.fullmatch(old), GIB.fullmatch(new)
    if sizes[0] and sizes[1]:
        small, large = sorted(float(size[1]) for size in sizes if size)
        return large - small <= RESERVED * large
    return old.split() == new.split()


def gib(nbytes: float) -> str:
    """A size of memory as an identity states it: `15.5 GiB`."""
    return text.size(nbytes)
