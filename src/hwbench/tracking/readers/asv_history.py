"""A directory of asv's results as a history: series over commits, for any number of machines and environments."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ...record import collector, files
from ..directions import direction, direction_notes
from ..history import Commit, History, Series, Setting, TrackingError
from ..machines import Settings, identity_notes
from ..repository import subjects
from ..sparse import Sparse
from .asv import Benchmark, ResultFile, benchmarks, combinations, known_as, read_all, split_name
from .asv_numbers import Axes, Numbers

Place = tuple[str, int, Axes]  # a benchmark, its setting, its parameters


@dataclass
class _Rows:
    """Rows of one benchmark with equal parameters in one setting: the positions of their commits, and their numbers."""

    version: str
    places: list[int] = field(default_factory=list)
    parts: list[tuple[Numbers, int]] = field(default_factory=list)  # the numbers of a file, and where these begin


def history(
    directory: Path, found: Sequence[ResultFile] | None = None, repository: Path = Path(),
    skipped: list[str] | None = None, machine: str = "",
) -> History:  # fmt: skip
    """Every series of a results directory, or of the result files `found` in it.

    The subjects of commits come from `repository`: that of the results may be somebody else's, and is not asked. What
    cannot be read goes to `skipped`; where nothing can, or nowhere to note it is given, it is a TrackingError. All are
    of one `machine`, where it is named.
    """
    bad: list[str] = [] if skipped is None else skipped
    with collector.paused():
        read = read_all(directory, skipped) if found is None else found
        if not read:
            raise TrackingError(bad[0] if bad else f"{directory}: has no results of asv; run `asv run` first")
        return _history(directory, read, repository, bad, machine)


def _history(
    directory: Path, found: Sequence[ResultFile], repository: Path, skipped: list[str], machine: str
) -> History:
    known = benchmarks(directory, skipped)
    commits = _ordered(found, repository)
    place = {commit.name: i for i, commit in enumerate(commits)}
    settings = Settings()
    gathered: dict[Place, _Rows] = {}
    outdated: set[str] = set()
    versions = {name: one.version for name, one in known.items()}
    for file in sorted(found, key=lambda one: place[one.commit], reverse=True):
        # Newest first: where benchmarks.json states no version of a benchmark, the newest result's counts.
        setting = settings.place(machine or file.machine, () if machine else file.identity, file.environment)
        start = 0
        for name, axes, version, count in file.numbers.rows:
            begin, start = start, start + count
            if version and version != str(versions.get(name) or version):
                outdated.add(name)
                continue
            versions[name] = versions.get(name) or version
            rows = gathered.get((name, setting, axes))
            if rows is None:
                rows = gathered[name, setting, axes] = _Rows(str(versions[name] or ""))
            rows.places.append(place[file.commit])
            rows.parts.append((file.numbers, begin))
    made = _series(gathered, known, len(commits))
    ordered = _oldest_first(settings.made(), made)
    ways = {one.unit or one.bench: direction(one.unit, one.bench) for one in made}
    notes = [*settings.notes(), *identity_notes(ordered), *direction_notes(ways)]
    if outdated:
        notes.append(
            f"Results of other versions of {len(outdated)} benchmark{'s' * (len(outdated) != 1)} are left out: they "
            "time something else."
        )
    made.sort(key=lambda one: (one.bench, one.setting))
    return History(_stated(directory, "project"), "asv", commits, ordered, made, notes, _commit_url(directory))


def _series(gathered: Mapping[Place, _Rows], known: Mapping[str, Benchmark], commits: int) -> list[Series]:
    """A series for each case in each setting that has a value.

    All rows are converted at once: a history has a million values, and one by one they would take most of the time.
    """
    made: dict[tuple[str, tuple[str, ...], int], Series] = {}
    for (name, setting, axes), rows in gathered.items():
        stated = known_as(name, known)
        way = direction(stated.unit, name)
        order = np.argsort(rows.places, kind="stable")
        places = np.array(rows.places, dtype=np.int32)[order]
        count = math.prod(map(len, axes))
        stacked = np.stack([file.values[:, begin : begin + count] for file, begin in rows.parts])
        numbers = stacked[order].transpose(2, 1, 0).copy()  # by case, column, commit
        failures = np.stack([file.failed[begin : begin + count] for file, begin in rows.parts], axis=1)[:, order]
        every = ~np.isnan(numbers[:, 0])
        whole: list[bool] = np.all(every, axis=1).tolist()
        for case, (combination, taken, there) in enumerate(zip(combinations(axes), numbers, every, strict=True)):
            if not (whole[case] or there.any()):
                continue
            at, columns = (places, taken) if whole[case] else (places[there], taken[:, there])
            series = made.get((name, combination, setting))
            if series is None:
                bench, variant, params = split_name(name, stated.param_names, combination)
                found, low, high = (Sparse(at, values, commits) for values in columns)
                series = made[name, combination, setting] = Series(
                    bench, variant, params, setting, found, low, high, unit=stated.unit, higher=way.higher,
                    version=rows.version, sure=way.sure,
                )  # fmt: skip
            else:  # other cases of the benchmark changed between commits
                for column, values in zip(("values", "low", "high"), columns, strict=True):
                    dense = getattr(series, column).copy()
                    dense[at] = values
                    setattr(series, column, dense)
            if not whole[case]:
                series.failed = sorted({*series.failed, *places[failures[case]].tolist()})
    return list(made.values())


def _oldest_first(settings: list[Setting], series: list[Series]) -> list[Setting]:
    """The settings in the order of their first measurement; renumbers the series accordingly."""
    first: dict[int, int] = {}
    for one in series:
        now = int(one.measured[0][0])
        first[one.setting] = min(first.get(one.setting, now), now)
    order = sorted(first, key=lambda number: (settings[number].machine, first[number], settings[number].environment))
    place = {old: new for new, old in enumerate(order)}
    for one in series:
        one.setting = place[one.setting]
    return [settings[number] for number in order]


def _stated(directory: Path, key: str) -> str:
    """What an asv.conf.json above a directory states of the project; the directory's name where none does."""
    for parent in list(directory.resolve().parents)[:4]:
        text = files.head(parent / "asv.conf.json", 2**16).decode("utf-8", "replace")
        if stated := re.search(rf'^\s*"{key}"\s*:\s*"([^"\\]+)"', text, re.MULTILINE):
            return stated[1]
    return directory.resolve().name


def _commit_url(directory: Path) -> str:
    """What a commit's hash is appended to for a link to it: `show_commit_url` of asv.conf.json."""
    found = _stated(directory, "show_commit_url")
    return found if re.fullmatch(r"https?://[^\s\"'<>]{1,300}", found) else ""


def _ordered(found: Sequence[ResultFile], repository: Path) -> list[Commit]:
    """The commits by date; commits of one date, as a rebase gives them, in the order of the repository."""
    when = {file.commit: file.when for file in found}
    titles = subjects(when, repository)
    order = {name: i for i, name in enumerate(titles)}
    names = sorted(when, key=lambda name: (when[name], order.get(name, -1), name))
    return [Commit(name, when[name], titles.get(name, "")) for name in names]
