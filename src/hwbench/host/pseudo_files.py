"""Small files of `/proc` and `/sys`, and the forms that they write things in."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

ROOT = Path("/")


def read_text(path: Path) -> str | None:
    """The stripped text of a small file; None where it is missing or unreadable."""
    try:
        return path.read_bytes().decode(errors="replace").strip("\0 \n")
    except OSError:
        return None


def number(path: Path) -> int | None:
    """The whole number in a file; None where it is missing or holds something else ("max")."""
    try:
        return int(read_text(path) or "")
    except ValueError:
        return None


def cpu_list(text: str | None) -> tuple[int, ...]:
    """`0-3,8` as (0, 1, 2, 3, 8)."""
    cpus: list[int] = []
    for first, last in re.findall(r"(\d+)(?:-(\d+))?", text or ""):
        cpus += range(int(first), int(last or first) + 1)
    return tuple(cpus)


def size_of(text: str | None) -> int | None:
    """`1024K` as sysfs writes it, in bytes."""
    form = re.fullmatch(r"(\d+)([KMG]?)", text or "")
    return int(form[1]) * {"": 1, "K": 2**10, "M": 2**20, "G": 2**30}[form[2]] if form else None


def chosen(text: str | None) -> str | None:
    """`always [madvise] never` as `madvise`."""
    form = re.search(r"\[(.+?)\]", text or "")
    return form[1] if form else None


def keyed_numbers(text: str | None) -> dict[str, int]:
    """The lines of the form `name number`."""
    pairs = (line.split() for line in (text or "").splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdigit()}


def ranges(cpus: Iterable[int]) -> str:
    """(0, 1, 2, 8) as `0-2,8`."""
    runs: list[list[int]] = []
    for cpu in sorted(cpus):
        if runs and runs[-1][-1] == cpu - 1:
            runs[-1].append(cpu)
        else:
            runs.append([cpu])
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def mounted(root: Path, place: str) -> tuple[str, str] | None:
    """The type and the source of what is mounted on `place` itself (`fuse.lxcfs`, `lxcfs`); None where nothing is."""
    found = None
    for row in (read_text(root / "proc/self/mountinfo") or "").splitlines():
        about, _, rest = row.partition(" - ")
        if about.split()[4:5] == [place] and len(rest.split()) >= 2:
            kind, source, *_ = rest.split()
            found = kind, source  # the last one covers those before it
    return found
