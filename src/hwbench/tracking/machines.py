"""Identities of machines: notices two machines under one name, and one machine under two names."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ..record.identity import alike
from ..record.phrases import counted
from .history import Commit, Setting

# Names that a cloud makes up for each job, or a container for each start.
HOSTED = re.compile(r"fv-az[\w-]+|runnervm\w*|runner-\w+-.*|ip-\d+-\d+-\d+-\d+.*|[0-9a-f]{12}|gh[a-]?runner.*", re.I)
CPU = ("cpu", "CPU")  # without it, equal identities say nothing


class Settings:
    """The settings of a history, numbered in the order added.

    Only keys that two files both state can differ, so a project may begin to state more. Where they differ, one name
    stands for two machines. Of hosted runners, whose names are made up for each job, hardware that is alike is one
    machine; with `by_hardware` of all.
    """

    def __init__(self, *, by_hardware: bool = False) -> None:
        self.by_hardware = by_hardware
        self.machines: dict[str, list[dict[str, str]]] = {}
        self.known: dict[tuple[str, int, str], int] = {}
        self.names: dict[str, list[str]] = {}  # the runners that a machine stands for

    def place(self, machine: str, identity: Iterable[tuple[str, str]], environment: str) -> int:
        """The number of a setting."""
        stated = dict(identity)
        machine = self._same(machine, stated)
        there = self.machines.setdefault(machine, [])
        which = next((i for i, one in enumerate(there) if not differences(one, stated)), len(there))
        if which == len(there):
            there.append({})
        there[which] = {**stated, **there[which]}
        return self.known.setdefault((machine, which, environment), len(self.known))

    def _same(self, name: str, stated: Mapping[str, str]) -> str:
        """The name of the machine that a runner is one of: the first of its hardware."""
        if not (self.by_hardware or HOSTED.fullmatch(name)) or not any(key in stated for key in CPU):
            return name
        first = next(
            (known for known in self.names for one in self.machines[known] if not differences(one, stated)), name
        )
        runners = self.names.setdefault(first, [])
        if name not in runners:
            runners.append(name)
        return first

    def made(self) -> list[Setting]:
        """All settings, with all that is known of their machines; several runners are called after their CPU."""
        return [
            Setting(self._title(machine), tuple(sorted(self.machines[machine][which].items())), environment)
            for machine, which, environment in self.known
        ]

    def _title(self, machine: str) -> str:
        one = self.machines[machine][0]
        cpu = next((one[key] for key in CPU if key in one), machine)
        return cpu if len(self.names.get(machine, ())) > 1 else machine

    def notes(self) -> Iterator[str]:
        """A sentence for each machine that stands for several runners."""
        for machine, runners in self.names.items():
            if len(runners) > 1:
                shown = ", ".join(runners[:3]) + (f" and {len(runners) - 3} more" if len(runners) > 3 else "")
                yield (
                    f"{counted(len(runners), 'runner')} with hardware that is alike ({shown}) are one line, "
                    f"{self._title(machine)}. --machine-name NAME makes one line of all."
                )


def minor(version: str) -> str:
    """`3.12` for 3.12.7: what a patch release changes is noted, and splits no line."""
    return re.sub(r"^(\d+\.\d+)\.\d+\S*", r"\1", version)


def python_notes(measured: Sequence[tuple[int, Commit, str]]) -> Iterator[str]:
    """A sentence for each commit at which the patch release of Python changed: the setting, commit and version."""
    last: dict[tuple[int, str], str] = {}
    for setting, commit, version in measured:
        before = last.get((setting, minor(version)))
        if before and before != version:
            yield f"Python is {version} from {commit.title} on, {before} before."
        last[setting, minor(version)] = version


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
