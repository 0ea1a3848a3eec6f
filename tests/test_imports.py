"""Imports run one way, the reading side never reaches the measuring side, and heavy libraries load late."""

from __future__ import annotations

import ast
import functools
import graphlib
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import hwbench

PACKAGE = Path(hwbench.__file__).parent

# From the ground up: a module imports from its own layer and from those below. A name stands for all inside it.
LAYERS = (
    ("cache", "errors", "kernels", "version"),
    ("record",),
    ("protocols", "bench", "host", "counting"),
    ("analysis", "devices", "benches"),
    ("catalog", "own"),
    ("measurement", "tracking"),
    ("report", "export"),
    ("crosscheck", "ab", "fleet", "placing", "api"),
    ("suites", "asv", "pytest_plugin"),
    ("cli", "__main__"),
)
LAYER = {name: number for number, names in enumerate(LAYERS) for name in names}
READS = ("record", "analysis", "tracking", "report", "export", "fleet")
MEASURES = ("measurement", "devices", "kernels", "benches", "catalog")  # the catalogue loads the benches by name
# What a helper of the benches may need beside: bfloat16, and the conversions that Numba lacks on a CPU.
BESIDES = {"benches.stability._formats": {"ml_dtypes"}, "benches.fpga._hardware": {"amaranth"}}
HEAVY = ("numba", "llvmlite", "scipy", "cupy", "numpy", "jinja2", "vl_convert", "obstore", "duckdb", "distributed")


def modules() -> dict[str, Path]:
    """Every module by its name inside the package, a package by that of its directory; the root itself is none."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        if parts:
            found[".".join(parts)] = path
    return found


MODULES = modules()


@functools.cache
def imports(name: str) -> list[ast.Import | ast.ImportFrom]:
    """Every import statement of a module, inside functions and for types too; each file is parsed once."""
    tree = ast.parse(MODULES[name].read_text())
    return [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]


@functools.cache
def ours(name: str) -> frozenset[str]:
    """What a module imports of hwbench, inside functions and for types too; the packages on the way count as well."""
    path = MODULES[name]
    package = path.parent.relative_to(PACKAGE).parts
    found = set()
    for node in imports(name):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = [*package[: len(package) - node.level + 1], *(node.module or "").split(".")]
            origin = ".".join(filter(None, base))
            for alias in node.names:
                inside = f"{origin}.{alias.name}".lstrip(".")
                found.add(inside if inside in MODULES else origin)
        else:
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            named = [one.partition(".")[2] for one in names if one.partition(".")[0] == "hwbench"]
            assert not named or name.startswith("benches."), f"{name}: import hwbench relatively"
            found.update(named)  # a bench may lie elsewhere as well
    return frozenset(found - {""})


def others(name: str) -> set[str]:
    """The top-level packages that a module imports which are neither ours nor Python's own."""
    found = set()
    for node in imports(name):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").partition(".")[0])
    return found - set(sys.stdlib_module_names)


def way(start: str, to: tuple[str, ...]) -> list[str]:
    """The shortest chain of imports from a module to any module of the packages `to`; empty where there is none."""
    chains = [[start]]
    seen = {start}
    for chain in chains:
        for one in sorted(ours(chain[-1]) - seen):
            if one.partition(".")[0] in to:
                return [*chain, one]
            seen.add(one)
            chains.append([*chain, one])
    return []


def test_every_module_has_its_place():
    """A new module is put into a layer, and none is listed that is gone."""
    assert {name.partition(".")[0] for name in MODULES} == set(LAYER)


@pytest.mark.parametrize("name", sorted(MODULES))
def test_imports_run_one_way(name):
    """A module imports nothing from a layer above its own."""
    mine = LAYER[name.partition(".")[0]]
    above = {one for one in ours(name) if LAYER[one.partition(".")[0]] > mine}
    assert not above, f"{name} imports {', '.join(sorted(above))}, which is built on it"


@pytest.mark.parametrize("name", sorted(name for name in MODULES if name.partition(".")[0] in READS))
def test_what_reads_never_reaches_what_measures(name):
    """Left of the record hwbench measures, right of it it only reads: not even through another module."""
    chain = way(name, MEASURES)
    assert not chain, f"{' imports '.join(chain)}: the reading side is given what it needs of the benches"


def test_the_page_states_what_each_package_imports():
    """The table of docs/architecture.md has the code's imports, no more and no fewer."""
    page = (Path(__file__).parents[1] / "docs" / "architecture.md").read_text()
    rows = re.findall(r"^\| (`.+) \| .+ \| (.+) \|$", page.partition("## ")[0], re.MULTILINE)
    stated = {name: set(re.findall(r"`(\w+)", cell)) for first, cell in rows for name in re.findall(r"`(\w+)", first)}
    found: dict[str, set[str]] = {name: set() for name in stated}
    for module in MODULES:
        top = module.partition(".")[0]
        found.get(top, set()).update(one.partition(".")[0] for one in ours(module) - {top})
    doors = ("api", "cli", "suites", "asv", "pytest_plugin")
    assert set(stated) == set(LAYER) - {"__main__"}
    assert {name: found[name] - {name} for name in stated if name not in doors} == {
        name: cell for name, cell in stated.items() if name not in doors
    }


def test_a_chain_of_imports_is_found():
    """What the test above relies on: a module is reached through another, and inside a function."""
    assert way("cli.run", ("measurement",))[-1].startswith("measurement.")
    assert len(way("catalog", ("kernels",))) == 0
    assert len(way("measurement.session", ("kernels",))) > 2


def test_no_module_imports_itself_by_way_of_others():
    """Inside a layer, too, there is an order."""
    graph = {name: ours(name) for name in MODULES}
    try:
        tuple(graphlib.TopologicalSorter(graph).static_order())
    except graphlib.CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


@pytest.mark.parametrize("name", sorted(name for name in MODULES if name.startswith("benches.")))
def test_a_bench_knows_only_what_a_bench_needs(name):
    """A bench is written against `bench`, `protocols`, `kernels`, `record`, `host` and parts of other benches."""
    needed = ("bench", "protocols", "kernels", "record", "host", "benches")
    assert {one for one in ours(name) if one.partition(".")[0] not in needed} == set()
    assert others(name) <= {"numpy", "numba", "scipy"} | BESIDES.get(name, set())


@pytest.mark.parametrize("name", ["numba", "scipy", "vl_convert", "jinja2", "cupy", "pynvml", "obstore", "duckdb"])
def test_what_draws_and_what_drives_a_gpu_stays_where_it_belongs(name):
    """Optional and heavy libraries are imported by few: whoever computes, whoever draws, whoever drives a GPU."""
    homes = {
        "numba": ("kernels", "benches", "counting", "devices", "host"),
        "scipy": ("record", "tracking", "benches", "fleet"),
        "vl_convert": ("report",),
        "jinja2": ("report",),
        "cupy": ("devices.gpu", "host.gpu_probe"),
        "pynvml": ("devices.nvml",),
        "obstore": ("fleet.store",),
        "duckdb": ("fleet",),
    }[name]
    users = {module for module in MODULES if name in others(module)}
    assert {module for module in users if not module.startswith(homes)} == set()


def loaded_by(code: str) -> set[str]:
    """The heavy packages that a fresh interpreter has loaded after running `code`."""
    said = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\nprint(*sorted(sys.modules), file=sys.stderr)"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True, timeout=60,
    ).stderr  # fmt: skip
    return set(HEAVY) & set(said.split())


def command(*arguments: str) -> str:
    """Code that runs `hwbench` with these arguments."""
    return f"""
import hwbench.cli.app
sys.argv = ["hwbench", *{arguments!r}]
try:
    hwbench.cli.app.main()
except SystemExit as end:
    assert not end.code
"""


@pytest.mark.parametrize(
    "code",
    ["import hwbench", "import hwbench.cli.app", command("--help"), command("list", "access")],
    ids=["import", "cli", "help", "list"],
)
def test_what_is_heavy_is_not_loaded_for_nothing(code):
    """`import hwbench`, `hwbench --help` and `hwbench list` load no numba, scipy, cupy, nor numpy."""
    assert loaded_by(code) == set()


def test_numba_is_not_imported_to_describe_the_machine():
    """Once its pool is known; NumPy is, since its BLAS is told."""
    kept = "import hwbench.host.numba_pool as pool\npool.kept = lambda: pool.ThreadPool(2, 'omp')\n"
    assert loaded_by(kept + command("machine")) <= {"numpy", "cupy"}


def test_every_module_can_be_imported() -> None:
    """With whatever Python and dependencies, importing a module raises nothing; CuPy may be missing."""
    for name in sorted(MODULES.keys() - {"__main__"}):  # that one runs the command
        try:
            importlib.import_module(f"hwbench.{name}")
        except ModuleNotFoundError as error:
            if error.name != "cupy":
                raise


def test_every_public_name_can_be_had():
    """What `hwbench.__all__` promises is there, whatever was imported before it."""
    lines = (f"assert callable(hwbench.{name}), {name!r}" for name in hwbench.__all__)
    code = "\n".join(["import hwbench, hwbench.api, hwbench.measurement.engine", *lines])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
