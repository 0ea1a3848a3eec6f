"""A directory of asv's results as a history: series over commits, for any number of machines and environments."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ...record import collector, files
from ..directions import direction_notes, higher_is_better
from ..history import Commit, History, Series, Setting, TrackingError, Values
from ..machines import Settings, identity_notes
from ..repository import subjects
from ..sparse import Sparse
from .asv import Benchmark, ResultFile, benchmarks, combinations, read_all, split_name
from .asv_numbers import Axes

Place = tuple[str, int, Axes]  # a benchmark, its setting, its parameters


@dataclass
class _Rows:
    """Rows of one benchmark with equal parameters in one setting: the positions of their commits, and their numbers."""

    version: str
    places: list[int] = field(default_factory=list)
    values: list[Values] = field(default_factory=list)


def history(directory: Path, found: Sequence[ResultFile] | None = None, repository: Path = Path()) -> History:
    """Every series of a results directory, or of the result files `found` in it.

    The subjects of commits come from `repository`: that of the results may be somebody else's, and is not asked.
    """
    with collector.paused():
        return _history(directory, read_all(directory) if found is None else found, repository)


def _history(directory: Path, found: Sequence[ResultFile], repository: Path) -> History:
    if not found:
        raise TrackingError(f"{directory}: has no results of asv; run `asv run` first")
    known = benchmarks(directory)
    commits = _ordered(found, repository)
    place = {commit.name: i for i, commit in enumerate(commits)}
    settings = Settings()
    gathered: dict[Place, _Rows] = {}
    outdated: set[str] = set()
    versions = {name: one.version for name, one in known.items()}
    for file in sorted(found, key=lambda one: place[one.commit], reverse=True):
        # Newest first: where benchmarks.json states no version of a benchmark, the newest result's counts.
        setting = settings.place(file.machine, file.identity, file.environment)
        start = 0
        for name, axes, version, count in file.numbers.rows:
            mine, start = slice(start, start + count), start + count
            if version and version != str(versions.get(name) or version):
                outdated.add(name)
                continue
            versions[name] = versions.get(name) or version
            rows = gathered.setdefault((name, setting, axes), _Rows(versions[name] or ""))
            rows.places.append(place[file.commit])
            rows.values.append(file.numbers.values[:, mine])
    made = _series(gathered, known, len(commits))
    ordered = _oldest_first(settings.made(), made)
    notes = [*identity_notes(ordered), *direction_notes({one.unit for one in made})]
    if outdated:
        notes.append(
            f"Results of other versions of {len(outdated)} benchmark{'s' * (len(outdated) != 1)} are left out: they "
            "time something else."
        )
    made.sort(key=lambda one: (one.bench, one.setting))
    return History(_project(directory), "asv", commits, ordered, made, notes)


def _series(gathered: Mapping[Place, _Rows], known: Mapping[str, Benchmark], commits: int) -> list[Series]:
    """A series for each case in each setting that has a value.

    All rows are converted at once: a history has a million values, and one by one they would take most of the time.
    """
    made: dict[tuple[str, tuple[str, ...], int], Series] = {}
    for (name, setting, axes), rows in gathered.items():
        stated = known.get(name)
        unit = {"seconds": "s", "": "s"}.get(stated.unit if stated else "", stated.unit if stated else "s")
        order = np.argsort(rows.places, kind="stable")
        places = np.array(rows.places, dtype=np.int32)[order]
        numbers = np.stack(rows.values)[order].transpose(2, 1, 0).copy()  # by case, column, commit
        every = ~np.isnan(numbers[:, 0])
        for combination, taken, there in zip(combinations(axes), numbers, every, strict=True):
            if not there.any():
                continue
            at = places if there.all() else places[there]
            columns = taken[:, there] if at is not places else taken
            series = made.get((name, combination, setting))
            if series is not None:  # other cases of the benchmark changed between commits
                for column, values in zip(("values", "low", "high"), columns, strict=True):
                    whole = getattr(series, column).copy()
                    whole[at] = values
                    setattr(series, column, whole)
                continue
            bench, variant, params = split_name(name, stated.param_names if stated else (), combination)
            found, low, high = (Sparse(at, values, commits) for values in columns)
            made[name, combination, setting] = Series(
                bench, variant, params, setting, found, low, high, unit=unit, higher=higher_is_better(unit),
                version=rows.version,
            )  # fmt: skip
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


def _project(directory: Path) -> str:
    """The name of a history: the project in an asv.conf.json above it, else the directory."""
    for parent in list(directory.resolve().parents)[:4]:
        config = parent / "asv.conf.json"
        text = files.head(config, 2**16).decode("utf-8", "replace")
        if stated := re.search(r'^\s*"project"\s*:\s*"([^"\\]+)"', text, re.MULTILINE):
            return stated[1]
    return directory.resolve().name


def _ordered(found: Sequence[ResultFile], repository: Path) -> list[Commit]:
    """The commits by date; commits of one date, as a rebase gives them, in the order of the repository."""
    when = {file.commit: file.when for file in found}
    titles = subjects(when, repository)
    order = {name: i for i, name in enumerate(titles)}
    names = sorted(when, key=lambda name: (when[name], order.get(name, -1), name))
    return [Commit(name, when[name], titles.get(name, "")) for name in names]
