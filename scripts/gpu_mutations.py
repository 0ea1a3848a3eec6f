"""Plant errors in the GPU code one at a time, and tell which of them the tests without a GPU let live.

    python scripts/gpu_mutations.py --list                     what would be planted
    python scripts/gpu_mutations.py --part 1/4 --out t.json    a quarter of it, added to a table
    python scripts/gpu_mutations.py --table t.json             the table in Markdown

Planted are, mechanically: in the CUDA C++ each modifier of a load or store, stride, trip count, constant and barrier;
in the Python beside it each count of FLOPs, bytes and passes, stream, size of a grid, and what is queued before a
sample. A mutant of the CUDA C++ whose machine code is that of the original is equivalent. Others are held against the
facts of the machine code (tests/cuda/test_kernels_compile.py), then run on the CPU (test_kernels_on_cpu.py). A mutant
of the Python is a copy of the package on which the bench's own tests run. It needs the tox environment `gpu`.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import functools
import io
import itertools
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src/hwbench"
ARCH = 90

# Why a mutant may live, by file and what was planted: a pattern of either, and the reason.
REASONS: tuple[tuple[str, str, str], ...] = (
    (
        "sync.cu:11",
        "syncthreads",
        "thread 0 clears the token and takes the first step itself: the barrier is not needed",
    ),
    (
        "latency.cu:7",
        "^gridDim",
        "each block would link all lines: the ring is the same, and it is linked outside of the samples",
    ),
    (
        r"device/latency.py:91|transfer/latency.py:89",
        "^blocks",
        "threads take turns: the ring is the same, and it is linked outside of the samples",
    ),
    (
        "sync.cu:26",
        "^volatile",
        "fences and barriers stand between the accesses, and no compiler moves or keeps one across them",
    ),
    (
        "transfer/copy.cu",
        "^gridDim",
        "each block would copy all: the answer is the same, and only a card's rate shows it",
    ),
    (
        "device/graph.cu",
        "^gridDim",
        "each block would move all elements: the answer is the same, and only a card's rate shows it",
    ),
)


@dataclass(frozen=True)
class Mutant:
    """A file below src/hwbench, and the text with which the piece at `start` is replaced."""

    file: str
    line: int
    start: int
    right: str
    wrong: str
    kind: str

    @property
    def told(self) -> str:
        """`device/stream.cu:61 __ldcg → plain load`."""
        return f"{self.file}:{self.line} `{self.right}` → `{self.wrong or 'nothing'}`"

    def applied(self, text: str) -> str:
        """The source with it."""
        assert text[self.start : self.start + len(self.right)] == self.right
        return text[: self.start] + self.wrong + text[self.start + len(self.right) :]


@dataclass(frozen=True)
class Result:
    """What became of a mutant: `killed`, `equivalent` or `lives`, and by what."""

    mutant: Mutant
    end: str
    by: str


# --- what is planted: CUDA C++ ----------------------------------------------------------------------------------------

# Kind, pattern, and what takes the place of the first group.
CUDA: Sequence[tuple[str, str, str]] = (
    ("modifier", r"(__ldcg\()", "*("),
    ("modifier", r"(__ldcs\()", "__ldca("),
    ("modifier", r"(ld\.global\.u64)", "ld.global.cg.u64"),
    ("modifier", r"(volatile )(?=address|int|unsigned|word)", ""),
    ("stride", r"k \* (blockDim\.x)", "2"),
    ("stride", r"k \* (threads)\]", "1"),
    ("stride", r"\+= (threads)\)", "2 * threads"),
    ("stride", r"\* (step) \+ offset", "1"),
    ("stride", r"& 31\) \* (step)", "1"),
    ("stride", r"i \* (words)", "1"),
    ("stride", r"(part \+= step)", "part += 1"),
    ("trip count", r"; k < (EACH\(type\)|LOADS|ITEMS|U)\b", "1"),
    ("trip count", r"(turn < turns)", "turn < turns / 2"),
    ("trip count", r"(hop < 16)", "hop < 8"),
    ("trip count", r"(pair < (?:16|PAIRS))", "pair < 8"),
    ("trip count", r"(pass < passes)", "pass < 1"),
    ("trip count", r"(loop < loops)", "loop < 1"),
    ("trip count", r"(trip < trips)", "trip < 1"),
    ("trip count", r"(turn < 4)", "turn < 2"),
    ("trip count", r"(k < 16)", "k < 8"),
    ("trip count", r"(round < rounds)", "round < rounds / 2"),
    ("trip count", r"(step < steps)", "step < steps / 2"),
    ("trip count", r"(sixteens)(?=; \+\+i)", "(sixteens / 2)"),
    ("constant", r"#define (?:ITEMS|LOADS|SUMS|WORDS) (\d+)", "1"),
    ("constant", r"#define PAIRS (32)", "16"),
    ("constant", r"static constexpr type (up = 2)", "up = 1"),
    ("constant", r"\(type\)(2|0\.5)", "1"),
    ("stride", r"\? 0 : (i \+ 1)\]", "i"),
    ("grid", r"(gridDim\.x \* blockDim\.x)", "blockDim.x"),
    ("grid", r"(gridDim\.x % parts)", "0"),
    ("barrier", r"(__syncthreads\(\);)", ""),
    ("barrier", r"(\bbarrier\(state\);)", ""),
    ("barrier", r"(__threadfence\(\);)", ""),
    ("barrier", r"(__threadfence_system\(\);)", ""),
    ("threads", r"(across \? )", "!across ? "),
    ("threads", r"if \((threadIdx\.x)\) return", "0"),
    ("atomic", r"(apart > mask)", "apart > 32"),
)


def cuda_mutants() -> Iterator[Mutant]:
    """In each file of CUDA C++, comments left out, what runs on CPUs alone too."""
    for path in sorted([*(PACKAGE / "benches").glob("*/*.cu"), *(PACKAGE / "devices").glob("*.cu")]):
        text = path.read_text("utf-8")
        plain = re.sub(r"//[^\n]*", lambda m: " " * len(m[0]), text)
        plain = re.sub(r"#ifndef __CUDACC__.*?#endif|#else\n.*?#endif", lambda m: " " * len(m[0]), plain, flags=re.S)
        for kind, pattern, wrong in CUDA:
            for match in re.finditer(pattern, plain):
                yield Mutant(
                    str(path.relative_to(PACKAGE)), text.count("\n", 0, match.start(1)) + 1, match.start(1), match[1],
                    wrong, kind,
                )  # fmt: skip


# --- what is planted: Python ------------------------------------------------------------------------------------------

PYTHON = (
    *(f"benches/{folder}/{name}.py" for folder, names in {
        "device": ("atomics", "banks", "coalescing", "divergence", "graph", "latency", "launch", "layout", "matmul",
                   "occupancy", "peak", "roofline", "stream", "sync", "tensor", "_formats"),
        "transfer": ("chunks", "copy", "engines", "latency", "mailbox", "managed", "overlap", "peer", "_copies"),
    }.items() for name in names),
    "benches/_gpu.py", "devices/gpu_timing.py", "devices/gpu_gate.py", "devices/gpu.py", "devices/cublas_lt.py",
)  # fmt: skip
COUNTED = ("bytes", "flops", "items", "hops", "calls")


def python_mutants() -> Iterator[Mutant]:
    """Counts, streams, grids, and what is queued before a sample."""
    for name in PYTHON:
        path = PACKAGE / name
        if path.is_file():
            yield from _of_python(name, path.read_text("utf-8"))


def _of_python(name: str, text: str) -> Iterator[Mutant]:
    lines = [0]
    for line in text.splitlines(keepends=True):
        lines.append(lines[-1] + len(line.encode()))
    raw = text.encode()

    def made(node: ast.expr, wrong: str, kind: str) -> Mutant:
        start = lines[node.lineno - 1] + node.col_offset
        assert node.end_lineno is not None and node.end_col_offset is not None
        stop = lines[node.end_lineno - 1] + node.end_col_offset
        right = raw[start:stop].decode()
        return Mutant(name, node.lineno, len(raw[:start].decode()), right, wrong.replace("$", right), kind)

    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value in COUNTED and not isinstance(value, ast.Constant):
                    yield made(value, "2 * ($)", "count")
        if not isinstance(node, ast.Call):
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        for word in node.keywords:
            if called in ("timed", "launcher", "copier", "by_kernel") and word.arg in ("streams", "stream"):
                yield made(word.value, "()" if word.arg == "streams" else "None", "stream")
            if called == "timed" and word.arg == "before":
                yield made(word.value, "None", "before a sample")
            if word.arg == "cold" and called in ("timed", "host_timed"):
                yield made(word.value, "False", "cold caches")
            if called == "launcher" and word.arg == "cooperative":
                yield made(word.value, "False", "barrier")
        alone = len(node.args) > 2 and isinstance(node.args[2], ast.Constant) and node.args[2].value == 1
        if called == "launcher" and len(node.args) > 2 and not name.startswith("devices") and not alone:
            yield made(node.args[2], "max(1, ($) // 2)", "grid")
        if called in ("together", "apart") and name.endswith("gpu_timing.py") and len(node.args) > 2:
            yield made(node.args[2], "()", "stream")


def mutants() -> list[Mutant]:
    """All of them, in an order that does not change."""
    return [*cuda_mutants(), *python_mutants()]


# --- what kills them: CUDA C++ ----------------------------------------------------------------------------------------


def cuda_results(planted: Sequence[Mutant]) -> Iterator[Result]:
    """Machine code first, of all of them by one start of nvdisasm; then those that are left on the CPU."""
    if not planted:
        return
    sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "src")]
    from cuda import test_kernels_compile as facts
    from hwbench.kernels import cuda
    from inspection import nvrtc, sass

    options = (*cuda.OPTIONS, *cuda.CUPY_OPTIONS)
    topics = {one: _topic(one.file) for one in planted}
    cubins: dict[Any, bytes] = {}
    for topic in sorted(set(topics.values())):
        cubins[topic] = nvrtc.compile_source(cuda.source(topic), ARCH, options)
    refused = {}
    for one in planted:
        try:
            cubins[one] = nvrtc.compile_source(one.applied(cuda.source(topics[one])), ARCH, options)
        except nvrtc.CompileError:
            refused[one] = Result(one, "killed", "it does not compile")
    codes = dict(zip(cubins, sass.disassemble(ARCH, *cubins.values()), strict=True))
    for one in planted:
        if one in refused:
            yield refused[one]
            continue
        topic, code = topics[one], codes[one]
        plain, own = (sass.machine_code(cubins[which]) for which in (topic, one))
        changed = [kernel for kernel in plain if own.get(kernel) != plain[kernel]]
        broken = [
            kernel for kernel in changed if (topic, kernel) in facts.FACTS
            and any(fact(code[kernel]) for fact in facts.FACTS[topic, kernel])
        ] + [
            kernel for kernel in changed
            if kernel in facts.TENSOR and sass.count(code[kernel], "HMMA", "QMMA", "IMMA", "DMMA")
            != facts.TENSOR[kernel][ARCH]
        ]  # fmt: skip
        if not changed:
            yield Result(one, "equivalent", "the same machine code")
        elif broken:
            yield Result(one, "killed", f"facts of the machine code ({broken[0]})")
        else:
            failed = on_cpu(topic, one.applied(cuda.source(topic)), changed)
            yield Result(one, "killed" if failed else "lives", f"its run on the CPU ({failed})" if failed else "")


def _topic(file: str) -> str:
    path = Path(file)
    return path.stem if path.parts[0] == "devices" else f"{path.parent.name}.{path.stem}"


def on_cpu(topic: str, source: str, kernels: Sequence[str]) -> str:
    """The first of these kernels whose check fails on a source; "" where none does. Each check in a process."""
    from cuda import test_kernels_on_cpu as run
    from doubles import on_cpu as fibers

    few = kernels if len(kernels) < 5 else kernels[:: len(kernels) // 4]  # made by one macro
    try:
        module = fibers.Module(source, f"{topic}.cu", only=(*few, "link"))
    except RuntimeError:
        return "it does not compile"
    for kernel in few:
        if (check := run.CHECKS.get((topic, kernel))) is None:
            continue
        child = os.fork()
        if not child:
            with Path(os.devnull).open("w") as null, contextlib.redirect_stderr(null):
                code = 0
                try:
                    for reverse in (False, True):
                        check(functools.partial(module.launch, reverse=reverse))
                except BaseException:  # noqa: BLE001 - whatever it is, it was noticed
                    code = 1
                os._exit(code)
        if os.waitpid(child, 0)[1]:
            return kernel
    return ""


# --- what kills them: Python ------------------------------------------------------------------------------------------


def python_results(planted: Sequence[Mutant]) -> Iterator[Result]:
    """Each in a copy of the package of its own, in a process that has all but hwbench loaded."""
    import hypothesis  # noqa: F401
    import numba  # noqa: F401
    import pytest  # noqa: F401
    import scipy.stats  # noqa: F401

    if not planted:
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "hwbench")
        shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
        for one in planted:
            text = (PACKAGE / one.file).read_text("utf-8")
            (copy / one.file).write_text(one.applied(text), "utf-8")
            failed = _tested(Path(folder), one.file)
            (copy / one.file).write_text(text, "utf-8")
            yield Result(one, "killed" if failed else "lives", failed)


def tests_of(file: str) -> list[str]:
    """The tests that look at a file of Python, the cheapest first."""
    path = Path(file)
    own = ROOT / "tests" / path.parent / f"test_{path.stem.removeprefix('_')}.py"
    found = [str(own)] if own.is_file() else []
    if path.parts[0] == "devices":
        return [*found, *(str(ROOT / f"tests/devices/{name}.py") for name in (
            "test_gpu_gate", "test_gpu_timing", "test_gpu_contrasts"))]  # fmt: skip
    bench = f"{path.parent.name}.{path.stem}"
    few = path.parent.name if path.stem.startswith("_") else bench
    in_opencl = "opencl" in (PACKAGE / file).read_text("utf-8")
    whole = ("gpu_launches.py", f"gpu_answers.py::{few}", *([f"opencl.py::{bench}"] if in_opencl else []))
    return [*found, *(f"{ROOT}/tests/benches/test_{one}" for one in whole)]


def _tested(folder: Path, file: str) -> str:
    """The first test that fails on the package in a folder; "" where none does."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.close(read)
        sys.dont_write_bytecode = True
        sys.path[:0] = [str(folder), str(ROOT / "tests")]
        os.environ["PYTHONPATH"] = str(folder)
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            code = _pytest(tests_of(file))
        failed = re.search(r"^(?:FAILED|ERROR) \S*?([\w.]+\.py(?:::\S+)?)", said.getvalue(), re.M)
        os.write(write, (failed[1][:100] if failed else f"exit code {code}" if code else "").encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        told = pipe.read()
    os.waitpid(child, 0)
    return told


def _pytest(tests: Sequence[str]) -> int:
    import pytest

    for one in tests:
        path, _, bench = one.partition("::")
        if not Path(path).is_file():
            continue
        chosen = ["-k", bench] if bench else []
        code = pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-m", "not slow", path, *chosen])
        if code not in (0, 5):
            return int(code)
    return 0


# --- telling ----------------------------------------------------------------------------------------------------------


def reason(one: Mutant) -> str:
    """Why it may live; "" where nobody has said."""
    for file, planted, why in REASONS:
        if re.search(file, f"{one.file}:{one.line}") and re.search(planted, f"{one.right} → {one.wrong}"):
            return why
    return ""


def table(results: Sequence[Result]) -> str:
    """The table in Markdown: how many of each kind, then those that live, each with its reason."""
    kinds = sorted({one.mutant.kind for one in results})
    rows = [("planted", "how many", "killed", "equivalent", "live")]
    for kind in [*kinds, "all"]:
        mine = [one for one in results if kind in (one.mutant.kind, "all")]
        ends = [sum(one.end == end for one in mine) for end in ("killed", "equivalent", "lives")]
        rows.append((kind, *map(str, (len(mine), *ends))))
    said = ["| " + " | ".join(row) + " |" for row in rows]
    said.insert(1, "| --- " * 5 + "|")
    alive = [one for one in results if one.end == "lives"]
    said += ["", "| lives | because |", "| --- | --- |"] if alive else ["", "None lives."]
    said += [f"| {one.mutant.told} | {reason(one.mutant) or 'NO REASON'} |" for one in alive]
    return "\n".join(said)


def main(arguments: Sequence[str]) -> int:
    """The exit code: 1 where a mutant lives for which no reason is written."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--list", action="store_true", help="what would be planted")
    parser.add_argument("--part", default="1/1", help="which part of it: 2/4")
    parser.add_argument("--only", default="", help="of files whose names match this")
    parser.add_argument("--out", type=Path, help="add the results to this file")
    parser.add_argument("--table", type=Path, help="the table of such a file")
    asked = parser.parse_args(arguments)
    if asked.table:
        known = [_read(one) for one in json.loads(asked.table.read_text("utf-8"))]
        print(table(known))
        return int(any(one.end == "lives" and not reason(one.mutant) for one in known))
    number, of = map(int, asked.part.split("/"))
    chosen = [one for one in mutants() if re.search(asked.only, one.file)][number - 1 :: of]
    if asked.list:
        print("\n".join(f"{one.kind:16} {one.told}" for one in chosen), f"\n{len(chosen)} mutants")
        return 0
    results = []
    in_cuda = [one for one in chosen if one.file.endswith(".cu")]
    in_python = [one for one in chosen if one not in in_cuda]
    # Python first: what CUDA's checks import would stand in the place of the mutants.
    for one in itertools.chain(python_results(in_python), cuda_results(in_cuda)):
        print(f"{one.end:10} {one.mutant.told}  {one.by}", flush=True)
        results.append(one)
        if asked.out:
            _add(asked.out, one)
    return int(any(one.end == "lives" and not reason(one.mutant) for one in results))


def _add(path: Path, one: Result) -> None:
    known = [_read(row) for row in json.loads(path.read_text("utf-8"))] if path.is_file() else []
    kept = [other for other in known if other.mutant != one.mutant]
    path.write_text(json.dumps([asdict(each) for each in (*kept, one)], indent=0), "utf-8")


def _read(row: dict[str, Any]) -> Result:
    return Result(Mutant(**row["mutant"]), row["end"], row["by"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
