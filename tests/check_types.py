"""Does mypy check a bench? The example of docs/adding-a-bench.md passes, and each mistake below is an error.

    python tests/check_types.py

Run after `mypy`, whose cache makes it a matter of seconds. Exit code: 0 where mypy says what it should, else 1.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
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
    code = "\n\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL))
    return code.replace("from ...", "from hwbench.")


def errors(files: dict[str, str]) -> dict[str, list[str]]:
    """The kinds of error that mypy finds in each of these modules, as strictly as in the package."""
    with tempfile.TemporaryDirectory() as folder:
        for name, code in files.items():
            (Path(folder) / f"{name}.py").write_text(code, encoding="utf-8")
        command = [sys.executable, "-m", "mypy", "--follow-imports=silent", "--allow-untyped-decorators", *(
            str(Path(folder) / f"{name}.py") for name in files
        )]  # fmt: skip
        said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout
    found: dict[str, list[str]] = {name: [] for name in files}
    for name, kind in re.findall(r"(\w+)\.py:\d+: error: .*\[([\w-]+)\]", said):
        found.setdefault(name, []).append(kind)
    return found


def main() -> int:
    """Print what is not as it should be; the exit code."""
    files = {"example": example()} | {f"mistake_{i}": HEAD + code for i, code in enumerate(MISTAKES)}
    expected = {f"mistake_{i}": kind for i, kind in enumerate(MISTAKES.values())}
    found = errors(files)
    wrong = [name for name in found if (expected[name] not in found[name] if name in expected else found[name])]
    for name in wrong:
        wanted = expected.get(name, "nothing")
        print(f"{name}: mypy says {found[name] or 'nothing'}, not {wanted}:\n{files.get(name, '')}")  # noqa: T201
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
