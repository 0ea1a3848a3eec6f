"""Which OpenCL devices there are, asked in a child process with a time limit: drivers crash and hang.

`python -m hwbench.host.opencl_probe` is the child. It prints a line of JSON for each step, so that of a child that dies
or hangs the last line says which device it had in hand; that device is left out, and the others are asked again.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import dataclasses
import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib import util
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar

import msgspec

from ..record.installing import INSTALL_OPENCL
from ..record.model import Gpu, JsonObject
from ..record.reasons import Reason, because

Told = TypeVar("Told", int, str)

Cl: TypeAlias = Any
"""pyopencl, or a part of it: its types are not always installed where types are checked."""

LIMIT_S = 30.0  # for one child: a driver that compiles for the first time takes some seconds
VENDORS = Path("/etc/OpenCL/vendors")
VARIABLE = "OCL_ICD_VENDORS"  # of the loader: a directory of .icd files in its place, or one such file
State = Literal["ok", "no-pyopencl", "broken-pyopencl", "no-loader", "no-platform", "no-device", "crashed"]
CODES = {
    "no-pyopencl": "needs_pyopencl", "broken-pyopencl": "needs_pyopencl", "no-loader": "needs_opencl",
    "no-platform": "needs_opencl", "no-device": "needs_opencl", "crashed": "opencl_broken",
}  # fmt: skip
NO_PLATFORM = -1001  # CL_PLATFORM_NOT_FOUND_KHR
CPU_TYPE, GPU_TYPE = 2, 4  # of CL_DEVICE_TYPE
TRIAL = "kernel void seven(global int* to) { to[get_global_id(0)] = 7; }"
DRIVER = (
    "install a driver (docs/opencl.md has one for each vendor), such as python -m pip install pocl-binary-distribution"
)
LOADER = "install it: apt-get install ocl-icd-libopencl1"
ANOTHER = f"set {VARIABLE} to the .icd file of a driver that works"
NAMELESS = "an OpenCL driver"
LEFT_OUT = "and is left out"


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """One OpenCL device as its driver describes it: sizes in bytes, Hz.

    `place` is its platform's and its own number, by which pyopencl finds it again. `widths` are the elements of a
    native vector, by type. `why` says why it cannot be used, "" where it can.
    """

    place: tuple[int, int]
    name: str
    platform: str
    vendor: str = ""
    version: str = ""
    driver: str = ""
    type: str = "accelerator"
    units: int = 1
    clock_hz: float = 0.0
    memory: int = 0
    largest: int = 0
    cache: int = 0
    local: int = 0
    group: int = 1
    unified: bool = False
    doubles: bool = False
    halves: bool = False
    fused: bool = True
    profiling: bool = True
    subgroups: bool = False
    widths: dict[str, int] = {}
    why: str = ""

    @property
    def here(self) -> bool:
        """Whether it is this machine's CPU."""
        return self.type == "CPU"

    @property
    def title(self) -> str:
        """Its name, with a word that it is this machine's CPU where it is."""
        return f"{self.name} (this CPU)" if self.here else self.name

    @property
    def lacks(self) -> list[str]:
        """What it has not, in words."""
        had = {
            "doubles": self.doubles, "halves": self.halves, "profiling": self.profiling,
            "sub-groups": self.subgroups, "unified memory": self.unified,
        }  # fmt: skip
        return [name for name, there in had.items() if not there]


@dataclass(frozen=True)
class OpenCls:
    """What was found: devices where the state is ok, else why there is none and what to do about it.

    `troubles` are further lines: ICD files whose library is missing, and drivers that crashed and are left out.
    """

    state: State
    reason: str = ""
    remedy: str = ""
    devices: tuple[Found, ...] = ()
    troubles: tuple[str, ...] = ()

    @property
    def why(self) -> str:
        """Reason and remedy in one line; "" where there are devices."""
        return "; ".join(filter(None, [self.reason, *self.troubles, self.remedy]))

    @property
    def crashes(self) -> list[str]:
        """A line for each driver that is left out because it crashed or hung."""
        return [line for line in self.troubles if LEFT_OUT in line]

    @property
    def because(self) -> Reason:
        """The reason of each case that it skips."""
        return because(CODES[self.state], self.why)


# --- the parent -------------------------------------------------------------------------------------------------------


@functools.cache
def probe() -> OpenCls:
    """The OpenCL devices of this machine, asked once a process. Never raises.

    A driver that crashes as it is loaded is kept out of this process, too: by the loader's variable.
    """
    if util.find_spec("pyopencl") is None:
        return OpenCls("no-pyopencl", "pyopencl is not installed", INSTALL_OPENCL)
    found = asked(child)
    return found if found.state != "crashed" else without_guilty(found)


def asked(ask: Callable[[Sequence[str]], tuple[list[JsonObject], str]]) -> OpenCls:
    """What children say: `ask` starts one that leaves out some devices, and gives its lines and how it ended badly."""
    left_out: dict[str, str] = {}
    while True:
        lines, end = ask(list(left_out))
        said = {str(line.get("step")): line for line in lines}
        troubles = tuple(missing_libraries())
        if not end:
            break
        at = str(said.get("trying", {}).get("place", ""))
        if not at or at in left_out:
            return OpenCls("crashed", f"{NAMELESS} {end} while its platforms were listed", ANOTHER, (), troubles)
        left_out[at] = end
    if "failed" in said:
        return _nothing(said["failed"], troubles)
    devices = []
    for line in lines:
        if line.get("step") == "device":
            found = msgspec.convert(line["device"], Found, strict=False)
            ended = left_out.get("{}:{}".format(*found.place))
            why = f"its driver {ended} in a trial kernel; update or remove it" if ended else found.why
            devices.append(msgspec.structs.replace(found, why=why))
    if not devices:
        return OpenCls("no-device", "the OpenCL platforms have no device", DRIVER, (), troubles)
    return OpenCls("ok", devices=tuple(devices), troubles=troubles)


def _nothing(failed: JsonObject, troubles: tuple[str, ...]) -> OpenCls:
    """Why a child got no platforms."""
    why = str(failed.get("why"))
    if failed.get("code") == NO_PLATFORM:
        reason, remedy = "no OpenCL platform was found", DRIVER
        if troubles:
            remedy = ""  # they have theirs
        elif named := os.environ.get(VARIABLE):
            files = icd_files()
            reason += f": {VARIABLE}={named} names {'no driver that has one' if files else 'no .icd file'}"
            remedy = f"unset it, or {ANOTHER}"
        return OpenCls("no-platform", reason, remedy, (), troubles)
    if any(name in why for name in ("libOpenCL", "OpenCL.dll")):
        return OpenCls("no-loader", f"the loader of OpenCL's drivers is missing ({why})", LOADER, (), troubles)
    return OpenCls("broken-pyopencl", f"pyopencl does not work ({why})", INSTALL_OPENCL, (), troubles)


def without_guilty(crashed: OpenCls) -> OpenCls:
    """The devices of the drivers that can be loaded, where one crashes or hangs: each is loaded alone to find it."""
    alone = {file: asked(functools.partial(child, **{VARIABLE: str(file)})) for file in icd_files()}
    guilty = {str(file): one for file, one in alone.items() if one.state == "crashed"}
    if not guilty:
        return crashed
    reasons = [one.reason.replace(NAMELESS, f"the OpenCL driver of {file}", 1) for file, one in guilty.items()]
    reason, remedy = "; ".join(reasons), f"remove {' and '.join(guilty)}, or {ANOTHER}"
    healthy = [file for file, one in alone.items() if one.state == "ok"]
    if healthy:
        vendors = str(healthy[0]) if len(healthy) == 1 else _together(healthy)
        found = alone[healthy[0]] if len(healthy) == 1 else asked(functools.partial(child, **{VARIABLE: vendors}))
        if found.state == "ok":
            os.environ[VARIABLE] = vendors
            return dataclasses.replace(found, troubles=(f"{reason}, {LEFT_OUT}: {remedy}", *found.troubles))
    return OpenCls("crashed", reason, remedy, (), crashed.troubles)


def _together(files: Sequence[Path]) -> str:
    """A directory with copies of these ICD files, for as long as this process lives: the loader takes one or all."""
    folder = tempfile.mkdtemp(prefix="hwbench-opencl-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for file in files:
        shutil.copy(file, folder)
    return folder


def icd_files() -> list[Path]:
    """The files by which the loader finds drivers: of its usual directory, or what its variable names instead."""
    place = Path(os.environ.get(VARIABLE) or VENDORS)
    return [place] if place.is_file() else sorted(place.glob("*.icd"))


def child(left_out: Sequence[str], **more: str) -> tuple[list[JsonObject], str]:
    """The lines of a child that tries every device but these, and how it ended, "" where well; `more` variables."""
    command = [sys.executable, "-m", __name__, *left_out]
    # The parent's own path: hwbench may be imported from a directory that only it has.
    path = os.pathsep.join(filter(None, sys.path))
    environment = {**os.environ, "PYTHONPATH": path, "PYOPENCL_COMPILER_OUTPUT": "0", **more}
    try:
        done = subprocess.run(  # noqa: S603 - this Python, and numbers
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, timeout=LIMIT_S,
            check=False, env=environment,
        )  # fmt: skip
        output, code = done.stdout, done.returncode
    except subprocess.TimeoutExpired as late:
        output, code = late.stdout or b"", None
    except OSError as error:
        return [{"step": "failed", "why": str(error)}], ""
    lines = []
    for line in output.splitlines():
        with contextlib.suppress(ValueError):
            found = json.loads(line)
            lines += [found] if isinstance(found, dict) else []
    if any(line.get("step") in ("done", "failed") for line in lines):
        return lines, ""  # what dies at its exit has told everything
    return lines, f"did not answer within {LIMIT_S:g} s" if code is None else f"ended the process (exit code {code})"


def missing_libraries() -> list[str]:
    """A line for each ICD file that names a library which cannot be found."""
    found = []
    for file in icd_files():
        with contextlib.suppress(OSError, UnicodeDecodeError):
            name = file.read_text().strip().splitlines()[0] if file.stat().st_size else ""
            if name and not _there(name):
                found.append(f"{file} names {name}, which is not there: reinstall that driver or remove the file")
    return found


def _there(library: str) -> bool:
    """Whether the loader finds a library; one with a path is not loaded for it."""
    if "/" in library:
        return Path(library).exists()
    try:
        ctypes.CDLL(library, mode=getattr(os, "RTLD_LAZY", 1))
    except OSError:
        return False
    return True


def describe(found: Found) -> Gpu:
    """What a run file tells of an OpenCL device."""
    return Gpu(
        name=found.title,
        memory=found.memory or None,
        sm=found.units,
        driver=found.driver or None,
        versions={"platform": found.platform, "opencl": found.version},
        state={"type": found.type, "this_cpu": found.here, "lacks": found.lacks},
    )


# --- the child --------------------------------------------------------------------------------------------------------


def main(left_out: Iterable[str], say: Callable[[JsonObject], None]) -> None:
    """Describe each device, and run a kernel on each that is not left out."""
    left_out = set(left_out)
    try:
        import pyopencl as cl

        platforms = cl.get_platforms()
    except Exception as error:  # noqa: BLE001 - a broken installation may raise anything
        say({"step": "failed", "code": getattr(error, "code", None), "why": line_of(error)})
        return
    for number, platform in enumerate(platforms):
        try:
            devices = platform.get_devices()
        except Exception:  # noqa: BLE001 - a platform without devices raises, too
            devices = []
        for index, device in enumerate(devices):
            place = f"{number}:{index}"
            say({"step": "trying", "place": place})
            found = described(cl, device, (number, index))
            if place not in left_out:
                found = msgspec.structs.replace(found, why=tried(cl, device))
            say({"step": "device", "device": msgspec.to_builtins(found)})
    say({"step": "done"})


def described(cl: Cl, device: Cl, place: tuple[int, int]) -> Found:
    """What a driver says of its device; what it does not say is as if it were not there."""

    def ask(name: str, otherwise: Told) -> Told:
        try:
            told: Told = device.get_info(getattr(cl.device_info, name))
        except Exception:  # noqa: BLE001 - a driver may refuse any question
            return otherwise
        return told

    kind, extensions = int(ask("TYPE", 0)), str(ask("EXTENSIONS", "")).split()
    doubles = bool(ask("DOUBLE_FP_CONFIG", 0)) or "cl_khr_fp64" in extensions
    halves = "cl_khr_fp16" in extensions
    widths = {"f4": "FLOAT", "f8": "DOUBLE", "f2": "HALF", "i4": "INT"}
    return Found(
        place=place,
        name=" ".join(str(ask("NAME", "unnamed")).split()),
        platform=" ".join(str(device.platform.name).split()),
        vendor=" ".join(str(ask("VENDOR", "")).split()),
        version=" ".join(str(ask("VERSION", "")).split()),
        driver=" ".join(str(ask("DRIVER_VERSION", "")).split()),
        type="CPU" if kind & CPU_TYPE else "GPU" if kind & GPU_TYPE else "accelerator",
        units=max(1, int(ask("MAX_COMPUTE_UNITS", 1))),
        clock_hz=1e6 * float(ask("MAX_CLOCK_FREQUENCY", 0)),
        memory=int(ask("GLOBAL_MEM_SIZE", 0)),
        largest=int(ask("MAX_MEM_ALLOC_SIZE", 0)),
        cache=int(ask("GLOBAL_MEM_CACHE_SIZE", 0)),
        local=int(ask("LOCAL_MEM_SIZE", 0)),
        group=max(1, int(ask("MAX_WORK_GROUP_SIZE", 1))),
        unified=bool(ask("HOST_UNIFIED_MEMORY", False)),
        doubles=doubles,
        halves=halves,
        fused=bool(int(ask("SINGLE_FP_CONFIG", 0)) & int(cl.device_fp_config.FMA)),
        profiling=bool(int(ask("QUEUE_PROPERTIES", 0)) & int(cl.command_queue_properties.PROFILING_ENABLE)),
        subgroups="cl_khr_subgroups" in extensions or bool(ask("MAX_NUM_SUB_GROUPS", 0)),
        widths={dtype: max(1, int(ask(f"NATIVE_VECTOR_WIDTH_{name}", 1))) for dtype, name in widths.items()},
    )


def tried(cl: Cl, device: Cl) -> str:
    """Why a small kernel does not run on the device; "" where it does."""
    import numpy as np

    try:
        context = cl.Context([device])
        queue = cl.CommandQueue(context)
        to, got = cl.Buffer(context, cl.mem_flags.READ_WRITE, 64), np.zeros(16, np.int32)
        cl.Kernel(cl.Program(context, TRIAL).build(), "seven")(queue, (16,), None, to)
        cl.enqueue_copy(queue, got, to)
        queue.finish()
    except Exception as error:  # noqa: BLE001 - a driver may raise anything
        return build_log(error)
    return "" if (got == 7).all() else "a trial kernel gives a wrong answer; update its driver"


def line_of(error: Exception) -> str:
    """The first line of what an exception says, with its type where it says nothing."""
    return next(iter(str(error).strip().splitlines()), "") or type(error).__name__


def build_log(error: Exception) -> str:
    """The first line of a compiler's log, if the error has one; else of the error."""
    _, built, log = str(error).partition("\nBuild on ")
    lines = [line.strip() for line in log.splitlines()[1:] if line.strip()]
    return f"its compiler says: {lines[0]}" if built and lines else line_of(error)


if __name__ == "__main__":
    main(sys.argv[1:], lambda line: print(json.dumps(line), flush=True))  # noqa: T201 - to its parent
