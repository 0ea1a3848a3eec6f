"""The few lines by which a project runs its benches under asv and under pytest-benchmark."""

from __future__ import annotations

import json
import keyword
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from .. import own
from ..bench import Bench, Pages, Sweep, Threads
from ..measurement.cases import plain_values
from ..record.model import LEVELS, Scalar

MADE = "Made by `hwbench adopt`"  # a file with these words may be replaced


def files(source: str, benches: Sequence[Bench], asv: Path | None, tests: Path | None) -> dict[Path, str]:
    """What to write where: a module a topic for asv, a module for pytest-benchmark, and what these need beside them.

    An empty text stands for a file that is only needed where there is none.
    """
    out: dict[Path, str] = {}
    if asv is not None:
        out[asv / "__init__.py"] = ""
        for topic in dict.fromkeys(bench.topic for bench in benches):
            members = [bench for bench in benches if bench.topic == topic]
            out[asv / f"{topic}.py"] = asv_module(_from(source, asv), members)
    if tests is not None:
        out[tests / "conftest.py"] = CONFTEST
        out[tests / f"test_{_stem(source)}.py"] = test_module(_from(source, tests))
    return out


def _from(source: str, folder: Path) -> str:
    """The source as a module in a folder names it."""
    path, mark, glob = source.partition("::")
    return f"{Path(os.path.relpath(path, folder)).as_posix()}{mark}{glob}" if own.is_path(path) else source


def _stem(source: str) -> str:
    path = source.partition("::")[0]
    return re.sub(r"\W", "_", Path(path).resolve().stem if own.is_path(path) else path)


# --- asv --------------------------------------------------------------------------------------------------------------


def asv_module(source: str, benches: Iterable[Bench]) -> str:
    """A class a bench, named so that asv's `topic.question.track_seconds` is hwbench's `topic.question`."""
    benches = list(benches)
    head = f'"""The benches of {source} as asv tracks them. {MADE}."""\n\nfrom hwbench.suites import asv\n'
    return "\n\n".join([head, *(_asv_class(source, bench) for bench in benches)])


def _asv_class(source: str, bench: Bench) -> str:
    name = bench.name.partition(".")[2]
    axes = {axis: values for axis, values in _axes(bench).items() if values}
    params = [
        f"        {_tuple(values)},  # {axis}" for axis, values in {"variant": tuple(bench.variants), **axes}.items()
    ]
    return "\n".join([
        f"class {name}{'_' * keyword.iskeyword(name)}(asv.Suite):",
        f"    {_docstring(bench.question)}",
        "",
        f"    source = {_literal(source)}",
        f"    bench = {_literal(bench.name)}",
        f"    version = {bench.version}",
        f"    param_names = {_tuple(('variant', *axes))}",
        "    params = (",
        *params,
        "    )",
        "",
        "    def setup_cache(self):",
        '        """Measure the whole bench, once a commit."""',
        "        return self.measure()",
        "",
    ])  # fmt: skip


def _axes(bench: Bench) -> dict[str, list[Scalar]]:
    """The values of the quick set: sizes by label, since asv has one list for all machines; pages are left out."""

    def labels(value: Pages | Sweep | Threads) -> Sequence[Scalar]:
        return (1, "all") if isinstance(value, Threads) else LEVELS

    grid = bench.grids("quick")[0]
    return {axis: plain_values(grid[axis], labels) for axis in bench.axes if grid[axis] != (Pages(),)}


def _tuple(values: Iterable[Scalar]) -> str:
    parts = [_literal(value) for value in values]
    return f"({', '.join(parts)}{',' * (len(parts) == 1)})"


def _literal(value: Scalar) -> str:
    return json.dumps(value) if isinstance(value, str) else repr(value)


def _docstring(text: str) -> str:
    return '"""' + " ".join(text.split()).replace("\\", "\\\\").replace('"', '\\"') + '"""'


# --- pytest-benchmark -------------------------------------------------------------------------------------------------

CONFTEST = f'''"""Files of pytest-benchmark say what the machine is. {MADE}."""

from hwbench.suites.perf import pytest_benchmark_update_machine_info  # noqa: F401
'''


def test_module(source: str) -> str:
    """A test a case of the benches' quick sets."""
    return f'''"""The benches of {source} under pytest-benchmark. {MADE}."""

import pytest

from hwbench.suites import perf
from hwbench.suites.perf import contrasts  # noqa: F401


@perf.timed
@pytest.mark.parametrize("case", perf.cases({_literal(source)}, __file__), ids=str)
def test_bench(benchmark, request, contrasts, case):  # noqa: F811
    """The variant gives the reference answer; with --benchmark-only its times are recorded."""
    perf.check(benchmark, request, contrasts, case)
'''


test_module.__test__ = False  # type: ignore[attr-defined]
