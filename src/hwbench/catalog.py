"""Find the benches by walking `hwbench.benches`, and select them by name."""

from __future__ import annotations

import difflib
import functools
import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from .bench import Bench
from .errors import UsageError


@functools.cache
def benches() -> dict[str, Bench]:
    """Every bench in `hwbench.benches`, by name, in the order of files and of definition."""
    found: dict[str, Bench] = {}
    for name in modules():
        module = importlib.import_module(name)
        for value in vars(module).values():
            if isinstance(value, Bench) and name in homes(value.name):
                value.doc = module.__doc__ or ""
                found[value.name] = value
    return found


def modules() -> list[str]:
    """The modules that hold benches, none of them imported: to import them takes a second, since they import Numba."""
    package = importlib.import_module("hwbench.benches")
    found = pkgutil.walk_packages(package.__path__, "hwbench.benches.")
    return [info.name for info in found if not (info.ispkg or info.name.rpartition(".")[2].startswith("_"))]


class _Lazy(Mapping[str, Bench]):
    """`benches()`, loaded by the first look into it."""

    def __getitem__(self, name: str) -> Bench:
        return benches()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(benches())

    def __len__(self) -> int:
        return len(benches())


LAZY = _Lazy()
"""For readers of run files: a file that describes its benches is read without Numba, which the benches import."""


def homes(name: str) -> tuple[str, str]:
    """The two modules where `topic.question` may be: `topic/question.py`, or `topic/topic.py`, which holds several."""
    topic = name.partition(".")[0]
    return f"hwbench.benches.{name}", f"hwbench.benches.{topic}.{topic}"


def select(patterns: Sequence[str] = (), preset: str = "standard") -> list[Bench]:
    """The benches whose name matches one of the globs, or whose topic is one of them.

    Without patterns: all, or the core in the quick preset.
    """
    known = benches()
    if not patterns:
        return [bench for bench in known.values() if bench.core or preset != "quick"]
    return [known[name] for name in matching(patterns, known)]


def matching(patterns: Sequence[str], names: Iterable[str]) -> list[str]:
    """The names that one of the globs matches, or whose topic is one of them; UsageError where one matches none."""
    known, chosen = list(names), set()
    for pattern in patterns:
        hits = [name for name in known if fnmatchcase(name, pattern) or name.partition(".")[0] == pattern]
        if not hits:
            topics = sorted({name.partition(".")[0] for name in known})
            raise UsageError(f"no bench matches '{pattern}'{nearest(pattern, [*topics, *known], listed=topics)}")
        chosen.update(hits)
    return [name for name in known if name in chosen]


def nearest(word: str, known: Iterable[str], label: str = "known", listed: Iterable[str] = ()) -> str:
    """`; did you mean …?` where something is close, else the known names, or those of them that are to be `listed`."""
    names = list(known)
    close = difflib.get_close_matches(word, names, n=3, cutoff=0.5)
    if close:
        return f"; did you mean {' or '.join(close)}?"
    return f"; {label}: {', '.join(listed or names)}"
