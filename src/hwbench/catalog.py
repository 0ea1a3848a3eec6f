"""Find the benches by walking `hwbench.benches` and what else is named, and select them by name."""

from __future__ import annotations

import contextlib
import difflib
import functools
import importlib
import inspect
import os
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from .bench import CUDA_SOURCES, Bench
from .errors import UsageError

if TYPE_CHECKING:
    from .own import Loaded

_added: dict[str, tuple[str, ...] | str] = {}  # by path or package: names, or why there are none
_sources: dict[str, str] = {}  # by bench: where it was found


@functools.cache
def benches() -> dict[str, Bench]:
    """Every bench in `hwbench.benches`, by name, in the order of files and of definition; then those added."""
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


# --- benches of your own ----------------------------------------------------------------------------------------------


def own() -> list[Bench]:
    """The benches that were added to hwbench's."""
    return [benches()[name] for name in _sources] if _sources else []


def add_path(path: str | os.PathLike[str]) -> tuple[str, ...]:
    """Import a file, or the files below a directory, and add their benches; their names.

    What cannot be used is one warning a file. UsageError where nothing can, or there is no such path.
    """
    from . import own

    if not os.path.exists(path):  # noqa: PTH110 - Path raises for a long name
        raise UsageError(f"{os.fspath(path)}: there is no such file or directory of benches")
    return _added_once(os.path.realpath(path), lambda: own.of_path(Path(path)))


def add_package(name: str) -> tuple[str, ...]:
    """Add the benches of the installed packages with this entry point in `hwbench.benches`; () where none has it."""
    from . import own

    return _added_once(f"package {name}", lambda: own.of_package(name))


def _added_once(key: str, load: Callable[[], Loaded | None]) -> tuple[str, ...]:
    if key not in _added:
        found = load()
        try:
            _added[key] = () if found is None else _add(found)
        except UsageError as error:
            _added[key] = str(error)
    names = _added[key]
    if isinstance(names, str):
        raise UsageError(names)
    return names


def _add(found: Loaded) -> tuple[str, ...]:
    """The names of the benches that are not taken; UsageError where none is left."""
    known, names, troubles = benches(), [], list(found.troubles)
    for bench, source in found.benches:
        if known.setdefault(bench.name, bench) is bench:
            _sources.setdefault(bench.name, source)
            names.append(bench.name)
            with contextlib.suppress(TypeError):  # the reference is a built-in function
                CUDA_SOURCES[bench.name] = Path(inspect.getfile(bench.hooks["reference"])).with_suffix(".cu")
        else:
            whose = _sources.get(bench.name, "hwbench")
            troubles.append(f"{source}: its {bench.name} is left out: {whose} has a bench of this name; rename one")
    if not names:
        raise UsageError("; ".join(troubles))
    for line in troubles:
        _warn(line)
    return tuple(names)


@functools.cache
def _warn(line: str) -> None:
    """Say a line once."""
    import logging

    logging.getLogger("hwbench").warning("warning: %s", line)


def named(words: Sequence[str]) -> list[str]:
    """The words, with files, directories and packages replaced by the names of their benches, which are added.

    `my_bench.py::*.scan` means those of a file that the glob matches. A file that cannot be used costs the others
    nothing: UsageError only where nothing is left.
    """
    if not words:
        return []
    from . import own

    out: list[str] = []
    refused: list[str] = []
    for word in words:
        path, _, glob = word.partition("::")
        try:
            if own.is_path(path):
                out += matching([glob], add_path(path)) if glob else add_path(path)
            elif _ours(word):
                out.append(word)
            else:  # a package's name alone means all its benches, whatever their topics are
                topic, dot, _ = word.partition(".")
                names = add_package(topic)
                out += [word] if dot or not names else names
        except UsageError as error:
            refused.append(str(error))
    if refused and not out:
        raise UsageError("; ".join(refused))
    for line in refused:
        _warn(line)
    return out


def _ours(word: str) -> bool:
    """Whether a word may name benches of hwbench: their topics are folders, so that none is imported."""
    first = word.partition(".")[0]
    return not first.isidentifier() or any(module.split(".")[2] == first for module in modules())


# --- selecting --------------------------------------------------------------------------------------------------------


def select(patterns: Sequence[str] = (), preset: str = "standard") -> list[Bench]:
    """The benches whose name matches one of the globs, or whose topic is one of them, and those of files named.

    Without patterns: all of hwbench's, or the core in the quick preset.
    """
    wanted = named(patterns)
    known = benches()
    if not patterns:
        return [bench for name, bench in known.items() if (bench.core or preset != "quick") and name not in _sources]
    return [known[name] for name in matching(wanted, known)]


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
