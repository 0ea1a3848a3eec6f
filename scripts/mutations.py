"""Plant errors in the modules that judge, one at a time, and tell which of them their tests let live.

    python scripts/mutations.py --list                    what would be planted
    python scripts/mutations.py --part 1/2 --out t.json   half of it; what t.json has is not run again
    python scripts/mutations.py --only stats --again      of files whose names match, whatever the table has
    python scripts/mutations.py --live t.json --again     those that live by a table, once more
    python scripts/mutations.py --table t.json            the table in Markdown

Cosmic Ray enumerates the errors and writes them; `mutations.toml` says which of its operators are used, which modules
are mutated, by which tests each is held, and why some mutants are equivalent. A mutant is not written to disk: each is
imported in a process of its own, forked from one that has all but hwbench loaded, and the module's tests run there,
the quickest first, until one fails. It needs `cosmic-ray` beside the extras `test` and `asv`: `tox -e mutation`.

Exit code: 0; 1 where a mutant lives for which no reason is written; 2 for wrong use, without Cosmic Ray, and where the
tests of a module fail on the module as it is.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import functools
import importlib.machinery
import importlib.util
import io
import json
import os
import re
import resource
import signal
import sys
import time
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src/hwbench"
CONFIG = Path(__file__).with_suffix(".toml")
SPARE = 5.0  # seconds of CPU time that a mutant may take beyond three times what its tests take; then it loops
MEMORY = 8 * 2**30  # bytes of address space that it may ask for beyond what it has


@dataclass(frozen=True)
class Mutant:
    """An operator of Cosmic Ray at one of the places where it applies, and the line before and after."""

    file: str
    operator: str
    occurrence: int
    line: int
    was: str
    now: str

    @property
    def told(self) -> str:
        """`tracking/stats.py:20 return float(stdtr(dof, -t)) → return float(stdtr(dof, +t))`."""
        return f"{self.file}:{self.line} `{self.was}` → `{self.now or 'nothing'}`"


@dataclass(frozen=True)
class Result:
    """What became of a mutant: `killed`, `equivalent` or `lives`; by which test, or why."""

    mutant: Mutant
    end: str
    by: str


@functools.cache
def config() -> dict[str, Any]:
    """What `mutations.toml` says."""
    return tomllib.loads(CONFIG.read_text("utf-8"))


# --- what is planted --------------------------------------------------------------------------------------------------


def mutants(file: str) -> Iterator[tuple[Mutant, str]]:
    """All mutants of a file that differ from it in more than type annotations, each with its source."""
    from cosmic_ray import plugins
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.mutating import mutate_code

    operators = {name: plugins.get_operator(f"core/{name}")() for name in config()["operators"]}
    before = dict.fromkeys(operators, 0)  # places in the pieces before
    text = (PACKAGE / file).read_text("utf-8")
    at = 0
    # A statement at a time: to write a mutant, Cosmic Ray parses what it is given.
    for part in (child.get_code() for child in get_ast(text).children):
        head, tail, code = text[:at], text[at + len(part) :], _bare(part)
        first, lines = head.count("\n"), part.split("\n")
        for name, operator in operators.items():
            places = [place for node in ast_nodes(get_ast(part)) for place in operator.mutation_positions(node)]
            for occurrence, ((line, _), _) in enumerate(places):
                try:
                    wrong = mutate_code(part, operator, occurrence)
                except AttributeError:  # Cosmic Ray 8.7 does not replace `a.Error` in `except (a.Error, OSError)`
                    continue
                if wrong is None or _bare(wrong) == code:
                    continue
                changed = wrong.split("\n")
                now = changed[line - 1] if len(changed) == len(lines) else ""
                words = (" ".join(one.split()) for one in (lines[line - 1], now))
                yield Mutant(file, name, before[name] + occurrence, first + line, *words), head + wrong + tail
            before[name] += len(places)
        at += len(part)


def _bare(source: str) -> str:
    """What a source says to Python, without annotations that are never evaluated; "" of what is no Python."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return ""
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.FunctionDef):
            node.returns = None
            for inner in ast.walk(node):
                if isinstance(inner, ast.AnnAssign):
                    inner.annotation = ast.Constant(None)
    return ast.dump(tree)


# --- what kills them --------------------------------------------------------------------------------------------------


class _Planted(importlib.machinery.SourceFileLoader):
    """Loads one module of the package from a source that is not its file's; stands at the head of `sys.meta_path`."""

    def __init__(self, file: str, source: str) -> None:
        super().__init__("hwbench." + file.removesuffix(".py").replace("/", "."), str(PACKAGE / file))
        self.code = compile(source, self.path, "exec", dont_inherit=True)

    def find_spec(self, name: str, *_: object) -> importlib.machinery.ModuleSpec | None:
        return importlib.util.spec_from_file_location(name, self.path, loader=self) if name == self.name else None

    def get_code(self, fullname: str) -> Any:  # noqa: ARG002 - it loads one module
        return self.code


class _Order:
    """A plugin of pytest: tests that were quick come first, and Hypothesis draws the same examples in each process."""

    def __init__(self, known: dict[str, float]) -> None:
        self.known, self.failed = known, ""
        self.seconds: dict[str, float] = {}

    def pytest_configure(self) -> None:
        from hypothesis import Phase, settings

        phases = (Phase.explicit, Phase.generate)  # it need not look for the simplest example that fails
        settings.register_profile(
            "mutations", settings.get_profile("hwbench"), derandomize=True, database=None, phases=phases
        )
        settings.load_profile("mutations")

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        items.sort(key=lambda item: self.known.get(item.nodeid, 0.0))

    def pytest_runtest_logreport(self, report: Any) -> None:
        self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0.0) + report.duration
        if report.failed and not self.failed:
            self.failed = report.nodeid.removeprefix("tests/")

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed and not self.failed:
            self.failed = f"{report.nodeid.removeprefix('tests/')} cannot be imported"


def load() -> None:
    """Import what the tests need beside hwbench, so that forked processes need not."""
    os.environ |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "CI": "1"}
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
    sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]
    for name in config()["loaded"]:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    ours = [name for name in sys.modules if name.partition(".")[0] == "hwbench"]
    assert not ours, f"{ours[0]} is loaded already: no mutant would be"


def tested(file: str, source: str, known: dict[str, float], limit: float) -> tuple[str, dict[str, float], float]:
    """The first test that fails on a source, "" where none does; the seconds of each test, and those of CPU time."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.close(read)
        os.setsid()
        before = os.times()
        soft = int(before.user + before.system + limit) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (soft, soft + 1))
        resource.setrlimit(resource.RLIMIT_AS, (_address_space() + MEMORY,) * 2)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        sys.dont_write_bytecode = True
        order, said = _Order(known), io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            failed = _run(file, source, order)
        now = os.times()
        spent = now.user + now.system - before.user - before.system
        with os.fdopen(write, "w") as pipe:
            json.dump((failed, order.seconds, spent), pipe)
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        signal.signal(signal.SIGALRM, lambda *_: os.killpg(child, signal.SIGKILL))
        signal.alarm(int(20 * limit))
        told = pipe.read()
        signal.alarm(0)
    status = os.waitpid(child, 0)[1]
    if not told:
        return f"ends by signal {os.WTERMSIG(status)}", {}, 0.0
    failed, seconds, spent = json.loads(told)
    return str(failed), seconds, float(spent)


def _run(file: str, source: str, order: _Order) -> str:
    import pytest

    try:
        sys.meta_path.insert(0, _Planted(file, source))  # type: ignore[arg-type]
    except SyntaxError:
        return "it is no Python"
    entry = config()["modules"][file]
    asked = [str(ROOT / "tests" / one) for one in entry["tests"]]
    left = [argument for one in entry.get("without", ()) for argument in ("--deselect", f"tests/{one}")]
    options = ["-x", "-q", "-p", "no:cacheprovider", "-p", "_hypothesis_pytestplugin", "--rootdir", str(ROOT)]
    try:
        code = pytest.main([*options, *asked, *left], plugins=[order])
    except BaseException as error:  # noqa: BLE001 - whatever it is, it was noticed
        return f"pytest ends by {type(error).__name__}"
    return order.failed or (f"exit code {int(code)}" if code else "")


def _address_space() -> int:
    return int(Path("/proc/self/statm").read_text("ascii").split()[0]) * resource.getpagesize()


def results(planted: Sequence[tuple[Mutant, str]]) -> Iterator[Result]:
    """What becomes of mutants; SystemExit where a module's tests fail on the module as it is."""
    known: dict[str, tuple[dict[str, float], float]] = {}
    for one, source in planted:
        if one.file not in known:
            failed, seconds, spent = tested(one.file, (PACKAGE / one.file).read_text("utf-8"), {}, 600.0)
            if failed:
                print(f"{one.file}: {failed} fails on the module as it is; mend it first", file=sys.stderr)
                raise SystemExit(2)
            known[one.file] = seconds, 3 * spent + SPARE
            print(f"{one.file}: {len(seconds)} tests take {spent:.1f} s of CPU time", flush=True)
        failed, _, _ = tested(one.file, source, *known[one.file])
        why = reason(one)
        if failed and not why:
            yield Result(one, "killed", failed)
        elif failed:
            yield Result(one, "killed", f"{failed}, although mutations.toml calls it equivalent")
        else:
            yield Result(one, "equivalent" if why else "lives", why)


# --- telling ----------------------------------------------------------------------------------------------------------


def reason(one: Mutant) -> str:
    """Why it is equivalent; "" where nobody has said."""
    for entry in config()["equivalent"]:
        if entry["file"] == one.file and entry["was"] == one.was and one.now in entry["now"]:
            return str(entry["because"])
    for entry in config()["anywhere"]:
        if re.fullmatch(entry["change"], f"{one.was} → {one.now}"):
            return str(entry["because"])
    return ""


def table(known: Sequence[Result]) -> str:
    """The table in Markdown: how many of each module, then the equivalent ones with their reasons."""
    rows = [("module", "mutants", "killed", "equivalent", "live")]
    for file in [*dict.fromkeys(one.mutant.file for one in known), "all"]:
        mine = [one for one in known if file in (one.mutant.file, "all")]
        ends = [sum(one.end == end for one in mine) for end in ("killed", "equivalent", "lives")]
        rows.append((f"`{file}`" if file != "all" else file, *map(str, (len(mine), *ends))))
    said = ["| " + " | ".join(row) + " |" for row in rows]
    said.insert(1, "| --- " * 5 + "|")
    reasons: dict[tuple[str, str], int] = {}
    for one in known:
        if one.end == "equivalent":
            place = one.mutant.file, one.by
            reasons[place] = reasons.get(place, 0) + 1
    said += ["", "| module | equivalent | because |", "| --- | --- | --- |"] if reasons else []
    said += [f"| `{file}` | {count} | {why} |" for (file, why), count in reasons.items()]
    alive = [one for one in known if one.end == "lives"]
    said += ["", *(f"- lives: {one.mutant.told}" for one in alive)] if alive else ["", "None lives."]
    return "\n".join(said)


def main(arguments: Sequence[str]) -> int:
    """The exit code: 1 where a mutant lives for which no reason is written."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--list", action="store_true", help="what would be planted")
    parser.add_argument("--part", default="1/1", help="which part of it: 2/4")
    parser.add_argument("--only", default="", help="of files whose names match this")
    parser.add_argument("--live", type=Path, help="those alone that live by this file")
    parser.add_argument("--out", type=Path, help="add the results to this file, and leave out what it has")
    parser.add_argument("--again", action="store_true", help="leave out nothing")
    parser.add_argument("--for", type=float, default=1e9, dest="seconds", help="stop after so many seconds")
    parser.add_argument("--table", type=Path, nargs="+", help="the table of such files")
    asked = parser.parse_args(arguments)
    if asked.table:
        every = [_judged(one) for path in asked.table for one in _read(path)]
        print(table(every))
        return int(any(one.end == "lives" for one in every))
    number, of = map(int, asked.part.split("/"))
    if importlib.util.find_spec("cosmic_ray") is None:
        print("cosmic-ray is not installed: python -m pip install cosmic-ray", file=sys.stderr)
        return 2
    files = [file for file in config()["modules"] if re.search(asked.only, file)]
    chosen = [one for file in files for one in mutants(file)][number - 1 :: of]
    if asked.live:
        alive = {one.mutant for one in map(_judged, _read(asked.live)) if one.end == "lives"}
        chosen = [one for one in chosen if one[0] in alive]
    if asked.list:
        print("\n".join(f"{one.operator:36} {one.told}" for one, _ in chosen), f"\n{len(chosen)} mutants")
        return 0
    known = _read(asked.out) if asked.out and asked.out.is_file() else []
    if not asked.again:
        done = {one.mutant for one in known}
        chosen = [one for one in chosen if one[0] not in done]
    load()
    begun = time.monotonic()
    for one in results(chosen):
        print(f"{one.end:10} {one.mutant.told}  {one.by}", flush=True)
        known = [*(other for other in known if other.mutant != one.mutant), one]
        if asked.out:
            asked.out.write_text(json.dumps([asdict(each) for each in known], indent=0), "utf-8")
        if time.monotonic() - begun > asked.seconds:
            break
    else:
        print(table([_judged(one) for one in known]))
    return int(any(_judged(one).end == "lives" for one in known))


def _read(path: Path) -> list[Result]:
    return [Result(Mutant(**row["mutant"]), row["end"], row["by"]) for row in json.loads(path.read_text("utf-8"))]


def _judged(one: Result) -> Result:
    """A result by the reasons that are written now."""
    if one.end == "killed":
        return one
    why = reason(one.mutant)
    return Result(one.mutant, "equivalent" if why else "lives", why)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
