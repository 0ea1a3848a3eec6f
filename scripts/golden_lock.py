"""What each variant times, as tests/version_lock.py finds it, but told without the modules in which it is defined.

The version lock holds names of modules, so it changes whenever code moves. Here a name that is used is told as it is
defined (`_halves.bits` as `bits`), a CUDA kernel by the text of its file, and names of the whole package are followed.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib
import inspect
import re
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any

lock: Any = importlib.import_module("version_lock")
lock.LOCKED = ("hwbench",)
lock.source = functools.cache(lock.source)

# What is timed, by its new name: to be told by its old one.
RENAMED = {
    "Partitions": "Turns", "partitions": "turns", "local partitions": "local turns", "by_partition": "in_turns",
    "opaque": "untold", "_opaque": "_untold", "load_volatile": "read", "_VolatileLoad": "_Stays", "fill_rows": "spread",
    "BlockType": "Block", "RegistersType": "Shape", "one_after_the_other": "_one_after_the_other",
    "resident_work": "_resident", "bytes_moved": "_spread", "local std": "local spread", "Tiling": "Plan",
    "tiling": "plan", "local tiling": "local plan", "SystolicArray": "Machine", "local systolic": "local machine",
}  # fmt: skip
FREE = ("kernel_cache", "ROOT")  # folders: where compiled kernels are kept, and where the package lies
ATTRIBUTE = re.compile(r"\('Attribute', \[\('value', \('Name', \[\('id', '(\w+)'\)\]\)\), \('attr', '(\w+)'\)\]\)")
NAME, TEXT = r"\('Name', \[\('id', '[\w ]+'\)\]\), ", r"\('Constant', \[\('value', '(.+?)'\)\]\)"
# The first text that a call of one of these is given, perhaps after a device, names a CUDA file.
TOPIC = re.compile(rf"((?:launcher|resident|blocks)'\)\]\)\), \('args', \[(?:{NAME})?){TEXT}")


class Unannotated(ast.NodeTransformer):
    """Takes annotations away, since no name that only they use is timed; in a class the fields stay."""

    def visit_arg(self, node: ast.arg) -> ast.arg:
        """A parameter by its name."""
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """A function without the type it returns."""
        node.returns = None
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        """A plain assignment, or nothing where no value is assigned."""
        self.generic_visit(node)
        new = ast.Pass() if node.value is None else ast.Assign(targets=[node.target], value=node.value)
        return ast.fix_missing_locations(ast.copy_location(new, node))

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        """A class whose fields have no type."""
        for inside in node.body:
            if isinstance(inside, ast.AnnAssign):
                inside.annotation = ast.copy_location(ast.Constant(None), inside)
            else:
                self.visit(inside)
        return node


@functools.cache
def tree(module: str) -> ast.Module:
    """The syntax tree of a module without annotations, in which local names cannot be mistaken for the module's."""
    parsed: ast.Module = Unannotated().visit(plain_tree(module))
    for top in parsed.body:
        inside = list(ast.walk(top)) if isinstance(top, ast.FunctionDef | ast.ClassDef) else []
        names = [node for node in inside if isinstance(node, ast.Name)]
        # Outside of a comprehension its variable may be a name of the module's.
        brief = {name for node in inside if isinstance(node, ast.comprehension) for name in ast.walk(node.target)}
        local = {node.arg for node in inside if isinstance(node, ast.arg)}
        local |= {name.id for name in names if isinstance(name.ctx, ast.Store) and name not in brief}
        local |= {node.name for node in inside[1:] if isinstance(node, ast.FunctionDef)}
        for name in names:
            name.id = f"local {name.id}" if name.id in local else name.id
    return parsed


plain_tree, lock.tree = lock.tree, tree


def shape(module: ModuleType, code: Any) -> str:
    """Code of a module as text that does not say which modules its names, and which files its CUDA kernels are from."""

    def at_home(found: re.Match[str]) -> str:
        owner = vars(module).get(found[1])
        ours = isinstance(owner, ModuleType) and owner.__name__.startswith("hwbench")
        return f"('Name', [('id', '{found[2]}')])" if ours else found[0]

    text = ATTRIBUTE.sub(at_home, repr(lock.shape(code)))
    text = TOPIC.sub(lambda call: call[1] + lock.kernels(call[2]) if call[2] in lock.TOPICS else call[0], text)
    return re.sub(r"'([\w ]+)'", lambda found: f"'{RENAMED.get(found[1], found[1])}'", text)


def digest(text: str) -> str:
    """Eight digits that stand for a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:8]


@functools.cache
def defined(module: str, name: str) -> tuple[str, list[Any]]:
    """A digest of what a module defines by a name, "" for what is not timed; and the places of the names it uses."""
    there, nodes = importlib.import_module(module), lock.definitions(module).get(name, [])
    if not nodes and name in lock.imports(module):
        return defined(*lock.imports(module)[name]) if lock.locked(lock.imports(module)[name][0]) else ("", [])
    if not nodes or name in FREE or type(vars(there).get(name)).__name__ == "Bench":
        return "", []
    return digest(shape(there, nodes)), [place for node in nodes for place in lock.places(there, node)]


def of_variant(functions: list[Any]) -> tuple[str, set[tuple[str, str]]]:
    """A digest of the functions and of all they use; and the name and digest of each definition among that."""
    parts: list[str] = []
    places: list[Any] = []
    for function in functions:  # grows by the functions that these have closed over
        module, code = sys.modules[function.__module__], lock.source(function)
        parts.append(shape(module, code))
        places += lock.places(module, code)
        for name, value in sorted(inspect.getclosurevars(function).nonlocals.items()):
            at = [(module.__name__, key) for key, known in lock.module_vars(function) if known is value]
            parts.append(f"{name}={sorted(key for _, key in at) or lock.stated(value)}")
            places += at
            if inspect.isfunction(value) and not at and value not in functions:
                functions.append(value)
    seen: dict[Any, str] = {}
    while places:
        place = places.pop()
        if place not in seen:
            seen[place], more = defined(*place)
            places += more
    used = {(RENAMED.get(name, name), told) for (_, name), told in seen.items() if told}
    return digest("\n".join([*parts, *map(str, sorted(used))])), used


def timed(benches: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """The digest of each variant, and of each definition that any of them uses; several where several share a name."""
    variants: dict[str, str] = {}
    names: dict[str, set[str]] = {}
    for bench in benches.values():
        shared = [bench.hooks[kind] for kind in ("inputs", "counts") if kind in bench.hooks]
        for name, variant in bench.variants.items():
            variants[f"{bench.name}/{name}"], used = of_variant([variant.build, *shared])
            for key, told in used:
                names.setdefault(key, set()).add(told)
    return {"variants": variants, "definitions": {name: " ".join(sorted(told)) for name, told in names.items()}}
