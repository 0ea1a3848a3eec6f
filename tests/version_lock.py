"""What a bench's version stands for: a digest of everything that is timed, to be compared with the committed one.

Digested are the functions that build each variant and make the inputs and counts, and whatever module-level name of
`hwbench.benches` or `hwbench.kernels` they use, directly or through others, and the CUDA C++ or OpenCL C of the
topics they name.
Comments, docstrings, annotations and formatting count for nothing; nor do findings, axes and presets, which change what
is measured but not a case's time.

    python tests/version_lock.py               after a version was raised, or a bench or variant added
    python tests/version_lock.py --unchanged   after an edit that you know changes nothing that is timed
"""

from __future__ import annotations

import argparse
import ast
import functools
import hashlib
import importlib
import inspect
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from hwbench import catalog
from hwbench.bench import Bench
from hwbench.kernels import cuda, opencl

LOCK = Path(__file__).with_suffix(".json")
TOPICS = cuda.topics()
LOCKED = ("hwbench.benches", "hwbench.kernels")
DIGITS = 16
IGNORED = {"ctx", "kind", "type_comment", "type_ignores", "type_params", "annotation", "returns"}

Place = tuple[str, str]  # module, top-level name
Lock = dict[str, dict[str, Any]]


def lock_of(benches: Iterable[Bench]) -> Lock:
    """For each bench its version and a digest for each variant."""
    lock = {}
    for bench in benches:
        shared = [bench.hooks[kind] for kind in ("inputs", "counts") if kind in bench.hooks]
        digests = {
            name: digest([variant.build, *shared], opencl if variant.on == "opencl" else cuda)
            for name, variant in bench.variants.items()
        }
        lock[bench.name] = {"version": bench.version, "variants": digests}
    return lock


def complaints(old: Lock, new: Lock) -> list[str]:
    """What the committed lock has against the benches as they are now, one line each."""
    lines = []
    for name, now in new.items():
        then = old.get(name)
        if then is None or then["version"] != now["version"]:
            lines.append(f"{name}: version {now['version']} is not in the lock; run `python tests/version_lock.py`")
            continue
        for variant, digested in now["variants"].items():
            if variant not in then["variants"]:
                lines.append(f"{name}/{variant}: is not in the lock; run `python tests/version_lock.py`")
            elif then["variants"][variant] != digested:
                lines.append(
                    f"{name}/{variant}: what is timed has changed, but its version is still {now['version']}; raise "
                    f"`version=` in its Bench and in benchmarks/, then run `python tests/version_lock.py` (with "
                    "--unchanged instead, if no time can have changed)"
                )
    lines += [f"{name}: is gone; run `python tests/version_lock.py`" for name in old if name not in new]
    return lines


def digest(functions: Iterable[Callable[..., Any]], sources: ModuleType = cuda) -> str:
    """A digest of the functions, of all they use in the locked modules, and of the `sources` that they name."""
    found: dict[Place, str] = {}
    parts = []
    for function in functions:
        node = source(function)
        parts.append(spelled(node))
        visit(places(inspect.getmodule(function), node), found)
        for name, value in sorted(inspect.getclosurevars(function).nonlocals.items()):
            home = [(function.__module__, key) for key, known in module_vars(function) if known is value]
            parts.append(f"{name}={home or stated(value)}")
            visit(home, found)
    parts += [f"{place}: {text}" for place, text in sorted(found.items())]
    topics = TOPICS if sources is cuda else opencl.topics()
    parts += [kernels(topic, sources) for topic in topics if any(f"'{topic}'" in part for part in parts)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:DIGITS]


def kernels(topic: str, sources: ModuleType = cuda) -> str:
    """The CUDA C++, or OpenCL C, of a topic that is named in what is timed, without comments and blanks."""
    plain = re.sub(r"//[^\n]*|/\*.*?\*/", "", sources.source(topic), flags=re.S)
    return " ".join(plain.replace("\\\n", " ").split())


def visit(wanted: Iterable[Place], found: dict[Place, str]) -> None:
    """Add the definitions at these places, and of all names that they use; a decorated builder names its `Bench`."""
    for module, name in wanted:
        if (module, name) in found or isinstance(vars(importlib.import_module(module)).get(name), Bench):
            continue
        nodes = definitions(module).get(name, [])
        found[module, name] = f"[{', '.join(map(spelled, nodes))}]"
        for node in nodes:
            visit(places(importlib.import_module(module), node), found)


@functools.cache
def places(module: ModuleType | None, node: ast.AST) -> tuple[Place, ...]:
    """The module-level names of locked modules that a piece of code of `module` uses."""
    return () if module is None else tuple(used(module, node))


def used(module: ModuleType, node: ast.AST) -> Iterator[Place]:
    """The same, one by one."""
    known = definitions(module.__name__)
    for child in ast.walk(node):
        if isinstance(child, ast.Name) and child.id in known:
            if not (isinstance(node, ast.Assign) and child in node.targets):
                yield module.__name__, child.id
        elif isinstance(child, ast.Name | ast.Attribute):
            yield from imported(module, child)


@functools.cache
def spelled(node: ast.AST) -> str:
    """The shape of a piece of code as text; most is part of many digests."""
    return repr(shape(node))


def imported(module: ModuleType, node: ast.Name | ast.Attribute) -> Iterator[Place]:
    """`name` where it was imported from a locked module, `module.name` where the module was."""
    if isinstance(node, ast.Name):
        source = imports(module.__name__).get(node.id)
        if source is not None and locked(source[0]):
            yield source
    elif isinstance(node.value, ast.Name):
        value = vars(module).get(node.value.id)
        if isinstance(value, ModuleType) and locked(value.__name__):
            yield value.__name__, node.attr


def locked(module: str) -> bool:
    """Whether what this module defines may be timed."""
    return module.startswith(LOCKED)


@functools.cache
def tree(module: str) -> ast.Module:
    """The syntax tree of a module."""
    return ast.parse(inspect.getsource(importlib.import_module(module)))


@functools.cache
def definitions(module: str) -> dict[str, list[ast.stmt]]:
    """The top-level statements that bind each name of a module."""
    found: dict[str, list[ast.stmt]] = {}
    for node in tree(module).body:
        names: list[str] = []
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names = [node.name]
        elif isinstance(node, ast.Assign):
            names = [name.id for target in node.targets for name in ast.walk(target) if isinstance(name, ast.Name)]
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names = [node.target.id]
        for name in names:
            found.setdefault(name, []).append(node)
    return found


@functools.cache
def imports(module: str) -> dict[str, Place]:
    """Where each name comes from that a module imports from another."""
    found = {}
    package = importlib.import_module(module).__package__
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.ImportFrom):
            origin = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            found |= {alias.asname or alias.name: (origin, alias.name) for alias in node.names}
    return found


def source(function: Callable[..., Any]) -> ast.AST:
    """The syntax tree of a function, found by the line it starts on; all of that line's lambdas for a lambda."""
    code = inspect.unwrap(function).__code__
    kinds = ast.Lambda if code.co_name == "<lambda>" else ast.FunctionDef
    nodes = [
        node
        for node in functions(tree(function.__module__))
        if isinstance(node, kinds) and code.co_firstlineno in (node.lineno, *(d.lineno for d in decorators(node)))
    ]
    if not nodes:
        raise LookupError(f"no source of {function.__module__}.{function.__qualname__}")
    return ast.Module(body=nodes, type_ignores=[])  # type: ignore[arg-type]


@functools.cache
def functions(tree: ast.Module) -> list[ast.AST]:
    """The functions of a module, lambdas among them."""
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.Lambda)]


def decorators(node: ast.AST) -> list[ast.expr]:
    """The decorators of a function."""
    return getattr(node, "decorator_list", [])


def module_vars(function: Callable[..., Any]) -> list[tuple[str, Any]]:
    """The module-level names of the function's module that it could have closed over, by value."""
    known = vars(inspect.getmodule(function))
    return [(name, value) for name, value in known.items() if not isinstance(value, str | int)]


def stated(value: Any) -> str:
    """A closed-over value that no module-level name stands for: plain data by value, all else by kind."""
    return repr(value) if isinstance(value, str | int | float | tuple | None) else type(value).__name__


def shape(node: Any) -> Any:
    """A syntax tree as nested tuples without places, docstrings, annotations and what differs between Pythons."""
    if isinstance(node, list):
        return [shape(item) for item in node]
    if not isinstance(node, ast.AST):
        return node
    fields = []
    for name, value in ast.iter_fields(node):
        if name in IGNORED or value in (None, []):
            continue
        if name == "body" and isinstance(value, list) and has_docstring(node):
            value = value[1:]
        fields.append((name, shape(value)))
    return type(node).__name__, fields


def has_docstring(node: ast.AST) -> bool:
    """Whether the first statement is a docstring."""
    return isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node, clean=False) is not None


def read() -> Lock:
    """The committed lock."""
    return json.loads(LOCK.read_text()) if LOCK.exists() else {}


def main() -> int:
    """Write the lock anew; refuses where something timed has changed under an old version."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--unchanged", action="store_true", help="accept changed code under an old version")
    arguments = parser.parse_args()
    new = lock_of(catalog.benches().values())
    changed = [line for line in complaints(read(), new) if "has changed" in line]
    if changed and not arguments.unchanged:
        print("\n".join(changed), file=sys.stderr)  # noqa: T201
        return 1
    LOCK.write_text(json.dumps(new, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
