"""What is measured: a command of pytest, asv, hwbench, pyperf or hyperfine, whose results are read, or any other.

A tool writes its results into a folder of the process: `--benchmark-json` and the like are added, or changed where
they are given. `{out}` in any command stands for a file there, which is read as what it is. Of a command without
results the whole time is measured, or what `--metric` finds in its output.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
import shlex
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..errors import UsageError
from ..tracking.history import TrackingError
from . import asv_driver
from .environments import Contender, ours
from .metrics import Metric

Kind = Literal["pytest", "asv", "hwbench", "pyperf", "hyperfine", "file", "metric", "whole"]
PYTHON = re.compile(r"(python(\d+(\.\d+)?)?|pypy3?)(\.exe)?")
MODULES = {"pytest": "pytest", "py.test": "pytest", "asv": "asv", "hwbench": "hwbench", "pyperf": "pyperf"}
OUT = "{out}"
RESULT = "result.json"
# What a tool calls the file that it writes; the first name is used.
FILE_OPTIONS = {
    "pytest": ("--benchmark-json",), "pyperf": ("-o", "--output"), "hyperfine": ("--export-json",),
}  # fmt: skip
# What must be installed beside the project; in this Python's versions, so that both sides have the same.
NEEDED = {"pytest": ("pytest", "pytest-benchmark"), "asv": ("asv_runner",), "pyperf": ("pyperf",)}
SHORT = {"HWBENCH_CASE_S": "0.04"}  # seconds of a case's rounds, which measurement.policy reads
WRAPPERS = ("uv", "uvx", "tox", "nox", "hatch", "poetry", "pdm", "conda", "mamba", "pixi", "rye")


@dataclass(frozen=True)
class Command:
    """The words of a command, without what starts its tool, and where to find its numbers."""

    kind: Kind
    start: tuple[str, ...]
    words: tuple[str, ...]
    metrics: tuple[Metric, ...] = ()

    @property
    def shown(self) -> str:
        """As the user wrote it."""
        return shlex.join((*self.start, *self.words))

    @property
    def warning(self) -> str:
        """What makes its measurement worse than need be; "" where nothing does."""
        if self.kind == "asv" and {"--quick", "-q"} & {*self.words}:
            return "asv run --quick takes one sample of each benchmark, so that quads differ much more; leave it out"
        return ""

    @property
    def variables(self) -> dict[str, str]:
        """What its processes are told: the rounds of a case of hwbench are short, as quads repeat them."""
        return SHORT if self.kind == "hwbench" and "full" not in self.words else {}

    def requirements(self, wished: Sequence[str]) -> list[str]:
        """What an environment for it needs beside the project; what the user wishes for is the user's choice."""
        names = {re.split(r"[^\w.-]", one, maxsplit=1)[0].lower().replace("_", "-") for one in wished}
        return [_pinned(name) for name in NEEDED.get(self.kind, ()) if name.lower().replace("_", "-") not in names] + [
            ours()
        ] * (self.kind == "hwbench" and not names & {"hwbench-suite", "hwbench"})


def command(words: Sequence[str], metrics: Sequence[Metric] = ()) -> Command:
    """The command that the user's words are; UsageError where it cannot be measured."""
    if not words:
        raise UsageError("there is no command to measure; hwbench ab --base HEAD~1 --new HEAD -- pytest tests/perf")
    first = Path(words[0]).name
    if first in WRAPPERS:
        raise UsageError(
            f"{words[0]} chooses an environment itself, and ab gives each side its own: leave out '{words[0]} …', and "
            "name environments by --base and --new"
        )
    if first != words[0] and (PYTHON.fullmatch(first) or first in MODULES):
        raise UsageError(f"{words[0]}: is one program for both sides; write {first}, which each side has of its own")
    start: tuple[str, ...] = (words[0],)
    rest = tuple(words[1:])
    tool = MODULES.get(first, "hyperfine" if first == "hyperfine" else "")
    if PYTHON.fullmatch(first) and rest[:1] == ("-m",) and rest[1:2] and rest[1] in MODULES:
        start, rest, tool = (words[0], "-m", rest[1]), rest[2:], MODULES[rest[1]]
    kind: Kind = "whole"
    if metrics:
        kind = "metric"
    elif tool in ("pytest", "asv", "hwbench", "pyperf", "hyperfine"):
        kind = tool  # type: ignore[assignment]
    elif any(OUT in word for word in rest):
        kind = "file"
    if kind in ("asv", "hwbench") and rest[:1] != ("run",):
        raise UsageError(f"{shlex.join(words)[:200]}: of {kind} only `{kind} run` is measured")
    if kind == "asv":
        rest = _without_environment(rest)
    return Command(kind, start, rest, tuple(metrics))


def _without_environment(words: Sequence[str]) -> tuple[str, ...]:
    """Asv's words without the choice of an existing environment: each side has its own."""
    out, values = [], iter(words)
    for word in values:
        name, equals, value = word.partition("=")
        if name in ("-E", "--environment", "--python"):
            value = value if equals else next(values, "")
            if not value.startswith(("existing", "same")):
                raise UsageError(
                    f"asv run {word}: would build environments itself, and ab gives each side its own; leave it out"
                )
        elif name in ("--set-commit-hash", "--machine", "-m"):
            _ = value if equals else next(values, "")
        else:
            out.append(word)
    return tuple(out)


def _pinned(name: str) -> str:
    try:
        return f"{name}=={importlib.metadata.version(name)}"
    except importlib.metadata.PackageNotFoundError:
        return name


def argv(asked: Command, side: Contender, out: Path) -> list[str]:
    """The words that start a process of a side, whose results go below `out`."""
    result = str(out / RESULT)
    rest = [word.replace(OUT, result) for word in asked.words]
    if asked.kind == "asv":
        by = sys.executable if importlib.util.find_spec("asv") else side.python
        chosen = ["-E", f"existing:{side.python}", "--set-commit-hash", side.commit or "HEAD"]
        chosen += ["--record-samples"] * ("--record-samples" not in rest)
        return [by, str(Path(asv_driver.__file__)), str(out), *rest, *chosen, "--machine", "ab"]
    if asked.kind == "hwbench":
        own = ["--no-report", "--machine", "ab", "--out", str(out), "--json", result]
        return [side.python, "-m", "hwbench", rest[0], *own, *_without(rest[1:], ("--json", "--out", "--machine"))]
    if asked.kind in FILE_OPTIONS and not any(OUT in word for word in asked.words):
        names = FILE_OPTIONS[asked.kind]
        rest = [
            *_without(rest, names),
            *([f"{names[0]}={result}"] if names[0].startswith("--") else [names[0], result]),
        ]
    return [*_start(asked.start, side), *rest]


def _without(words: Sequence[str], names: Sequence[str]) -> list[str]:
    """Words without options of these names and their values."""
    out, values = [], iter(words)
    for word in values:
        name, equals, _ = word.partition("=")
        if name in names:
            _ = equals or next(values, "")
        else:
            out.append(word)
    return out


def _start(words: Sequence[str], side: Contender) -> list[str]:
    """The program of a side: its Python, what is installed beside it, else what the system has."""
    first, *rest = words
    if PYTHON.fullmatch(first):
        return [side.python, *rest]
    if "/" in first or "\\" in first:
        return [first, *rest]
    for name in (first, f"{first}.exe"):
        if (side.binaries / name).is_file():
            return [str(side.binaries / name), *rest]
    if first in MODULES:
        return [side.python, "-m", MODULES[first], *rest]
    found = shutil.which(first)
    if found is None:
        raise TrackingError(f"{side.name}: there is no {first}, neither beside {side.python} nor on the PATH")
    return [found, *rest]


def of_benches(arguments: Sequence[str]) -> Command:
    """`hwbench run` with these arguments."""
    return Command("hwbench", ("hwbench",), ("run", *arguments))
