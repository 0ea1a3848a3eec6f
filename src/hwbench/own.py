"""Benches of your own: the files, directories and packages that hold them, imported when they are named.

A file that cannot be used gives one line that says why; the others are loaded. Only what the user names is imported.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import importlib.util
import os
import pkgutil
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

from .bench import Bench
from .errors import StoreError

GROUP = "hwbench.benches"  # of entry points
NAME = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
MENTIONS = re.compile(rb"\bBench\b")  # other files of a directory are not imported
LEFT_OUT = re.compile(r"[._].*|test_.*|conftest\.py|setup\.py")
MOST_FILES = 1000
IN_A_LINE = 300  # characters of what an exception says


@dataclass
class Loaded:
    """The benches of a file, a directory or a package, each with where it is, and a line for what could not be used."""

    benches: list[tuple[Bench, str]] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)

    def add(self, other: Loaded) -> None:
        """Take over what another has."""
        self.benches += other.benches
        self.troubles += other.troubles


def is_path(word: str) -> bool:
    """Whether a word of the command line means a file or a directory of benches, and not a bench, a topic or a glob."""
    return word.endswith(".py") or os.path.isabs(word) or (_separated(word) and os.path.isdir(word))  # noqa: PTH112, PTH117


def absolute(word: str) -> str:
    """The word as a process in another directory needs it."""
    path, mark, glob = word.partition("::")
    return f"{os.path.abspath(path)}{mark}{glob}" if is_path(path) else word  # noqa: PTH100


def beside(word: str, file: str) -> str:
    """The word that a file names, a path from where the file lies."""
    path, mark, glob = word.partition("::")
    there = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(file)), path))  # noqa: PTH100, PTH118, PTH120
    return f"{there}{mark}{glob}" if path.endswith(".py") or os.path.isdir(there) else word  # noqa: PTH112


def _separated(word: str) -> bool:
    return word in (".", "..") or any(mark in word for mark in (os.sep, os.altsep) if mark)


def of_path(path: Path) -> Loaded:
    """The benches of a file, or of the files below a directory that mention `Bench`."""
    if not path.is_dir():
        return _loaded(path, lambda: _module(path.resolve()), str(path))
    found = Loaded()
    files = list(_files(path))
    for file in files[:MOST_FILES]:
        found.add(_loaded(file, lambda file=file: _module(file.resolve()), str(file)))  # type: ignore[misc]
    if not files:
        found.troubles.append(f"{path}: no file below it defines a Bench")
    if len(files) > MOST_FILES:
        found.troubles.append(
            f"{path}: only the first {MOST_FILES} of {len(files)} files are read; name a directory below"
        )
    return found


def of_package(name: str) -> Loaded | None:
    """The benches of the installed packages that declare an entry point of this name; None where none does."""
    from importlib.metadata import entry_points

    points = entry_points(group=GROUP, name=name)
    found = Loaded()
    for point in points:
        what = f"{name} ({point.value})"
        found.add(_loaded(None, point.load, what))
    return found if points else None


def _files(directory: Path) -> Iterator[Path]:
    """The files below a directory that may define benches, in order; no hidden ones, no tests, no environments."""
    for folder, folders, names in os.walk(directory):
        here = Path(folder)
        folders[:] = sorted(
            one for one in folders if not LEFT_OUT.fullmatch(one) and not (here / one / "pyvenv.cfg").exists()
        )
        for name in sorted(names):
            if name.endswith(".py") and not LEFT_OUT.fullmatch(name):
                with contextlib.suppress(OSError):
                    if MENTIONS.search((here / name).read_bytes()):
                        yield here / name


# --- importing --------------------------------------------------------------------------------------------------------


def _loaded(file: Path | None, get: Callable[[], object], what: str) -> Loaded:
    """The benches of what `get` gives; one line, beginning with `what`, where it fails or has none."""
    try:
        with contextlib.redirect_stdout(sys.stderr):  # standard output may be JSON
            found = list(_benches(get()))
    except (Exception, SystemExit) as error:
        if os.environ.get("HWBENCH_DEBUG"):
            raise
        return Loaded(troubles=[f"{what}: {said(error, file)}"])
    if not found:
        return Loaded(troubles=[f"{what}: defines no bench; one is `bench = Bench(…)` at the top level of a file"])
    out = Loaded()
    for bench in found:
        wrong = flaw(bench)
        (out.troubles.append(f"{what}: {wrong}") if wrong else out.benches.append((bench, what)))
    return out


def _benches(found: object) -> Iterator[Bench]:
    """The benches in a module, in all modules of a package, or in what an entry point names, each once."""
    each: Iterable[object] = ()
    if isinstance(found, Bench):
        each = (found,)
    elif isinstance(found, ModuleType):
        each = (value for module in _modules(found) for value in _documented(module))
    elif isinstance(found, Iterable):
        each = found
    yield from dict.fromkeys(value for value in each if isinstance(value, Bench))


def _modules(module: ModuleType) -> Iterator[ModuleType]:
    yield module
    for info in pkgutil.walk_packages(getattr(module, "__path__", ()), f"{module.__name__}."):
        if not info.name.rpartition(".")[2].startswith("_"):
            yield importlib.import_module(info.name)


def _documented(module: ModuleType) -> Iterator[Bench]:
    for value in vars(module).values():
        if isinstance(value, Bench):
            value.doc = value.doc or module.__doc__ or ""
            yield value


def _module(path: Path) -> ModuleType:
    """The module in a file: under its dotted name where packages hold it, else under the name of the file.

    Its directory comes last in `sys.path`: so helpers beside it and processes that it starts find what they import, and
    a file there replaces no other module.
    """
    root, parts = path.parent, [path.stem]
    while (root / "__init__.py").is_file():
        root, parts = root.parent, [root.name, *parts]
    if str(root) not in sys.path:
        sys.path.append(str(root))
    name = ".".join(parts[:-1] if path.name == "__init__.py" else parts)
    if len(parts) > 1:
        module = importlib.import_module(name)
        if module.__file__ is None or Path(module.__file__).resolve() != path:
            raise ImportError(f"its name, {name}, is that of {module.__file__}; rename one of them")
        return module
    if not _free(name, path):
        name = f"{name}_{hashlib.sha256(os.fsencode(path)).hexdigest()[:8]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError("is no Python file")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _free(name: str, path: Path) -> bool:
    """Whether the name of a file leads to this file, and to no other module."""
    if not re.fullmatch(r"[\w-]+", name):
        return False
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return False
    return spec is not None and spec.origin is not None and Path(spec.origin).resolve() == path


def said(error: BaseException, file: Path | None) -> str:
    """What an exception says of a file, in one line: what is missing, or which line of the file failed."""
    if isinstance(error, ModuleNotFoundError) and error.name:
        package = error.name.partition(".")[0]
        if package == "hwbench":
            return f"hwbench has no module {error.name}"
        return (
            f"needs the module {error.name}, which is not installed; install the package that has it, such as {package}"
        )
    text = " ".join(str(error).split())[:IN_A_LINE]
    if isinstance(error, ImportError) and "relative import" in text:
        return "imports relatively, as hwbench's own files may; write `from hwbench.bench import Bench`"
    if isinstance(error, SyntaxError):
        return f"line {error.lineno}: {error.msg}"
    if isinstance(error, OSError) and file is not None and error.filename == str(file.resolve()):
        return f"cannot be read ({error.strerror})"
    lines = [
        frame.lineno for frame in traceback.extract_tb(error.__traceback__)
        if file is not None and frame.filename == str(file.resolve())
    ]  # fmt: skip
    where = f"line {lines[-1]}: " if lines else ""
    return f"{where}{type(error).__name__}{f': {text}' if text else ''}"


def flaw(bench: Bench) -> str:
    """What keeps a bench from being measured, in one line; "" where nothing does."""
    from .record import store  # which loads NumPy

    name = str(bench.name)[:100]
    if not NAME.fullmatch(name):
        return f"'{name}' is no name of a bench; it is topic.question, in lower case"
    if not isinstance(bench.version, int) or bench.version < 1:
        return f"{name}: version {bench.version!r} is no whole number from 1 on"
    if not bench.variants:
        return f"{name} has no variant; register one by @bench.variant('name')"
    if bench.baseline not in bench.variants:
        return f"{name}: its baseline '{bench.baseline}' is none of its variants: {', '.join(bench.variants)}"
    if "reference" not in bench.hooks:
        return f"{name} has no @bench.reference, the answer that its variants are compared with"
    try:
        store.check_declared(bench.info, name)
    except StoreError as error:
        return str(error)
    return ""
