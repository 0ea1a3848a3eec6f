"""Are the package's types right, and does mypy check a bench?

    python tests/check_types.py

mypy finds nothing in the package, the example of docs/adding-a-bench.md passes, and each mistake below is an error. It
is run once for all: a second run would take a quarter of the first to load the cache. Exit code: 0 where mypy says what
it should, else 1.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = Path("src", "hwbench")
HEAD = """
from hwbench.bench import Bench, Work
from hwbench.protocols import Cpu, DeviceArray, Gpu, Results
import numpy as np

bench = Bench("a.b", question="?", axes={"n": (1,)}, baseline="x")
"""
# What a bench's author gets wrong, and the kind of error that mypy finds in it.
MISTAKES = {
    "@bench.variant('x')\ndef f(device: Cpu, n: int) -> Work:\n    return device.crews(n).work([print], output=None)\n":
        "attr-defined",
    "@bench.variant('x')\ndef f(device: Cpu, n: int) -> Work:\n    return Work(device.launcher('a.b', 'k', 1, n))\n":
        "attr-defined",
    "@bench.variant('x', on='gpu')\ndef f(device: Gpu, a: DeviceArray) -> Work:\n    return device.crew(1)\n":
        "attr-defined",
    "@bench.variant('x')\ndef f(device: Cpu) -> Work:\n    return Work(device.buffer(64).array)\n": "arg-type",
    "@bench.variant('x')\ndef f(device: Cpu) -> Work:\n    return Work(print, output=device.size(1))\n": "arg-type",
    "@bench.variant('x')\ndef f(n: int) -> int:\n    return n\n": "type-var",
    "@bench.counts\ndef f(n: int) -> dict[str, str]:\n    return {}\n": "type-var",
    "@bench.memory\ndef f(n: int) -> str:\n    return ''\n": "type-var",
    "@bench.finding\ndef f(results: Results) -> list[str]:\n    return [results.rating('x')]\n": "attr-defined",
    "@bench.finding\ndef f(results: Results) -> list[str]:\n    return [results.find('x').bench]\n": "union-attr",
    "@bench.finding\ndef f(results: Results) -> list[int]:\n    return []\n": "type-var",
    "Bench('a.c', question='?', axes={'n': 1}, baseline='x')\n": "dict-item",
    "Bench('a.c', question='?', axes={}, baseline='x', measures='laod')\n": "arg-type",
    "Bench('a.c', question='?', axes={}, baseline='x', where={'n': [1]})\n": "dict-item",
}  # fmt: skip


def example() -> str:
    """The bench that the page shows, with its finding, as a module outside the package."""
    page = (ROOT / "docs" / "adding-a-bench.md").read_text(encoding="utf-8")
    return "\n\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL))


def errors(files: dict[str, str]) -> tuple[dict[str, list[str]], str]:
    """The kinds of error that mypy finds in each of these modules, as strictly as in benches; what else it says."""
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: Path(folder, f"{name}.py") for name in files}
        for name, path in paths.items():
            path.write_text(f"{files[name]}\n# mypy: allow-untyped-decorators\n", encoding="utf-8")
        command = [sys.executable, "-m", "mypy", "--no-error-summary", str(PACKAGE), *map(str, paths.values())]
        said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    found: dict[str, list[str]] = {name: [] for name in files}
    others = [said.stderr]
    for line in said.stdout.splitlines():
        path, _, rest = line.partition(".py:")
        if Path(path).parent != Path(folder):
            others.append(line)
        elif kind := re.search(r"error: .*\[([\w-]+)\]", rest):
            found[Path(path).name].append(kind[1])
    return found, "\n".join(filter(None, others))


def main() -> int:
    """Print what is not as it should be; the exit code."""
    files = {"example": example()} | {f"mistake_{i}": HEAD + code for i, code in enumerate(MISTAKES)}
    expected = {f"mistake_{i}": kind for i, kind in enumerate(MISTAKES.values())}
    found, others = errors(files)
    if others:
        print(others)  # noqa: T201
    wrong = [name for name in found if (expected[name] not in found[name] if name in expected else found[name])]
    for name in wrong:
        wanted = expected.get(name, "nothing")
        print(f"{name}: mypy says {found[name] or 'nothing'}, not {wanted}:\n{files.get(name, '')}")  # noqa: T201
    return 1 if wrong or others else 0


if __name__ == "__main__":
    sys.exit(main())
